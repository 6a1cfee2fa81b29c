"""Writing the lines of a register inside an open transaction: facts, rules, rows, one ledger call, messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ledger import Posted
from timebank.banks import queries as banks
from timebank.contributions import crediting, paying, queries, rules
from timebank.contributions.crediting import Credit, ToCredit
from timebank.contributions.leading import groups_led
from timebank.contributions.rules import Facts, Line
from timebank.db import Connection, Rollback
from timebank.hours.rules import account_of
from timebank.kit import ids, names
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.members.standing import standing_choices
from timebank.members.statuses import statuses

__all__ = ["Gathered", "SavedRegister", "account_of", "gather", "record", "tidied"]

MAX_REFERENCE_ATTEMPTS = 5

# Every group that this touches is locked, in the order of ids.
LOCK_GROUPS = """
select id, name, gives, receivers_pay from activity
 where timebank_id = $1 and id = any($2::bigint[]) and not is_archived
 order by id for no key update
"""

GUESTS = """
select id from guest
 where timebank_id = $1 and id = any($2::bigint[]) and joined_at is null and forgotten_at is null
 order by id for share
"""

ADD_REGISTER = """
insert into register (timebank_id, reference, source, upload_id, recorded_by, recorded_at, left_out)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (timebank_id, reference) do nothing
returning id
"""

# Ids come before the rows: the ledger's keys are made of them, and a row is written once, with what became of it.
NEW_IDS = "select nextval('contribution_id_seq') as id from generate_series(1, $1)"

ADD_LINES = """
insert into contribution (timebank_id, register_id, recorded_by, recorded_at, rules_version, id, line, activity_id,
                          member_id, guest_id, kind, held_on, starts_at, minutes, preparation_minutes, travel_minutes,
                          what, evidence, how_agreed, flagged, duplicate_reason, state, credited_to, credited_id,
                          pot_minutes, entry_id, acting_id)
