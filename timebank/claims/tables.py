"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import UUID, Array, BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Receipt(Table, tablename="receipt", db=ENGINE):
    """A photo of a receipt; without content once it is erased."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    added_by = BigInt(null=False, default=None)
    added_at = Timestamptz(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    width = Integer(null=False, default=None)
    height = Integer(null=False, default=None)
    content = Bytea(null=True, default=None)


class Claim(Table, tablename="claim", db=ENGINE):
    """What one member claims back, and how far it got."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    state = Text(null=False, default=None)
    made_by = BigInt(null=False, default=None)
    made_at = Timestamptz(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)
    sent_by = BigInt(null=True, default=None)
    sent_at = Timestamptz(null=True, default=None)
    how_agreed = Text(null=False, default="")
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    follows_id = BigInt(null=True, default=None)
    told = Text(null=False, default="")


class ClaimLine(Table, tablename="claim_line", db=ENGINE):
    """One cost of a claim."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    claim_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    kind = Text(null=False, default=None)
    day = Date(null=False, default=None)
    what_for = Text(null=False, default="")
    session_id = BigInt(null=True, default=None)
    tenths_of_mile = Integer(null=True, default=None)
    minutes = Integer(null=True, default=None)
    rate_pence = BigInt(null=True, default=None)
    rate_id = BigInt(null=True, default=None)
    pence = BigInt(null=False, default=None)
    receipt_id = BigInt(null=True, default=None)
    no_receipt_why = Text(null=False, default="")
    duplicate_reason = Text(null=False, default="")
    is_declined = Boolean(null=False, default=False)
    decline_reason = Text(null=False, default="")
    added_by = BigInt(null=False, default=None)
    added_at = Timestamptz(null=False, default=None)
    contribution_id = BigInt(null=True, default=None)


class ClaimEvent(Table, tablename="claim_event", db=ENGINE):
    """One step of a claim, and what was said with it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    claim_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    step = Text(null=False, default=None)
    actor_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    words = Text(null=False, default="")


class AccessCost(Table, tablename="access_cost", db=ENGINE):
    """A taxi, a carer or an interpreter: booked with a supplier, or paid with money given beforehand."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    session_id = BigInt(null=True, default=None)
    kind = Text(null=False, default=None)
    way = Text(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    day = Date(null=False, default=None)
    what_for = Text(null=False, default="")
    pence = BigInt(null=False, default=None)
    signed_name = Text(null=False, default="")
    state = Text(null=False, default=None)
    spent_pence = BigInt(null=False, default=0)
    returned_pence = BigInt(null=False, default=0)
    made_by = BigInt(null=False, default=None)
    made_at = Timestamptz(null=False, default=None)
    entry_id = UUID(null=True, default=None)
    ended_by = BigInt(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    end_reason = Text(null=False, default="")
    end_entry_ids = Array(base_column=UUID(), null=True, default=None)
    budget_id = BigInt(null=True, default=None)
    told = Text(null=False, default="")


class AccessReceipt(Table, tablename="access_receipt", db=ENGINE):
    """What a part of an advance was spent on."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    access_cost_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    what = Text(null=False, default=None)
    pence = BigInt(null=False, default=None)
    receipt_id = BigInt(null=True, default=None)
    no_receipt_why = Text(null=False, default="")
    added_by = BigInt(null=False, default=None)
    added_at = Timestamptz(null=False, default=None)
