"""What may be claimed, how much it is, and who may decide. Pure.

    draft -> sent -> agreed            one payment to the member, of the costs that are right
             sent -> declined          none of them
             sent -> asked -> sent     a question, and its answer
             sent, asked -> draft      taken back

Receipted expenses are reimbursement, not income: nobody gets more than they paid, or than the rate of that day.
"""

from datetime import date, timedelta

import msgspec

from timebank.banks.rules import Rules
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, Words, mark, say, say_n

BUS, TRAIN, TAXI, MILEAGE, CARER, MEAL, OTHER = "bus", "train", "taxi", "mileage", "carer", "meal", "other"
KINDS = (BUS, TRAIN, TAXI, MILEAGE, CARER, MEAL, OTHER)
KIND_NAMES = {
    BUS: mark("Bus"),
    TRAIN: mark("Train"),
    TAXI: mark("Taxi"),
    MILEAGE: mark("My own car"),
    CARER: mark("A carer or supporter"),
    MEAL: mark("A meal"),
    OTHER: mark("Something else"),
}
RATED = (MILEAGE, CARER)
"""What is worked out by a rate; of a meal the rate is the most that is paid."""

DRAFT, SENT, ASKED, AGREED, DECLINED = "draft", "sent", "asked", "agreed", "declined"
STATES = (DRAFT, SENT, ASKED, AGREED, DECLINED)
WAITING = (SENT, ASKED)

MAX_LINES = 30
MAX_WHAT_FOR = 200
MAX_WHY = 200
MAX_WORDS = 500
MAX_TENTHS_OF_MILE = 10_000  # a thousand miles
MAX_MINUTES = 24 * 60
MAX_LINE_PENCE = 1_000_000
MINUTES_PER_HOUR = 60
TENTHS_PER_MILE = 10


class UnknownClaim(LookupError):
    """The time bank has no such claim, or the person may not see it."""


class NewLine(msgspec.Struct, frozen=True, kw_only=True):
    """One cost as the member says it; for a session, or for time that they gave (``contribution_id``).

    ``pence`` is what they paid; for mileage and carers it follows from the rate.

    ``duplicate_reason`` says why the same cost is there a second time, when it is.
    """

    kind: str
    day: date
    what_for: str = ""
    session_id: int | None = None
    contribution_id: int | None = None
    tenths_of_mile: int | None = None
    minutes: int | None = None
    pence: int | None = None
    receipt_id: int | None = None
    no_receipt_why: str = ""
    duplicate_reason: str = ""


class ClaimFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One claim as the rules see it. ``helpers`` added its costs for the member."""

    id: int
    reference: str
    member_id: int
    state: str
    sent_by: int | None
    lines: int
    helpers: frozenset[int] = frozenset()


def half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number, halves upwards; for amounts that are not negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def mileage_pence(tenths_of_mile: int, pence_per_mile: int) -> int:
    """What a drive costs: tenths of a mile times pence per mile, rounded once, halves up."""
    return half_up(tenths_of_mile * pence_per_mile, TENTHS_PER_MILE)


def carer_pence(minutes: int, pence_per_hour: int) -> int:
    """What a carer's time costs: minutes times pence per hour, rounded once, halves up."""
    return half_up(minutes * pence_per_hour, MINUTES_PER_HOUR)


def pence_of(line: NewLine, rate_pence: int | None) -> int:
    """What a checked line comes to, in minor units."""
    if line.kind == MILEAGE:
        return mileage_pence(line.tenths_of_mile or 0, rate_pence or 0)
    if line.kind == CARER:
        return carer_pence(line.minutes or 0, rate_pence or 0)
    return line.pence or 0


def miles_in_words(tenths: int) -> str:
    """``12.5``: miles as people write them."""
    whole, part = divmod(tenths, TENTHS_PER_MILE)
    return f"{whole}.{part}" if part else str(whole)


