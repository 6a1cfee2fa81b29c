"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Date, Integer, Text, Time, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class RegisterUpload(Table, tablename="register_upload", db=ENGINE):
    """A register file as it came, byte for byte. The same bytes are kept once."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    file_name = Text(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    content = Bytea(null=False, default=None)
    uploaded_by = BigInt(null=False, default=None)
    uploaded_at = Timestamptz(null=False, default=None)


class Register(Table, tablename="register", db=ENGINE):
    """One saved register: all or nothing, one reference, one undo."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    source = Text(null=False, default=None)
    upload_id = BigInt(null=True, default=None)
    recorded_by = BigInt(null=False, default=None)
    recorded_at = Timestamptz(null=False, default=None)
    undone_by = BigInt(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)
    left_out = JSONB(null=False, default=None)


class Guest(Table, tablename="guest", db=ENGINE):
    """Somebody who came and is no member yet; the name is empty once it is forgotten."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    name = Text(null=False, default=None)
    name_key = Text(null=False, default=None)
    added_by = BigInt(null=False, default=None)
    added_at = Timestamptz(null=False, default=None)
    member_id = BigInt(null=True, default=None)
    joined_at = Timestamptz(null=True, default=None)
    forgotten_at = Timestamptz(null=True, default=None)


class Contribution(Table, tablename="contribution", db=ENGINE):
    """Minutes that one member or guest gave, with who recorded it, who decided, and where they were credited."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    register_id = BigInt(null=False, default=None)
    line = Integer(null=False, default=None)
    activity_id = BigInt(null=True, default=None)
    member_id = BigInt(null=True, default=None)
    held_on = Date(null=False, default=None)
    minutes = Integer(null=False, default=None)
    what = Text(null=False, default="")
    state = Text(null=False, default=None)
    flagged = Text(null=False, default="")
    duplicate_reason = Text(null=False, default="")
    recorded_by = BigInt(null=False, default=None)
    recorded_at = Timestamptz(null=False, default=None)
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    decision_reason = Text(null=False, default="")
    entry_id = UUID(null=True, default=None)
    undo_entry_id = UUID(null=True, default=None)
    rules_version = Integer(null=False, default=None)
    guest_id = BigInt(null=True, default=None)
    kind = Text(null=False, default="given")
    starts_at = Time(null=True, default=None)
    preparation_minutes = Integer(null=False, default=0)
    travel_minutes = Integer(null=False, default=0)
    evidence = Text(null=False, default="")
    how_agreed = Text(null=False, default="")
    credited_to = Text(null=True, default=None)
    credited_id = BigInt(null=True, default=None)
    pot_minutes = Integer(null=False, default=0)
    query_state = Text(null=False, default="")
    acting_id = BigInt(null=True, default=None)


class Photo(Table, tablename="photo", db=ENGINE):
    """A picture that shows what somebody did, re-made without location."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    added_by = BigInt(null=False, default=None)
    added_at = Timestamptz(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    width = Integer(null=False, default=None)
    height = Integer(null=False, default=None)
    content = Bytea(null=False, default=None)


class Evidence(Table, tablename="evidence", db=ENGINE):
    """What somebody said and showed about time they gave."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    contribution_id = BigInt(null=False, default=None)
    words = Text(null=False, default="")
    photo_id = BigInt(null=True, default=None)


class ApproverDeputy(Table, tablename="approver_deputy", db=ENGINE):
    """Who decides in an approver's place, and on which days."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    approver_id = BigInt(null=False, default=None)
    deputy_id = BigInt(null=False, default=None)
    starts_on = Date(null=False, default=None)
    ends_on = Date(null=False, default=None)
    named_by = BigInt(null=False, default=None)
    named_at = Timestamptz(null=False, default=None)
    withdrawn_at = Timestamptz(null=True, default=None)


class ContributionReceiver(Table, tablename="contribution_receiver", db=ENGINE):
    """Whom an exchange was for, and the minutes that they paid for it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    contribution_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    minutes = Integer(null=False, default=0)


class ContributionChange(Table, tablename="contribution_change", db=ENGINE):
    """One thing that happened to a contribution after it was decided."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    contribution_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    step = Text(null=False, default=None)
    minutes_before = Integer(null=False, default=None)
    minutes_after = Integer(null=False, default=None)
    held_on_before = Date(null=False, default=None)
    held_on_after = Date(null=False, default=None)
    short_minutes = Integer(null=False, default=0)
    reason = Text(null=False, default="")
    changed_by = BigInt(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class ContributionEntry(Table, tablename="contribution_entry", db=ENGINE):
    """An entry of the ledger that such a change made."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    entry_id = UUID(null=False, default=None)
    contribution_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)


class RegisterDraft(Table, tablename="register_draft", db=ENGINE):
    """A register that somebody has begun and not saved yet: the form's fields as they were typed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    token = Text(null=False, default=None)
    activity_id = BigInt(null=False, default=None)
    held_on = Date(null=True, default=None)
    people = Integer(null=False, default=None)
    fields = JSONB(null=False, default=None)
    saved_at = Timestamptz(null=False, default=None)
