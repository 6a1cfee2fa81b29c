"""A line that is more than one thing: split into parts, each explained like a line of its own; put together again.

The bank paid a little more than it was asked to, one debit covers two payments, a charge was kept back from what came
in: the parts add up to the line, so the bank and the accounts agree at every step.
"""

from datetime import datetime

import msgspec

from ledger import Post, Reverse
from timebank.banks import queries as banks
from timebank.db import Connection, Database, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments.periods import open_day
from timebank.payments.service import abandon_if, post
from timebank.reconciliation import entries, queries, rules
from timebank.reconciliation.importing import LOCK_IMPORTS
from timebank.reconciliation.rules import LineFacts
from timebank.reconciliation.running import match_again

INSERT_PART = """
insert into bank_line (timebank_id, statement_id, number, booked_on, pence, text, reference, party, reason, fingerprint,
                       state, part_of, made_by)
select timebank_id, statement_id, number, booked_on, $3, text, reference, party, reason, $4, 'waiting', id, $5
  from bank_line where timebank_id = $1 and id = $2
returning id
"""
COUNT_PARTS = "select count(*) from bank_line where timebank_id = $1 and part_of = $2"
SET = "update bank_line set state = $3, entry_id = $4, settled_at = $5 where timebank_id = $1 and id = $2"
PARTS_AT_ONCE = 2


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a line is so much; the rest is another part. ``pence`` above zero came in, as for lines."""

    line_id: int
    pence: int


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """Put the parts of a line together again."""

    line_id: int


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A line, its state, and the ids of its parts."""

    line_id: int
    state: str
    parts: list[int]


async def split(db: Database, actor: Actor, command: Split, *, key: str, now: datetime) -> Parts | list[Refusal]:
    """Split a line in suspense in two; a part that is exactly a payment of ours is matched at once.

    Refusals: those of ``rules.check_split``. Raises LookupError for an unknown line.
    """

    async def work(connection: Connection) -> Parts:
        await connection.execute(LOCK_IMPORTS, actor.timebank_id)
        line = await _locked(connection, actor, command.line_id)
        standing = await queries.standing_explanation(connection, actor.timebank_id, line.id)
        abandon_if(rules.check_split(actor, line, command.pence, is_proposed=standing is not None))
        bank = await banks.by_id(connection, actor.timebank_id)
        day = await open_day(connection, bank.id, line.booked_on)
        before = await connection.fetchval(COUNT_PARTS, bank.id, line.id)
        parts = []
        for n, pence in enumerate((command.pence, line.pence - command.pence), start=before + 1):
            mark = rules.part_mark(line.id, n)
            part = await connection.fetchval(INSERT_PART, bank.id, line.id, pence, mark, actor.member_id)
            parts.append(msgspec.structs.replace(line, id=part, pence=pence, entry_id=None, part_of=line.id))
        times = before // PARTS_AT_ONCE
        items: list[Post | Reverse] = [entries.split_entry(line, times, actor=actor, effective_on=day)]
        items += [entries.suspense_entry(one, currency=bank.currency, actor=actor, effective_on=day) for one in parts]
        entry_ids = await post(connection, actor, items)
        await connection.execute(SET, bank.id, line.id, rules.SPLIT, line.entry_id, now)
        for part, entry_id in zip(parts, entry_ids[1:], strict=True):
            await connection.execute(SET, bank.id, part.id, rules.IN_SUSPENSE, entry_id, now)
        return Parts(line_id=line.id, state=rules.SPLIT, parts=[part.id for part in parts])

    done = await once(db, actor, "split_line", key, command, Parts, work)
    if not isinstance(done, list):
        await match_again(db, actor, key=f"{key[:150]}:again", now=now)
    return done


async def join(db: Database, actor: Actor, command: Join, *, key: str, now: datetime) -> Parts | list[Refusal]:
    """Put the parts of a line together again, when nothing was said of them yet or all of it is undone.

    Refusals: those of ``rules.check_join``. Raises LookupError for an unknown line.
    """

    async def work(connection: Connection) -> Parts:
        await connection.execute(LOCK_IMPORTS, actor.timebank_id)
        line = await _locked(connection, actor, command.line_id)
        found = await queries.parts_of(connection, actor.timebank_id, line.id)
        parts = [await _locked(connection, actor, part.id) for part in found]
        said = [await queries.standing_explanation(connection, actor.timebank_id, part.id) for part in parts]
        abandon_if(rules.check_join(actor, line, parts, is_proposed=any(said)))
        bank = await banks.by_id(connection, actor.timebank_id)
        day = await open_day(connection, bank.id, line.booked_on)
        times = await connection.fetchval(COUNT_PARTS, bank.id, line.id) // PARTS_AT_ONCE
        items: list[Post | Reverse] = [entries.out_of_suspense(part, actor=actor, effective_on=day) for part in parts]
        items.append(entries.suspense_entry(line, currency=bank.currency, actor=actor, effective_on=day, times=times))
        entry_ids = await post(connection, actor, items)
        for part in parts:
            await connection.execute(SET, bank.id, part.id, rules.JOINED, part.entry_id, now)
        await connection.execute(SET, bank.id, line.id, rules.IN_SUSPENSE, entry_ids[-1], now)
        return Parts(line_id=line.id, state=rules.IN_SUSPENSE, parts=[])

    return await once(db, actor, "join_line", key, command, Parts, work)


async def _locked(connection: Connection, actor: Actor, line_id: int) -> LineFacts:
    line = await queries.line(connection, actor.timebank_id, line_id, lock=True)
    if line is None:
        raise LookupError(f"no line {line_id}")
    return line
