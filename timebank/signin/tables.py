"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class SignInAsk(Table, tablename="sign_in_ask", db=ENGINE):
    """One browser's wish to sign in with a code."""

    ask_sha256 = Bytea(primary_key=True, null=False, default=None)
    channel = Text(null=False, default=None)
    address_sha256 = Bytea(null=False, default=None)
    network = Text(null=False, default=None)
    code_sha256 = Bytea(null=False, default=None)
    link_sha256 = Bytea(null=True, default=None)
    wrong_tries = Integer(null=False, default=0)
    created_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    proved_at = Timestamptz(null=True, default=None)
    used_at = Timestamptz(null=True, default=None)


class SignInAskMember(Table, tablename="sign_in_ask_member", db=ENGINE):
    """Whom an ask may sign in."""

    ask_sha256 = Bytea(primary_key=True, null=False, default=None)
    timebank_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    code_sha256 = Bytea(null=True, default=None)


class Passkey(Table, tablename="passkey", db=ENGINE):
    """A key pair that a phone or computer keeps for a member; the public half."""

    credential_id = Bytea(primary_key=True, null=False, default=None)
    timebank_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    public_key = Bytea(null=False, default=None)
    sign_count = BigInt(null=False, default=0)
    name = Text(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    last_used_at = Timestamptz(null=True, default=None)


class PasskeyChallenge(Table, tablename="passkey_challenge", db=ENGINE):
    """What a page asked a phone to sign."""

    challenge_sha256 = Bytea(primary_key=True, null=False, default=None)
    purpose = Text(null=False, default=None)
    timebank_id = BigInt(null=True, default=None)
    member_id = BigInt(null=True, default=None)
    expires_at = Timestamptz(null=False, default=None)
