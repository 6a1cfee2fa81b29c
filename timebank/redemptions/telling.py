"""What members are told about their bookings and about places they wait for, by their own channel.

Whoever does something themselves is told nothing: they see it on the page.
"""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from timebank.banks.rules import TimeBankFacts
from timebank.kit.actor import Actor
from timebank.kit.words import Clock, FullDay, Minutes, Words, joined, say
from timebank.messages.service import Message
from timebank.redemptions import rules
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_rules import OfferFacts
from timebank.redemptions.rules import BookingFacts
from timebank.redemptions.situation import Situation


def of_step(
    actor: Actor, situation: Situation, state: str, *, reason: str, minutes: int, came: bool | None
) -> list[Message]:
    """What the member is told when a booking is in ``state`` now; ``minutes`` are those used or given back."""
    booking, offer = situation.booking, situation.offer
    if actor.member_id == booking.member_id:
        return []
    if actor.member_id is None and actor.supplier_id is None and state != rules.TIMED_OUT:
        return []  # inside another use case, which tells them itself
    subject, parts = _of_state(booking, offer, state, minutes, came)
    if reason:
        parts.append(say("The reason: {reason}", reason=reason))
    return [_about(booking, f"booking_{state}", subject, parts, state)]


def _of_state(
    booking: BookingFacts, offer: OfferFacts, state: str, minutes: int, came: bool | None
) -> tuple[Words, list[str]]:
    reference, title = booking.reference, offer.title
    free = say("Your hours are free again: {hours}.", hours=Minutes(booking.minutes))
    if state == rules.ACCEPTED:
        return say("Booking {reference} is agreed", reference=reference), [
            say("It is agreed: {title}.", title=title),
            *(say(sentence) for sentence in kind_of(offer.kind).what_next(state)),
        ]
    if state == rules.DECLINED:
        return say("Booking {reference} is not possible", reference=reference), [
            say("We are sorry. This is not possible: {title}.", title=title),
            free,
        ]
    if state == rules.FULFILLED and came is False:
        return say("Booking {reference}: your hours are used", reference=reference), [
            say("We heard that you did not come: {title}.", title=title),
            say("You used {hours}. It said so when you booked.", hours=Minutes(minutes)),
            say("Were you ill, or is this wrong? Please tell us. We can give them back."),
        ]
    if state == rules.FULFILLED:
        return say("Booking {reference} is done", reference=reference), [
            say("You used {hours}: {title}.", hours=Minutes(minutes), title=title),
            say("If this is not right, please tell us."),
        ]
    if state == rules.MISSED:
        return say("Booking {reference}: your hours are free again", reference=reference), [
            say("We heard that you did not come: {title}.", title=title),
            free,
        ]
    if state == rules.TIMED_OUT:
        return say("Booking {reference}: your hours are free again", reference=reference), [
            say("This booking ran out of time: {title}.", title=title),
            free,
            say("You can book it again, or choose something else."),
        ]
    if state == rules.REFUNDED:
        return say("Booking {reference}: hours given back", reference=reference), [
            say("{hours} came back to you: {title}.", hours=Minutes(minutes), title=title)
        ]
    return say("Booking {reference} is cancelled", reference=reference), [
        say("This is cancelled: {title}.", title=title),
        free,
    ]


def of_more_time(booking: BookingFacts, title: str, last_day: date, reason: str, n: int) -> Message:
    """A booking got more time."""
    parts: list[str] = [
        say("There is more time for this: {title}.", title=title),
        say("Your hours stay set aside until {day}.", day=FullDay(last_day)),
    ]
    if reason:
        parts.append(say("The reason: {reason}", reason=reason))
    subject = say("Booking {reference} has more time", reference=booking.reference)
    return _about(booking, "booking_extended", subject, parts, f"extended:{n}")


def of_end(booking: BookingFacts, title: str, last_day: date) -> Message:
    """The hours of a booking will soon be free by themselves."""
    if booking.state == rules.ACCEPTED:
        what = say("You have not used this yet: {title}.", title=title)
    else:
        what = say("We have not been able to agree this yet: {title}.", title=title)
    parts = [
        what,
        say("Your hours stay set aside until {day}. Then they are free again.", day=FullDay(last_day)),
        say("Do you need more time? Please ask us."),
    ]
    subject = say("Booking {reference} ends on {day}", reference=booking.reference, day=FullDay(last_day))
    return _about(booking, "booking_ends", subject, parts, end_reminder(last_day))


def end_reminder(last_day: date) -> str:
    """What the reminder of an end is known by, so that its arrival can be looked up."""
    return f"ends:{last_day.isoformat()}"


def of_day(booking: BookingFacts, offer: OfferFacts, bank: TimeBankFacts, place: str) -> Message:
    """The day of a booking is near."""
    assert offer.starts_at is not None
    when = local(offer.starts_at, bank)
    parts: list[str] = [
        say("{title} is on {day} at {time}.", title=offer.title, day=FullDay(when.date()), time=Clock(when.time()))
    ]
    if place:
        parts.append(say("It is here: {place}.", place=place))
    until = local(booking.cancel_until, bank)
    parts.append(
        say(
            "If you cannot come, cancel by {day}, {time}. Then your hours are free again.",
            day=FullDay(until.date()),
            time=Clock(until.time()),
        )
    )
    subject = say("Booking {reference} is on {day}", reference=booking.reference, day=FullDay(when.date()))
    return _about(booking, "booking_soon", subject, parts, "soon")


def dedupe_of(booking: BookingFacts, about: str) -> str:
    """What a message about a booking is known by."""
    return f"booking:{booking.reference}:{about}"


def local(moment: datetime, bank: TimeBankFacts) -> datetime:
    """The moment on the clocks of the time bank."""
    return moment.astimezone(ZoneInfo(bank.time_zone))


def _about(booking: BookingFacts, kind: str, subject: Words, parts: Sequence[str], about: str) -> Message:
    return Message(
        member_id=booking.member_id,
        kind=kind,
        subject=subject,
        body=joined(*parts),
        path=f"/bookings/{booking.reference}",
        dedupe=dedupe_of(booking, about),
    )
