"""Registers: saving who came, undoing a register soon after."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from ledger import Posted, Refused, Reverse, post_batch
from timebank.banks import queries as banks
from timebank.contributions import rules
from timebank.contributions.recording import SavedRegister, account_of, record, tidied
from timebank.contributions.rules import Line
from timebank.db import Connection, Database, Rollback, claim, remember, retrying
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members

UNDONE = "contribution_undone"
MAX_NAMED = 5

LOCK_REGISTER = """
select id, recorded_by, recorded_at, undone_at
  from register
 where timebank_id = $1 and reference = $2
   for update
"""

LOCK_LINES = """
select id, member_id, minutes, state, entry_id
  from contribution
 where timebank_id = $1 and register_id = $2 and state in ('submitted', 'approved')
 order by id
   for update
"""

UNDO_LINES = """
update contribution c set state = 'undone', undo_entry_id = u.entry_id
  from unnest($2::bigint[], $3::uuid[]) as u (id, entry_id)
 where c.timebank_id = $1 and c.id = u.id
"""

UNDO_REGISTER = "update register set undone_by = $3, undone_at = $4 where timebank_id = $1 and id = $2"


class SaveRegister(msgspec.Struct, frozen=True, kw_only=True):
    """Who came and for how long. ``activity_id`` is for the lines that do not name their own."""

    lines: tuple[Line, ...]
    activity_id: int | None = None
    source: Literal["page", "api"] = "page"


class UndoneRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A register was undone: how many lines, and the minutes taken back from accounts."""

    reference: str
    lines: int
    minutes: int


async def save_register(
    db: Database, actor: Actor, command: SaveRegister, *, key: str, now: datetime
) -> SavedRegister | list[Refusal]:
    """Save a register, every line or none; each approved line is credited ``issued -> member/<id>`` with it.

    A line for the actor's own time, or beyond the approval limits of the rules, is kept as submitted and waits for
    another person. Refusals: ``not_allowed``, ``no_lines``, ``too_many_lines``, those of
    :func:`timebank.contributions.rules.check_lines` (fields ``lines.<index>.<name>``), and what the ledger refuses.
    """
    if refusal := rules.may_record(actor):
        return [refusal]
    scope = f"save_register:{actor.name}"

    async def save() -> SavedRegister:
        async with db.writing(actor.timebank_id) as connection:
            before = await claim(connection, actor.timebank_id, scope, key, command)
            if before is not None:
                return msgspec.convert(before, SavedRegister)
            lines = [tidied(_in_group(line, command.activity_id)) for line in command.lines]
            saved = await record(connection, actor, lines, source=command.source, now=now)
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(saved))
            return saved

    try:
        return await retrying(save)
    except Rollback as rollback:
        return rollback.refusals


def _in_group(line: Line, activity_id: int | None) -> Line:
    # A line number belongs to a file; here lines are counted in the order they came.
    return msgspec.structs.replace(
        line, activity_id=activity_id if line.activity_id is None else line.activity_id, number=0
    )


async def undo_register(
    db: Database, actor: Actor, reference: str, *, key: str, now: datetime
) -> UndoneRegister | list[Refusal]:
    """Take a whole register back by reversing its entries; nothing is deleted.

    Refusals: ``not_allowed``, ``not_yours``, ``too_late``, ``undone_already``, and ``hours_used`` when a member has
    already used some of the hours: then nothing at all is undone.

    Raises:
        LookupError: this time bank has no such register.
    """
    scope = f"undo_register:{actor.name}"

    async def undo() -> UndoneRegister:
        async with db.writing(actor.timebank_id) as connection:
            before = await claim(connection, actor.timebank_id, scope, key, reference)
            if before is not None:
                return msgspec.convert(before, UndoneRegister)
            undone = await _undo(connection, actor, reference, now)
            await remember(connection, actor.timebank_id, scope, key, msgspec.to_builtins(undone))
            return undone

    try:
        return await retrying(undo)
    except Rollback as rollback:
        return rollback.refusals


async def _undo(connection: Connection, actor: Actor, reference: str, now: datetime) -> UndoneRegister:
    timebank_id = actor.timebank_id
    register = await connection.fetchrow(LOCK_REGISTER, timebank_id, reference)
    if register is None:
        raise LookupError(f"no register {reference}")
    if register["undone_at"] is not None:
        raise Rollback([Refusal("undone_already", "This register is undone already. There is nothing more to do.")])
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    _, in_force = await banks.rules_in_force(connection, timebank_id, day)
    refusal = rules.may_undo(
        actor, recorded_by=register["recorded_by"], recorded_at=register["recorded_at"], rules=in_force, now=now
    )
    if refusal:
        raise Rollback([refusal])
    lines = await connection.fetch(LOCK_LINES, timebank_id, register["id"])
    reversals = {f"undo_register:{line['id']}:1": line for line in lines if line["state"] == "approved"}
    items = [
        Reverse(
            key=key,
            entry_id=line["entry_id"],
            kind=UNDONE,
            effective_on=day,
            actor=actor.name,
            reference=reference,
            meta={"contribution": line["id"]},
        )
        for key, line in reversals.items()
    ]
    results = await post_batch(connection, timebank_id, items) if items else []
    if refused := [result for result in results if isinstance(result, Refused)]:
        raise Rollback(await _not_undone(connection, timebank_id, refused, reversals))
    entries = {reversals[result.key]["id"]: result.entry_id for result in results if isinstance(result, Posted)}
    await connection.execute(
        UNDO_LINES, timebank_id, [line["id"] for line in lines], [entries.get(line["id"]) for line in lines]
    )
    await connection.execute(UNDO_REGISTER, timebank_id, register["id"], actor.member_id, now)
    return UndoneRegister(
        reference=reference, lines=len(lines), minutes=sum(line["minutes"] for line in reversals.values())
    )


async def _not_undone(
    connection: Connection, timebank_id: int, refused: list[Refused], reversals: Mapping[str, Mapping[str, Any]]
) -> list[Refusal]:
    """Who has used the hours already, by name, and what can be done instead."""
    by_account = {account_of(line["member_id"]): line["member_id"] for line in reversals.values()}
    spent = sorted(
        {by_account[one.account] for one in refused if one.code == "insufficient" and one.account in by_account}
    )
    refusals = []
    if spent:
        named = await members.names(connection, timebank_id, spent)
        first = [named[member_id] for member_id in spent[:MAX_NAMED]]
        more = f" and {len(spent) - MAX_NAMED} more" if len(spent) > MAX_NAMED else ""
        who = ", ".join(first) + more
        have = "has" if len(spent) == 1 else "have"
        message = (
            f"Nothing was undone. {who} {have} already used or set aside some of these hours. "
            "Cancel their booking first and then undo, or leave this register as it is and log only what is missing."
        )
        refusals.append(Refusal("hours_used", message))
    others = {one.code: one for one in refused if one.code != "insufficient"}
    refusals += [Refusal(one.code, f"Nothing was undone. {one.message}") for one in others.values()]
    return refusals or [Refusal("not_undone", f"Nothing was undone. {refused[0].message}")]
