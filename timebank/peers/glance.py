"""What of helping each other belongs on a member's first page: who waits for their word, and one good match."""

from datetime import date, datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection
from timebank.peers import cards, queries
from timebank.peers.queries import AskLine
from timebank.peers.suggesting import Suggestion


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """The asks whose next word is this member's, newest first, and the best match, if there is one."""

    waiting: tuple[AskLine, ...] = ()
    match: Suggestion | None = None


async def glance(connection: Connection, timebank_id: int, member_id: int, *, on: date, now: datetime) -> Glance:
    """What a member's first page says on a day. No match while nobody leads on safeguarding (see ``meeting.is_on``)."""
    asks = await queries.open_of(connection, timebank_id, member_id)
    found = await cards.suggestions(connection, timebank_id, member_id, now, 1, asks=asks)
    if found:
        _, document = await banks.rules_in_force(connection, timebank_id, on)
        found = found if document.safeguarding_lead else []
    return Glance(
        waiting=tuple(each for each in asks if each.waits_for_me(member_id, now)),
        match=found[0] if found else None,
    )
