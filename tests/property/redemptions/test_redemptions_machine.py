"""Bookings against a model: who has which hours, what is set aside, which places are taken, what is owed.

The machine drives the real database with a fresh time bank for every example.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import ledger
from tests.integration.redemptions.spending import (
    actor,
    book,
    give_hours,
    key,
    offer,
    payee,
    prove,
    step,
)
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.hours import service as hours_service
from timebank.hours.service import Give, Given
from timebank.kit.actor import Actor
from timebank.redemptions import service
from timebank.redemptions.service import Booked, Changed

PEOPLE = ("ada", "ben", "coordinator", "coordinator_two")
STAFF = ("coordinator", "coordinator_two")
START_MINUTES = 200
VALUE_PENCE = 700
MAX_OPEN = 3


@dataclass
class Offered:
    """What the model knows of one offer."""

    id: int
    kind: str
    price: int
    places: int | None
    starts_at: datetime | None
    hold: timedelta
    cancel: timedelta
    provider: str | None = None
    pays: bool = False


@dataclass
class Modelled:
    """What the model knows of one booking."""

    offer: str
    who: str
    state: str
    cancel_until: datetime
    expires_at: datetime


class Redemptions(RuleBasedStateMachine):
    """Does things in any order, at any time, by anybody, and keeps a model beside them."""

    bookings = Bundle("bookings")
    app_url = ""
    owner_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=2))
        self.model: dict[str, Modelled] = {}
        self.minutes = dict.fromkeys(PEOPLE, START_MINUTES)
        self.pot = 0

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        assert self.do(prove(self.owner_url, self.bank.id)) == []
        self.do(self.db.close())
        self.runner.close()

    @initialize()
    def open_bank(self) -> None:
        self.bank: Bank = self.do(make_bank(self.db, max_open_bookings=MAX_OPEN))
        self.now = self.bank.now
        self.people: dict[str, Actor] = {
            "ada": actor(self.bank, self.do(self.bank.member("Ada"))),
            "ben": actor(self.bank, self.do(self.bank.member("Ben"))),
            "coordinator": self.bank.coordinator,
            "coordinator_two": self.bank.coordinator_two,
        }
        for person in self.people.values():
            self.do(give_hours(self.bank, person.member_id, START_MINUTES))
        self.payee = self.do(payee(self.bank))
        paid = {"payee_id": self.payee, "value_pence": VALUE_PENCE}
        starts = self.now + timedelta(days=4)
        day = timedelta(days=1)
        ben = self.people["ben"].member_id

        def made(kind: str, price: int, **fields: Any) -> Offered:
            return Offered(
                id=self.do(offer(self.bank, kind, price_minutes=price, **fields)),
                kind=kind,
                price=price,
                places=fields.get("places"),
                starts_at=fields.get("starts_at"),
                hold=fields.get("hold_days", 28) * day,
                cancel=day,
                provider="ben" if "provider_id" in fields else None,
                pays="payee_id" in fields,
            )

        self.offers = {
            "lunch": made("voucher", 60, **paid),
            "rare": made("voucher", 45, places=1, hold_days=2),
            "course": made("training", 90, places=2, starts_at=starts, hold_days=3, **paid),
            "walk": made("peer_support", 30, provider_id=ben),
        }

    @rule(target=bookings, offered=st.sampled_from(["lunch", "rare", "course", "walk"]), by=st.sampled_from(PEOPLE),
          subject=st.sampled_from(PEOPLE), twice=st.booleans())  # fmt: skip
    def request(self, offered: str, by: str, subject: str, twice: bool) -> str:
        wanted, same = self.offers[offered], key()
        call = {"member_id": self.people[subject].member_id, "now": self.now, "key": same}
        made = self.do(book(self.bank, wanted.id, self.people[by], **call))
        possible = (
            (by == subject or by in STAFF)
            and (wanted.starts_at is None or self.now < wanted.starts_at)
            and (wanted.places is None or self.taken(offered) < wanted.places)
            and wanted.provider != subject
            and len(self.open_ones(subject)) < MAX_OPEN
            and self.free(subject) >= wanted.price
        )
        assert isinstance(made, Booked) == possible, made
        if not possible:
            return ""
        if twice:
            assert self.do(book(self.bank, wanted.id, self.people[by], **call)) == made
        start = self.now if wanted.starts_at is None else wanted.starts_at
        expires = start + wanted.hold
        until = expires if wanted.starts_at is None else wanted.starts_at - wanted.cancel
        self.model[made.reference] = Modelled(offered, subject, "requested", until, expires)
        return made.reference

    @rule(reference=bookings, name=st.sampled_from(["accept", "fulfil", "decline", "cancel", "refund"]),
          by=st.sampled_from(PEOPLE))  # fmt: skip
    def change(self, reference: str, name: str, by: str) -> None:
        if reference not in self.model:
            return
        booking = self.model[reference]
        done = self.do(step(self.bank, name, reference, self.people[by], now=self.now))
        possible = self.possible(booking, name, by)
        assert isinstance(done, Changed) == possible, done
        if not possible:
            return
        wanted = self.offers[booking.offer]
        booking.state = {"accept": "accepted", "fulfil": "fulfilled", "decline": "declined", "cancel": "cancelled",
                         "refund": "refunded"}[name]  # fmt: skip
        if name in ("fulfil", "refund"):
            sign = -1 if name == "fulfil" else 1
            self.minutes[booking.who] += sign * wanted.price
            if wanted.provider:
                self.minutes[wanted.provider] -= sign * wanted.price

    def possible(self, booking: Modelled, name: str, by: str) -> bool:
        wanted = self.offers[booking.offer]
        is_open = booking.state in ("requested", "accepted")
        decides = by in STAFF and by not in (booking.who, wanted.provider)
        if name == "cancel":
            on_time = self.now <= booking.cancel_until
            return is_open and ((by == booking.who and on_time) or (by in STAFF and by != booking.who))
        if name == "accept":
            return decides and booking.state == "requested" and self.now < booking.expires_at
        if name == "fulfil":
            started = wanted.starts_at is None or self.now >= wanted.starts_at
            return decides and is_open and started and self.now < booking.expires_at
        if name == "decline":
            return decides and is_open
        helper_has_them = wanted.provider is None or self.free(wanted.provider) >= wanted.price
        return decides and booking.state == "fulfilled" and helper_has_them

    @rule(giver=st.sampled_from(PEOPLE), receiver=st.sampled_from([*PEOPLE, "pot"]), minutes=st.integers(1, 120))
    def give(self, giver: str, receiver: str, minutes: int) -> None:
        command = Give(
            from_member_id=self.people[giver].member_id,
            to_member_id=None if receiver == "pot" else self.people[receiver].member_id,
            minutes=minutes,
        )
        given = self.do(hours_service.give(self.db, self.people[giver], command, key=key(), now=self.now))
        possible = giver != receiver and self.free(giver) >= minutes
        assert isinstance(given, Given) == possible, given
        if possible:
            self.minutes[giver] -= minutes
            if receiver == "pot":
                self.pot += minutes
            else:
                self.minutes[receiver] += minutes

    @rule(hours=st.sampled_from([1, 20, 49]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def time_out(self) -> None:
        due = [each for each in self.model.values()
               if each.state in ("requested", "accepted") and each.expires_at <= self.now]  # fmt: skip
        assert self.do(service.time_out_due(self.db, self.bank.id, self.now)) == len(due)
        for each in due:
            each.state = "timed_out"

    def open_ones(self, who: str) -> list[Modelled]:
        return [each for each in self.model.values() if each.who == who and each.state in ("requested", "accepted")]

    def taken(self, offered: str) -> int:
        holding = ("requested", "accepted", "fulfilled")
        return sum(each.offer == offered and each.state in holding for each in self.model.values())

    def set_aside(self, who: str) -> int:
        return sum(self.offers[each.offer].price for each in self.open_ones(who))

    def free(self, who: str) -> int:
        return self.minutes[who] - self.set_aside(who)

    @invariant()
    def the_ledger_and_the_table_agree_with_the_model(self) -> None:
        codes = {name: f"member/{person.member_id}" for name, person in self.people.items()}
        system = ["pot", "spent/training", "spent/vouchers", f"payable/{self.payee}"]
        balances, states = self.do(self._read([*codes.values(), *system]))
        for name, code in codes.items():
            there = balances[code]
            assert (there.posted, there.held_out) == (self.minutes[name], self.set_aside(name)), name
            assert there.available >= 0
        assert states == {reference: booking.state for reference, booking in self.model.items()}
        spent = {"voucher": 0, "training": 0}
        owed = 0
        for booking in self.model.values():
            wanted = self.offers[booking.offer]
            if booking.state == "fulfilled" and wanted.kind in spent:
                spent[wanted.kind] += wanted.price
                owed += VALUE_PENCE if wanted.pays else 0
        assert balances["spent/vouchers"].posted == spent["voucher"]
        assert balances["spent/training"].posted == spent["training"]
        assert balances[f"payable/{self.payee}"].posted == owed
        assert balances["pot"].posted == self.pot

    async def _read(self, codes: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
        async with self.db.reading(self.bank.id) as connection:
            balances = await ledger.reading.balances(connection, self.bank.id, codes)
            rows = await connection.fetch("select reference, state from redemption")
        return balances, {row["reference"]: row["state"] for row in rows}


@pytest.mark.slow
def test_bookings_follow_the_model(app_url: str, owner_url: str) -> None:
    machine = type("Machine", (Redemptions,), {"app_url": app_url, "owner_url": owner_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    assert issubclass(machine, Redemptions)
