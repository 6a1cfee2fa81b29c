"""Registers: saving who came, undoing a register soon after."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from ledger import Item, Posted, Refused, Reverse, post_batch
from timebank.banks import queries as banks
from timebank.contributions import crediting, entry_kinds, paying, rules, words
from timebank.contributions.beside import check_beside
from timebank.contributions.guests import AddGuest, add_guest_within
from timebank.contributions.recording import SavedRegister, record, tidied
from timebank.contributions.rules import Line
from timebank.db import Connection, Database, Rollback, once
from timebank.hours.rules import account_of
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.messages.service import send

MAX_NAMED = 5

LOCK_REGISTER = """
select id, recorded_by, recorded_at, undone_at
  from register
 where timebank_id = $1 and reference = $2
   for update
"""

UNDO_LINES = """
update contribution c set state = 'undone', undo_entry_id = u.entry_id
  from unnest($2::bigint[], $3::uuid[]) as u (id, entry_id)
 where c.timebank_id = $1 and c.id = u.id
"""

CORRECTED_SINCE = """
select exists (
    select from contribution_change g
      join contribution c on c.timebank_id = g.timebank_id and c.id = g.contribution_id
     where c.timebank_id = $1 and c.register_id = $2 and g.step in ('corrected', 'removed', 'added'))
"""

UNDO_REGISTER = "update register set undone_by = $3, undone_at = $4 where timebank_id = $1 and id = $2"


class SaveRegister(msgspec.Struct, frozen=True, kw_only=True):
    """Who came and for how long. ``activity_id`` is for the lines that do not name their own.

    ``beside`` are the registers of the same groups and days that the person has seen: any other refuses. None: they
    were not asked. ``new_guests`` are guests to add: the ``guest_id`` that stands for each in the lines,
    and the name.
    """

    lines: tuple[Line, ...]
    activity_id: int | None = None
    source: Literal["page", "api", "self", "check_in"] = "page"
    beside: tuple[str, ...] | None = None
    new_guests: tuple[tuple[int, str], ...] = ()


class UndoneRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A register was undone: how many lines, and the minutes taken back from accounts."""

    reference: str
    lines: int
    minutes: int


async def save_register(
    db: Database, actor: Actor, command: SaveRegister, *, key: str, now: datetime
) -> SavedRegister | list[Refusal]:
    """Save a register, every line or none; approved lines are credited with it, as :mod:`exchanges` says.

    A coordinator saves any group, a session leader those that they lead. A line for the actor's own time, or beyond the
    approval limits of the rules, is kept as submitted and waits for another person. Refusals: ``not_allowed``,
    ``recorded_already`` (see :mod:`beside`), ``no_lines``, ``too_many_lines``, those of
    :func:`timebank.contributions.rules.check_lines` (fields ``lines.<index>.<name>``), and what the ledger refuses.
    """

    async def work(connection: Connection) -> SavedRegister:
        lines = [tidied(_in_group(line, command.activity_id)) for line in command.lines]
        if command.beside is not None:
            await check_beside(connection, actor.timebank_id, lines, command.beside)
        lines = await _with_guests(connection, actor, lines, command.new_guests, now)
        return await record(connection, actor, lines, source=command.source, now=now)

    return await once(db, actor, "save_register", key, command, SavedRegister, work)


async def _with_guests(
    connection: Connection, actor: Actor, lines: list[Line], new_guests: Sequence[tuple[int, str]], now: datetime
) -> list[Line]:
    """The lines with the ids of the guests that are added for them."""
    added = {
        stands_for: (await add_guest_within(connection, actor, AddGuest(name=name), now=now)).guest_id
        for stands_for, name in new_guests
    }
    return [
        msgspec.structs.replace(line, guest_id=added[line.guest_id]) if line.guest_id in added else line
        for line in lines
    ]


def _in_group(line: Line, activity_id: int | None) -> Line:
    # A line number belongs to a file; here lines are counted in the order they came.
    return msgspec.structs.replace(
        line, activity_id=activity_id if line.activity_id is None else line.activity_id, number=0
    )


