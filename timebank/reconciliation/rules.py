"""What may be imported and explained, and what is a line's own mark. Pure: facts in, refusals out."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from timebank.kit.actor import ADMIN, FINANCE, Actor
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.reconciliation.formats import ReadLine, ReadStatement
from timebank.reconciliation.formats.model import MAX_PENCE

KEPT, BOOKING, BOOKED, DROPPED = "kept", "booking", "booked", "dropped"
WAITING, MATCHED, IN_SUSPENSE, EXPLAINED, NOTHING = "waiting", "matched", "suspense", "explained", "nothing"
SPLIT, JOINED = "split", "joined"
LINE_STATES = (WAITING, MATCHED, IN_SUSPENSE, EXPLAINED, NOTHING, SPLIT, JOINED)

PAYMENT, RETURNED_PAYMENT, RUN = "payment", "returned", "run"
CREDIT_REPAID = "credit_repaid"
Kind = Literal[
    "payment", "returned", "run", "bank_charge", "interest", "grant", "other_income", "transfer", "credit_repaid",
    "other_payment", "bank_error",
]  # fmt: skip
ACCOUNTS = {
    "bank_charge": ("expense/bank-charges", "Bank charges"),
    "interest": ("income/interest", "Interest"),
    "grant": ("income/grants", "Grants received"),
    "other_income": ("income/other", "Other income"),
    "transfer": ("transfers", "Between our own accounts"),
    "other_payment": ("expense/other-payments", "Payments made outside payment runs"),
    "bank_error": ("bank-errors", "Mistakes of the bank, to be put right"),
}
"""The ledger account of each explanation, and its name there."""
OWN_KINDS = (PAYMENT, RETURNED_PAYMENT, RUN)
ONLY_IN = ("grant", "other_income", CREDIT_REPAID)
ONLY_OUT = ("other_payment",)

MAX_NOTE = 500
MAX_FILE_NAME = 200
ALONE_BELOW_PENCE = 10_000
"""Up to here one person may explain a line; above, a second one agrees."""
FINGERPRINT_VERSION = "line/1"


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person decided about a statement file.

    ``columns``: place of each column of a CSV, counted from 0. ``doubles``: whether lines with the day and amount of
    a line that is there, in other words, are the same (``leave_out``) or others (``bring``). ``gap``: the balance may
    jump. ``account``: it is ours, although it ends otherwise than before.
    """

    columns: dict[str, int] = {}
    doubles: Literal["", "leave_out", "bring"] = ""
    gap: bool = False
    account: bool = False


class LineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a statement as it stands. ``pence`` above zero came in."""

    id: int
    statement_id: int
    number: int
    booked_on: date
    pence: int
    text: str
    reference: str
    party: str
    reason: str
    state: str
    outcome: str
    batch_number: int | None
    payment_line: int | None
    entry_id: UUID | None
    part_of: int | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Where a reference of ours may stand."""
        return self.reference, self.text, self.party


class ExplanationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says a line is."""

    id: int
    line_id: int
    kind: str
    credit_id: int | None
    note: str
    state: str
    proposed_by: int
    decided_by: int | None
    entry_id: UUID | None


@dataclass(frozen=True, slots=True)
class Known:
    """A line that is there already, as far as doubles are looked for."""

    booked_on: date
    pence: int
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Owed:
    """What is left of a credit that a payee may repay, in minor units."""

    left_pence: int
    currency: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What importing a statement would bring: ``new`` lines with their fingerprints; ``known`` are there already.

    ``doubtful`` have the day and the amount of a line that is there, in other words. ``gap_pence`` is how much the
    balance jumps between this statement and its neighbour. ``asks`` are decided first.
    """

    statement: ReadStatement
    new: tuple[tuple[ReadLine, bytes], ...]
    known: int
    doubtful: tuple[ReadLine, ...]
    gap_pence: int
    asks: tuple[Refusal, ...]


def may_look(actor: Actor) -> bool:
    """Finance works here; an administrator may look."""
    return actor.has(FINANCE) or actor.has(ADMIN)


def check_finance(actor: Actor) -> list[Refusal]:
    """Refusal ``not_finance`` unless the actor is a person with the finance role."""
    if actor.member_id is None or not actor.has(FINANCE):
        return [Refusal("not_finance", "Only someone with the finance role can do this. Ask your finance team.")]
    return []


def fingerprints(lines: Sequence[ReadLine]) -> list[bytes]:
    """What tells each line from every other: day, amount, texts, and its number among equal lines of that day."""
    seen: Counter[tuple[object, ...]] = Counter()
    marks = []
    for line in lines:
        texts = tuple(" ".join(text.upper().split()) for text in (line.text, line.references, line.party))
        key = (line.booked_on.isoformat(), line.pence, *texts)
        seen[key] += 1
        marks.append(hashlib.sha256(msgspec.json.encode((FINGERPRINT_VERSION, *key, seen[key]))).digest())
    return marks


