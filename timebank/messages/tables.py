"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class MessageRow(Table, tablename="message", db=ENGINE):
    """A message to one member: written with what it is about, sent later by their own channel."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    subject = Text(null=False, default=None)
    body = Text(null=False, default=None)
    path = Text(null=False, default="")
    is_urgent = Boolean(null=False, default=False)
    state = Text(null=False, default="waiting")
    dedupe = Text(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    only_route = Text(null=False, default="")
    only_address = Text(null=False, default="")
