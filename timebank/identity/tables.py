"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them.

All but ``acting`` are global (read before the time bank is known) and hold secrets only as digests: no names, no
contacts.
"""

from piccolo.columns import Array, BigInt, Boolean, Bytea, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Person(Table, tablename="person", db=ENGINE):
    """A human being, who may be a member of several time banks."""

    id = BigInt(primary_key=True, null=False, default=None)
    created_at = Timestamptz(null=False, default=None)


class WebSession(Table, tablename="web_session", db=ENGINE):
    """One browser that is signed in."""

    token_sha256 = Bytea(primary_key=True, null=False, default=None)
    timebank_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    csrf = Text(null=False, default=None)
    is_remembered = Boolean(null=False, default=None)
    device = Text(null=False, default="")
    created_at = Timestamptz(null=False, default=None)
    seen_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    acting_id = BigInt(null=True, default=None)
    confirmed_at = Timestamptz(null=True, default=None)


class Acting(Table, tablename="acting", db=ENGINE):
    """A stretch of time in which one member, in one browser, acts for another. It belongs to a time bank."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    actor_id = BigInt(null=False, default=None)
    subject_id = BigInt(null=False, default=None)
    as_supporter = Boolean(null=False, default=None)
    reason = Text(null=False, default=None)
    how_agreed = Text(null=False, default=None)
    started_at = Timestamptz(null=False, default=None)
    ends_at = Timestamptz(null=False, default=None)
    ended_at = Timestamptz(null=True, default=None)


class SignInLink(Table, tablename="sign_in_link", db=ENGINE):
    """A link that signs in once."""

    token_sha256 = Bytea(primary_key=True, null=False, default=None)
    timebank_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    used_at = Timestamptz(null=True, default=None)


class Card(Table, tablename="card", db=ENGINE):
    """A printed card; a member has at most one that works."""

    id = BigInt(primary_key=True, null=False, default=None)
    token_sha256 = Bytea(null=False, default=None)
    timebank_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    pin_hash = Text(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class SignInAttempt(Table, tablename="sign_in_attempt", db=ENGINE):
    """One try to sign in with a card and a PIN."""

    id = BigInt(primary_key=True, null=False, default=None)
    card_id = BigInt(null=True, default=None)
    network = Text(null=False, default=None)
    device_sha256 = Bytea(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    succeeded = Boolean(null=False, default=None)


class ApiToken(Table, tablename="api_token", db=ENGINE):
    """A program's permission to act as a member, within its scopes."""

    token_sha256 = Bytea(primary_key=True, null=False, default=None)
    timebank_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    name = Text(null=False, default=None)
    scopes = Array(base_column=Text(), null=False, default=list)
    created_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    revoked_at = Timestamptz(null=True, default=None)