def make_plan(
    statement: ReadStatement,
    there: Iterable[Known],
    *,
    answers: Answers,
    currency: str,
    today: date,
    before: tuple[date, int] | None,
    after: tuple[date, int] | None,
    own_last_four: str,
    last_last_four: str,
) -> Plan | Refusal:
    """What a statement would bring.

    ``before`` is the last day and the balance that is known before it, ``after`` the first day and the balance that is
    known after it, lines between counted in. ``own_last_four`` ends our account's number, ``last_last_four`` that of
    the last statement. Refusals: ``date_in_future``, ``other_account``.
    """
    late = next((line for line in statement.lines if line.booked_on > today), None)
    if late is not None:
        text = f"Line {late.number} is dated {_day(late.booked_on)}, which is still to come. Check the file."
        return Refusal("date_in_future", text, "file")
    if own_last_four and statement.last_four and own_last_four != statement.last_four:
        text = (
            f"This statement is of the account ending {statement.last_four}. Yours ends {own_last_four}. "
            "Bring the statement of your own account."
        )
        return Refusal("other_account", text, "file")
    known_marks = {one.fingerprint: one for one in there}
    marked = list(zip(statement.lines, fingerprints(statement.lines), strict=True))
    unknown = [(line, mark) for line, mark in marked if mark not in known_marks]
    same = {mark for _, mark in marked if mark in known_marks}
    doubtful = _doubtful(unknown, [one for mark, one in known_marks.items() if mark not in same])
    left_out = {mark for _, mark in doubtful} if answers.doubles == "leave_out" else set()
    new = tuple((line, mark) for line, mark in unknown if mark not in left_out)
    known = len(marked) - len(new)
    is_decided = not doubtful or bool(answers.doubles)
    gap = 0 if known or not is_decided else _gap(statement, before, after)
    asks = []
    if doubtful and not answers.doubles:
        asks.append(_ask_doubles([line for line, _ in doubtful], currency))
    if gap and not answers.gap:
        asks.append(_ask_gap(gap, currency))
    if not own_last_four and last_last_four and statement.last_four not in ("", last_last_four) and not answers.account:
        text = (
            f"The statements until now are of the account ending {last_last_four}, this one of that ending "
            f"{statement.last_four}. Is it the account that you pay from?"
        )
        asks.append(Refusal("account_changed", text, "account"))
    return Plan(statement, new, known, tuple(line for line, _ in doubtful), gap, tuple(asks))


def _doubtful(unknown: Sequence[tuple[ReadLine, bytes]], others: Iterable[Known]) -> list[tuple[ReadLine, bytes]]:
    """New lines with the day and the amount of a line that is there and that this file does not repeat."""
    free = Counter((one.booked_on, one.pence) for one in others)
    found = []
    for line, mark in unknown:
        if free[line.booked_on, line.pence] > 0:
            free[line.booked_on, line.pence] -= 1
            found.append((line, mark))
    return found


def _gap(statement: ReadStatement, before: tuple[date, int] | None, after: tuple[date, int] | None) -> int:
    """How much the balance jumps beside this statement. Of two files of one day either may be the earlier one."""
    if statement.opening_pence is None or statement.closing_pence is None:
        return 0
    jump_before = statement.opening_pence - before[1] if before else 0
    jump_after = after[1] - statement.closing_pence if after else 0
    follows = not jump_before and (not jump_after or (after is not None and after[0] == statement.last_on))
    leads = not jump_after and before is not None and before[0] == statement.first_on
    return 0 if follows or leads else jump_before or jump_after


def _ask_doubles(lines: Sequence[ReadLine], currency: str) -> Refusal:
    first = lines[0]
    what = "1 line has" if len(lines) == 1 else f"{len(lines)} lines have"
    text = (
        f"{what} the day and the amount of a line that is there already, in other words: for example "
        f"{in_words(first.pence, currency)} on {_day(first.booked_on)}. Are they the same lines?"
    )
    return Refusal("doubles", text, "doubles")


def _ask_gap(gap: int, currency: str) -> Refusal:
    text = (
        f"The balance jumps by {in_words(gap, currency)} between this statement and the one beside it: a statement is "
        "missing. Bring the missing one first. Or say that you want this one now."
    )
    return Refusal("gap", text, "gap")


# Explaining ---------------------------------------------------------------------------------------------------------


def needs_second(pence: int, kind: str) -> bool:
    """Does a second person agree before this explanation counts? Finding a payment of ours never needs one."""
    return kind not in OWN_KINDS and abs(pence) > ALONE_BELOW_PENCE


