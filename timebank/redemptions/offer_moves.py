"""Another time or place for something that people have booked: their bookings go along, and they are told."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection, Rollback
from timebank.kit.actor import Actor
from timebank.kit.names import tidy
from timebank.kit.words import Clock, FullDay, joined, say
from timebank.messages.service import Message, send
from timebank.redemptions import offer_rules
from timebank.redemptions.offer_rules import ChangeOffer, OfferFacts

OPEN_BOOKINGS = """
select r.id, r.reference, r.member_id, r.expires_at, r.cancel_until, o.place
  from redemption r
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
 where r.timebank_id = $1 and r.offer_id = $2 and r.state in ('requested', 'accepted')
 order by r.id
   for no key update of r
"""
# Whoever can no longer come gets time to say so: never less than they were promised.
CANCEL_UNTIL = "update redemption set cancel_until = greatest(cancel_until, $3) where timebank_id = $1 and id = any($2)"


async def move_bookings(
    connection: Connection,
    actor: Actor,
    facts: OfferFacts,
    command: ChangeOffer,
    *,
    bank: TimeBankFacts,
    now: datetime,
) -> int:
    """Let the open bookings of a locked offer follow its new time or place; return how many members are told.

    Raises:
        Rollback: with the refusals of ``offer_rules.check_moved``.
    """
    bookings = await connection.fetch(OPEN_BOOKINGS, actor.timebank_id, facts.id)
    ends_first = min((row["expires_at"] for row in bookings), default=None)
    refusals = offer_rules.check_moved(starts_at=command.starts_at, was=facts.starts_at, ends_first=ends_first, now=now)
    if refusals:
        raise Rollback(refusals)
    place = tidy(command.place)
    if not bookings or (command.starts_at == facts.starts_at and place == bookings[0]["place"]):
        return 0
    if command.starts_at is not None and command.starts_at != facts.starts_at:
        until = command.starts_at - timedelta(hours=command.cancel_hours)
        await connection.execute(CANCEL_UNTIL, actor.timebank_id, [row["id"] for row in bookings], until)
    messages = [
        Message(
            member_id=row["member_id"],
            kind="booking_moved",
            subject=say("Your booking has changed: {reference}", reference=row["reference"]),
            body=_words(command, place, bank.time_zone),
            path=f"/bookings/{row['reference']}",
            dedupe=f"booking:{row['reference']}:moved:{facts.revision}",
        )
        for row in bookings
    ]
    await send(connection, actor.timebank_id, messages, now=now)
    return len({message.member_id for message in messages})


def _words(command: ChangeOffer, place: str, time_zone: str) -> str:
    lines = [say("{what}: the time or the place is different now.", what=tidy(command.title))]
    if command.starts_at is not None:
        here = command.starts_at.astimezone(ZoneInfo(time_zone))
        lines.append(say("When: {day}, {time}", day=FullDay(here.date()), time=Clock(here.time())))
    if place:
        lines.append(say("Where: {place}", place=place))
    lines.append(say("If you cannot come, cancel it on your bookings page. Your hours come back."))
    return joined(*lines, by="\n")
