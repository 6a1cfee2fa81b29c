"""What the machine of payments knows: payables, credits, and the lines of payment runs."""

from dataclasses import dataclass

from hypothesis import strategies as st

# Weighted towards those who may: what follows an export is reached only when many steps in a row succeed.
ACTORS = ("finance", "finance", "finance_two", "finance_two", "finance", "coordinator", "participant")
PENCE = st.integers(min_value=1, max_value=500_000)


@dataclass
class Modelled:
    """What the model knows of one payable."""

    kind: str
    payee: str
    pence: int
    state: str
    submitted_by: str | None
    approved_by: str | None = None
    is_spoiled: bool = False
    batch: int | None = None
    settled: int = 0
    part: int | None = None
    source_id: int | None = None
    is_owed_back: bool = False
    in_bank: int = 0
    in_cash: int = 0
    set_off: int = 0

    @property
    def left(self) -> int:
        """What is not paid."""
        return self.pence - self.settled

    @property
    def next(self) -> int:
        """What leaves next."""
        return min(self.left, self.part or self.left)

    def settle(self, pence: int) -> None:
        """So much is paid; the rest needs a new approval."""
        self.settled += pence
        self.part = None
        self.state = "paid" if self.settled == self.pence else "submitted"
        if self.state != "paid":
            self.approved_by, self.batch = None, None


@dataclass
class Owing:
    """What the model knows of one credit."""

    payee: str
    pence: int
    left: int
    proposed_by: str
    is_open: bool = False


@dataclass
class Line:
    """One payment of a run: what it settles of which payables, and what it keeps back of which credits."""

    items: dict[str, int]
    kept: dict[str, int]
    state: str = "exported"

    @property
    def pence(self) -> int:
        """What leaves the bank."""
        return sum(self.items.values()) - sum(self.kept.values())
