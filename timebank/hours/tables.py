"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import UUID, BigInt, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Gift(Table, tablename="gift", db=ENGINE):
    """The note of a gift, beside what its ledger entry says. No ``to_member_id``: it went to the pot."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    entry_id = UUID(null=False, default=None)
    from_member_id = BigInt(null=False, default=None)
    to_member_id = BigInt(null=True, default=None)
    minutes = Integer(null=False, default=None)
    note = Text(null=False, default="")
    given_at = Timestamptz(null=False, default=None)


class PotAsk(Table, tablename="pot_ask", db=ENGINE):
    """Hours from the pot: asked for by a member, or offered to one by a coordinator."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    minutes = Integer(null=False, default=None)
    what_for = Text(null=False, default="")
    asked_by = BigInt(null=False, default=None)
    asked_at = Timestamptz(null=False, default=None)
    state = Text(null=False, default=None)
    given_minutes = Integer(null=True, default=None)
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    reason = Text(null=False, default="")
    entry_id = UUID(null=True, default=None)
