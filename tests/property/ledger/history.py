"""A history of calls that overlapped, and the search for a one-by-one order that explains all their answers.

An order explains a history when it keeps to real time (a call that ended before another began comes before it) and the
reference, asked in that order, gives each answer that was given. Finding one shows linearizability; the search is that
of Wing and Gong, "Testing and verifying concurrent objects" (1993).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from ledger import Item, Posted, Refused, Result
from ledger.reference import ReferenceLedger

MAX_TRIES = 200_000
"""How often the reference is asked before the search gives up."""


@dataclass(frozen=True)
class Call:
    """One call: when it began and ended, in the order of events, and what it was answered.

    ``items`` is a batch, or the account whose balance was read; then ``answer`` is that balance.
    """

    began: int
    ended: int
    items: Sequence[Item] | str
    atomic: bool
    answer: Sequence[Result] | int
    follows: frozenset[int] = frozenset()
    """The calls (by ``began``) that wrote to its accounts just before, as the ledger's own times say."""

    @property
    def new_results(self) -> list[Result]:
        """What was written for this call, and not for an earlier one under the same key."""
        if isinstance(self.answer, int) or (self.atomic and any(isinstance(each, Refused) for each in self.answer)):
            return []
        return [
            each
            for each in self.answer
            if (each.code != "key_reused" if isinstance(each, Refused) else not each.replayed)
        ]

    @property
    def is_inert(self) -> bool:
        """Whether the call changed nothing: it read, it repeated, or it was refused as a whole."""
        return not self.new_results

    def explained_by(self, before: ReferenceLedger) -> ReferenceLedger | None:
        """The ledger after the call, if ``before`` would have given the same answer."""
        if isinstance(self.items, str):
            return before if before.accounts[self.items].posted == self.answer else None
        assert not isinstance(self.answer, int)
        after = before.copy()
        made = iter([each.entry_id for each in self.answer if isinstance(each, Posted) and not each.replayed])
        after.new_id = lambda: next(made, uuid4())
        return after if after.post_batch(self.items, atomic=self.atomic) == self.answer else None


class NoOrder(AssertionError):
    """No one-by-one order explains the history, or none was found in time."""


def find_order(calls: Sequence[Call], start: ReferenceLedger) -> tuple[list[Call], ReferenceLedger]:
    """An order that explains the calls, and the ledger at its end. Raises NoOrder."""
    # One element per call that was put in order: the ledger before it, and what else could have come in its place.
    order: list[Call] = []
    choices: list[tuple[ReferenceLedger, list[Call]]] = []
    ledger, tries, furthest = start, 0, 0
    candidates = _candidates(calls, [])
    while len(order) < len(calls):
        while candidates:
            call = candidates.pop(0)
            tries += 1
            after = call.explained_by(ledger)
            if after is not None:
                # A call that changed nothing can come as soon as it fits: what follows does not depend on it.
                choices.append((ledger, [] if call.is_inert else candidates))
                order.append(call)
                ledger = after
                candidates = _candidates(calls, order)
                break
        else:
            furthest = max(furthest, len(order))
            if not choices or tries > MAX_TRIES:
                raise NoOrder(f"of {len(calls)} calls {furthest} could be put in order, in {tries} tries")
            ledger, candidates = choices.pop()
            order.pop()
    return order, ledger


def _candidates(calls: Sequence[Call], order: Sequence[Call]) -> list[Call]:
    """The calls that may come next: all that began before any of the rest ended, and whose accounts are ready for them.

    First those that changed nothing; of the others, which ended first probably came first.
    """
    done = {call.began for call in order}
    rest = [call for call in calls if call.began not in done]
    first_end = min((call.ended for call in rest), default=0)
    return sorted(
        (call for call in rest if call.began < first_end and call.follows <= done),
        key=lambda call: (not call.is_inert, call.ended),
    )
