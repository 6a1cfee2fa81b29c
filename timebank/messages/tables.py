"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Boolean, Integer, Text, Timestamptz
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
    delivery_id = BigInt(null=True, default=None)
    dedupe = Text(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    only_route = Text(null=False, default="")
    only_address = Text(null=False, default="")


class DeliveryRow(Table, tablename="delivery", db=ENGINE):
    """What goes out to one member: an e-mail, a text, a call or a letter, with one message in it or several."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    channel = Text(null=False, default=None)
    only_address = Text(null=False, default="")
    state = Text(null=False, default="waiting")
    attempts = Integer(null=False, default=0)
    trouble = Text(null=False, default="")
    batch = Integer(null=True, default=None)
    created_at = Timestamptz(null=False, default=None)
    queued_at = Timestamptz(null=False, default=None)
    next_at = Timestamptz(null=False, default=None)
    claimed_until = Timestamptz(null=True, default=None)
    sent_at = Timestamptz(null=True, default=None)
    settled_by = BigInt(null=True, default=None)


class TextOutbox(Table, tablename="text_outbox", db=ENGINE):
    """A text message that the demo would have sent."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    delivery_id = BigInt(null=False, default=None)
    body = Text(null=False, default=None)
    at = Timestamptz(null=False, default=None)
