"""Piccolo's view of the tables for pausing, leaving and safeguarding; ``tables`` shows them with the others."""

from piccolo.columns import UUID, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Pause(Table, tablename="pause", db=ENGINE):
    """A time in which a member books nothing and keeps everything."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    why = Text(null=False, default=None)
    until_on = Date(null=True, default=None)
    begun_by = BigInt(null=True, default=None)
    begun_at = Timestamptz(null=False, default=None)
    ended_at = Timestamptz(null=True, default=None)


class Departure(Table, tablename="departure", db=ENGINE):
    """A member who leaves: asked for, taken back or done."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    state = Text(null=False, default="waiting")
    asked_by = BigInt(null=True, default=None)
    asked_at = Timestamptz(null=False, default=None)
    erase_at = Timestamptz(null=False, default=None)
    ended_by = BigInt(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    minutes = BigInt(null=True, default=None)
    entry_id = UUID(null=True, default=None)
    rules_version = Integer(null=True, default=None)


class SafeguardingPerson(Table, tablename="safeguarding_person", db=ENGINE):
    """The safeguarding lead, a deputy, or an independent person."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    member_id = BigInt(null=False, default=None)
    part = Text(null=False, default=None)
    named_by = BigInt(null=True, default=None)
    named_at = Timestamptz(null=False, default=None)


class MemberAge(Table, tablename="member_age", db=ENGINE):
    """Whether a member is of age; the day of birth only of those who are not."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    member_id = BigInt(null=False, default=None)
    born_on = Date(null=True, default=None)
    recorded_by = BigInt(null=True, default=None)
    recorded_at = Timestamptz(null=False, default=None)


class GuardianConsent(Table, tablename="guardian_consent", db=ENGINE):
    """A guardian's yes to a younger member's taking part."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    guardian_name = Text(null=False, default=None)
    guardian_contact = Text(null=False, default=None)
    how = Text(null=False, default=None)
    given_on = Date(null=False, default=None)
    recorded_by = BigInt(null=True, default=None)
    recorded_at = Timestamptz(null=False, default=None)
    withdrawn_on = Date(null=True, default=None)
    withdrawn_by = BigInt(null=True, default=None)


class MemberCheck(Table, tablename="member_check", db=ENGINE):
    """A check or a reference that somebody saw."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    number = Text(null=False, default="")
    issued_on = Date(null=False, default=None)
    expires_on = Date(null=False, default=None)
    seen_by = BigInt(null=True, default=None)
    recorded_at = Timestamptz(null=False, default=None)
    ended_at = Timestamptz(null=True, default=None)
    ended_by = BigInt(null=True, default=None)


class MemberBlock(Table, tablename="member_block", db=ENGINE):
    """Somebody whom a member does not want to meet."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    member_id = BigInt(null=False, default=None)
    blocked_id = BigInt(null=False, default=None)
    blocked_at = Timestamptz(null=False, default=None)