async def undo_register(
    db: Database, actor: Actor, reference: str, *, key: str, now: datetime
) -> UndoneRegister | list[Refusal]:
    """Take a whole register back by reversing its entries; nothing is deleted.

    Refusals: ``not_allowed``, ``not_yours``, ``too_late``, ``undone_already``, ``corrected_already``, and
    ``hours_used`` when a member has already used some of the hours: then nothing at all is undone.

    Raises:
        LookupError: this time bank has no such register.
    """

    async def work(connection: Connection) -> UndoneRegister:
        return await _undo(connection, actor, reference, now)

    return await once(db, actor, "undo_register", key, reference, UndoneRegister, work)


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
    if await connection.fetchval(CORRECTED_SINCE, timebank_id, register["id"]):
        message = "This register was corrected after it was saved. Correct it again instead: take out what is wrong."
        raise Rollback([Refusal("corrected_already", message)])
    found = await connection.fetch(crediting.CREDITABLE_REGISTER, timebank_id, register["id"])
    lines = [line for line in found if line["state"] in ("submitted", "approved")]
    # The last first: somebody may have paid with hours that an earlier line of the same register gave them.
    reversals = {f"undo_register:{line['id']}:1": line for line in reversed(lines) if line["entry_id"]}
    items: list[Item] = [
        Reverse(
            key=key,
            entry_id=line["entry_id"],
            kind=entry_kinds.UNDOING[line["kind"]],
            effective_on=day,
            actor=actor.name,
            reference=reference,
            meta={"contribution": line["id"], "rules": line["rules_version"], **actor.meta},
        )
        for key, line in reversals.items()
    ]
    due = await paying.plan_undone(connection, actor, lines, now=now)
    items = [*items, *due.items]
    results = await post_batch(connection, timebank_id, items) if items else []
    if refused := [result for result in results if isinstance(result, Refused)]:
        raise Rollback(await _not_undone(connection, timebank_id, refused, reversals))
    posted = {result.key: result for result in results if isinstance(result, Posted)}
    entries = {line["id"]: posted[key].entry_id for key, line in reversals.items()}
    await connection.execute(
        UNDO_LINES, timebank_id, [line["id"] for line in lines], [entries.get(line["id"]) for line in lines]
    )
    await paying.keep(connection, actor, due, posted, now=now)
    await connection.execute(UNDO_REGISTER, timebank_id, register["id"], actor.member_id, now)
    await _tell_undone(connection, actor, lines, now)
    minutes = sum(line["minutes"] for line in lines if line["state"] == "approved")
    return UndoneRegister(reference=reference, lines=len(lines), minutes=minutes)


async def _tell_undone(connection: Connection, actor: Actor, lines: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Whoever was told that time was added is told that it is taken back."""
    messages = [
        crediting.message(
            line["member_id"],
            "corrected",
            words.undone(line["minutes"], line["activity"], line["held_on"]),
            f"contribution:{line['id']}:undone",
        )
        for line in lines
        if line["state"] == "approved" and line["member_id"] not in (None, actor.member_id)
    ]
    if messages:
        await send(connection, actor.timebank_id, messages, now=now)


async def _not_undone(
    connection: Connection, timebank_id: int, refused: list[Refused], reversals: Mapping[str, Mapping[str, Any]]
) -> list[Refusal]:
    """Who has used the hours already, by name, and what can be done instead."""
    members_there = {line["credited_id"] or line["member_id"] for line in reversals.values()} - {None}
    by_account = {account_of(member_id): member_id for member_id in members_there}
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
    elif any(one.code == "insufficient" for one in refused):
        message = "Nothing was undone. The pot has already used some of these hours. Correct the register instead."
        refusals.append(Refusal("hours_used", message))
    others = {one.code: one for one in refused if one.code != "insufficient"}
    refusals += [Refusal(one.code, f"Nothing was undone. {one.message}") for one in others.values()]
    return refusals or [Refusal("not_undone", f"Nothing was undone. {refused[0].message}")]
