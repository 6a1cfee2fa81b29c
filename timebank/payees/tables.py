"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Boolean, Bytea, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Payee(Table, tablename="payee", db=ENGINE):
    """Whom the time bank pays: a supplier, a member or a charity."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    name = Text(null=False, default=None)
    supplier_reference = Text(null=False, default="")
    member_id = BigInt(null=True, default=None)
    kind = Text(null=False, default="supplier")
    pay_by = Text(null=False, default="bank")
    email = Text(null=False, default="")
    town = Text(null=False, default="")
    country = Text(null=False, default="GB")
    is_open = Boolean(null=False, default=True)


class BankAccount(Table, tablename="bank_account", db=ENGINE):
    """An account to pay to, encrypted; without a payee the time bank's own."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    payee_id = BigInt(null=True, default=None)
    sealed = Bytea(null=False, default=None)
    mark = Bytea(null=False, default=None)
    last_four = Text(null=False, default=None)
    state = Text(null=False, default=None)
    why = Text(null=False, default="")
    proposed_by = BigInt(null=False, default=None)
    proposed_at = Timestamptz(null=False, default=None)
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)


class BankAccountLook(Table, tablename="bank_account_look", db=ENGINE):
    """Somebody saw a whole account number."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    account_id = BigInt(null=False, default=None)
    looked_by = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    why = Text(null=False, default=None)
