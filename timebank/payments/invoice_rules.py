"""What a supplier's invoice settles: which payables, how much of each, and what becomes of a difference. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.payments import rules
from timebank.payments.rules import PayableFacts

SETTLED, DISPUTED, EXPLAINED, WITHDRAWN = "settled", "disputed", "explained", "withdrawn"
STATE_NAMES: Final = {
    DISPUTED: "Disputed",
    SETTLED: "Matched",
    EXPLAINED: "Explained",
    WITHDRAWN: "Withdrawn",
}
STATE_TAGS: Final = {DISPUTED: "stop", SETTLED: "good", EXPLAINED: "info", WITHDRAWN: None}
CORRECT, LEAVE = "correct", "leave"

MAX_COVERED = 500
"""Payables of one invoice."""
MAX_DUE_DAYS = 366
MAX_SUGGESTED_FROM = 60
MAX_SUMS = 20_000


class EnterInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier's invoice and the payables (``references``) it is for. Amounts are in minor units.

    ``when_lower``: what becomes of the last payable where the invoice is lower than all of them: ``correct`` (we owe
    less) or ``leave`` (a part is left for another invoice); ``reason`` says why.
    """

    payee_id: int
    number: str
    invoiced_on: date
    due_on: date
    net_pence: int
    tax_pence: int
    gross_pence: int
    references: tuple[str, ...]
    when_lower: str = ""
    reason: str = ""


class InvoiceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice. ``covered_pence`` is what of it is matched with payables."""

    id: int
    payee_id: int
    payee_name: str
    number: str
    invoiced_on: date
    due_on: date
    net_pence: int
    tax_pence: int
    gross_pence: int
    currency: str
    state: str
    reason: str
    entered_by_name: str
    entered_at: datetime
    covered_pence: int
    payables: int
    papers: int

    @property
    def open_pence(self) -> int:
        """What of it no payable explains."""
        return self.gross_pence - self.covered_pence


class Coverable(msgspec.Struct, frozen=True, kw_only=True):
    """A payable of the supplier, and how much of it no invoice covers yet."""

    payable: PayableFacts
    source_kind: str
    source_id: int
    open_pence: int


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """What an invoice settles of one payable: ``pence``, with ``tax_pence`` of it tax.

    ``corrected_pence``: what the payable is made smaller to; ``is_part``: a part of it is left for another invoice.
    """

    found: Coverable
    pence: int
    tax_pence: int
    corrected_pence: int | None = None
    is_part: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What entering an invoice does, and the state it is then in."""

    items: tuple[Covered, ...]
    state: str


def number_key(number: str) -> str:
    """Equal for numbers that people take for the same, such as ``INV-12`` and ``inv 12``: letters and digits only."""
    return "".join(character for character in number.casefold() if character.isalnum()).lstrip("0")[:35]


def check_entered(command: EnterInvoice, *, today: date) -> list[Refusal]:
    """What stands in the way of what the invoice itself says; each refusal names its field."""
    refusals = []
    if not command.number or not number_key(command.number):
        refusals.append(Refusal("number_missing", "Enter the invoice number, with a letter or a digit.", "number"))
    elif len(command.number) > rules.MAX_INVOICE_NUMBER:
        text = f"Shorten the invoice number to {rules.MAX_INVOICE_NUMBER} characters or fewer."
        refusals.append(Refusal("number_too_long", text, "number"))
    if command.invoiced_on > today:
        refusals.append(Refusal("date_in_future", "Enter the date on the invoice, today or earlier.", "invoiced_on"))
    if not command.invoiced_on <= command.due_on <= command.invoiced_on + timedelta(days=MAX_DUE_DAYS):
        text = "Enter a day from the invoice’s date on, at most a year later."
        refusals.append(Refusal("due_out_of_range", text, "due_on"))
    if not 0 < command.gross_pence <= rules.MAX_PENCE:
        refusals.append(Refusal("gross_out_of_range", "Enter the total, above zero, up to a million.", "gross_pence"))
    elif min(command.net_pence, command.tax_pence) < 0 or command.net_pence + command.tax_pence != command.gross_pence:
        text = "Net and tax do not add up to the total. Check the three amounts."
        refusals.append(Refusal("amounts_differ", text, "gross_pence"))
    return refusals + rules.check_reason_length(command.reason)


