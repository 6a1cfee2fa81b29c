"""Booking lines: payments settled, the rest in suspense, with one ledger call for as many lines as it takes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from ledger import Post, Reverse
from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.payments import settling
from timebank.payments.outcomes import outcome_item
from timebank.payments.periods import closed_through
from timebank.payments.rules import PAID, RETURNED, PaymentFacts
from timebank.payments.service import post
from timebank.reconciliation import entries, matching, queries, rules
from timebank.reconciliation.matching import Match
from timebank.reconciliation.rules import LineFacts

MAX_LINES_AT_ONCE = 400
MAX_ITEMS_AT_ONCE = 900
"""Ledger items of one transaction; the ledger takes 1,000."""
MAX_ITEMS_OF_A_LINE = 120
"""A line has room for the ids of so many payments, and leaves suspense besides."""

SETTLE_LINE = """
update bank_line set state = $3, outcome = $4, batch_number = $5, payment_line = $6, entry_id = $7, settled_at = $8
 where timebank_id = $1 and id = $2
"""
INSERT_MATCHES = """
insert into bank_match (timebank_id, batch_number, payment_line, outcome, line_id)
select $1, * from unnest($2::integer[], $3::integer[], $4::text[], $5::bigint[])
"""
NO_REASON = "The bank gave no reason."


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines in suspense were matched, and the id after which to go on; None when there are no more."""

    matched: int
    after: int | None


@dataclass(slots=True)
class Work:
    """What one transaction posts, and what is written down after it; ``at`` is the place of an item in ``items``."""

    connection: Connection
    actor: Actor
    bank: TimeBankFacts
    now: datetime
    closed: date | None
    items: list[Post | Reverse] = field(default_factory=list)
    settled: list[tuple[LineFacts, PaymentFacts, str, int]] = field(default_factory=list)
    lines: list[tuple[LineFacts, str, str, int | None, int | None, int | None]] = field(default_factory=list)
    shown: list[tuple[PaymentFacts, str, int]] = field(default_factory=list)

    def day(self, line: LineFacts) -> date:
        """The day to post on: the line's, or the first open one after a closed month."""
        is_open = self.closed is None or line.booked_on > self.closed
        return line.booked_on if is_open or self.closed is None else self.closed + timedelta(days=1)

    def add(self, item: Post | Reverse) -> int:
        """Add a ledger item; return its place."""
        self.items.append(item)
        return len(self.items) - 1

    @property
    def room(self) -> int:
        """How many more items fit."""
        return MAX_ITEMS_AT_ONCE - len(self.items)


async def book_waiting(
    connection: Connection, actor: Actor, bank: TimeBankFacts, statement_id: int, now: datetime
) -> None:
    """Book the next lines of a file, at most :data:`MAX_LINES_AT_ONCE`, with the transaction's one ledger call."""
    lines = await queries.waiting_of(connection, bank.id, statement_id, MAX_LINES_AT_ONCE)
    world = await queries.world(connection, bank.id, lines, bank.slug, lock=True)
    work = await _work(connection, actor, bank, now)
    for line, match in zip(lines, matching.match(lines, world, bank.slug), strict=True):
        if match is None or not await _book(work, line, match):
            work.lines.append((line, rules.IN_SUSPENSE, "", None, None, _suspense(work, line)))
        if work.room < MAX_ITEMS_OF_A_LINE:
            break
    await _carry_out(work)


async def match_suspense(
    connection: Connection, actor: Actor, bank: TimeBankFacts, after: int, now: datetime
) -> Looked:
    """Match lines in suspense with an id above ``after`` again."""
    lines = await queries.suspense_after(connection, bank.id, after, MAX_LINES_AT_ONCE)
    world = await queries.world(connection, bank.id, lines, bank.slug, lock=True)
    work = await _work(connection, actor, bank, now)
    ordered = matching.in_order(lines)
    found = 0
    for line, match in zip(ordered, matching.match(ordered, world, bank.slug), strict=True):
        if match is None:
            continue
        if work.room < MAX_ITEMS_OF_A_LINE:
            await _carry_out(work)
            return Looked(matched=found, after=after)
        out = len(work.items)
        _out(work, line)
        if await _book(work, line, match):
            found += 1
        else:
            del work.items[out]
    await _carry_out(work)
    return Looked(matched=found, after=lines[-1].id if len(lines) == MAX_LINES_AT_ONCE else None)