def parse_miles(text: str, field: str = "miles") -> int | Refusal:
    """Tenths of a mile from what somebody typed: ``12``, ``12.5``, ``12,5 miles``; exact, never rounded.

    Refusals: ``miles_missing``, ``miles_unreadable``, ``miles_zero``, ``miles_too_many``.
    """
    typed = text.strip().lower().removesuffix("miles").removesuffix("mile").strip().replace(",", ".")
    if not typed:
        return Refusal("miles_missing", say("Enter how many miles."), field)
    whole, point, part = typed.partition(".")
    digits = whole or "0"
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 6
    if not is_number or (point and not (part.isascii() and part.isdigit() and len(part) == 1)):
        return Refusal("miles_unreadable", say("Enter miles like 12 or 12.5, with one digit after the point."), field)
    tenths = int(digits) * TENTHS_PER_MILE + int(part or "0")
    if tenths == 0:
        return Refusal("miles_zero", say("Enter how many miles."), field)
    if tenths > MAX_TENTHS_OF_MILE:
        most = MAX_TENTHS_OF_MILE // TENTHS_PER_MILE
        return Refusal("miles_too_many", say("Enter up to {most} miles for one day.", most=f"{most:,}"), field)
    return tenths


def check_line(line: NewLine, in_force: Rules, on: date, *, rate_pence: int | None, currency: str) -> list[Refusal]:
    """What is to be put right about one cost. ``rate_pence`` is the rate of its day, None when there is none.

    Refusals: ``kind_unknown``, ``date_in_future``, ``date_too_far_back``, ``words_too_long``, ``what_for_missing``,
    ``miles_missing``, ``length_missing``, ``length_too_long``, ``rate_missing``, ``amount_missing``,
    ``amount_too_large``, ``above_the_rate``, ``receipt_missing``, ``receipt_needed``.
    """
    if line.kind not in KINDS:
        return [Refusal("kind_unknown", say("Choose what you paid for."), "kind")]
    found = [_check_day(line.day, in_force, on), *_check_words(line), _check_amount(line, rate_pence, currency)]
    refusals = [refusal for refusal in found if refusal is not None]
    if not any(refusal.field in ("amount", "miles", "length") for refusal in refusals):
        missing = check_receipt(line, pence_of(line, rate_pence), in_force.receipt_needed_above_pence, currency)
        refusals += [missing] if missing else []
    return refusals


def _check_day(day: date, in_force: Rules, on: date) -> Refusal | None:
    if day > on:
        return Refusal("date_in_future", say("{day} is still to come. Choose an earlier day.", day=day), "day")
    if day < on - timedelta(days=in_force.claims_back_days):
        message = say_n(
            in_force.claims_back_days,
            "You can claim up to {n} day back. Ask a coordinator about older costs.",
            "You can claim up to {n} days back. Ask a coordinator about older costs.",
        )
        return Refusal("date_too_far_back", message, "day")
    return None


def _check_words(line: NewLine) -> list[Refusal]:
    fields = (
        ("what_for", line.what_for, MAX_WHAT_FOR),
        ("no_receipt_why", line.no_receipt_why, MAX_WHY),
        ("again", line.duplicate_reason, MAX_WHY),
    )
    refusals = [
        Refusal("words_too_long", say("Say it in up to {most} letters.", most=most), field)
        for field, text, most in fields
        if len(text) > most
    ]
    if line.kind == OTHER and not line.what_for.strip():
        refusals.append(Refusal("what_for_missing", say("Say in a few words what it was for."), "what_for"))
    return refusals


def _check_amount(line: NewLine, rate_pence: int | None, currency: str) -> Refusal | None:
    found = _check_rated(line, rate_pence) if line.kind in RATED else _check_paid(line, rate_pence, currency)
    if found is None and pence_of(line, rate_pence) == 0:
        field = {MILEAGE: "miles", CARER: "length"}.get(line.kind, "amount")
        return Refusal("amount_zero", say("This comes to nothing. Look at it again."), field)
    return found


