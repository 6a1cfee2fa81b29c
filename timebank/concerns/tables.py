"""Piccolo’s view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import UUID, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Concern(Table, tablename="concern", db=ENGINE):
    """One member's question about one entry, who answers it, and the answer."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    about = Text(null=False, default=None)
    entry_id = UUID(null=True, default=None)
    contribution_id = BigInt(null=True, default=None)
    title = Text(null=False, default=None)
    entry_minutes = Integer(null=False, default=None)
    happened_on = Date(null=False, default=None)
    round = Integer(null=False, default=None)
    asked = Text(null=False, default=None)
    asked_by = BigInt(null=False, default=None)
    asked_at = Timestamptz(null=False, default=None)
    due_on = Date(null=False, default=None)
    owner_id = BigInt(null=True, default=None)
    owned_since = Timestamptz(null=True, default=None)
    state = Text(null=False, default=None)
    answer = Text(null=False, default="")
    answered_by = BigInt(null=True, default=None)
    answered_at = Timestamptz(null=True, default=None)
    spoken_by = Text(null=False, default="")
    changed_minutes = Integer(null=False, default=0)
    correction_entry_id = UUID(null=True, default=None)
    rules_version = Integer(null=False, default=None)


class ConcernStep(Table, tablename="concern_step", db=ENGINE):
    """One step of a question: asked, given to somebody, answered."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    concern_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    what = Text(null=False, default=None)
    actor_id = BigInt(null=True, default=None)
    owner_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)
    reason = Text(null=False, default="")
