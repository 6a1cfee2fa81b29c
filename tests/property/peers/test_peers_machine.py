"""Asks against a model: whoever does what and whenever, hours move at most once, what is set aside always ends, nobody
goes below zero, and what is refused changes nothing.

The machine drives the real database with a fresh time bank for every example.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.integration.peers.helping import ask_of, asks, closes, key, offers, says, settles, suggests, wishes, yes
from tests.integration.redemptions.spending import actor, give_hours, hours, prove
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.peers import service
from timebank.peers.service import Asked, Person, Said
from timebank.redemptions.service import time_out_due

PEOPLE = ("ann", "ben", "cy")
START = {"ann": 240, "ben": 75, "cy": 0}
MINUTES = st.sampled_from([15, 30, 60, 90])
NEXT = "whoever is next"
"""Mostly the one whose turn it is, so that asks get somewhere; now and then anybody."""
ANYBODY = st.sampled_from([NEXT, NEXT, NEXT, *PEOPLE])


@dataclass
class Modelled:
    """What the model knows of one ask."""

    receiver: str
    helper: str
    moved: int = 0


class Asks(RuleBasedStateMachine):
    """Does things in any order, at any time, by anybody."""

    refs = Bundle("refs")
    app_url = ""
    owner_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.model: dict[str, Modelled] = {}
        self.blocked: set[frozenset[str]] = set()

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.now += timedelta(days=400)
        self.do(time_out_due(self.db, self.bank.id, self.now))
        self.do(service.look_after(self.db, self.bank.id, self.now))
        for name, who in self.people.items():
            assert self.do(hours(self.bank, who.member_id)).set_aside == 0, f"{name}: something is set aside for ever"
        for reference in self.model:
            assert self.do(ask_of(self.bank, reference)).is_over, reference
        assert self.do(prove(self.owner_url, self.bank.id)) == []
        self.do(self.db.close())
        self.runner.close()

    @initialize(silence=st.sampled_from(["as_confirmed", "as_agreed", "ask"]))
    def open_bank(self, silence: str) -> None:
        self.bank: Bank = self.do(make_bank(self.db, peer_silence=silence, max_open_bookings=3))
        self.now = self.bank.now
        self.people: dict[str, Actor] = {
            name: actor(self.bank, self.do(self.bank.member(name.title()))) for name in PEOPLE
        }
        for name, minutes in START.items():
            if minutes:
                self.do(give_hours(self.bank, self.people[name].member_id, minutes))
        self.offers = {name: self.do(offers(self.bank, who)) for name, who in self.people.items()}
        self.wishes = {name: self.do(wishes(self.bank, who)) for name, who in self.people.items()}
        self.before = self.books()

    def books(self) -> dict[str, Any]:
        return {name: self.do(hours(self.bank, who.member_id)) for name, who in self.people.items()}

    def who(self, ref: str, by: str) -> str:
        """The name, or who is next: the one who answers, or who has not said yet how it was."""
        if by != NEXT:
            return by
        found, known = self.do(ask_of(self.bank, ref)), self.model[ref]
        if found.waits_for is not None:
            return known.receiver if found.waits_for == found.receiver_id else known.helper
        return known.receiver if found.receiver_said is None else known.helper

    def tried(self, work: Any) -> Any:
        """Do it; a refusal, or an answer that there is no such thing, must have changed no hours."""
        before = self.books()
        try:
            done = self.do(work)
        except LookupError:
            done = []
        if isinstance(done, list):
            assert self.books() == before
        return done

    @rule(target=refs, by=st.sampled_from(PEOPLE), of=st.sampled_from(PEOPLE), is_wish=st.booleans(), minutes=MINUTES,
          days=st.sampled_from([None, 1, 3]))  # fmt: skip
    def ask(self, by: str, of: str, is_wish: bool, minutes: int, days: int | None) -> Any:
        what = {"wish_id": self.wishes[of]} if is_wish else {"offer_id": self.offers[of]}
        starts_at = None if days is None else self.now + timedelta(days=days)
        made = self.tried(asks(self.bank, self.people[by], now=self.now, minutes=minutes, starts_at=starts_at, **what))
        if not isinstance(made, Asked):
            return multiple()
        assert frozenset({by, of}) not in self.blocked
        self.model[made.reference] = Modelled(*((of, by) if is_wish else (by, of)))
        return made.reference

    @rule(ref=refs, by=ANYBODY)
    def say_yes(self, ref: str, by: str) -> None:
        by = self.who(ref, by)
        before = self.do(ask_of(self.bank, ref))
        done = self.tried(yes(self.bank, self.people[by], ref, now=self.now))
        if isinstance(done, Asked):
            known = self.model[ref]
            assert before.state == "asked"
            assert before.waits_for == self.people[by].member_id, "only the one who was asked says yes"
            assert frozenset({known.receiver, known.helper}) not in self.blocked

    @rule(ref=refs, by=ANYBODY, minutes=MINUTES)
    def suggest(self, ref: str, by: str, minutes: int) -> None:
        by = self.who(ref, by)
        starts_at = self.now + timedelta(days=2)
        done = self.tried(suggests(self.bank, self.people[by], ref, minutes, now=self.now, starts_at=starts_at))
        self.only_the_two(ref, by, done)

    @rule(ref=refs, by=ANYBODY)
    def close(self, ref: str, by: str) -> None:
        by = self.who(ref, by)
        self.only_the_two(ref, by, self.tried(closes(self.bank, self.people[by], ref, now=self.now)))

    @rule(ref=refs, by=ANYBODY, minutes=st.sampled_from([0, 15, 30, 60, 90, 480]), twice=st.booleans())
    def happened(self, ref: str, by: str, minutes: int, twice: bool) -> None:
        by = self.who(ref, by)
        for _ in range(1 + twice):
            done = self.tried(says(self.bank, self.people[by], ref, minutes, now=self.now))
            self.only_the_two(ref, by, done)
            self.moved(ref, done)
            if isinstance(done, Said) and done.state == "done":
                found = self.do(ask_of(self.bank, ref))
                assert found.receiver_said == found.helper_said, "hours move when both say the same"
                assert done.minutes <= (found.helper_said or 0)
                assert found.has_started(self.now), "hours moved before it began"

    @rule(target=refs, receiver=st.sampled_from(["ann", "ben"]), minutes=MINUTES)
    def agree_with_cy(self, receiver: str, minutes: int) -> Any:
        """Straight to an agreement, where most of what can go wrong begins."""
        starts_at = self.now + timedelta(days=1)
        what = {"offer_id": self.offers["cy"], "minutes": minutes, "starts_at": starts_at}
        made = self.tried(asks(self.bank, self.people[receiver], now=self.now, **what))
        if not isinstance(made, Asked):
            return multiple()
        self.model[made.reference] = Modelled(receiver, "cy")
        self.say_yes(made.reference, "cy")
        return made.reference

    @rule(
        ref=refs,
        said=st.sampled_from([(60, 60), (0, 0), (15, 15), (0, 0), (60, 0), (120, 120), (30, 60)]),
        first=st.booleans(),
    )
    def meet(self, ref: str, said: tuple[int, int], first: bool) -> None:
        """The time comes, and both say how long it was: of this ask, or of the newest that is not over."""
        still_open = [each for each in reversed(self.model) if not self.do(ask_of(self.bank, each)).is_over]
        ref = ref if ref in still_open or not still_open else still_open[0]
        found, known = self.do(ask_of(self.bank, ref)), self.model[ref]
        if found.state == "asked":
            self.say_yes(ref, NEXT)
            found = self.do(ask_of(self.bank, ref))
        if found.state == "agreed" and found.starts_at is not None:
            self.now = max(self.now, found.starts_at)
        both = [(known.receiver, said[0]), (known.helper, said[1])]
        for who, minutes in both if first else reversed(both):
            self.moved(ref, self.tried(says(self.bank, self.people[who], ref, minutes, now=self.now)))

    @rule(ref=refs, minutes=st.sampled_from([0, 15, 60]))
    def settle(self, ref: str, minutes: int) -> None:
        self.moved(ref, self.tried(settles(self.bank, self.bank.coordinator, ref, minutes, now=self.now)))

    def only_the_two(self, ref: str, by: str, done: Any) -> None:
        assert isinstance(done, list) or by in (self.model[ref].receiver, self.model[ref].helper)

    def moved(self, ref: str, done: Any) -> None:
        if isinstance(done, Said) and done.state == "done":
            assert self.model[ref].moved == 0, "the hours of one ask moved twice"
            self.model[ref].moved = done.minutes

    @rule(by=st.sampled_from(PEOPLE), of=st.sampled_from(PEOPLE), back=st.booleans())
    def block(self, by: str, of: str, back: bool) -> None:
        command = Person(member_id=self.people[of].member_id or 0)
        act = service.let_meet if back else service.keep_apart
        try:
            done = self.do(act(self.db, self.people[by], command, key=key(), now=self.now))
        except LookupError:
            return
        if not isinstance(done, list) and by != of:
            # Only the two directions together are modelled: taking back one of two blocks keeps them apart.
            self.blocked.discard(frozenset({by, of})) if back else self.blocked.add(frozenset({by, of}))

    @rule(days=st.sampled_from([1, 4, 20]))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.do(time_out_due(self.db, self.bank.id, self.now))
        self.do(service.look_after(self.db, self.bank.id, self.now))
        for ref, known in self.model.items():
            found = self.do(ask_of(self.bank, ref))
            if found.state == "done" and not known.moved:
                known.moved = found.minutes_moved
                assert known.moved <= found.minutes, "silence never takes more than was agreed"

    @invariant()
    def hours_add_up(self) -> None:
        if not hasattr(self, "before"):
            return
        asks = [self.do(ask_of(self.bank, ref)) for ref in self.model]
        for name, now in self.books().items():
            agreed = sum(
                each.minutes for each in asks
                if each.receiver_id == self.people[name].member_id and each.state in ("agreed", "settling")
            )  # fmt: skip
            assert now.set_aside == agreed, f"{name}: what is set aside is what is agreed and not over"
            came = sum(each.moved for each in self.model.values() if each.helper == name)
            went = sum(each.moved for each in self.model.values() if each.receiver == name)
            assert now.posted == START[name] + came - went, name
            assert now.available >= 0


@pytest.mark.slow
def test_asks_hold_in_any_order(app_url: str, owner_url: str) -> None:
    Asks.app_url, Asks.owner_url = app_url, owner_url
    run_state_machine_as_test(
        Asks,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
