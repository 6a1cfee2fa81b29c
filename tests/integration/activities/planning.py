"""What the tests of activities start from: a group, a session of it, and the time it is planned for."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import uuid4

from tests.people import Bank
from timebank.activities import service
from timebank.activities.queries import session
from timebank.activities.recurrence import Repeat
from timebank.activities.service import AddActivity, Planned, PlanSessions, SessionDetails, TakePart
from timebank.activities.shown import SessionShown
from timebank.kit.actor import Actor

DAY = date(2026, 3, 17)  # a week after the clock of the tests
AT = time(14)
START = datetime(2026, 3, 17, 14, tzinfo=UTC)


def key() -> str:
    return uuid4().hex


async def group(bank: Bank, name: str = "Lunch club", **details: Any) -> int:
    added = await service.add_activity(
        bank.db, bank.coordinator, AddActivity(name=name, **details), key=key(), now=bank.now
    )
    assert isinstance(added, int), added
    return added


async def planned(
    bank: Bank, activity_id: int, *, day: date = DAY, at: time = AT, repeat: Repeat | None = None, **details: Any
) -> list[int]:
    command = PlanSessions(
        activity_id=activity_id,
        day=day,
        starts_at=at,
        details=SessionDetails(**{"planned_minutes": 120, **details}),
        repeat=repeat,
    )
    done = await service.plan_sessions(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert isinstance(done, Planned), done
    return done.session_ids


async def signed_up(bank: Bank, session_id: int, who: Actor, now: datetime | None = None) -> None:
    assert who.member_id is not None
    command = TakePart(session_id=session_id, member_id=who.member_id)
    done = await service.sign_up(bank.db, who, command, key=key(), now=now or bank.now)
    assert not isinstance(done, list), done


async def look(bank: Bank, session_id: int) -> SessionShown:
    async with bank.db.reading(bank.id) as connection:
        found = await session(connection, bank.id, session_id)
    assert found is not None
    return found


async def messages(bank: Bank, kind: str) -> list[tuple[int, str, str]]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select member_id, subject, body from message where timebank_id = $1 and kind = $2 order by id",
            bank.id,
            kind,
        )
    return [(row["member_id"], row["subject"], row["body"]) for row in rows]