def _check_rated(line: NewLine, rate_pence: int | None) -> Refusal | None:
    if rate_pence is None:
        message = say("We have no rate for this on that day. Ask your coordinator.")
        return Refusal("rate_missing", message, "miles" if line.kind == MILEAGE else "length")
    if line.kind == MILEAGE:
        if line.tenths_of_mile is None or not 0 < line.tenths_of_mile <= MAX_TENTHS_OF_MILE:
            return Refusal("miles_missing", say("Enter how many miles."), "miles")
    elif line.minutes is None or line.minutes <= 0:
        return Refusal("length_missing", say("Enter how long they were there."), "length")
    elif line.minutes > MAX_MINUTES:
        message = say("Enter up to {most} for one day.", most=Minutes(MAX_MINUTES))
        return Refusal("length_too_long", message, "length")
    return None


def _check_paid(line: NewLine, rate_pence: int | None, currency: str) -> Refusal | None:
    if line.pence is None or line.pence <= 0:
        message = say("Enter an amount, like {amount}.", amount=in_words(420, currency))
        return Refusal("amount_missing", message, "amount")
    if line.pence > MAX_LINE_PENCE:
        most = in_words(MAX_LINE_PENCE, currency)
        return Refusal("amount_too_large", say("Enter an amount up to {most}.", most=most), "amount")
    if line.kind == MEAL and rate_pence is not None and line.pence > rate_pence:
        message = say("We pay up to {most} for a meal. Enter that, or less.", most=in_words(rate_pence, currency))
        return Refusal("above_the_rate", message, "amount")
    return None


def check_receipt(line: NewLine, pence: int, most_without: int, currency: str) -> Refusal | None:
    """A cost needs its receipt, or below the limit of the rules a reason why there is none. A drive has none."""
    if line.kind == MILEAGE or line.receipt_id is not None:
        return None
    if pence > most_without:
        if most_without == 0:
            return Refusal("receipt_needed", say("Add a photo of the receipt."), "photo")
        most = in_words(most_without, currency)
        return Refusal("receipt_needed", say("Add a photo of the receipt. It is over {most}.", most=most), "photo")
    if not line.no_receipt_why.strip():
        return Refusal("receipt_missing", say("Add a photo of the receipt, or say why there is none."), "photo")
    return None


def check_send(actor: Actor, claim: ClaimFacts, how_agreed: str) -> list[Refusal]:
    """May it be sent now? Refusals: ``wrong_state``, ``nothing_to_send``, ``how_agreed_missing``,
    ``words_too_long``.
    """
    if claim.state != DRAFT:
        return [Refusal("wrong_state", say("This is sent already."))]
    refusals = []
    if claim.lines == 0:
        refusals.append(Refusal("nothing_to_send", say("Add a cost first.")))
    if actor.member_id != claim.member_id and not how_agreed.strip():
        refusals.append(Refusal("how_agreed_missing", "Say how they agreed to this claim.", "how_agreed"))
    if len(how_agreed) > MAX_WORDS - MAX_WHY:
        refusals.append(Refusal("words_too_long", f"Use up to {MAX_WORDS - MAX_WHY} letters.", "how_agreed"))
    return refusals


def check_decider(actor: Actor, claim: ClaimFacts) -> list[Refusal]:
    """May this person look at this claim? Never who is paid, nor who sent it or added to it.

    Refusals: ``not_allowed``, ``wrong_state``, ``pays_yourself``, ``own_submission``.
    """
    if not actor.has(COORDINATOR) or actor.on_behalf_of is not None:
        return [Refusal("not_allowed", "Only a coordinator, or their deputy, can decide about a claim.")]
    if claim.state not in WAITING:
        return [Refusal("wrong_state", "This claim is not waiting any more.")]
    if actor.member_id == claim.member_id:
        return [Refusal("pays_yourself", "This claim pays you. Somebody else decides about it.")]
    if actor.member_id == claim.sent_by or actor.member_id in claim.helpers:
        message = "You filled this in for them. Somebody else decides about it."
        return [Refusal("own_submission", message)]
    return []


def check_words(words: str, code: str, message: str | Words, field: str) -> list[Refusal]:
    """Something has to be said, and not too much: refusals ``code`` and ``words_too_long``."""
    if not words.strip():
        return [Refusal(code, message, field)]
    if len(words) > MAX_WORDS:
        return [Refusal("words_too_long", say("Say it in up to {most} letters.", most=MAX_WORDS), field)]
    return []
