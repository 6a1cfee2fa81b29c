"""Whatever sequence of gifts, pauses, choices and departures: the books balance, and who left has an empty account."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import ledger
from tests.people import NOW, Bank, make_bank
from timebank.db import Database
from timebank.hours.service import Give, Given, give
from timebank.kit.actor import Actor
from timebank.members import leaving, pausing, standing
from timebank.members.traces import ANONYMOUS

PEOPLE = 4
WHO = st.integers(0, PEOPLE - 1)
MINUTES = st.integers(1, 240)


def key() -> str:
    return uuid4().hex


class Leaving(RuleBasedStateMachine):
    """Four members of one time bank, and a model of what each has and where each stands."""

    address: str
    runner: asyncio.Runner

    @initialize(expires=st.booleans())
    def begin(self, expires: bool) -> None:
        """A fresh time bank; its rules say where hours go."""
        self.runner = asyncio.Runner()
        self.db = self.runner.run(Database.open(self.address, pool_size=3))
        rules = {"hours_on_leaving": "expire" if expires else "pot"}
        self.bank: Bank = self.runner.run(make_bank(self.db, **rules))
        self.gone_to = "expired" if expires else "pot"
        self.members = [self.runner.run(self.bank.member(f"Person {n}")) for n in range(PEOPLE)]
        self.hours = [0] * PEOPLE
        self.state = ["active"] * PEOPLE
        self.moment = NOW
        self.gone = self.pot = 0

    def actor(self, n: int) -> Actor:
        return Actor(timebank_id=self.bank.id, member_id=self.members[n])

    def do(self, use_case: Any, n: int, command: Any) -> Any:
        return self.runner.run(use_case(self.db, self.actor(n), command, key=key(), now=self.moment))

    @rule(n=WHO, minutes=MINUTES)
    def earn(self, n: int, minutes: int) -> None:
        """Hours come from the programme; the account of somebody who left takes none."""

        async def post() -> ledger.Result:
            legs = (
                ledger.Leg(account="issued", amount=-minutes),
                ledger.Leg(account=f"member/{self.members[n]}", amount=minutes),
            )
            entry = ledger.Post(
                key=key(), kind="test", unit="MIN", legs=legs, effective_on=self.moment.date(), actor="system"
            )
            async with self.db.writing(self.bank.id) as connection:
                return await ledger.post(connection, self.bank.id, entry)

        result = self.runner.run(post())
        assert isinstance(result, ledger.Posted) == (self.state[n] != "left"), result
        if self.state[n] != "left":
            self.hours[n] += minutes

    @rule(n=WHO, to=st.none() | WHO, minutes=MINUTES)
    def give_hours(self, n: int, to: int | None, minutes: int) -> None:
        """A gift needs an active giver and receiver, and the hours."""
        command = Give(
            from_member_id=self.members[n], to_member_id=None if to is None else self.members[to], minutes=minutes
        )
        done = self.do(give, n, command)
        may = self.state[n] == "active" and to != n and (to is None or self.state[to] == "active")
        assert isinstance(done, Given) == (may and self.hours[n] >= minutes), done
        if isinstance(done, Given):
            self.hours[n] -= minutes
            if to is None:
                self.pot += minutes
            else:
                self.hours[to] += minutes

    @rule(n=WHO, days=st.none() | st.integers(1, 20))
    def pause(self, n: int, days: int | None) -> None:
        until = None if days is None else self.moment.date() + timedelta(days=days)
        done = self.do(pausing.pause, n, pausing.AskPause(member_id=self.members[n], until_on=until))
        assert isinstance(done, pausing.Status) == (self.state[n] in ("active", "paused"))
        if isinstance(done, pausing.Status):
            self.state[n] = "paused"

    @rule(n=WHO)
    def come_back(self, n: int) -> None:
        done = self.do(pausing.come_back, n, pausing.ComeBack(member_id=self.members[n]))
        assert isinstance(done, pausing.Status) == (self.state[n] in ("active", "paused"))
        if isinstance(done, pausing.Status):
            self.state[n] = "active"

    @rule(n=WHO, choice=st.sampled_from(standing.CHOICES), to=WHO)
    def choose(self, n: int, choice: str, to: int) -> None:
        target = self.members[to] if choice == "member" else None
        command = standing.Choose(member_id=self.members[n], choice=choice, to_member_id=target)
        done = self.do(standing.choose, n, command)
        may = self.state[n] != "left" and (choice != "member" or (to != n and self.state[to] == "active"))
        assert isinstance(done, standing.Chosen) == may, done

    @rule(n=WHO)
    def leave(self, n: int) -> None:
        done = self.do(leaving.ask_to_leave, n, leaving.AskToLeave(member_id=self.members[n]))
        assert isinstance(done, leaving.Leaving) == (self.state[n] != "left"), done
        if self.state[n] != "left":
            self.state[n] = "leaving"

    @rule(n=WHO)
    def stay(self, n: int) -> None:
        done = self.do(leaving.stay, n, leaving.Stay(member_id=self.members[n]))
        assert isinstance(done, leaving.Stayed) == (self.state[n] != "left")
        if self.state[n] == "leaving":
            self.state[n] = "active"

    @rule(days=st.integers(1, 12))
    @precondition(lambda self: "leaving" in self.state)
    def wait(self, days: int) -> None:
        """Time passes and the jobs run, twice, as they may; who is gone is read from the database."""
        self.moment += timedelta(days=days)
        for _ in range(2):
            self.runner.run(pausing.end_pauses_due(self.db, self.bank.id, self.moment))
            self.runner.run(leaving.erase_due(self.db, self.bank.id, self.moment))
        for n, row in enumerate(self.rows()):
            if row["status"] == "left" and self.state[n] != "left":
                assert self.state[n] == "leaving", "nobody goes who did not ask"
                assert row["display_name"] == ANONYMOUS
                self.state[n] = "left"
                self.gone += self.hours[n]
                self.hours[n] = 0
            elif self.state[n] == "paused":
                self.state[n] = row["status"]

    def rows(self) -> list[Any]:
        async def read() -> list[Any]:
            async with self.db.reading(self.bank.id) as connection:
                return await connection.fetch(
                    "select status, display_name from member where id = any($1::bigint[]) order by id", self.members
                )

        return self.runner.run(read())

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "members"):
            return

        async def read() -> dict[str, int]:
            async with self.db.reading(self.bank.id) as connection:
                rows = await connection.fetch(
                    "select a.code, b.posted from ledger.account a join ledger.balance b"
                    " on b.book_id = a.book_id and b.account_id = a.id where a.book_id = $1",
                    self.bank.id,
                )
            return {row["code"]: row["posted"] for row in rows}

        balances = self.runner.run(read())
        assert sum(balances.values()) == 0
        assert [balances[f"member/{member_id}"] for member_id in self.members] == self.hours
        assert balances["pot"] == self.pot + (self.gone if self.gone_to == "pot" else 0)
        assert balances["expired"] == (self.gone if self.gone_to == "expired" else 0)

    def teardown(self) -> None:
        """Give the connections back."""
        if hasattr(self, "db"):
            self.runner.run(self.db.close())
            self.runner.close()


@pytest.mark.slow
def test_any_sequence_of_giving_pausing_and_leaving(app_url: str) -> None:
    Leaving.address = app_url
    run_state_machine_as_test(
        Leaving,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