def plan(
    gross_pence: int,
    tax_pence: int,
    ticked: Sequence[Coverable],
    *,
    when_lower: str = "",
    reason: str = "",
    currency: str,
    whole_pence: int | None = None,
) -> Plan | list[Refusal]:
    """Match an amount with payables. ``whole_pence`` is the whole invoice, where ``gross_pence`` is what is left of it.

    Refusals: ``references_missing``, ``too_many``, ``covered_before``, ``far_too_low``, ``lower_undecided``,
    ``reason_missing``, ``not_correctable``.
    """
    if not ticked:
        text = "Tick what this invoice is for. If it is for something else, add that as a payment first."
        return [Refusal("references_missing", text, "references")]
    if len(ticked) > MAX_COVERED:
        return [Refusal("too_many", f"One invoice can be for {MAX_COVERED} payments at most.", "references")]
    for one in ticked:
        if one.open_pence <= 0:
            text = f"Another invoice is for payment {one.payable.reference} already. Untick it."
            return [Refusal("covered_before", text, "references")]
    total = sum(one.open_pence for one in ticked)
    short = total - gross_pence
    last = ticked[-1]
    if short > 0 and (refused := _check_lower(last, short, when_lower, reason, currency)):
        return refused
    amounts = [one.open_pence for one in ticked]
    if short > 0:
        amounts[-1] -= short
    taxes = shares(tax_pence, amounts, whole_pence or gross_pence)
    items = [
        Covered(found=one, pence=pence, tax_pence=tax) for one, pence, tax in zip(ticked, amounts, taxes, strict=True)
    ]
    if short > 0 and when_lower == CORRECT:
        items[-1] = msgspec.structs.replace(items[-1], corrected_pence=last.payable.pence - short)
    elif short > 0:
        items[-1] = msgspec.structs.replace(items[-1], is_part=True)
    return Plan(items=tuple(items), state=DISPUTED if short < 0 else SETTLED)


def shares(tax_pence: int, amounts: Sequence[int], gross_pence: int) -> list[int]:
    """Spread the tax of an invoice over what it covers, in proportion; over all of it they add up to the tax."""
    found, before, so_far = [], 0, 0
    for amount in amounts:
        so_far += amount
        upto = tax_pence * so_far // gross_pence
        found.append(min(upto - before, amount))
        before = upto
    return found


def suggest(gross_pence: int, there: Sequence[Coverable], *, invoiced_on: date) -> list[str]:
    """References of payables that add up to the total exactly, oldest first; [] when none do. A suggestion only.

    Only what was earned by the day of the invoice, and at most :data:`MAX_SUGGESTED_FROM` payables are looked at.
    """
    usable = [one for one in there if one.open_pence > 0 and one.payable.earned_on <= invoiced_on]
    usable = sorted(usable, key=lambda one: (one.payable.earned_on, one.payable.id))[:MAX_SUGGESTED_FROM]
    reached: dict[int, tuple[int, ...]] = {0: ()}
    for n, one in enumerate(usable):
        for pence, chosen in list(reached.items()):
            so_far = pence + one.open_pence
            if so_far <= gross_pence and so_far not in reached and len(reached) < MAX_SUMS:
                reached[so_far] = (*chosen, n)
    return [usable[n].payable.reference for n in reached.get(gross_pence, ())]


def check_explain(actor_refusals: list[Refusal], state: str, reason: str) -> list[Refusal]:
    """May a difference be explained? Refusals: ``nothing_disputed``, ``reason_missing``, ``reason_too_long``."""
    refusals = list(actor_refusals)
    if state != DISPUTED:
        refusals.append(Refusal("nothing_disputed", "Nothing is open about this invoice any more."))
    if not reason:
        refusals.append(Refusal("reason_missing", "Say why the invoice is higher.", "reason"))
    return refusals + rules.check_reason_length(reason)


def check_withdraw(state: str, payables: Sequence[PayableFacts], reason: str) -> list[Refusal]:
    """May an invoice entered by mistake be taken out? Not once anything it covers has left for the bank.

    Refusals: ``already_withdrawn``, ``has_left``, ``reason_missing``, ``reason_too_long``.
    """
    refusals = []
    if state == WITHDRAWN:
        refusals.append(Refusal("already_withdrawn", "This invoice is withdrawn already."))
    gone = [one.reference for one in payables if not may_change(one) or rules.has_left(one)]
    if gone:
        text = f"Payment {gone[0]} of this invoice has left already, so the invoice stays."
        refusals.append(Refusal("has_left", text))
    if not reason:
        refusals.append(Refusal("reason_missing", "Say why this invoice is withdrawn.", "withdraw_reason"))
    return refusals + rules.check_reason_length(reason)


def may_change(payable: PayableFacts) -> bool:
    """True while number, dates and tax of a payable can still be written: nothing of it is on its way or paid."""
    return payable.state in rules.BEFORE_EXPORT


def _check_lower(last: Coverable, short: int, when_lower: str, reason: str, currency: str) -> list[Refusal]:
    lower = in_words(short, currency)
    if short >= last.open_pence:
        text = f"The invoice is {lower} lower than what you ticked. Untick what it is not for."
        return [Refusal("far_too_low", text, "references")]
    refusals = []
    if when_lower not in (CORRECT, LEAVE):
        text = f"The invoice is {lower} lower than what you ticked. Say what becomes of that."
        refusals.append(Refusal("lower_undecided", text, "when_lower"))
    elif when_lower == CORRECT and (not may_change(last.payable) or last.payable.settled_pence):
        text = f"Payment {last.payable.reference} has left already, so it cannot be made smaller. Leave a part of it."
        refusals.append(Refusal("not_correctable", text, "when_lower"))
    if not reason:
        refusals.append(Refusal("reason_missing", f"Say why the invoice is {lower} lower.", "reason"))
    return refusals