async def settle_by_person(
    connection: Connection,
    actor: Actor,
    bank: TimeBankFacts,
    line: LineFacts,
    payments: Sequence[PaymentFacts],
    outcome: str,
    now: datetime,
) -> None:
    """Take a line out of suspense: a person says that it is these locked payments, with the one ledger call."""
    work = await _work(connection, actor, bank, now)
    _out(work, line)
    if outcome == "run":
        _settle_run(work, line, payments[0].batch_number, payments)
    elif len(payments) > 1:
        _settle_each(work, line, payments)
    else:
        _settle(work, line, Match(outcome, payment=payments[0]))  # type: ignore[arg-type]
    await _carry_out(work)


async def _work(connection: Connection, actor: Actor, bank: TimeBankFacts, now: datetime) -> Work:
    return Work(connection, actor, bank, now, await closed_through(connection, bank.id))


def _suspense(work: Work, line: LineFacts) -> int:
    day = work.day(line)
    return work.add(entries.suspense_entry(line, currency=work.bank.currency, actor=work.actor, effective_on=day))


def _out(work: Work, line: LineFacts) -> None:
    work.add(entries.out_of_suspense(line, actor=work.actor, effective_on=work.day(line)))


def _settle(work: Work, line: LineFacts, match: Match) -> None:
    payment = match.payment
    assert payment is not None
    at = None
    if not match.is_booked:
        at = work.add(outcome_item(payment, match.outcome, actor=work.actor, effective_on=work.day(line)))
        work.settled.append((line, payment, match.outcome, at))
    work.shown.append((payment, match.outcome, line.id))
    work.lines.append((line, rules.MATCHED, match.outcome, payment.batch_number, payment.line, at))


def _settle_each(work: Work, line: LineFacts, payments: Sequence[PaymentFacts]) -> None:
    """One line that pays several payments, not all of a run: an entry for each."""
    for payment in payments:
        at = work.add(outcome_item(payment, PAID, actor=work.actor, effective_on=work.day(line)))
        work.settled.append((line, payment, PAID, at))
        work.shown.append((payment, PAID, line.id))
    work.lines.append((line, rules.MATCHED, PAID, None, None, None))


def _settle_run(work: Work, line: LineFacts, number: int, payments: Sequence[PaymentFacts]) -> None:
    """All that is on its way of a run, paid as one amount: one entry, as there is one line."""
    at = work.add(
        entries.run_entry(line, number, currency=work.bank.currency, actor=work.actor, effective_on=work.day(line))
    )
    for payment in payments:
        work.settled.append((line, payment, PAID, at))
        work.shown.append((payment, PAID, line.id))
    work.lines.append((line, rules.MATCHED, "run", number, None, at))


async def _book(work: Work, line: LineFacts, match: Match) -> bool:
    """Add what a match posts. False when somebody else was quicker with a payment of the run: then it is no match."""
    if match.payment is not None:
        _settle(work, line, match)
    elif match.payments:
        _settle_each(work, line, match.payments)
    else:
        assert match.run is not None
        payments = await queries.on_their_way(work.connection, work.bank.id, match.run)
        settled = {(one.batch_number, one.line) for _, one, _, _ in work.settled}
        left = [one for one in payments if (one.batch_number, one.line) not in settled]
        if sum(one.pence for one in left) != -line.pence:
            return False
        _settle_run(work, line, match.run, left)
    return True


async def _carry_out(work: Work) -> None:
    """Post, then write down what was posted."""
    timebank_id = work.bank.id
    inside = await settling.lock(work.connection, timebank_id, [payment for _, payment, _, _ in work.settled])
    entry_ids = await post(work.connection, work.actor, work.items) if work.items else []
    outcomes = [
        settling.Outcome(payment, outcome, line.booked_on, _reason(line) if outcome == RETURNED else "", entry_ids[at])
        for line, payment, outcome, at in work.settled
    ]
    await settling.write_down(work.connection, work.actor, inside, outcomes, now=work.now)
    await work.connection.executemany(
        SETTLE_LINE,
        [
            (timebank_id, line.id, state, outcome, batch_number, payment_line, _id(entry_ids, at), work.now)
            for line, state, outcome, batch_number, payment_line, at in work.lines
        ],
    )
    shown = [(one.batch_number, one.line, outcome, line_id) for one, outcome, line_id in work.shown]
    if shown:
        await work.connection.execute(INSERT_MATCHES, timebank_id, *zip(*shown, strict=True))


def _reason(line: LineFacts) -> str:
    return (line.reason or line.text or NO_REASON)[: rules.MAX_NOTE]


def _id(entry_ids: Sequence[UUID], at: int | None) -> UUID | None:
    return None if at is None else entry_ids[at]
