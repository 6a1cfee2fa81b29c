"""Messages to members of the demo, one for each way of being reached and a few more."""

from datetime import datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.kit.actor import Actor
from timebank.messages.service import Message, send

NOTICES = (
    ("Your hours were added", "We added the hours you gave this week.\n\nThank you.", "/hours"),
    ("We are closed on Monday", "The office is closed next Monday.\n\nWe are back on Tuesday at 9am.", ""),
)
EVERYBODY_UP_TO = 20
FRESH = timedelta(days=2)
KEEP = """
update message set state = 'kept' where timebank_id = $1 and state = 'waiting' and created_at < $2
"""


async def add_notices(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime) -> None:
    """Write the messages; the round sends them, each by its member's own way."""
    written = [
        Message(
            member_id=actors[name].member_id or 0,
            kind="demo",
            subject=subject,
            body=body,
            path=path,
            dedupe=f"demo-notice:{number}:{n}",
        )
        for number, name in enumerate(people.RIVERSIDE_PEOPLE[:EVERYBODY_UP_TO])
        for n, (subject, body, path) in enumerate(NOTICES)
    ]
    async with db.writing(facts.id) as connection:
        await send(connection, facts.id, written, now=anchor)


async def keep_the_past(db: Database, facts: TimeBankFacts, *, anchor: datetime) -> None:
    """What happened weeks ago in the demo is not told now: it stands on the members' pages, as if it had been."""
    async with db.writing(facts.id) as connection:
        await connection.execute(KEEP, facts.id, anchor - FRESH)
