"""Leaving: the ledger stays and the person goes. Asked for, some days to think again, then done in one transaction.

A death goes the same way, recorded by a coordinator; nobody is written to. What is erased, and where, is the list in
``traces``. The hours that are left go where the rules say (``hours_on_leaving``), in one entry, and the account closes.
"""

from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import structlog

from ledger import LedgerError, Leg, Post, Posted, balance, post, set_status
from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.banks.service import MINUTES
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import ADMIN, COORDINATOR, Actor, system
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import joined, mark, say, say_n
from timebank.kit.working_days import next_working_day
from timebank.members import pausing, safeguarding
from timebank.members.access import note_within
from timebank.members.traces import TRACES
from timebank.messages.service import Message, send

LEAVES, DIED = "leaves", "died"
THINK_AGAIN_DAYS = 7
ENTRY_KIND = "leaving"
GONE_TO = {"pot": "pot", "expire": "expired"}
MAX_SHOWN = 200

log = structlog.get_logger(__name__)

MEMBER = """
select m.display_name, m.number, m.status,
       array(select r.role from member_role r where r.timebank_id = m.timebank_id and r.member_id = m.id) as roles,
       -- their own bookings, and those of others with them
       (select count(*) from redemption b join offer o on o.timebank_id = b.timebank_id and o.id = b.offer_id
         where b.timebank_id = m.timebank_id and b.state in ('requested', 'accepted')
           and (b.member_id = m.id or o.provider_id = m.id)) as open_bookings,
       (select count(*) from contribution c
         where c.timebank_id = m.timebank_id and c.member_id = m.id and c.state = 'submitted') as waiting_entries,
       -- nobody else could run the time bank without them
       not exists (select from member_role r join member o on o.timebank_id = r.timebank_id and o.id = r.member_id
                    where r.timebank_id = m.timebank_id and r.member_id <> m.id and o.status = 'active'
                      and r.role in ('admin', 'coordinator')) as is_last_to_run
  from member m
 where m.timebank_id = $1 and m.id = $2
"""
WAITING = """
select d.id, d.member_id, m.display_name, m.number, d.kind, d.asked_at, d.erase_at
  from departure d
  join member m on m.timebank_id = d.timebank_id and m.id = d.member_id
 where d.timebank_id = $1 and d.state = 'waiting' and ($2::bigint is null or d.member_id = $2)
 order by d.erase_at, d.id
 limit $3
"""
ASK = """
insert into departure (timebank_id, member_id, kind, asked_by, asked_at, erase_at) values ($1, $2, $3, $4, $5, $6)
"""
TAKE_BACK = """
update departure set state = 'taken_back', ended_by = $3, ended_at = $4
 where timebank_id = $1 and member_id = $2 and state = 'waiting'
"""
DUE = "select id from departure where timebank_id = $1 and state = 'waiting' and erase_at <= $2 order by erase_at, id"
LOCK_DUE = """
select id, member_id, kind from departure
 where timebank_id = $1 and id = $2 and state = 'waiting' and erase_at <= $3
   for update skip locked
"""
DONE = """
update departure set state = 'done', ended_at = $3, minutes = $4, entry_id = $5, rules_version = $6
 where timebank_id = $1 and id = $2
"""
# Their hours stay with themselves again.
GIVERS = """
update member set standing_choice = 'hours', standing_to_id = null
 where timebank_id = $1 and standing_to_id = $2 and status <> 'left'
returning id
"""
# Nothing reaches the family of somebody who died.
KEEP_BACK = """
update message set state = 'dropped' where timebank_id = $1 and member_id = $2 and state = 'waiting'
"""


class AskToLeave(msgspec.Struct, frozen=True, kw_only=True):
    """Leave the time bank (``leaves``), or record that a member has died (``died``)."""

    member_id: int
    kind: str = LEAVES


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """Take the wish to leave back, or a death that was recorded by mistake."""

    member_id: int


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """The member leaves at ``erase_at``, unless they say that they stay; ``last_day`` is the last day for that."""

    member_id: int
    kind: str
    erase_at: datetime
    last_day: date


