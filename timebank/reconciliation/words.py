"""What finance reads about a line: its states, what it may be, and how it is told. Pure."""

from datetime import date

from timebank.reconciliation import rules
from timebank.reconciliation.rules import LineFacts

STATE_NAMES = {
    rules.WAITING: "Being booked",
    rules.MATCHED: "Matched",
    rules.IN_SUSPENSE: "Not explained",
    rules.EXPLAINED: "Explained",
    rules.NOTHING: "No amount",
    rules.SPLIT: "In parts",
    rules.JOINED: "Put together again",
}
STATE_TAGS = {
    rules.WAITING: "wait",
    rules.MATCHED: "good",
    rules.IN_SUSPENSE: "stop",
    rules.EXPLAINED: "good",
    rules.NOTHING: None,
    rules.SPLIT: None,
    rules.JOINED: None,
}
KIND_NAMES = {
    "payment": "A payment of ours",
    "returned": "A payment that came back",
    "run": "A payment run",
    "bank_charge": "Bank charge",
    "interest": "Interest",
    "grant": "Grant received",
    "other_income": "Other income",
    "transfer": "Moved between our own accounts",
    "credit_repaid": "A payee paid back what they owed",
    "other_payment": "A payment made outside payment runs",
    "bank_error": "A mistake of the bank, which it puts right",
}
OUTCOMES = {"paid": "paid", "returned": "came back", "run": "payment run"}
TRANSIT_AGES = ("Up to 3 days", "4 to 7 days", "8 to 14 days", "Over 14 days")
_TRANSIT_LAST = (3, 7, 14)


def choices(line: LineFacts, *, has_credits: bool) -> list[tuple[str, str]]:
    """What a line may be, for its direction."""
    kinds = [*rules.ACCOUNTS, *([rules.CREDIT_REPAID] if has_credits else [])]
    closed = rules.ONLY_IN if line.pence < 0 else rules.ONLY_OUT
    return [(kind, KIND_NAMES[kind]) for kind in KIND_NAMES if kind in kinds and kind not in closed]


def told(line: LineFacts) -> str:
    """What the bank wrote, in one text."""
    return " · ".join(part for part in (line.party, line.text, line.reference) if part) or "The bank wrote nothing"


def transit_age(processing_on: date, today: date) -> int:
    """Which of :data:`TRANSIT_AGES` what is on its way belongs to."""
    days = (today - processing_on).days
    return next((n for n, last in enumerate(_TRANSIT_LAST) if days <= last), len(_TRANSIT_LAST))


def lines_in_words(count: int) -> str:
    """``1 line``, ``47 lines``."""
    return f"{count:,} line{'' if count == 1 else 's'}"
