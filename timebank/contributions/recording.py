"""Writing the lines of a register inside an open transaction: facts, rules, rows, one ledger call."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from ledger import Leg, Post, Posted, Refused, post_batch
from timebank.banks import queries as banks
from timebank.banks.service import MINUTES
from timebank.contributions import queries, rules
from timebank.contributions.rules import Facts, Line
from timebank.db import Connection, Rollback
from timebank.kit import ids, names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members

CREDITED = "contribution"
ISSUED = "issued"
MAX_REFERENCE_ATTEMPTS = 5

LOCK_GROUPS = """
select id from activity
 where timebank_id = $1 and id = any($2::bigint[]) and not is_archived
 order by id for no key update
"""

ADD_REGISTER = """
insert into register (timebank_id, reference, source, upload_id, recorded_by, recorded_at, left_out)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (timebank_id, reference) do nothing
returning id
"""

ADD_LINES = """
insert into contribution (timebank_id, register_id, line, activity_id, member_id, held_on, minutes, what, state,
                          flagged, duplicate_reason, recorded_by, recorded_at, rules_version)
select $1, $2, l.line, l.activity_id, l.member_id, l.held_on, l.minutes, l.what, 'submitted', l.flagged,
       l.duplicate_reason, $3, $4, $5
  from unnest($6::int[], $7::bigint[], $8::bigint[], $9::date[], $10::int[], $11::text[], $12::text[], $13::text[])
       as l (line, activity_id, member_id, held_on, minutes, what, flagged, duplicate_reason)
returning id, line
"""

APPROVE = """
update contribution c set state = 'approved', credited_to = 'member', entry_id = u.entry_id
  from unnest($2::bigint[], $3::uuid[]) as u (id, entry_id)
 where c.timebank_id = $1 and c.id = u.id
"""


class SavedRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A register is saved: how many lines were credited and how many wait for a second person, and their minutes."""

    reference: str
    credited: int
    waiting: int
    credited_minutes: int
    waiting_minutes: int


def account_of(member_id: int) -> str:
    """The ledger account that holds a member's hours."""
    return f"member/{member_id}"


def tidied(line: Line) -> Line:
    """The line with its texts fit to store: single spaces, nothing invisible."""
    return msgspec.structs.replace(line, what=names.tidy(line.what), duplicate_reason=names.tidy(line.duplicate_reason))


async def gather(connection: Connection, actor: Actor, lines: Sequence[Line], *, now: datetime) -> tuple[int, Facts]:
    """The version of the rules in force and all that they need to know about these lines.

    The groups are locked, so that two people who save the same session one after the other see each other's lines.
    """
    timebank_id = actor.timebank_id
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    version, in_force = await banks.rules_in_force(connection, timebank_id, day)
    wanted = sorted({line.activity_id for line in lines if line.activity_id and 0 < line.activity_id <= queries.MAX_ID})
    groups = {row["id"] for row in await connection.fetch(LOCK_GROUPS, timebank_id, wanted)}
    people: dict[int, rules.Standing] = {
        member.id: "active" for member in await members.known_members(connection, timebank_id)
    }
    others = sorted({line.member_id for line in lines if 0 < line.member_id <= queries.MAX_ID} - people.keys())
    if others:
        people |= dict.fromkeys(await members.names(connection, timebank_id, others), "left")
    known = {line.member_id for line in lines} & people.keys()
    earlier = await queries.earlier(connection, timebank_id, known, (line.held_on for line in lines))
    return version, Facts(in_force, day, people, groups, earlier)


async def record(
    connection: Connection,
    actor: Actor,
    lines: Sequence[Line],
    *,
    source: rules.Source,
    max_lines: int | None = None,
    upload_id: int | None = None,
    left_out: Sequence[Mapping[str, object]] = (),
    now: datetime,
) -> SavedRegister:
    """Save these lines as one register: all of them or, by raising Rollback with the refusals, none."""
    version, facts = await gather(connection, actor, lines, now=now)
    limit = max_lines or facts.rules.max_people_per_register
    if refusal := rules.check_size(len(lines), limit):
        raise Rollback([refusal])
    if refusals := rules.check_lines(lines, facts):
        raise Rollback(refusals)
    flagged = rules.flags(lines, facts, actor)
    register_id, reference = await _add_register(connection, actor, source, upload_id, left_out, now)
    ids_by_line = await _add_lines(connection, actor, register_id, version, lines, flagged, now)
    credited = [
        (ids_by_line[line.number or index], line)
        for index, (line, why) in enumerate(zip(lines, flagged, strict=True), start=1)
        if not why
    ]
    places = {id_: index for index, id_ in enumerate(ids_by_line.values())}
    await _credit(connection, actor, credited, places, reference, version)
    credited_minutes = sum(line.minutes for _, line in credited)
    return SavedRegister(
        reference=reference,
        credited=len(credited),
        waiting=len(lines) - len(credited),
        credited_minutes=credited_minutes,
        waiting_minutes=sum(line.minutes for line in lines) - credited_minutes,
    )


