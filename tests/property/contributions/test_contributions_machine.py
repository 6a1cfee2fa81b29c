"""Time given against a model: what counts, what waits, who decided, where the minutes went, in any order.

``TIMEBANK_STEPS=20000`` makes a long run.
"""

import asyncio
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import ledger
from tests.contributed import TODAY, group, lead
from tests.people import Bank, make_bank
from timebank.contributions import corrections, service
from timebank.contributions.corrections import ChangedLine, CorrectedRegister, CorrectRegister
from timebank.contributions.guests import AddedGuest, AddGuest, JoinedGuest
from timebank.contributions.service import Decide, Decided, Line, SavedRegister, SaveRegister, UndoneRegister
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.members.standing import Choose, Chosen, choose

STEPS = int(os.environ.get("TIMEBANK_STEPS", "0"))
STEPS_PER_EXAMPLE = 30
PEOPLE = ("ada", "ben", "eve", "coordinator", "coordinator_two")
STAFF = ("coordinator", "coordinator_two")
LIMIT = 120
GROUPS = ("lunch", "panel")  # ben leads lunch; panel pays a fee
LENGTHS = st.sampled_from([5, 20, 60, 119, 121, 400])
CHOICES = st.sampled_from(["hours", "pot", "nothing", "ada", "coordinator"])


@dataclass
class Given:
    """What the model knows of one contribution. ``who`` is a person or a guest; ``to`` a person, pot, none or guest."""

    id: int
    register: str
    who: str
    group: str
    kind: str
    minutes: int
    day: date
    by: str
    state: str
    to: str = ""
    receiver: str = ""
    decided_by: str = ""


@dataclass
class Saved:
    """What the model knows of one register."""

    by: str
    at: Any
    ids: list[int] = field(default_factory=list)
    is_undone: bool = False
    is_corrected: bool = False


