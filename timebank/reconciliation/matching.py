"""Which payment a line of a statement is. Pure: exact matches only; the rest is for a person.

A line is a payment when one of our end-to-end ids stands in it, alone or inside a longer text, with or without its
dash, and the amount is the payment's to the penny. Money out: it was paid. Money in: it came back. A line with several
of our end-to-end ids and their sum is these payments; one with the number of a payment run and the sum of all of it
that is still on its way is that run. What has been paid before is never paid again.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from timebank.payments.rules import EXPORTED, PAID, RETURNED, PaymentFacts
from timebank.reconciliation.rules import LineFacts

MAX_LETTERS = 300
WINDOW = 8
"""Characters of an end-to-end id without its dash."""
_RUN_WORDS = r"(?:PAYMENT RUN|PAY RUN|RUN|BATCH|PAYMENTS)"

Place = tuple[int, int]
"""Batch number and line: which payment."""


@dataclass(slots=True)
class Run:
    """A payment run: how many of its payments are on their way, and what they come to."""

    number: int
    left: int
    left_pence: int


@dataclass(slots=True)
class World:
    """What is known of payments: by reference, with what statements have shown of them already."""

    payments: dict[str, PaymentFacts]
    shown: set[tuple[int, int, str]] = field(default_factory=set)
    runs: dict[int, Run] = field(default_factory=dict)
    states: dict[Place, str] = field(default_factory=dict)
    paid_runs: set[int] = field(default_factory=set)

    def state(self, payment: PaymentFacts) -> str:
        """The state that it will have once the lines before are booked."""
        state = PAID if self._is_in_paid_run(payment) else payment.state
        return self.states.get((payment.batch_number, payment.line), state)

    def was_shown(self, payment: PaymentFacts, outcome: str) -> bool:
        """Has a statement shown this outcome already?"""
        is_shown = (payment.batch_number, payment.line, outcome) in self.shown
        return is_shown or (outcome == PAID and self._is_in_paid_run(payment))

    def show(self, payment: PaymentFacts, outcome: str) -> None:
        """A line shows this outcome; when it moves the payment, that leaves its run."""
        place = payment.batch_number, payment.line
        self.shown.add((*place, outcome))
        run = self.runs.get(payment.batch_number)
        if run is not None and outcome == PAID and self.state(payment) == EXPORTED:
            run.left -= 1
            run.left_pence -= payment.pence

    def _is_in_paid_run(self, payment: PaymentFacts) -> bool:
        return payment.state == EXPORTED and payment.batch_number in self.paid_runs


@dataclass(frozen=True, slots=True)
class Match:
    """What a line is. ``is_booked``: somebody marked it by hand before, so it posts nothing.

    Without a ``payment`` it is several ``payments``, or all of ``run`` that is on its way.
    """

    outcome: Literal["paid", "returned", "run"]
    payment: PaymentFacts | None = None
    payments: tuple[PaymentFacts, ...] = ()
    run: int | None = None
    is_booked: bool = False


def squeezed(text: str) -> str:
    """The text as references are compared: capital letters and digits only."""
    return re.sub(r"[^0-9A-Z]", "", text.upper())


def possible_references(line: LineFacts) -> set[str]:
    """Every text in a line that could be one of our end-to-end ids."""
    found: set[str] = set()
    for text in line.texts:
        letters = squeezed(text)[:MAX_LETTERS]
        for at in range(len(letters) - WINDOW + 1):
            found.add(f"{letters[at : at + 4]}-{letters[at + 4 : at + WINDOW]}")
    return found


def possible_runs(line: LineFacts, slug: str) -> set[int]:
    """Every number in a line that is called a payment run: ``RUN 12``, ``BATCH-0012``, ``RIVERSIDE-12``."""
    words = rf"(?:{_RUN_WORDS}|{re.escape(slug.upper())})[ #:/_.-]*0*(\d{{1,9}})\b"
    return {int(number) for text in line.texts for number in re.findall(words, text.upper())}


def match(lines: Sequence[LineFacts], world: World, slug: str) -> list[Match | None]:
    """What each line is, in order; later lines see what earlier ones did. None: a person says."""
    return [_match(line, world, slug) for line in lines]


def in_order(lines: Iterable[LineFacts]) -> list[LineFacts]:
    """Oldest first; of one day what went out before what came back."""
    return sorted(lines, key=lambda line: (line.booked_on, line.pence > 0, line.id))


def _match(line: LineFacts, world: World, slug: str) -> Match | None:
    named = [world.payments[one] for one in sorted(possible_references(line)) if one in world.payments]
    same = [payment for payment in named if payment.pence == abs(line.pence)]
    if len(same) == 1:
        return _payment(line, same[0], world)
    if same or line.pence >= 0:
        return None
    return _several(line, named, world) or _run(line, world, slug)


def _payment(line: LineFacts, payment: PaymentFacts, world: World) -> Match | None:
    outcome: Literal["paid", "returned"] = PAID if line.pence < 0 else RETURNED  # type: ignore[assignment]
    if world.was_shown(payment, outcome):
        return None
    state = world.state(payment)
    needed = EXPORTED if outcome == PAID else PAID
    # Marked by hand before the statement came: the line says the same again and posts nothing.
    by_hand = (PAID, RETURNED) if outcome == PAID else (RETURNED,)
    if state != needed and state not in by_hand:
        return None
    world.show(payment, outcome)
    if state == needed:
        world.states[payment.batch_number, payment.line] = outcome
    return Match(outcome, payment=payment, is_booked=state != needed)


def _several(line: LineFacts, named: Sequence[PaymentFacts], world: World) -> Match | None:
    """One debit for the payments that it names: all of them on their way, and their sum to the penny."""
    if len(named) < 2 or sum(payment.pence for payment in named) != -line.pence:
        return None
    if any(world.state(one) != EXPORTED or world.was_shown(one, PAID) for one in named):
        return None
    for payment in named:
        world.show(payment, PAID)
        world.states[payment.batch_number, payment.line] = PAID
    return Match(PAID, payments=tuple(named))  # type: ignore[arg-type]


def _run(line: LineFacts, world: World, slug: str) -> Match | None:
    fitting = [
        run
        for number in possible_runs(line, slug)
        if (run := world.runs.get(number)) is not None and run.left and run.left_pence == -line.pence
    ]
    if len(fitting) != 1:
        return None
    run = fitting[0]
    world.paid_runs.add(run.number)
    run.left = run.left_pence = 0
    return Match("run", run=run.number)
