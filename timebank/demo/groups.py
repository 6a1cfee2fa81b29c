"""Three months of sessions: registers saved as a coordinator would save them, evening after evening."""

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.contributions.service import AddActivity, Line, SaveRegister, add_activity, save_register
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused, Step
from timebank.kit.actor import Actor

WEEKS = 13
HARBOUR_SESSIONS = 3
PARTICIPANT_PLACE = 9


async def add_groups(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Make the groups; return a step for every session of three months. A fifth of the members do most of it."""
    chance = random.Random(people.SEED)
    is_small = facts.slug == people.HARBOUR
    coordinator = actors[people.HARBOUR_COORDINATOR if is_small else people.COORDINATOR]
    groups = people.GROUPS[:1] if is_small else people.GROUPS
    regulars = _by_keenness(actors, coordinator, chance)
    sessions = []
    for group in groups:
        activity_id = await add_activity(
            db,
            coordinator,
            AddActivity(name=group.name, place=group.place, default_minutes=group.minutes),
            key=f"demo-group-{group.name}",
            now=anchor - timedelta(weeks=WEEKS + 1),
        )
        if isinstance(activity_id, list):
            raise Refused(activity_id)
        days = _days(group, anchor.date(), HARBOUR_SESSIONS if is_small else WEEKS // group.every_weeks)
        sessions += [
            (day, group, _lines(group, activity_id, day, regulars, _chance(group, sessions_ago)))
            for sessions_ago, day in enumerate(days)
        ]
    say(f"{facts.name}: {len(sessions)} sessions of {len(groups)} group{'s' if len(groups) != 1 else ''}")
    return [
        _session(db, coordinator, n, lines, day, anchor)
        for n, (day, group, lines) in enumerate(sorted(sessions, key=lambda session: (session[0], session[1].name)))
    ]


def _session(db: Database, coordinator: Actor, n: int, lines: tuple[Line, ...], day: date, anchor: datetime) -> Step:
    evening = anchor - timedelta(days=(anchor.date() - day).days)

    async def save() -> None:
        command = SaveRegister(lines=lines, source="page")
        saved = await save_register(db, coordinator, command, key=f"demo-register-{n}", now=evening)
        if isinstance(saved, list):
            raise Refused(saved)

    return Step(evening, save)


def _by_keenness(actors: dict[str, Actor], coordinator: Actor, chance: random.Random) -> list[int]:
    """Member ids, the keenest first. The participant of the demo comes often; the coordinator comes last."""
    ids = [actor.member_id for name, actor in actors.items() if name != people.PARTICIPANT and actor != coordinator]
    chance.shuffle(ids)
    if people.PARTICIPANT in actors:
        ids.insert(PARTICIPANT_PLACE, actors[people.PARTICIPANT].member_id)
    return [member_id for member_id in [*ids, coordinator.member_id] if member_id is not None]


def _chance(group: people.Group, sessions_ago: int) -> random.Random:
    """Who came does not depend on the day on which the demo is started."""
    return random.Random(f"{people.SEED} {group.name} {sessions_ago}")


def _days(group: people.Group, last: date, count: int) -> list[date]:
    """The days of the newest ``count`` sessions, the newest first."""
    newest = last - timedelta(days=(last.weekday() - group.weekday) % 7)
    return [newest - timedelta(weeks=n * group.every_weeks) for n in range(count)]


def _lines(
    group: people.Group, activity_id: int, day: date, regulars: Sequence[int], chance: random.Random
) -> tuple[Line, ...]:
    count = min(len(regulars) - 1, max(2, group.people + chance.randint(-2, 2)))
    weights = [1 / (place + 2) for place in range(len(regulars) - 1)]
    came: set[int] = set()
    while len(came) < count:
        came.add(chance.choices(regulars[:-1], weights)[0])
    lines = []
    for member_id in sorted(came):
        minutes = group.minutes + chance.choice((0, 0, 0, 0, -30, 15, 30))
        what = group.what if chance.random() < 0.3 else ""
        lines.append(Line(activity_id=activity_id, member_id=member_id, held_on=day, minutes=minutes, what=what))
    return tuple(lines)