overriding system value
select $1, $2, $3, $4, $5, l.*, $27
  from unnest($6::bigint[], $7::int[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::date[],
              $13::time[], $14::int[], $15::int[], $16::int[], $17::text[], $18::text[], $19::text[], $20::text[],
              $21::text[], $22::text[], $23::text[], $24::bigint[], $25::int[], $26::uuid[]) as l
"""

ADD_RECEIVERS = """
insert into contribution_receiver (timebank_id, contribution_id, member_id, minutes)
select $1, r.contribution_id, r.member_id, r.minutes
  from unnest($2::bigint[], $3::bigint[], $4::int[]) as r (contribution_id, member_id, minutes)
"""


class SavedRegister(msgspec.Struct, frozen=True, kw_only=True):
    """A register is saved: how many lines were credited and how many wait for a second person, and their minutes."""

    reference: str
    credited: int
    waiting: int
    credited_minutes: int
    waiting_minutes: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of these lines: the rules in force, and the groups and standing choices behind them."""

    version: int
    facts: Facts
    groups: Mapping[int, Mapping[str, Any]]
    choices: Mapping[int, tuple[str, int | None]]
    led: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class NewLines:
    """Lines about to be written: with their ids, their numbers in the register, and why each waits."""

    register_id: int
    version: int
    ids: Sequence[int]
    numbers: Sequence[int]
    lines: Sequence[Line]
    flagged: Sequence[str]


def tidied(line: Line) -> Line:
    """The line with its texts fit to store: single spaces, nothing invisible."""
    return msgspec.structs.replace(
        line,
        what=names.tidy(line.what),
        duplicate_reason=names.tidy(line.duplicate_reason),
        how_agreed=names.tidy(line.how_agreed),
        evidence=names.tidy(line.evidence),
    )


async def gather(
    connection: Connection, actor: Actor, lines: Sequence[Line], *, source: rules.Source = "page", now: datetime
) -> Gathered:
    """Everything that the rules need to know about these lines.

    The groups are locked, so that two people who save the same session one after the other see each other's lines.
    """
    timebank_id = actor.timebank_id
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    version, in_force = await banks.rules_in_force(connection, timebank_id, day)
    wanted = sorted(_known({line.activity_id or 0 for line in lines}))
    groups = {row["id"]: row for row in await connection.fetch(LOCK_GROUPS, timebank_id, wanted)}
    givers = _known({line.member_id for line in lines})
    everyone = givers | _known({member_id for line in lines for member_id in line.receiver_ids})
    people = await statuses(connection, timebank_id, sorted(everyone), lock=True)
    guest_ids = _known({line.guest_id or 0 for line in lines})
    guests = (
        {row["id"] for row in await connection.fetch(GUESTS, timebank_id, sorted(guest_ids))} if guest_ids else set()
    )
    choices = await standing_choices(connection, timebank_id, sorted(givers))
    who = {line.who for line in lines if line.who in people or -line.who in guests}
    facts = Facts(
        in_force,
        day,
        msgspec.convert(people, dict[int, rules.Standing]),
        groups,
        await queries.earlier(connection, timebank_id, who, {line.held_on for line in lines}),
        time_zone=bank.time_zone,
        guests=guests,
        paying={id_ for id_, group in groups.items() if group["receivers_pay"]},
        source=source,
        passed_on={one: other for one, (choice, other) in choices.items() if choice == "member" and other is not None},
    )
    return Gathered(version, facts, groups, choices, await groups_led(connection, actor, on=day))


def _known(numbers: set[int]) -> set[int]:
    return {number for number in numbers if 0 < number <= queries.MAX_ID}


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
    """Save these lines as one register: all of them or, by raising Rollback with the refusals, none.

    Lines that no rule flags are approved and credited at once, and their people are told (not those of an import).
    """
    known = await gather(connection, actor, lines, source=source, now=now)
    facts = known.facts
    limit = max_lines or facts.rules.max_people_per_register
    if refusal := rules.check_size(len(lines), limit) or rules.may_record_lines(actor, lines, known.led, source):
        raise Rollback([refusal])
    if refusals := rules.check_lines(lines, facts):
        raise Rollback(refusals)
    flagged = rules.flags(lines, facts, actor)
    register_id, reference = await add_register(connection, actor, source, upload_id, left_out, now)
    ids_ = await new_ids(connection, len(lines))
    wanted = creditable(lines, flagged, ids_, known, reference)
    planned = await crediting.plan_credits(connection, actor.timebank_id, wanted, choices=known.choices)
    fields = {f"register:{id_}:1": f"lines.{index}.member_id" for index, id_ in enumerate(ids_)}
    due = await paying.plan(connection, actor, [] if source == "import" else wanted, now=now)
    items = [*crediting.credit_items(actor, planned), *due.items]
    posted = await crediting.post_items(connection, actor.timebank_id, items, fields)
    numbers = [line.number or index for index, line in enumerate(lines, start=1)]
    rows = NewLines(register_id, known.version, ids_, numbers, lines, flagged)
    await add_lines(connection, actor, rows, planned, posted, now=now)
    await paying.keep(connection, actor, due, posted, now=now)
    if source != "import":
        await crediting.tell_credited(connection, actor, planned, now=now)
    credited_minutes = sum(one.minutes for one in wanted)
    return SavedRegister(
        reference=reference,
        credited=len(wanted),
        waiting=len(lines) - len(wanted),
        credited_minutes=credited_minutes,
        waiting_minutes=sum(line.minutes for line in lines) - credited_minutes,
    )


async def new_ids(connection: Connection, count: int) -> list[int]:
    """Ids for as many contributions, in order."""
    return [row["id"] for row in await connection.fetch(NEW_IDS, count)] if count else []


def creditable(
    lines: Sequence[Line], flagged: Sequence[str], ids_: Sequence[int], known: Gathered, reference: str
) -> list[ToCredit]:
    """The lines that nobody need decide about, as crediting needs them."""
    wanted = []
    for id_, line, why in zip(ids_, lines, flagged, strict=True):
        if why:
            continue
        group = known.groups.get(line.activity_id or 0, {"name": "", "gives": "hours", "receivers_pay": False})
        wanted.append(
            ToCredit(
                key=f"register:{id_}:1",
                contribution_id=id_,
                member_id=None if line.guest_id is not None else line.member_id,
                kind=line.kind,
                minutes=line.minutes,
                held_on=line.held_on,
                activity=group["name"],
                gives=group["gives"],
                receivers_pay=group["receivers_pay"],
                reference=reference,
                rules_version=known.version,
                receiver_ids=line.receiver_ids,
                activity_id=line.activity_id,
            )
        )
    return wanted


async def add_register(
    connection: Connection,
    actor: Actor,
    source: rules.Source,
    upload_id: int | None,
    left_out: Sequence[Mapping[str, object]],
    now: datetime,
) -> tuple[int, str]:
    """A new register's id and reference."""
    for _ in range(MAX_REFERENCE_ATTEMPTS):
        reference = ids.reference()
        added = await connection.fetchval(
            ADD_REGISTER, actor.timebank_id, reference, source, upload_id, actor.member_id, now, list(left_out)
        )
        if added is not None:
            return int(added), reference
    raise RuntimeError("no free reference was found")


async def add_lines(
    connection: Connection,
    actor: Actor,
    new: NewLines,
    planned: Sequence[Credit],
    posted: Mapping[str, Posted],
    *,
    now: datetime,
) -> None:
    """Write every line once: approved with what became of it when it is among ``planned``, submitted otherwise."""
    lines = new.lines
    credited = {credit.to.contribution_id: credit for credit in planned}
    found = [credited.get(id_) for id_ in new.ids]
    await connection.execute(
        ADD_LINES,
        actor.timebank_id,
        new.register_id,
        actor.member_id,
        now,
        new.version,
        list(new.ids),
        list(new.numbers),
        [line.activity_id for line in lines],
        [line.member_id if line.guest_id is None else None for line in lines],
        [line.guest_id for line in lines],
        [line.kind for line in lines],
        [line.held_on for line in lines],
        [line.starts_at for line in lines],
        [line.minutes for line in lines],
        [line.preparation_minutes for line in lines],
        [line.travel_minutes for line in lines],
        [line.what for line in lines],
        [line.evidence for line in lines],
        [line.how_agreed for line in lines],
        list(new.flagged),
        [line.duplicate_reason for line in lines],
        ["approved" if credit else "submitted" for credit in found],
        [credit.credited_to if credit else None for credit in found],
        [credit.other_id if credit else None for credit in found],
        [credit.share.pot_minutes if credit and credit.share else 0 for credit in found],
        [posted[credit.to.key].entry_id if credit and credit.to.key in posted else None for credit in found],
        actor.acting_id,
    )
    received = [
        (id_, member_id, credit.share.paid.get(member_id, 0) if credit and credit.share else 0)
        for id_, line, credit in zip(new.ids, lines, found, strict=True)
        for member_id in line.receiver_ids
    ]
    if received:
        columns = [list(column) for column in zip(*received, strict=True)]
        await connection.execute(ADD_RECEIVERS, actor.timebank_id, *columns)
