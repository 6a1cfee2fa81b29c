"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import JSONB, BigInt, Bytea, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class SetupLink(Table, tablename="setup_link", db=ENGINE):
    """A link that lets whoever set the server up make the first time bank."""

    token_sha256 = Bytea(primary_key=True, null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    used_at = Timestamptz(null=True, default=None)


class SetupDraft(Table, tablename="setup_draft", db=ENGINE):
    """What has been filled in so far on the way to a new time bank."""

    token_sha256 = Bytea(primary_key=True, null=False, default=None)
    answers = JSONB(null=False, default="{}")
    created_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    timebank_id = BigInt(null=True, default=None)
    member_id = BigInt(null=True, default=None)
    group_id = BigInt(null=True, default=None)
