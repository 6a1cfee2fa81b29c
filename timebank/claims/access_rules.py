"""What is paid so that somebody can take part: booked with a supplier, or given in cash and accounted for. Pure.

    supplier   booked -> cancelled                 owed to the supplier when it is booked
    advance    given -> settled                    spent + returned = given; who spent more is owed the rest

Two people stand behind every advance: who gave it does not settle it. It never goes to or from hours.
"""

from datetime import date

import msgspec

from timebank.kit.actor import COORDINATOR, FINANCE, Actor
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal

TAXI, CARER, INTERPRETER, OTHER = "taxi", "carer", "interpreter", "other"
KINDS = (TAXI, CARER, INTERPRETER, OTHER)
KIND_NAMES = {TAXI: "Taxi", CARER: "Carer or supporter", INTERPRETER: "Interpreter", OTHER: "Other"}
SUPPLIER, ADVANCE = "supplier", "advance"
BOOKED, GIVEN, SETTLED, CANCELLED = "booked", "given", "settled", "cancelled"

MAX_PENCE = 1_000_000
MAX_RECEIPTS = 30
MAX_WORDS = 200
MAX_SIGNED_NAME = 100
MAX_REASON = 500


class UnknownAccessCost(LookupError):
    """The time bank has no such access cost."""


class AccessFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One access cost as the rules see it. ``spent_pence`` is what its receipts add up to so far."""

    id: int
    reference: str
    member_id: int
    way: str
    payee_id: int
    pence: int
    state: str
    made_by: int
    spent_pence: int
    receipts: int
    day: date
    budget_id: int | None = None

    @property
    def owed_pence(self) -> int:
        """What the member spent beyond what they were given."""
        return max(0, self.spent_pence - self.pence)

    @property
    def left_pence(self) -> int:
        """What they still have of it."""
        return max(0, self.pence - self.spent_pence)


def check_new(actor: Actor, *, member_id: int, kind: str, pence: int, what_for: str, currency: str) -> list[Refusal]:
    """May a coordinator book this, or give this money? Refusals: ``not_allowed``, ``pays_yourself``, ``kind_unknown``,
    ``amount_out_of_range``, ``words_too_long``.
    """
    if not actor.has(COORDINATOR) or actor.on_behalf_of is not None:
        return [Refusal("not_allowed", "Only a coordinator can book this.")]
    refusals = []
    if actor.member_id == member_id:
        message = "Nobody arranges their own costs. Ask another coordinator."
        refusals.append(Refusal("pays_yourself", message, "member_id"))
    if kind not in KINDS:
        refusals.append(Refusal("kind_unknown", "Choose what it is.", "kind"))
    if not 0 < pence <= MAX_PENCE:
        message = f"Enter an amount above zero, up to {in_words(MAX_PENCE, currency)}."
        refusals.append(Refusal("amount_out_of_range", message, "amount"))
    if len(what_for) > MAX_WORDS:
        refusals.append(Refusal("words_too_long", f"Use up to {MAX_WORDS} letters.", "what_for"))
    return refusals


def check_signed(signed_name: str) -> list[Refusal]:
    """Money goes out against a signature: ``signature_missing``, ``words_too_long``."""
    if not signed_name:
        message = "Let them sign, then write here the name that they signed with."
        return [Refusal("signature_missing", message, "signed_name")]
    if len(signed_name) > MAX_SIGNED_NAME:
        return [Refusal("words_too_long", f"Use up to {MAX_SIGNED_NAME} letters.", "signed_name")]
    return []


def check_receipt(
    actor: Actor, cost: AccessFacts, *, what: str, pence: int, has_photo: bool, no_receipt_why: str, currency: str
) -> list[Refusal]:
    """May this receipt be added to an advance? Refusals: ``not_allowed``, ``wrong_state``, ``too_many_receipts``,
    ``what_missing``, ``words_too_long``, ``amount_out_of_range``, ``receipt_missing``.
    """
    refusals = check_open(actor, cost)
    if refusals:
        return refusals
    if cost.receipts >= MAX_RECEIPTS:
        refusals.append(Refusal("too_many_receipts", f"One advance takes {MAX_RECEIPTS} receipts. Settle this one."))
    if not what:
        refusals.append(Refusal("what_missing", "Say what was paid.", "what"))
    refusals += [
        Refusal("words_too_long", f"Use up to {MAX_WORDS} letters.", field)
        for field, text in (("what", what), ("no_receipt_why", no_receipt_why))
        if len(text) > MAX_WORDS
    ]
    if not 0 < pence <= MAX_PENCE:
        message = f"Enter an amount above zero, up to {in_words(MAX_PENCE, currency)}."
        refusals.append(Refusal("amount_out_of_range", message, "amount"))
    if has_photo == bool(no_receipt_why):
        message = "Add the photo of the receipt, or say why there is none; not both."
        refusals.append(Refusal("receipt_missing", message, "photo"))
    return refusals


def check_open(actor: Actor, cost: AccessFacts) -> list[Refusal]:
    """Staff may work on an open advance; never the one who got the money."""
    if not (actor.has(COORDINATOR) or actor.has(FINANCE)) or actor.on_behalf_of is not None:
        return [Refusal("not_allowed", "Only a coordinator or finance can do this.")]
    if actor.member_id == cost.member_id:
        return [Refusal("pays_yourself", "This money went to you. Ask somebody else.")]
    if cost.way != ADVANCE or cost.state != GIVEN:
        return [Refusal("wrong_state", "This is not an advance that waits for its receipts.")]
    return []


def check_settle(actor: Actor, cost: AccessFacts, *, returned_pence: int, currency: str) -> list[Refusal]:
    """May it be settled like this? ``returned_pence`` is what they hand back.

    Refusals: those of :func:`check_open`, ``own_submission`` (who gave it), ``does_not_add_up``.
    """
    refusals = check_open(actor, cost)
    if refusals:
        return refusals
    if actor.member_id == cost.made_by:
        message = "You gave this money out. Ask a colleague to settle it."
        refusals.append(Refusal("own_submission", message))
    if returned_pence != cost.left_pence:
        given, spent, left = (in_words(each, currency) for each in (cost.pence, cost.spent_pence, cost.left_pence))
        message = f"{given} was given and {spent} is shown by receipts, so {left} comes back. Add what is missing."
        refusals.append(Refusal("does_not_add_up", message, "returned"))
    return refusals


def check_cancel(actor: Actor, cost: AccessFacts, reason: str) -> list[Refusal]:
    """May a booking be cancelled? Refusals: ``not_allowed``, ``pays_yourself``, ``wrong_state``, ``reason_missing``,
    ``words_too_long``.
    """
    if not actor.has(COORDINATOR) or actor.on_behalf_of is not None:
        return [Refusal("not_allowed", "Only a coordinator can cancel this.")]
    if actor.member_id == cost.member_id:
        return [Refusal("pays_yourself", "This is for you. Ask another coordinator.")]
    if cost.state != BOOKED:
        return [Refusal("wrong_state", "Only a booking with a supplier can be cancelled.")]
    if not reason:
        return [Refusal("reason_missing", "Say why it is cancelled.", "reason")]
    if len(reason) > MAX_REASON:
        return [Refusal("words_too_long", f"Use up to {MAX_REASON} letters.", "reason")]
    return []
