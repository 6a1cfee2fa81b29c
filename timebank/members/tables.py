"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


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
