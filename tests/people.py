"""A fresh time bank with somebody in each role, and a browser that one of them holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from timebank.banks.rules import Rules, TimeBankFacts
from timebank.banks.service import CreateTimeBank, create
from timebank.db import Database
from timebank.identity.service import create_link
from timebank.kit.actor import Actor, system
from timebank.members import service as members
from timebank.members.service import AddMember

NOW = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)


@dataclass
class Bank:
    """A fresh time bank with somebody in each role."""

    db: Database
    facts: TimeBankFacts
    now: datetime
    coordinator: Actor
    coordinator_two: Actor
    finance: Actor
    finance_two: Actor
    participant: Actor
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def id(self) -> int:
        """The id of the time bank, which is its ledger book's too."""
        return self.facts.id

    async def member(self, name: str | None = None, *roles: str) -> int:
        """Add one more member; return their id."""
        return await add_member(self.db, self.facts.id, name or f"Member {next(self.numbers)}", roles)


async def add_member(db: Database, timebank_id: int, name: str, roles: tuple[str, ...] = ()) -> int:
    """Add a member as the system would; return their id."""
    command = AddMember(display_name=name, joined_on=(NOW - timedelta(days=400)).date(), roles=roles)
    added = await members.add(db, system(timebank_id), command, key=uuid4().hex, now=NOW)
    assert isinstance(added, members.Added), added
    return added.member_id


async def make_bank(db: Database, **rules: object) -> Bank:
    """A fresh time bank; ``rules`` replaces single rules of its first version."""
    slug = f"bank-{uuid4().hex[:12]}"
    command = CreateTimeBank(
        slug=slug,
        name=f"Time bank {slug[-6:]}",
        rules=msgspec.convert({"safeguarding_lead": "Sam Lead", **rules}, Rules),
        help_contact="Call 01632 960 001",
    )
    facts = await create(db, command)
    assert isinstance(facts, TimeBankFacts), facts
    people = {}
    for name, roles in (
        ("coordinator", ("coordinator",)),
        ("coordinator_two", ("coordinator",)),
        ("finance", ("finance",)),
        ("finance_two", ("finance",)),
        ("participant", ()),
    ):
        member_id = await add_member(db, facts.id, f"Demo {name.replace('_', ' ')}", roles)
        people[name] = Actor(timebank_id=facts.id, member_id=member_id, roles=frozenset(roles))
    return Bank(db=db, facts=facts, now=NOW, **people)


class Browser(httpx.AsyncClient):
    """An HTTP client that behaves like one person's browser against the real application.

    ``csrf`` is the value that forms of the signed-in session carry.
    """

    csrf: str = ""

    async def sign_in(self, db: Database, actor: Actor, now: datetime = NOW) -> None:
        """Sign in through a real one-time link."""
        path = await create_link(db, actor, actor.member_id, now=now, valid_for=timedelta(hours=1))
        response = await self.post(path, data={}, follow_redirects=False)
        assert response.status_code == 303, response.text
        async with db.globally() as connection:
            self.csrf = await connection.fetchval(
                "select csrf from web_session where timebank_id = $1 and member_id = $2"
                " order by created_at desc limit 1",
                actor.timebank_id,
                actor.member_id,
            )

    async def submit(self, path: str, fields: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Post a form the way a page does: with the session's CSRF value and a fresh idempotency key."""
        data = {"csrf": self.csrf, "key": uuid4().hex, **(fields or {})}
        return await self.post(path, data=data, follow_redirects=False, **more)