async def _add_register(
    connection: Connection,
    actor: Actor,
    source: str,
    upload_id: int | None,
    left_out: Sequence[Mapping[str, object]],
    now: datetime,
) -> tuple[int, str]:
    for _ in range(MAX_REFERENCE_ATTEMPTS):
        reference = ids.reference()
        added = await connection.fetchval(
            ADD_REGISTER, actor.timebank_id, reference, source, upload_id, actor.member_id, now, list(left_out)
        )
        if added is not None:
            return int(added), reference
    raise RuntimeError("no free reference was found")


async def _add_lines(
    connection: Connection,
    actor: Actor,
    register_id: int,
    version: int,
    lines: Sequence[Line],
    flagged: Sequence[str],
    now: datetime,
) -> dict[int, int]:
    """Insert every line as submitted; the ids by line number, in the order of the lines."""
    numbers = [line.number or index for index, line in enumerate(lines, start=1)]
    rows = await connection.fetch(
        ADD_LINES,
        actor.timebank_id,
        register_id,
        actor.member_id,
        now,
        version,
        numbers,
        [line.activity_id for line in lines],
        [line.member_id for line in lines],
        [line.held_on for line in lines],
        [line.minutes for line in lines],
        [line.what for line in lines],
        list(flagged),
        [line.duplicate_reason for line in lines],
    )
    added = {row["line"]: row["id"] for row in rows}
    return {number: added[number] for number in numbers}


async def _credit(
    connection: Connection,
    actor: Actor,
    credited: Sequence[tuple[int, Line]],
    places: Mapping[int, int],
    reference: str,
    version: int,
) -> None:
    """Post one entry for each line and mark it approved; raises Rollback with what the ledger refused."""
    if not credited:
        return
    by_key = {f"register:{id_}:1": (id_, line) for id_, line in credited}
    items = [
        credit_entry(
            key,
            contribution_id=id_,
            member_id=line.member_id,
            minutes=line.minutes,
            held_on=line.held_on,
            actor=actor,
            reference=reference,
            rules_version=version,
        )
        for key, (id_, line) in by_key.items()
    ]
    results = await post_batch(connection, actor.timebank_id, items)
    if refused := [result for result in results if isinstance(result, Refused)]:
        fields = {key: f"lines.{places[id_]}.member_id" for key, (id_, _) in by_key.items()}
        raise Rollback([not_credited(result, fields.get(result.key)) for result in refused])
    entries = {by_key[result.key][0]: result.entry_id for result in results if isinstance(result, Posted)}
    await connection.execute(APPROVE, actor.timebank_id, list(entries), list(entries.values()))


def credit_entry(
    key: str,
    *,
    contribution_id: int,
    member_id: int,
    minutes: int,
    held_on: date,
    actor: Actor,
    reference: str,
    rules_version: int,
) -> Post:
    """The ledger entry of approved time: issued -> member. It names no one; the contribution says what it was for."""
    return Post(
        key=key,
        kind=CREDITED,
        unit=MINUTES,
        legs=(Leg(account=ISSUED, amount=-minutes), Leg(account=account_of(member_id), amount=minutes)),
        effective_on=held_on,
        actor=actor.name,
        reference=reference,
        meta={"contribution": contribution_id, "rules": rules_version},
    )


def not_credited(refused: Refused, field: str | None = None) -> Refusal:
    """The ledger's refusal of a credit in words for the person who records or approves time."""
    words = {
        "closed_account": "This person's account is closed, so no time can be added. They may have left the time bank.",
        "frozen_account": "This person's account is on hold. Ask an administrator before adding time.",
        "unknown_account": "This person has no account for hours yet. Ask an administrator to open one.",
        "ceiling": "With this, the person would have more hours than the rules allow. Enter less, or leave them out.",
        "closed_period": "The books for that day are closed. Ask an administrator what to do.",
    }
    return Refusal(refused.code, words.get(refused.code, f"This time was not accepted. {refused.message}"), field)
