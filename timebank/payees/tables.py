"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Boolean, Bytea, Integer, Text, Timestamptz
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
    checked = Text(null=False, default="before")
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


class PayeeChange(Table, tablename="payee_change", db=ENGINE):
    """One changed field of a payee. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    field = Text(null=False, default=None)
    before = Text(null=False, default=None)
    after = Text(null=False, default=None)
    by_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)


class PayeeNotice(Table, tablename="payee_notice", db=ENGINE):
    """An e-mail to a payee who is no member."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    address = Text(null=False, default=None)
    subject = Text(null=False, default=None)
    body = Text(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    state = Text(null=False, default="waiting")
    attempts = Integer(null=False, default=0)
    next_at = Timestamptz(null=False, default=None)
    trouble = Text(null=False, default="")
