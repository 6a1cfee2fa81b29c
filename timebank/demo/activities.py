"""What is planned in the demo: sessions of the next weeks, leaders, sign-ups, a poster, and a group with a fee."""

from datetime import date, datetime, time, timedelta

from timebank.activities import queries, service
from timebank.activities.recurrence import Repeat
from timebank.activities.service import (
    AddActivity,
    AddLeader,
    ChangeActivity,
    PlanSessions,
    SessionDetails,
    TakePart,
)
from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused
from timebank.kit.actor import Actor

LEADER = "Grace Adeyemi"
LED = "Garden group"
WEEKS = 8
DAYS_OPEN = 28
OPEN_HOUSE = "Open house"
STARTS = {
    "Tuesday lunch club": time(12),
    "Hospital café advisers": time(14),
    "Reading panel": time(10, 30),
    "Garden group": time(10),
    "Easy Read checkers": time(13, 30),
    "Interview panel": time(9, 30),
}
LUNCH = {
    "is_step_free": True,
    "has_hearing_loop": True,
    "has_accessible_toilet": True,
    "has_quiet_room": True,
    "access_notes": "The lift is on the left of the door.\nThe kitchen can be loud between 12 and 1.",
    "route": "Bus 9 stops at the door.\nGo in by the blue door and follow the red line.",
    "breaks": "There is a break every 45 minutes. Take one at any time.",
    "budget_code": "DEMO-100",
    "funder": "Riverside Trust (demo)",
}


async def add_activities(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime) -> None:
    """Plan what comes after the three months that were logged; the groups must be there."""
    coordinator = actors[people.COORDINATOR]
    async with db.reading(facts.id) as connection:
        ids = {one.name: one.id for one in await queries.activities(connection, facts.id)}
    await _describe(db, coordinator, ids["Tuesday lunch club"], anchor)
    first = anchor.date() + timedelta(days=1)
    for group in people.GROUPS:
        repeat = Repeat(kind="weekly", every=group.every_weeks, until=first + timedelta(weeks=WEEKS, days=7))
        details = SessionDetails(
            planned_minutes=group.minutes, capacity=6 if group.name == "Hospital café advisers" else None
        )
        day = first + timedelta(days=(group.weekday - first.weekday()) % 7)
        await _plan(db, coordinator, ids[group.name], group.name, day, STARTS[group.name], details, repeat, anchor)
    fee = AddActivity(
        name="Clinic design panel",
        place="Civic Centre",
        default_minutes=120,
        gives="fee",
        work_kind="service_user_involvement",
        preparation_minutes=60,
        is_listed=False,
        funder="County Hospitals (demo)",
    )
    await _added(db, coordinator, fee, anchor)
    house = AddActivity(name=OPEN_HOUSE, place="Riverside Hall", default_minutes=480, is_step_free=True)
    open_house = await _added(db, coordinator, house, anchor)
    every_day = [first + timedelta(days=n) for n in range(7)]
    for n, day in enumerate(every_day):
        repeat = Repeat(kind="weekly", until=first + timedelta(days=DAYS_OPEN))
        key = f"{OPEN_HOUSE}-{n}"
        await _plan(db, coordinator, open_house, key, day, time(9), SessionDetails(planned_minutes=480), repeat, anchor)
    await _take_part(db, facts, actors, ids, open_house, anchor)


async def _describe(db: Database, coordinator: Actor, activity_id: int, anchor: datetime) -> None:
    async with db.reading(coordinator.timebank_id) as connection:
        there = await queries.activity(connection, coordinator.timebank_id, activity_id)
    assert there is not None
    command = ChangeActivity(
        activity_id=activity_id,
        name=there.name,
        place=there.place,
        default_minutes=there.default_minutes,
        **LUNCH,  # type: ignore[arg-type]
    )
    _check(await service.change_activity(db, coordinator, command, key="demo-describe-lunch", now=anchor))


async def _take_part(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], ids: dict[str, int], open_house: int, anchor: datetime
) -> None:
    coordinator = actors[people.COORDINATOR]
    leads = AddLeader(
        activity_id=ids[LED],
        member_id=actors[LEADER].member_id or 0,
        from_day=anchor.date() - timedelta(days=60),
    )
    _check(await service.add_leader(db, coordinator, leads, key="demo-leader", now=anchor))
    for activity_id in (ids["Tuesday lunch club"], open_house):
        _check(await service.make_code(db, coordinator, activity_id, key=f"demo-code-{activity_id}", now=anchor))
    async with db.reading(facts.id) as connection:
        lunches = await queries.around(connection, facts.id, ids["Tuesday lunch club"], anchor.date(), 2)
    names = [people.PARTICIPANT, "Idris Walker", "Callum Fraser", "مريم الهاشمي"]
    for name in names:
        command = TakePart(session_id=lunches[0].id, member_id=actors[name].member_id or 0)
        _check(await service.sign_up(db, actors[name], command, key="demo-sign-up", now=anchor))


async def _added(db: Database, coordinator: Actor, command: AddActivity, anchor: datetime) -> int:
    added = await service.add_activity(db, coordinator, command, key=f"demo-activity-{command.name}", now=anchor)
    if isinstance(added, list):
        raise Refused(added)
    return added


async def _plan(
    db: Database,
    coordinator: Actor,
    activity_id: int,
    key: str,
    day: date,
    starts_at: time,
    details: SessionDetails,
    repeat: Repeat,
    anchor: datetime,
) -> None:
    command = PlanSessions(activity_id=activity_id, day=day, starts_at=starts_at, details=details, repeat=repeat)
    _check(await service.plan_sessions(db, coordinator, command, key=f"demo-plan-{key}", now=anchor))


def _check(done: object) -> None:
    if isinstance(done, list):
        raise Refused(done)
