"""What tests of time given need: a group, lines, balances, and everything that must hold whatever was done."""

from datetime import date, time
from typing import Any
from uuid import uuid4

import ledger
from tests.people import NOW, Bank
from timebank.contributions import service
from timebank.contributions.service import AddActivity, Line, SavedRegister, SaveRegister
from timebank.kit.actor import Actor
from timebank.members.standing import Choose, Chosen, choose

TODAY = date(2026, 3, 10)


async def group(bank: Bank, name: str = "Lunch club", **columns: object) -> int:
    """A new group; ``columns`` are set as they are (``gives``, ``receivers_pay``)."""
    added = await service.add_activity(bank.db, bank.coordinator, AddActivity(name=name), key=uuid4().hex, now=bank.now)
    assert isinstance(added, int), added
    async with bank.db.writing(bank.id) as connection:
        for column, value in columns.items():
            await connection.execute(
                f"update activity set {column} = $3 where timebank_id = $1 and id = $2", bank.id, added, value
            )
    return added


async def lead(bank: Bank, activity_id: int, member_id: int) -> Actor:
    """Let a member lead a group."""
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "insert into activity_leader (timebank_id, activity_id, member_id, from_day, added_at)"
            " values ($1, $2, $3, $4, $5)",
            bank.id, activity_id, member_id, date(2026, 1, 1), NOW,
        )  # fmt: skip
    return Actor(timebank_id=bank.id, member_id=member_id)


def line(member_id: int, minutes: int = 60, **more: Any) -> Line:
    """One line of today, or as ``more`` says; ``at`` is "10:30"."""
    if at := more.pop("at", None):
        more["starts_at"] = time.fromisoformat(at)
    return Line(member_id=member_id, minutes=minutes, **{"held_on": TODAY, **more})


async def save(bank: Bank, activity_id: int, *lines: Line, actor: Actor | None = None) -> SavedRegister:
    """Save a register that must be accepted."""
    saved = await try_save(bank, activity_id, *lines, actor=actor)
    assert isinstance(saved, SavedRegister), saved
    return saved


async def try_save(bank: Bank, activity_id: int, *lines: Line, actor: Actor | None = None, **more: Any) -> Any:
    """Save a register, whatever comes of it."""
    command = SaveRegister(activity_id=activity_id, lines=lines, **more)
    return await service.save_register(bank.db, actor or bank.coordinator, command, key=uuid4().hex, now=bank.now)


def codes(refusals: Any) -> list[str]:
    """The codes of refusals."""
    assert isinstance(refusals, list), refusals
    return [refusal.code for refusal in refusals]


async def hours(bank: Bank, *accounts: int | str) -> list[int]:
    """What members (by id) and accounts (by code) hold, in minutes."""
    wanted = [f"member/{one}" if isinstance(one, int) else one for one in accounts]
    async with bank.db.reading(bank.id) as connection:
        there = await ledger.balances(connection, bank.id, wanted)
    return [there[code].posted for code in wanted]


async def try_spend(bank: Bank, member_id: int, minutes: int) -> ledger.Posted | ledger.Refused:
    """Use hours as a voucher would, if they are there."""
    legs = (
        ledger.Leg(account=f"member/{member_id}", amount=-minutes),
        ledger.Leg(account="spent/vouchers", amount=minutes),
    )
    entry = ledger.Post(key=uuid4().hex, kind="test", unit="MIN", legs=legs, effective_on=TODAY, actor="test")
    async with bank.db.writing(bank.id) as connection:
        (posted,) = await ledger.post_batch(connection, bank.id, [entry])
    return posted


async def spend(bank: Bank, member_id: int, minutes: int) -> None:
    """Use hours as a voucher would."""
    posted = await try_spend(bank, member_id, minutes)
    assert isinstance(posted, ledger.Posted), posted


async def standing(bank: Bank, member_id: int, choice: str, to: int | None = None) -> None:
    """Change a member's standing choice."""
    command = Choose(member_id=member_id, choice=choice, to_member_id=to)
    chosen = await choose(bank.db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    assert isinstance(chosen, Chosen), chosen


async def rows(bank: Bank, what: str = "*", where: str = "true") -> list[dict[str, Any]]:
    """The contributions of the bank, in the order they were recorded."""
    async with bank.db.reading(bank.id) as connection:
        found = await connection.fetch(
            f"select {what} from contribution where timebank_id = $1 and {where} order by id", bank.id
        )
    return [dict(row) for row in found]


async def messages(bank: Bank, member_id: int) -> list[tuple[str, str, str]]:
    """Kind, subject and body of what a member was told, oldest first."""
    async with bank.db.reading(bank.id) as connection:
        found = await connection.fetch(
            "select kind, subject, body from message where timebank_id = $1 and member_id = $2 order by id",
            bank.id,
            member_id,
        )
    return [(row["kind"], row["subject"], row["body"]) for row in found]
