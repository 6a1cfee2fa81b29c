"""What the member is told about their claims and about what is arranged for them. Pure."""

from collections.abc import Sequence
from datetime import date, datetime

from timebank.claims.rules import ClaimFacts
from timebank.kit.money import in_words
from timebank.kit.words import Words, joined, say
from timebank.messages.service import Message

KIND = "claims"


def sent_for_you(claim: ClaimFacts, now: datetime) -> Message:
    """Somebody sent a claim for them."""
    return _message(
        claim.member_id,
        say("A claim was sent for you"),
        say("Somebody sent a claim for your costs. Please look at it."),
        f"claim:{claim.id}:sent:{now.isoformat()}",
        claim.reference,
    )


def asked(claim: ClaimFacts, question: str, now: datetime) -> Message:
    """There is a question about their claim."""
    return _message(
        claim.member_id,
        say("We have a question about your claim"),
        joined(say("We have a question about your claim."), question, say("Please answer it, so that we can pay you.")),
        f"claim:{claim.id}:asked:{now.isoformat()}",
        claim.reference,
    )


def decided(claim: ClaimFacts, pence: int, reasons: Sequence[str], currency: str, now: datetime) -> Message:
    """What is paid, and what is not and why."""
    amount = in_words(pence, currency)
    parts: list[str] = []
    if pence:
        subject = say("We will pay you back {amount}", amount=amount)
        parts.append(say("Your claim is right. We will pay you back {amount}.", amount=amount))
    else:
        subject = say("About your claim")
    if reasons:
        parts.append(say("This is why some of it is not paid:") if pence else say("This is why it is not paid:"))
        parts += reasons
        parts.append(say("Do you see it another way? Tell us on the page of your claim."))
    body = joined(*parts)
    return _message(claim.member_id, subject, body, f"claim:{claim.id}:decided:{now.isoformat()}", claim.reference)


def booked_for_you(cost_id: int, member_id: int, kind: str, day: date) -> Message:
    """A taxi, a carer or an interpreter is booked for them."""
    words = {
        "taxi": say("A taxi is booked for you for {day}. We pay for it.", day=day),
        "carer": say("A carer is booked for you for {day}. We pay for it.", day=day),
        "interpreter": say("An interpreter is booked for you for {day}. We pay for it.", day=day),
    }
    body = words.get(kind) or say("Something is booked for you for {day}. We pay for it.", day=day)
    return _message(member_id, say("Something is booked for you"), body, f"access:{cost_id}:booked")


def booking_cancelled(cost_id: int, member_id: int, day: date, reason: str) -> Message:
    """What was booked for them is cancelled."""
    body = joined(say("What we booked for you for {day} is cancelled.", day=day), reason)
    return _message(member_id, say("A booking for you is cancelled"), body, f"access:{cost_id}:cancelled")


def money_given(cost_id: int, member_id: int, pence: int, currency: str, day: date) -> Message:
    """They were given money in advance."""
    amount = in_words(pence, currency)
    body = joined(
        say("We gave you {amount} for your costs on {day}.", amount=amount, day=day),
        say("Please bring the receipts, and what is left."),
    )
    return _message(member_id, say("Money for your costs"), body, f"access:{cost_id}:given")


def settled(cost_id: int, member_id: int, owed_pence: int, currency: str) -> Message:
    """Their advance is accounted for."""
    parts = [say("Thank you. The money we gave you is settled.")]
    if owed_pence:
        parts.append(say("You spent more. We will pay you {amount}.", amount=in_words(owed_pence, currency)))
    return _message(member_id, say("Your costs are settled"), joined(*parts), f"access:{cost_id}:settled")


def _message(member_id: int, subject: Words, body: Words, dedupe: str, reference: str = "") -> Message:
    path = f"/me/claims/{reference}" if reference else "/me/claims"
    return Message(member_id=member_id, kind=KIND, subject=subject, body=body, dedupe=dedupe, path=path)
