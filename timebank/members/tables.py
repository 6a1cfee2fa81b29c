"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import JSONB, Array, BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE
from timebank.members.tables_care import (  # noqa: F401 - shown here with the others of this room
    Departure,
    GuardianConsent,
    MemberAge,
    MemberBlock,
    MemberCheck,
    Pause,
    SafeguardingPerson,
)


class Member(Table, tablename="member", db=ENGINE):
    """A person's membership of one time bank."""

    timebank_id = BigInt(null=False, default=None)
    id = BigInt(primary_key=True, null=False, default=None)
    number = Integer(null=False, default=None)
    person_id = BigInt(null=False, default=None)
    display_name = Text(null=False, default=None)
    name_key = Text(null=False, default=None)
    email = Text(null=False, default="")
    phone = Text(null=False, default="")
    contact_route = Text(null=False, default="none")
    can_offer = Text(null=False, default="")
    note = Text(null=False, default="")
    status = Text(null=False, default="active")
    joined_on = Date(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    kind = Text(null=False, default="person")
    postal_address = Text(null=False, default="")
    language = Text(null=False, default="en")
    standing_choice = Text(null=False, default="hours")
    standing_to_id = BigInt(null=True, default=None)
    format_preference = Text(null=False, default="screen")
    access_needs = Text(null=False, default="")
    emergency_name = Text(null=False, default="")
    emergency_phone = Text(null=False, default="")
    contact_member_id = BigInt(null=True, default=None)
    revision = Integer(null=False, default=1)
    changed_by = BigInt(null=True, default=None)
    changed_at = Timestamptz(null=True, default=None)
    search_text = Text(null=True, default=None)  # made by the database
    upload_id = BigInt(null=True, default=None)
    easy_read = Boolean(null=False, default=False)
    large_text = Boolean(null=False, default=False)
    hours_shown = Text(null=False, default="have")
    skills_shown_to = Text(null=False, default="members")
    statement_checks = Boolean(null=False, default=False)
    statement_round = Integer(null=False, default=0)
    quiet_from = Integer(null=True, default=None)
    quiet_until = Integer(null=True, default=None)


class MemberRole(Table, tablename="member_role", db=ENGINE):
    """A role that a member holds; a participant needs none."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    member_id = BigInt(null=False, default=None)
    role = Text(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)


class AccessLog(Table, tablename="access_log", db=ENGINE):
    """A look at somebody else's record, or a way to sign in that was made for them."""

    timebank_id = BigInt(null=False, default=None)
    id = BigInt(primary_key=True, null=False, default=None)
    at = Timestamptz(null=False, default=None)
    actor_id = BigInt(null=False, default=None)
    subject_id = BigInt(null=False, default=None)
    what = Text(null=False, default=None)


class ConsentTopic(Table, tablename="consent_topic", db=ENGINE):
    """Something members can agree to, besides photos and the newsletter."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    title = Text(null=False, default=None)
    explanation = Text(null=False, default="")
    is_asked = Boolean(null=False, default=True)
    added_by = BigInt(null=True, default=None)
    added_at = Timestamptz(null=False, default=None)


class Consent(Table, tablename="consent", db=ENGINE):
    """One answer of a member: given or withdrawn, when and how."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    topic = Text(null=False, default=None)
    title = Text(null=False, default=None)
    is_given = Boolean(null=False, default=None)
    decided_on = Date(null=False, default=None)
    how = Text(null=False, default=None)
    recorded_by = BigInt(null=True, default=None)
    recorded_at = Timestamptz(null=False, default=None)


class Supporter(Table, tablename="supporter", db=ENGINE):
    """An agreement that somebody may act for a member."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    supporter_member_id = BigInt(null=True, default=None)
    outside_name = Text(null=False, default="")
    outside_contact = Text(null=False, default="")
    scope = Array(base_column=Text(), null=False, default=None)
    starts_on = Date(null=False, default=None)
    ends_on = Date(null=True, default=None)
    agreed_how = Text(null=False, default=None)
    agreed_on = Date(null=False, default=None)
    recorded_by = BigInt(null=True, default=None)
    recorded_at = Timestamptz(null=False, default=None)
    ended_at = Timestamptz(null=True, default=None)
    ended_by = BigInt(null=True, default=None)


class GroupMembership(Table, tablename="group_membership", db=ENGINE):
    """Somebody's time in a group or an organisation that is a member itself."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    group_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    from_on = Date(null=False, default=None)
    until_on = Date(null=True, default=None)
    recorded_by = BigInt(null=True, default=None)
    recorded_at = Timestamptz(null=False, default=None)


class MemberUpload(Table, tablename="member_upload", db=ENGINE):
    """A file of members as it came, and what became of it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    file_name = Text(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    content = Bytea(null=False, default=None)
    uploaded_by = BigInt(null=False, default=None)
    uploaded_at = Timestamptz(null=False, default=None)
    confirmed_by = BigInt(null=True, default=None)
    confirmed_at = Timestamptz(null=True, default=None)
    added = Integer(null=False, default=0)
    there_before = Integer(null=False, default=0)
    headings = Array(base_column=Text(), null=False, default=[])
    left_out = JSONB(null=False, default="[]")