class Contributions(RuleBasedStateMachine):
    """Does things in any order, by anybody, and keeps a model beside them."""

    registers = Bundle("registers")
    guests = Bundle("guests")
    app_url = ""
    owner_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.given: dict[int, Given] = {}
        self.saved: dict[str, Saved] = {}
        self.choice = dict.fromkeys(PEOPLE, "hours")
        self.spent: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.holds: list[tuple[str, int, UUID]] = []
        self.left: set[str] = set()
        self.joined: dict[str, str] = {}

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        assert self.do(self._prove()) == []
        self.do(self.db.close())
        self.runner.close()

    async def _prove(self) -> list[str]:
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute("set role timebank_owner")
            return [str(each) for each in await ledger.prove(connection) if each.book_id == self.bank.id]
        finally:
            await connection.close()

    @initialize()
    def open_bank(self) -> None:
        self.bank: Bank = self.do(
            make_bank(self.db, approval_above_minutes=LIMIT, approval_above_minutes_per_week=100_000)
        )
        self.now = self.bank.now
        self.groups = {"lunch": self.do(group(self.bank)), "panel": self.do(group(self.bank, "Panel", gives="fee"))}
        self.people: dict[str, Actor] = {"coordinator": self.bank.coordinator,
                                         "coordinator_two": self.bank.coordinator_two}  # fmt: skip
        for name in ("ada", "ben", "eve"):
            self.people[name] = Actor(timebank_id=self.bank.id, member_id=self.do(self.bank.member(name)))
        self.do(lead(self.bank, self.groups["lunch"], self.id_of("ben")))
        self.guest_ids: dict[str, int] = {}

    def id_of(self, name: str) -> int:
        member_id = self.people[name].member_id
        assert member_id is not None
        return member_id

    def counted(self) -> list[Given]:
        return [one for one in self.given.values() if one.state in ("submitted", "approved")]

    def on_day(self, who: str, day: date, but: int = 0) -> int:
        return sum(one.minutes for one in self.counted() if (one.who, one.day) == (who, day) and one.id != but)

    def goes_to(self, who: str, group_name: str, kind: str) -> str:
        if kind == "staff" or group_name == "panel":
            return "none"
        if who in self.guest_ids:
            return "guest"
        choice = self.choice[who]
        if choice == "nothing":
            return "none"
        if choice in PEOPLE:
            return who if choice in self.left else choice
        return "pot" if choice == "pot" else who

    def waits(self, by: str, who: str, minutes: int, on_day: int, kind: str) -> bool:
        if kind == "staff":
            return False
        passed_on = self.choice.get(who) == by and by not in self.left
        return who == by or minutes > LIMIT or on_day > LIMIT or passed_on

    @rule(target=registers, by=st.sampled_from([*STAFF, "ben", "ada"]), group_name=st.sampled_from(GROUPS),
          lines=st.lists(st.tuples(st.sampled_from(PEOPLE), LENGTHS, st.integers(0, 2)), min_size=1, max_size=3),
          kind=st.sampled_from(["given", "given", "staff", "exchange"]), receiver=st.sampled_from(PEOPLE),
          twice=st.booleans())  # fmt: skip
    def save(self, by: str, group_name: str, lines: list[tuple[str, int, int]], kind: str, receiver: str,
             twice: bool) -> str:  # fmt: skip
        return self._save(by, group_name, lines, kind, receiver, twice)

    @rule(target=registers, by=st.sampled_from(STAFF), guest=guests, minutes=LENGTHS)
    def save_guest(self, by: str, guest: str, minutes: int) -> str:
        return self._save(by, "lunch", [(guest, minutes, 0)], "given", "", False)

    def _save(
        self, by: str, group_name: str, lines: list[tuple[str, int, int]], kind: str, receiver: str, twice: bool
    ) -> str:
        made = [
            Line(
                member_id=self.id_of(who) if who in PEOPLE else 0,
                guest_id=None if who in PEOPLE else self.guest_ids[who],
                minutes=minutes,
                held_on=TODAY - timedelta(days=ago),
                kind=kind,
                receiver_ids=(self.id_of(receiver),) if kind == "exchange" else (),
                how_agreed="in person",
                duplicate_reason="again",
            )
            for who, minutes, ago in lines
        ]
        command, key = SaveRegister(activity_id=self.groups[group_name], lines=tuple(made)), uuid4().hex
        done = self.do(service.save_register(self.db, self.people[by], command, key=key, now=self.now))
        per_day: Counter[tuple[str, date]] = Counter()
        for line, (who, minutes, _) in zip(made, lines, strict=True):
            per_day[who, line.held_on] += minutes
        total = {at: minutes + self.on_day(*at) for at, minutes in per_day.items()}
        involved = {who for who, _, _ in lines} | ({receiver} if kind == "exchange" else set())
        possible = (
            (by in STAFF or (by == "ben" and group_name == "lunch"))
            and by not in self.left
            and not involved & self.left
            and not involved & set(self.joined)
            and (kind != "exchange" or receiver not in {who for who, _, _ in lines})
            and all(minutes <= 24 * 60 for minutes in total.values())
        )
        assert isinstance(done, SavedRegister) == possible, done
        if not possible:
            return ""
        if twice:
            assert self.do(service.save_register(self.db, self.people[by], command, key=key, now=self.now)) == done
        ids = self.do(self._ids(done.reference))
        self.saved[done.reference] = Saved(by, self.now, ids)
        for id_, line, (who, minutes, _) in zip(ids, made, lines, strict=True):
            waits = self.waits(by, who, minutes, total[who, line.held_on], kind)
            to = "" if waits else self.goes_to(who, group_name, kind)
            state = "submitted" if waits else "approved"
            self.given[id_] = Given(id_, done.reference, who, group_name, kind, minutes, line.held_on, by, state, to,
                                    receiver if kind == "exchange" else "")  # fmt: skip
        return done.reference

    async def _ids(self, reference: str) -> list[int]:
        async with self.db.reading(self.bank.id) as connection:
            rows = await connection.fetch(
                "select c.id from contribution c join register r on r.timebank_id = c.timebank_id"
                " and r.id = c.register_id where r.reference = $1 order by c.line",
                reference,
            )
        return [row["id"] for row in rows]

    def pick(self, data: Any, *states: str) -> Given | None:
        found = [one for one in self.given.values() if not states or one.state in states]
        return data.draw(st.sampled_from(found)) if found else None

    @rule(data=st.data(), by=st.sampled_from(PEOPLE), approve=st.booleans(), twice=st.booleans())
    def decide(self, data: Any, by: str, approve: bool, twice: bool) -> None:
        one = self.pick(data, "submitted") if data.draw(st.booleans()) else self.pick(data)
        if one is None:
            return
        command, key = Decide(contribution_id=one.id, approve=approve, reason="because"), uuid4().hex
        done = self.do(service.decide(self.db, self.people[by], command, key=key, now=self.now))
        to = self.goes_to(one.who, one.group, one.kind)
        possible = (
            by in STAFF
            and one.state == "submitted"
            and by not in (one.who, one.by)
            and not (approve and to == by)
            and not (approve and to in self.left)
        )
        assert isinstance(done, Decided) == possible, done
        if not possible:
            return
        if twice:
            assert self.do(service.decide(self.db, self.people[by], command, key=key, now=self.now)) == done
        one.state, one.decided_by, one.to = ("approved", by, to) if approve else ("declined", by, "")

    @rule(reference=registers, by=st.sampled_from(PEOPLE), twice=st.booleans())
    def undo(self, reference: str, by: str, twice: bool) -> None:
        if not reference:
            return
        saved, key = self.saved[reference], uuid4().hex
        before = self.do(self._balances())
        done = self.do(service.undo_register(self.db, self.people[by], reference, key=key, now=self.now))
        possible = (
            by == saved.by
            and not saved.is_undone
            and not saved.is_corrected
            and self.now <= saved.at + timedelta(minutes=10)
        )
        lines = [self.given[id_] for id_ in saved.ids if self.given[id_].state in ("submitted", "approved")]
        if possible and isinstance(done, list):
            # Only because somebody has used the hours, or left.
            assert [refusal.code for refusal in done] in (["hours_used"], ["closed_account"]), done
            needed: Counter[str] = Counter()
            for one in lines:
                if one.state == "approved":
                    needed[one.to] += one.minutes
            assert any(to in self.left or before.get(to, 0) < minutes for to, minutes in needed.items()) or any(
                one.receiver in self.left for one in lines
            )
            return
        assert isinstance(done, UndoneRegister) == possible, done
        if possible:
            saved.is_undone = True
            for one in lines:
                one.state = "undone"
            if twice:
                again = service.undo_register(self.db, self.people[by], reference, key=key, now=self.now)
                assert self.do(again) == done

    @rule(data=st.data(), by=st.sampled_from(PEOPLE), minutes=st.sampled_from([0, 1, 30, 60, 110, 130]),
          ago=st.sampled_from([None, None, 1]), within=st.booleans())  # fmt: skip
    def correct(self, data: Any, by: str, minutes: int, ago: int | None, within: bool) -> None:
        one = self.pick(data)
        if one is None:
            return
        if within:
            self._answer(one, by, minutes)
            return
        day = one.day if ago is None else TODAY - timedelta(days=ago)
        change = ChangedLine(contribution_id=one.id, minutes=minutes, held_on=day, duplicate_reason="again")
        command = CorrectRegister(reference=one.register, changes=(change,), reason="put right")
        done = self.do(service.correct_register(self.db, self.people[by], command, key=uuid4().hex, now=self.now))
        on_day = minutes + self.on_day(one.who, day, one.id)
        is_raised = minutes > one.minutes or (minutes > 0 and day != one.day)
        second = (
            one.state == "approved"
            and one.by == by
            and is_raised
            and self.waits(by, one.who, minutes, on_day, "staff" if one.kind == "staff" else "given")
        )
        possible = (
            (by in STAFF or (by == "ben" and one.group == "lunch"))
            and self._may_touch(one, by)
            and not self.saved[one.register].is_undone
            and (minutes, day) != (one.minutes, one.day)
            and on_day <= 24 * 60
            and not second
        )
        if possible and isinstance(done, list):
            assert [refusal.code for refusal in done] == ["closed_account"], done
            assert self.left & {one.to, one.receiver}
            return
        assert isinstance(done, CorrectedRegister) == possible, (done, one)
        if possible:
            self._corrected(one, minutes, day)

    def _may_touch(self, one: Given, by: str) -> bool:
        return one.state in ("submitted", "approved") and by not in (one.who, one.receiver) and one.to != by

    def _answer(self, one: Given, by: str, minutes: int) -> None:
        async def answer() -> object:
            async with self.db.writing(self.bank.id) as connection:
                await corrections.mark_queried(connection, self.people[by], one.id, now=self.now)
            try:
                async with self.db.writing(self.bank.id) as connection:
                    return await corrections.correct_within(
                        connection, self.people[by], one.id, minutes, "answered", now=self.now
                    )
            except Exception as error:
                if type(error).__name__ != "Rollback":
                    raise
                return error

        done = self.do(answer())
        possible = self._may_touch(one, by) and minutes != one.minutes
        if possible and not isinstance(done, corrections.PutRight):
            assert self.left & {one.to, one.receiver}, done
            return
        assert isinstance(done, corrections.PutRight) == possible, (done, one)
        if possible:
            self._corrected(one, minutes, one.day)

    def _corrected(self, one: Given, minutes: int, day: date) -> None:
        self.saved[one.register].is_corrected = True
        if minutes:
            one.minutes, one.day = minutes, day
        else:
            one.state = "removed"

    @rule(target=guests)
    def add_guest(self) -> str:
        name = f"guest {len(self.guest_ids)}"
        added = self.do(
            service.add_guest(self.db, self.people["coordinator"], AddGuest(name=name), key=uuid4().hex, now=self.now)
        )
        assert isinstance(added, AddedGuest)
        self.guest_ids[name] = added.guest_id
        return name

    @rule(guest=guests, who=st.sampled_from(PEOPLE), by=st.sampled_from(PEOPLE))
    def join(self, guest: str, who: str, by: str) -> None:
        done = self.do(
            service.join_guest(
                self.db, self.people[by], self.guest_ids[guest], self.id_of(who), key=uuid4().hex, now=self.now
            )
        )
        possible = by in STAFF and by != who and guest not in self.joined and who not in self.left
        # What the member's choice gives to somebody is theirs to have, even when they do the joining.
        assert isinstance(done, JoinedGuest) == possible, done
        if not possible:
            return
        self.joined[guest] = who
        for one in self.given.values():
            if one.who != guest:
                continue
            one.who = who
            if one.state == "approved" and who in (one.by, one.decided_by):
                one.state, one.to = "submitted", ""
            elif one.state == "approved":
                one.to = self.goes_to(who, one.group, one.kind)

    @rule(who=st.sampled_from(["ada", "ben", "eve"]), choice=CHOICES)
    def change_choice(self, who: str, choice: str) -> None:
        to = self.id_of(choice) if choice in PEOPLE else None
        if choice == who or who in self.left or choice in self.left:
            return
        command = Choose(member_id=self.id_of(who), choice="member" if to else choice, to_member_id=to)
        done = self.do(choose(self.db, self.people[who], command, key=uuid4().hex, now=self.now))
        assert isinstance(done, Chosen), done
        self.choice[who] = choice

    @rule(who=st.sampled_from(PEOPLE), share=st.sampled_from([1, 2]))
    def spend(self, who: str, share: int) -> None:
        minutes = self.do(self._balances())[who] // share
        if minutes > 0 and who not in self.left:
            self.do(self._post(who, minutes))
            self.spent[who] += minutes

    @rule(who=st.sampled_from(PEOPLE))
    def set_aside(self, who: str) -> None:
        minutes = self.do(self._balances())[who] // 2
        if minutes > 0 and who not in self.left:
            hold_id = uuid4()
            hold = ledger.PlaceHold(
                key=uuid4().hex, hold_id=hold_id, kind="test", unit="MIN", from_account=self.account(who),
                to_account="spent/vouchers", amount=minutes, expires_at=self.now + timedelta(days=9), actor="test",
            )  # fmt: skip
            self.do(self._batch([hold]))
            self.holds.append((who, minutes, hold_id))
            self.held[who] += minutes

    @rule()
    def free_a_hold(self) -> None:
        if self.holds:
            who, minutes, hold_id = self.holds.pop()
            self.do(self._batch([ledger.Void(key=uuid4().hex, hold_id=hold_id, actor="test")]))
            self.held[who] -= minutes

    @rule()
    def eve_leaves(self) -> None:
        if "eve" in self.left or self.held["eve"]:
            return
        self.spend("eve", 1)
        self.do(self._leave("eve"))
        self.left.add("eve")

    @rule(minutes=st.sampled_from([1, 11]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def account(self, who: str) -> str:
        return "pot" if who == "pot" else f"member/{self.id_of(who)}"

    async def _post(self, who: str, minutes: int) -> None:
        legs = (
            ledger.Leg(account=self.account(who), amount=-minutes),
            ledger.Leg(account="spent/vouchers", amount=minutes),
        )
        await self._batch(
            [ledger.Post(key=uuid4().hex, kind="test", unit="MIN", legs=legs, effective_on=TODAY, actor="test")]
        )

    async def _batch(self, items: list[Any]) -> None:
        async with self.db.writing(self.bank.id) as connection:
            results = await ledger.post_batch(connection, self.bank.id, items)
            assert not any(isinstance(result, ledger.Refused) for result in results), results

    async def _leave(self, who: str) -> None:
        async with self.db.writing(self.bank.id) as connection:
            await ledger.set_status(connection, self.bank.id, self.account(who), "closed", actor="test")
            await connection.execute("update member set status = 'left' where id = $1", self.id_of(who))

    async def _balances(self) -> dict[str, int]:
        """What each person and the pot can spend now."""
        codes = {self.account(name): name for name in (*PEOPLE, "pot")}
        async with self.db.reading(self.bank.id) as connection:
            there = await ledger.balances(connection, self.bank.id, list(codes))
        return {name: there[code].posted - there[code].held_out for code, name in codes.items()}

    @invariant()
    def what_counts_is_what_the_model_says(self) -> None:
        rows, paid, short, balances = self.do(self._read())
        names = {person.member_id: name for name, person in self.people.items()}
        assert {row["id"]: (row["state"], row["minutes"], row["held_on"]) for row in rows} == {
            one.id: (one.state, one.minutes, one.day) for one in self.given.values()
        }
        expected: Counter[str] = Counter({name: -self.spent[name] for name in PEOPLE})
        issued = borne = 0
        for row in rows:
            one = self.given[row["id"]]
            # Nobody approves their own hour.
            if row["state"] == "approved" and row["kind"] != "staff" and row["member_id"] is not None:
                assert row["member_id"] != (row["decided_by"] or row["recorded_by"])
            to = {"member": names.get(row["member_id"], ""), "other": names.get(row["credited_id"], "")}
            where = to.get(row["credited_to"], row["credited_to"] or "")
            if row["state"] == "approved":
                assert where == one.to
            if row["state"] not in ("approved", "removed"):
                continue
            # Credited are the approved minutes less corrections; what had been used already stays with them.
            minutes = row["minutes"] if row["state"] == "approved" else 0
            if where in (*PEOPLE, "pot"):
                expected[where] += minutes + short[row["id"]]
                borne += short[row["id"]]
                payers = paid.get(row["id"], {})
                for member_id, amount in payers.items():
                    expected[names[member_id]] -= amount
                    assert 0 <= amount <= minutes
                expected["pot"] -= row["pot_minutes"]
                issued += minutes - sum(payers.values()) - row["pot_minutes"]
        for name in (*PEOPLE, "pot"):
            assert balances[self.account(name)].posted == expected[name], name
            assert balances[self.account(name)].posted - balances[self.account(name)].held_out >= 0
        assert balances["issued"].posted == -issued
        assert balances["corrections"].posted == -borne

    async def _read(self) -> tuple[list[Any], dict[int, dict[int, int]], Counter[int], dict[str, Any]]:
        async with self.db.reading(self.bank.id) as connection:
            rows = await connection.fetch("select * from contribution order by id")
            receivers = await connection.fetch("select * from contribution_receiver")
            changes = await connection.fetch("select contribution_id, short_minutes from contribution_change")
            codes = [*(self.account(name) for name in (*PEOPLE, "pot")), "issued", "corrections"]
            balances = await ledger.balances(connection, self.bank.id, codes)
        paid: dict[int, dict[int, int]] = {}
        for row in receivers:
            paid.setdefault(row["contribution_id"], {})[row["member_id"]] = row["minutes"]
        short: Counter[int] = Counter()
        for row in changes:
            short[row["contribution_id"]] += row["short_minutes"]
        return rows, paid, short, balances


@pytest.mark.slow
def test_time_given_follows_the_model(app_url: str, owner_url: str) -> None:
    machine = type("Machine", (Contributions,), {"app_url": app_url, "owner_url": owner_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(12, STEPS // STEPS_PER_EXAMPLE),
            stateful_step_count=STEPS_PER_EXAMPLE,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
    assert issubclass(machine, Contributions)
