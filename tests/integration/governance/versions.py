"""Changing the rules of a test's time bank."""

from datetime import date, timedelta
from uuid import uuid4

from tests.people import Bank
from timebank.governance import service
from timebank.governance.service import ChangeRules
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal


async def admin_of(bank: Bank) -> Actor:
    """A new administrator of the time bank."""
    return Actor(timebank_id=bank.id, member_id=await bank.member(None, "admin"), roles=frozenset({"admin"}))


async def change(
    bank: Bank,
    admin: Actor,
    *,
    base: int = 1,
    starts_on: date | None = None,
    decided_by: str = "the meeting",
    **boxes: str,
) -> int | list[Refusal]:
    """Change rules; ``boxes`` are the values as typed. It starts in 40 days when nothing is said."""
    command = ChangeRules(
        base_version=base,
        boxes=boxes,
        decided_by=decided_by,
        starts_on=starts_on or bank.now.date() + timedelta(days=40),
    )
    return await service.change_rules(bank.db, admin, command, key=uuid4().hex, now=bank.now)


async def a_second_version(bank: Bank, admin: Actor) -> int:
    """Write a version 2 that starts later."""
    version = await change(bank, admin, undo_minutes="20")
    assert version == 2, version
    return version