class Stayed(msgspec.Struct, frozen=True, kw_only=True):
    """The member stays. ``status`` is ``active``, or ``paused`` when they wait for something else."""

    member_id: int
    status: str


class WaitingDeparture(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is leaving, as coordinators see it."""

    id: int
    member_id: int
    display_name: str
    number: int
    kind: str
    asked_at: datetime
    erase_at: datetime


class WhatHappens(msgspec.Struct, frozen=True, kw_only=True):
    """What leaving would mean for a member now: the facts that the check page puts into words."""

    member_id: int
    display_name: str
    status: str
    minutes: int
    hours_go: str
    open_bookings: int
    waiting_entries: int
    last_day: date
    in_the_way: tuple[Refusal, ...]
    departure: WaitingDeparture | None


async def what_happens(connection: Connection, timebank_id: int, member_id: int, now: datetime) -> WhatHappens:
    """What leaving would mean for a member, and what has to be done first.

    Raises:
        LookupError: the time bank has no such member, or they have left.
    """
    row = await connection.fetchrow(MEMBER, timebank_id, member_id)
    if row is None or row["status"] == "left":
        raise LookupError(f"no member {member_id}")
    facts = await banks.by_id(connection, timebank_id)
    _, rules = await banks.rules_in_force(connection, timebank_id, today(now, facts.time_zone))
    there = await balance(connection, timebank_id, account_of(member_id))
    is_lead = await safeguarding.lead(connection, timebank_id) == member_id
    found = await waiting(connection, timebank_id, member_id)
    return WhatHappens(
        member_id=member_id,
        display_name=row["display_name"],
        status=row["status"],
        minutes=there.posted,
        hours_go=rules.hours_on_leaving,
        open_bookings=row["open_bookings"],
        waiting_entries=row["waiting_entries"],
        last_day=last_day_to_stay(facts, now),
        in_the_way=tuple(
            check_free_to_go(
                open_bookings=row["open_bookings"],
                runs_it_alone=row["is_last_to_run"] and bool({ADMIN, COORDINATOR} & set(row["roles"])),
                is_lead=is_lead,
            )
        ),
        departure=found[0] if found else None,
    )


async def waiting(connection: Connection, timebank_id: int, member_id: int | None = None) -> list[WaitingDeparture]:
    """Who is leaving, the soonest first; or the one member's wish to leave."""
    rows = await connection.fetch(WAITING, timebank_id, member_id, MAX_SHOWN)
    return [msgspec.convert(dict(row), WaitingDeparture) for row in rows]


def check_free_to_go(*, open_bookings: int, runs_it_alone: bool, is_lead: bool) -> list[Refusal]:
    """What has to be done before somebody leaves: ``open_bookings``, ``runs_it_alone``, ``leads_safeguarding``."""
    refusals = []
    if open_bookings:
        words = say_n(open_bookings, "Use or cancel {n} open booking first.", "Use or cancel {n} open bookings first.")
        refusals.append(Refusal("open_bookings", words))
    if runs_it_alone:
        refusals.append(
            Refusal("runs_it_alone", say("Nobody else can run the time bank. Give another member the role first."))
        )
    if is_lead:
        refusals.append(Refusal("leads_safeguarding", say("Name another safeguarding lead first.")))
    return refusals


def last_day_to_stay(facts: TimeBankFacts, now: datetime) -> date:
    """The last whole day to change one's mind: a week from now, and never a day on which nobody works."""
    return next_working_day(today(now, facts.time_zone) + timedelta(days=THINK_AGAIN_DAYS), facts.holiday_region)


def account_of(member_id: int) -> str:
    """The ledger account of a member's hours; the name is ``timebank.hours``', which stands above this room."""
    return f"member/{member_id}"


async def ask_to_leave(
    db: Database, actor: Actor, command: AskToLeave, *, key: str, now: datetime
) -> Leaving | list[Refusal]:
    """Say that a member leaves: from now on they are paused; at ``erase_at`` a job does what :func:`erase_due` says.

    By the member, who is told how to stay; by a coordinator for them; a death only by a coordinator, and then nobody is
    told. Asked again it changes nothing.

    Refusals: ``not_yours``, ``not_allowed`` (a death), ``kind_unknown``, ``unknown_member``, and those of
    :func:`check_free_to_go`.
    """
    if refusals := _check_asker(actor, command):
        return refusals

    async def work(connection: Connection) -> Leaving:
        return await _ask(connection, actor, command, now)

    return await once(db, actor, "ask_to_leave", key, command, Leaving, work)


def _check_asker(actor: Actor, command: AskToLeave) -> list[Refusal]:
    if refusals := pausing.check_subject(actor, command.member_id):
        return refusals
    if command.kind not in (LEAVES, DIED):
        return [Refusal("kind_unknown", say("Choose what happened."), "kind")]
    if command.kind == DIED and (not actor.has(COORDINATOR) or command.member_id == actor.member_id):
        return [Refusal("not_allowed", say("Only a coordinator can record this."))]
    return []


async def _ask(connection: Connection, actor: Actor, command: AskToLeave, now: datetime) -> Leaving:
    timebank_id, member_id = actor.timebank_id, command.member_id
    await connection.fetchval(pausing.LOCK, timebank_id, member_id)
    try:
        facts = await what_happens(connection, timebank_id, member_id, now)
    except LookupError:
        raise Rollback([Refusal("unknown_member", say("Choose a member of this time bank."), "member_id")]) from None
    bank = await banks.by_id(connection, timebank_id)
    if facts.departure is not None:
        return _leaving(facts.departure.kind, member_id, facts.departure.erase_at, bank)
    if facts.in_the_way:
        raise Rollback(list(facts.in_the_way))
    erase_at = _midnight_after(facts.last_day, bank)
    await connection.execute(ASK, timebank_id, member_id, command.kind, actor.member_id, now, erase_at)
    await pausing.begin_within(connection, actor, member_id, pausing.LEAVING, now=now)
    await note_within(connection, actor, member_id, mark("wrote down that you leave"), now=now)
    if command.kind == DIED:
        await connection.execute(KEEP_BACK, timebank_id, member_id)
        await connection.execute(
            "delete from web_session where timebank_id = $1 and member_id = $2", timebank_id, member_id
        )
    else:
        await send(connection, timebank_id, [_goodbye(member_id, facts.last_day, erase_at)], now=now)
    return _leaving(command.kind, member_id, erase_at, bank)


async def stay(db: Database, actor: Actor, command: Stay, *, key: str, now: datetime) -> Stayed | list[Refusal]:
    """Take the wish to leave back while there is time; somebody who was not leaving is as they were.

    Refusals: ``not_yours``, ``has_left``.
    """
    if refusals := pausing.check_subject(actor, command.member_id):
        return refusals

    async def work(connection: Connection) -> Stayed:
        timebank_id, member_id = actor.timebank_id, command.member_id
        status = await connection.fetchval(pausing.LOCK, timebank_id, member_id)
        if status is None or status == "left":
            raise Rollback([Refusal("has_left", say("It is too late for this: they have left."), "member_id")])
        if await waiting(connection, timebank_id, member_id):
            bank = await banks.by_id(connection, timebank_id)
            await connection.execute(TAKE_BACK, timebank_id, member_id, actor.member_id, now)
            await pausing.end_within(connection, timebank_id, member_id, now=now)
            day = today(now, bank.time_zone)
            if await safeguarding.may_take_part(connection, timebank_id, member_id, day):
                await pausing.begin_within(connection, actor, member_id, pausing.CONSENT, now=now)
            await note_within(connection, actor, member_id, mark("wrote down that you stay"), now=now)
        there = await pausing.status_of(connection, timebank_id, member_id)
        return Stayed(member_id=member_id, status=there.status)

    return await once(db, actor, "stay", key, command, Stayed, work)


async def erase_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Let go of every member whose time has come; return how many. A job: each in a transaction of its own, once.

    One for whom something is in the way (a booking that others have with them) stays on the coordinators' list and is
    tried again.
    """
    async with db.reading(timebank_id) as connection:
        due = [row["id"] for row in await connection.fetch(DUE, timebank_id, now)]
    done = 0
    for departure_id in due:
        try:
            async with db.writing(timebank_id) as connection:
                done += await _erase(connection, timebank_id, departure_id, now)
        except Rollback as rollback:
            codes = [refusal.code for refusal in rollback.refusals]
            log.info("a member cannot leave yet", timebank_id=timebank_id, departure_id=departure_id, codes=codes)
        except LedgerError as error:
            # Hours arrived in this very moment: the next round sees them.
            log.info("a member cannot leave yet", timebank_id=timebank_id, departure_id=departure_id, error=repr(error))
    return done


async def _erase(connection: Connection, timebank_id: int, departure_id: int, now: datetime) -> int:
    departure = await connection.fetchrow(LOCK_DUE, timebank_id, departure_id, now)
    if departure is None:
        return 0
    member_id = departure["member_id"]
    await connection.fetchval(pausing.LOCK, timebank_id, member_id)
    facts = await what_happens(connection, timebank_id, member_id, now)
    if facts.in_the_way:
        raise Rollback(list(facts.in_the_way))
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    version, _ = await banks.rules_in_force(connection, timebank_id, day)
    givers = [row["id"] for row in await connection.fetch(GIVERS, timebank_id, member_id)]
    await send(connection, timebank_id, [_yours_again(giver, departure_id) for giver in givers], now=now)
    entry_id = await _empty_account(connection, timebank_id, departure_id, facts, version, day)
    for trace in TRACES:
        for statement in trace.erase:
            await connection.execute(statement, timebank_id, member_id)
    await connection.execute(DONE, timebank_id, departure_id, now, facts.minutes, entry_id, version)
    return 1


async def _empty_account(
    connection: Connection, timebank_id: int, departure_id: int, facts: WhatHappens, rules_version: int, day: date
) -> UUID | None:
    """Post what is left to where the rules say and close the account; ``corrections`` makes good what is below zero."""
    account, actor = account_of(facts.member_id), system(timebank_id).name
    entry_id = None
    if facts.minutes:
        other = GONE_TO[facts.hours_go] if facts.minutes > 0 else "corrections"
        entry = Post(
            key=f"leave:{departure_id}:1",
            kind=ENTRY_KIND,
            unit=MINUTES,
            legs=(Leg(account=account, amount=-facts.minutes), Leg(account=other, amount=facts.minutes)),
            effective_on=day,
            actor=actor,
            meta={"rules": rules_version},
        )
        result = await post(connection, timebank_id, entry)
        if not isinstance(result, Posted):
            raise Rollback([Refusal("hours_in_the_way", say("The hours cannot move now. It is tried again."))])
        entry_id = result.entry_id
    await set_status(connection, timebank_id, account, "closed", actor=actor, reason="the member has left")
    return entry_id


def _midnight_after(day: date, facts: TimeBankFacts) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(facts.time_zone))


def _leaving(kind: str, member_id: int, erase_at: datetime, facts: TimeBankFacts) -> Leaving:
    last_day = erase_at.astimezone(ZoneInfo(facts.time_zone)).date() - timedelta(days=1)
    return Leaving(member_id=member_id, kind=kind, erase_at=erase_at, last_day=last_day)


def _goodbye(member_id: int, last_day: date, erase_at: datetime) -> Message:
    return Message(
        member_id=member_id,
        kind="leaving",
        subject=say("You asked to leave. You can still stay until {day}", day=last_day),
        body=joined(
            say("After {day} we delete what we hold about you.", day=last_day),
            say("Changed your mind? Say so on your page, or tell your coordinator."),
            say("Did you not ask for this? Tell us at once."),
        ),
        path="/me/leave",
        is_urgent=True,
        dedupe=f"leaving:{member_id}:{erase_at.isoformat()}",
    )


def _yours_again(giver: int, departure_id: int) -> Message:
    return Message(
        member_id=giver,
        kind="standing_choice",
        subject=say("You keep the hours you earn again"),
        body=joined(
            say("The person who got your hours does not take part any more."),
            say("You can choose someone else at any time."),
        ),
        path="/me/hours-choice",
        dedupe=f"standing_ended:{departure_id}:{giver}",
    )