def check_explain(actor: Actor, line: LineFacts, *, kind: str, note: str, credit: Owed | None) -> list[Refusal]:
    """May this person say so of this line? ``credit`` is what was repaid, when it is that.

    Refusals: ``not_finance``, ``not_in_suspense``, ``unknown_kind``, ``wrong_direction``, ``note_missing``,
    ``note_too_long``, and those of a credit: ``credit_missing``, ``credit_too_small``.
    """
    refusals = check_finance(actor)
    if line.state != IN_SUSPENSE:
        refusals.append(Refusal("not_in_suspense", "This line is explained already."))
    if kind not in (*ACCOUNTS, CREDIT_REPAID):
        refusals.append(Refusal("unknown_kind", "Choose what this line is.", "kind"))
    elif (kind in ONLY_IN and line.pence < 0) or (kind in ONLY_OUT and line.pence > 0):
        way = "came in" if line.pence > 0 else "went out"
        refusals.append(Refusal("wrong_direction", f"This money {way}, so it cannot be that. Choose again.", "kind"))
    if kind == CREDIT_REPAID:
        refusals.extend(_check_credit(line, credit))
    if not note:
        refusals.append(Refusal("note_missing", "Say in a few words how you know. An auditor reads it.", "note"))
    return refusals + check_note(note)


def _check_credit(line: LineFacts, credit: Owed | None) -> list[Refusal]:
    if credit is None:
        return [Refusal("credit_missing", "Choose what was paid back.", "credit")]
    if credit.left_pence < line.pence:
        left = in_words(credit.left_pence, credit.currency)
        text = f"Only {left} of this credit is left, and more came in. Say what it is in another way."
        return [Refusal("credit_too_small", text, "credit")]
    return []


def check_split(actor: Actor, line: LineFacts, pence: int, *, is_proposed: bool) -> list[Refusal]:
    """May a line be split into a part of so much and the rest? Signs as in the line: above zero came in.

    Refusals ``not_finance``, ``not_in_suspense``, ``proposed_already``, ``part_of_nothing``, ``part_too_large``.
    """
    refusals = check_finance(actor)
    if line.state != IN_SUSPENSE:
        refusals.append(Refusal("not_in_suspense", "This line is explained already."))
    if is_proposed:
        text = "Somebody has said what this line is. A second person agrees or refuses first."
        refusals.append(Refusal("proposed_already", text))
    if pence in (0, line.pence):
        text = "Enter the amount of one part. It cannot be nothing, and not all of the line."
        refusals.append(Refusal("part_of_nothing", text, "part"))
    elif abs(pence) > MAX_PENCE or abs(line.pence - pence) > MAX_PENCE:
        refusals.append(Refusal("part_too_large", "That is more than any account holds. Check the amount.", "part"))
    return refusals


def check_join(actor: Actor, line: LineFacts, parts: Sequence[LineFacts], *, is_proposed: bool) -> list[Refusal]:
    """May the parts of a line be put together again? Refusals ``not_finance``, ``not_split``, ``part_explained``."""
    refusals = check_finance(actor)
    if line.state != SPLIT:
        refusals.append(Refusal("not_split", "This line has no parts."))
    elif is_proposed or any(part.state != IN_SUSPENSE for part in parts):
        text = "One of its parts is explained, or waits for a second person. Undo that first."
        refusals.append(Refusal("part_explained", text))
    return refusals


def part_mark(line_id: int, number: int) -> bytes:
    """What tells a part from every other line; ``number`` counts all parts that the line ever had."""
    return hashlib.sha256(msgspec.json.encode(("part/1", line_id, number))).digest()


def check_decide(actor: Actor, explanation: ExplanationFacts) -> list[Refusal]:
    """May this person agree to, or refuse, what somebody said?

    Refusals ``not_finance``, ``not_proposed``, ``own_proposal``.
    """
    refusals = check_finance(actor)
    if explanation.state != "proposed":
        refusals.append(Refusal("not_proposed", "Nobody waits for a second person here any more."))
    elif actor.member_id == explanation.proposed_by:
        refusals.append(Refusal("own_proposal", "You said it yourself. Ask someone else in finance to agree."))
    return refusals


def check_undo(actor: Actor, explanation: ExplanationFacts, *, why: str) -> list[Refusal]:
    """May this explanation be undone?

    Refusals ``not_finance``, ``not_agreed``, ``not_undoable``, ``reason_missing``.
    """
    refusals = check_finance(actor)
    if explanation.state != "agreed":
        refusals.append(Refusal("not_agreed", "There is nothing to undo here."))
    elif explanation.kind in (*OWN_KINDS, CREDIT_REPAID):
        text = "A payment cannot be undone here. When the money moves again, the statement shows it."
        refusals.append(Refusal("not_undoable", text))
    if not why:
        refusals.append(Refusal("reason_missing", "Say why it is undone.", "why"))
    return refusals + check_note(why)


def check_note(note: str) -> list[Refusal]:
    """Refusal ``note_too_long`` above :data:`MAX_NOTE` characters."""
    if len(note) > MAX_NOTE:
        return [Refusal("note_too_long", f"Shorten this to {MAX_NOTE} characters or fewer.", "note")]
    return []


def counted(count: int, one: str, many: str) -> str:
    """``1 line``, ``7 lines``."""
    return f"{count} {one if count == 1 else many}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
