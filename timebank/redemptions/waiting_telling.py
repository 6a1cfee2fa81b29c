"""What members are told about places they wait for."""

from datetime import datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.kit.words import Clock, FullDay, Words, joined, say
from timebank.messages.service import Message
from timebank.redemptions.offer_rules import OfferFacts
from timebank.redemptions.telling import local
from timebank.redemptions.waiting_rules import WaitingFacts


def until_words(until: datetime, bank: TimeBankFacts) -> Words:
    """``Tuesday 3 March 2026, 2:05pm``, or only the day where it is the end of one."""
    when = local(until, bank)
    if (when.hour, when.minute) == (0, 0):
        return say("the end of {day}", day=FullDay(local(until - timedelta(minutes=1), bank).date()))
    return say("{day}, {time}", day=FullDay(when.date()), time=Clock(when.time().replace(second=0, microsecond=0)))


def of_place(turn: WaitingFacts, offer: OfferFacts, until: datetime, bank: TimeBankFacts) -> Message:
    """A place is free and kept for them."""
    parts: list[str] = [say("A place is free for you: {title}.", title=offer.title), *_when(offer, bank)]
    parts += [
        say("Do you want it? Please answer by {until}.", until=until_words(until, bank)),
        say("We keep the place for you until then. Nothing is set aside before you say yes."),
        say("No answer means that we ask the next person."),
    ]
    return _message(turn, "place_offered", say("A place is free for you"), parts, is_urgent=True)


def place_dedupe(turn: WaitingFacts) -> str:
    """What the message of a free place is known by, so that its arrival can be looked up."""
    return f"waiting:{turn.id}:place_offered"


def of_no_money(turn: WaitingFacts, offer: OfferFacts) -> Message:
    """A place is free, but nobody can have it just now. It names no money, and is said once."""
    parts: list[str] = [
        say("A place came free: {title}.", title=offer.title),
        say("We cannot give it to anyone just now."),
        say("You keep your turn, and no hours were used."),
        say("We write to you when the place is yours."),
    ]
    return _message(turn, "place_unfunded", say("You are still on the waiting list"), parts)


def of_silence(turn: WaitingFacts, offer: OfferFacts) -> Message:
    """Nobody answered, so the next person is asked."""
    parts: list[str] = [
        say("We had a place for you: {title}.", title=offer.title),
        say("We did not hear from you, so we asked the next person. That is fine."),
        say("Would you still like a place? You can go on the waiting list again."),
    ]
    return _message(turn, "place_passed", say("The place went to the next person"), parts)


def of_end(turn: WaitingFacts, offer: OfferFacts, reason: str) -> Message:
    """There is nothing to wait for any more."""
    first = say("You were on the waiting list: {title}.", title=offer.title)
    if reason:
        parts: list[str] = [first, say("It does not take place."), say("The reason: {reason}", reason=reason)]
    else:
        parts = [first, say("No place was free in time. We are sorry.")]
    return _message(turn, "waiting_ended", say("A waiting list has ended"), [*parts, say("No hours were used.")])


def of_adding(turn: WaitingFacts, offer: OfferFacts, by_whom: str, how_agreed: str) -> Message:
    """Somebody put them on the list."""
    parts: list[str] = [
        say("{name} put you on this waiting list: {title}.", name=by_whom, title=offer.title),
        say("We write to you when a place is free. No hours are set aside."),
        say("You can leave the list at any time. If you did not agree, tell us."),
    ]
    if how_agreed:
        parts.insert(1, say("Why: {reason}", reason=how_agreed))
    return _message(turn, "waiting_added", say("You are on a waiting list"), parts)


def of_removal(turn: WaitingFacts, offer: OfferFacts) -> Message:
    """Somebody took them off the list."""
    parts: list[str] = [
        say("You are not on this waiting list any more: {title}.", title=offer.title),
        say("No hours were used. Is this wrong? Please tell us."),
    ]
    return _message(turn, "waiting_removed", say("You are off a waiting list"), parts)


def _when(offer: OfferFacts, bank: TimeBankFacts) -> list[str]:
    if offer.starts_at is None:
        return []
    when = local(offer.starts_at, bank)
    return [say("It is on {day} at {time}.", day=FullDay(when.date()), time=Clock(when.time()))]


def _message(turn: WaitingFacts, kind: str, subject: Words, parts: list[str], *, is_urgent: bool = False) -> Message:
    return Message(
        member_id=turn.member_id,
        kind=kind,
        subject=subject,
        body=joined(*parts),
        path=f"/waiting/{turn.id}",
        is_urgent=is_urgent,
        dedupe=f"waiting:{turn.id}:{kind}",
    )
