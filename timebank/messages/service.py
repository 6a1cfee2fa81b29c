"""Writing messages to members: in the transaction of what they are about, sent later by a job."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from timebank import languages
from timebank.db import Connection, offers_unread_languages
from timebank.kit.words import Words
from timebank.messages.handling import CallMade, call_made, letters_printed, print_letters, try_again

__all__ = ("CallMade", "Message", "call_made", "letters_printed", "print_letters", "send", "try_again")

MAX_SUBJECT = 140

SEND = """
insert into message
    (timebank_id, member_id, kind, subject, body, path, is_urgent, dedupe, only_route, only_address, created_at)
select $1, m.member_id, m.kind, m.subject, m.body, m.path, m.is_urgent, m.dedupe, m.only_route, m.only_address, $2
  from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::text[], $10::text[],
              $11::text[])
       as m (member_id, kind, subject, body, path, is_urgent, dedupe, only_route, only_address)
on conflict (timebank_id, dedupe) do nothing
"""
LANGUAGES_OF = "select id, language from member where timebank_id = $1 and id = any($2::bigint[])"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one member, in plain words.

    ``kind`` groups messages for digests and choices (``hours_added``, ``query_answered``). ``subject`` stands alone:
    it is all that a text message says, so it names no group, programme or condition. ``body`` has short paragraphs,
    without greeting and signature. Where they are :class:`~timebank.kit.words.Words` (``say``, ``joined``) the member
    reads them in their own language. ``path`` leads to the page it is about. ``is_urgent`` skips the digest. ``dedupe``
    says what it is about, so that a retry sends it once (``contribution:17:approved``). ``only_route`` and
    ``only_address``: send it there and not to where the member is reached now, because it tells that this was changed.
    """

    member_id: int
    kind: str
    subject: str
    body: str
    dedupe: str
    path: str = ""
    is_urgent: bool = False
    only_route: str = ""
    only_address: str = ""


async def send(connection: Connection, timebank_id: int, messages: Sequence[Message], *, now: datetime) -> None:
    """Write messages inside the open transaction. Each goes out later, by its member's own channel; one that is there
    already is not written again.
    """
    spoken = await _languages_of(connection, timebank_id, messages)
    await connection.execute(
        SEND,
        timebank_id,
        now,
        [each.member_id for each in messages],
        [each.kind for each in messages],
        [
            languages.translate(each.subject, spoken.get(each.member_id, languages.SOURCE))[:MAX_SUBJECT]
            for each in messages
        ],
        [languages.translate(each.body, spoken.get(each.member_id, languages.SOURCE)) for each in messages],
        [each.path for each in messages],
        [each.is_urgent for each in messages],
        [each.dedupe for each in messages],
        [each.only_route for each in messages],
        [each.only_address for each in messages],
    )


async def _languages_of(connection: Connection, timebank_id: int, messages: Sequence[Message]) -> dict[int, str]:
    """The language of each member to whom something is said that can be said in several."""
    ids = [each.member_id for each in messages if isinstance(each.subject, Words) or isinstance(each.body, Words)]
    if not ids:
        return {}
    unread = await offers_unread_languages(connection)
    rows = await connection.fetch(LANGUAGES_OF, timebank_id, ids)
    return {row["id"]: languages.spoken(row["language"], unread=unread) for row in rows}
