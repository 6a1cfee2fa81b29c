"""What a kind of offer has to say about itself. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

PayableKind = Literal["voucher", "training"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of offer.

    ``name`` heads it in the catalogue; ``hours_account`` gives the ledger account that the hours go to (its argument is
    the offer's provider, a member id or None); ``payable_kind`` is what fulfilment makes the programme owe, None for
    nothing; ``has_waiting_list``: who finds it full can wait for a place; ``next_steps`` is what the participant reads
    under "What happens next", by state of the booking; ``accept_words`` and ``fulfil_words`` are what the buttons of
    staff say.
    """

    code: str
    name: str
    hours_account: Callable[[int | None], str]
    payable_kind: PayableKind | None
    needs_provider: bool
    needs_date: bool
    needs_safeguarding_lead: bool
    has_waiting_list: bool
    next_steps: Mapping[str, tuple[str, ...]]
    accept_words: str
    fulfil_words: str

    def what_next(self, state: str) -> tuple[str, ...]:
        """Short sentences for the participant; empty for a state in which nothing more happens."""
        return self.next_steps.get(state, ())
