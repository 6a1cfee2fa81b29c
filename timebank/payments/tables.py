"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import UUID, BigInt, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Payee(Table, tablename="payee", db=ENGINE):
    """Whom the time bank pays: a supplier, or a member."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    name = Text(null=False, default=None)
    supplier_reference = Text(null=False, default="")
    member_id = BigInt(null=True, default=None)


class PaymentBatch(Table, tablename="payment_batch", db=ENGINE):
    """Payables exported together, with the bytes that left. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    number = Integer(null=False, default=None)
    format = Text(null=False, default=None)
    file_name = Text(null=False, default=None)
    content = Bytea(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    line_count = Integer(null=False, default=None)
    total_pence = BigInt(null=False, default=None)
    currency = Text(null=False, default=None)
    created_by = BigInt(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    entry_id = UUID(null=False, default=None)


class Payable(Table, tablename="payable", db=ENGINE):
    """One amount owed to one payee."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    kind = Text(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    pence = BigInt(null=False, default=None)
    currency = Text(null=False, default=None)
    description = Text(null=False, default=None)
    invoice_number = Text(null=False, default="")
    due_on = Date(null=False, default=None)
    state = Text(null=False, default=None)
    source_kind = Text(null=False, default=None)
    source_id = BigInt(null=False, default=None)
    earned_on = Date(null=False, default=None)
    entry_id = UUID(null=False, default=None)
    created_by = BigInt(null=True, default=None)
    created_at = Timestamptz(null=False, default=None)
    submitted_by = BigInt(null=True, default=None)
    approved_by = BigInt(null=True, default=None)
    approved_digest = Bytea(null=True, default=None)
    batch_number = Integer(null=True, default=None)
    settled_on = Date(null=True, default=None)
    reason = Text(null=False, default="")
    changed_at = Timestamptz(null=False, default=None)


class PayableEvent(Table, tablename="payable_event", db=ENGINE):
    """One step in the life of a payable: who, when, why, and the ledger entry it made."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    payable_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    state = Text(null=False, default=None)
    actor_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)
    reason = Text(null=False, default="")
    entry_id = UUID(null=True, default=None)
