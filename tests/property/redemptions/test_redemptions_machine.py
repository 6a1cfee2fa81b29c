"""Bookings against a model: who has which hours, what is set aside, which places are taken or kept, what is owed.

The machine drives the real database with a fresh time bank for every example: bookings of every kind and every step of
them, parts, prices of two people's own, suppliers who confirm, people who do not come, waiting lists, reminders, time,
and several at once. What is refused must change nothing at all.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

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
from timebank.db import Database, Rollback
from timebank.hours import service as hours_service
from timebank.hours.service import Give, Given
from timebank.kit.actor import Actor, supplier
from timebank.messages.packing import pack
from timebank.redemptions import service
from timebank.redemptions.hold_rules import LONGEST_WAIT
from timebank.redemptions.service import Booked, Changed, Refund, RequestRedemption, Waits

PEOPLE = ("ada", "ben", "coordinator", "coordinator_two")
STAFF = ("coordinator", "coordinator_two")
OFFERS = ["lunch", "rare", "course", "talk", "walk"]
WITH_LIST = ("course", "talk")
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
    no_show: str = "free"


@dataclass
class Modelled:
    """What the model knows of one booking."""

    offer: str
    who: str
    state: str
    cancel_until: datetime
    expires_at: datetime
    minutes: int
    back: int = 0
    owed: int = 0
    is_reminded: bool = False


FINGERPRINT = """
select md5(concat(
    (select string_agg(t::text, '|' order by id) from redemption t),
    (select string_agg(t::text, '|' order by redemption_id, n) from redemption_event t),
    (select string_agg(t::text, '|' order by id) from waiting t),
    (select string_agg(t::text, '|' order by id) from payable t),
    (select count(*) from message), (select count(*) from idempotency),
    (select string_agg(b::text, '|' order by b::text) from ledger.balance b where book_id = $1)))
"""


def end_of_working_day(moment: datetime) -> datetime:
    """The oracle's own: the midnight after the day, or after the Monday that follows it."""
    zone = ZoneInfo("Europe/London")
    day = moment.astimezone(zone).date()
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(), zone)


class Redemptions(RuleBasedStateMachine):
    """Does things in any order, at any time, by anybody, and keeps a model beside them."""

    bookings = Bundle("bookings")
    turns = Bundle("turns")
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
        self.holds_always_end()
        self.do(self.db.close())
        self.runner.close()

    def holds_always_end(self) -> None:
        """Whatever happened, and though no letter is ever printed: in the end nothing is set aside any more."""
        self.now += timedelta(days=500)
        for _ in range(3):
            self.do(service.move_on(self.db, self.bank.id, self.now))
            self.do(service.time_out_due(self.db, self.bank.id, self.now))
            self.now += LONGEST_WAIT
        codes = [f"member/{person.member_id}" for person in self.people.values()]
        balances, _ = self.do(self._read(codes))
        assert {code: balances[code].held_out for code in codes} == dict.fromkeys(codes, 0)
        assert self.live_turns() == []

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
        self.do(self.write("update member set contact_route = 'email', email = 'a@example.org'"))
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
                no_show=fields.get("no_show", "free"),
            )

        self.offers = {
            "lunch": made("voucher", 60, **paid),
            "rare": made("voucher", 45, places=1, hold_days=2),
            "course": made("training", 90, places=2, starts_at=starts, hold_days=3, no_show="used", **paid),
            "talk": made("training", 20, places=1, starts_at=starts + timedelta(days=6), hold_days=3, **paid),
            "walk": made("peer_support", 30, provider_id=ben),
        }

    @rule(target=bookings, offered=st.sampled_from(OFFERS), by=st.sampled_from(["", "", *PEOPLE]),
          subject=st.sampled_from(PEOPLE), twice=st.booleans())  # fmt: skip
    def request(self, offered: str, by: str, subject: str, twice: bool) -> str:
        wanted, same, by = self.offers[offered], key(), by or subject  # most book for themselves
        call = {"member_id": self.people[subject].member_id, "now": self.now, "key": same}
        before = self.fingerprint()
        possible = (by == subject or by in STAFF) and self.could_book(offered, subject, wanted.price)
        made = self.do(book(self.bank, wanted.id, self.people[by], **call))
        assert isinstance(made, Booked) == possible, made
        if not possible:
            assert self.fingerprint() == before
            return ""
        if twice:
            assert self.do(book(self.bank, wanted.id, self.people[by], **call)) == made
        return self.noted(made, offered, subject, wanted.price)

    @rule(target=bookings, offered=st.sampled_from(["lunch", "rare", "walk"]), subject=st.sampled_from(["ada", "ben"]))
    def book_and_use(self, offered: str, subject: str) -> str:
        """The short way to what can be given back."""
        reference = self.request(offered, "", subject, twice=False)
        if reference:
            self.change(reference, "fulfil", "coordinator_two")
            self.request(offered, "", "ben" if subject == "ada" else "ada", twice=False)  # what is used stays taken
        return reference

    @rule(target=bookings, minutes=st.integers(1, 150), subject=st.sampled_from(PEOPLE))
    def request_at_a_price_of_their_own(self, minutes: int, subject: str) -> str:
        command = RequestRedemption(
            offer_id=self.offers["walk"].id, member_id=self.people[subject].member_id, minutes=minutes
        )
        before, possible = self.fingerprint(), self.could_book("walk", subject, minutes)

        async def within() -> object:
            try:
                async with self.db.writing(self.bank.id) as connection:
                    return await service.request_within(connection, self.people[subject], command, self.now)
            except Rollback as rollback:
                return rollback.refusals

        made = self.do(within())
        assert isinstance(made, Booked) == possible, made
        if not possible:
            assert self.fingerprint() == before
            return ""
        return self.noted(made, "walk", subject, minutes)

    def known(self, reference: str) -> str:
        """This booking, or where asking for it was refused the newest there is: what a rule draws stays the same."""
        return reference if reference in self.model else next(reversed(self.model), "")

    def could_book(self, offered: str, subject: str, minutes: int) -> bool:
        wanted = self.offers[offered]
        return (
            (wanted.starts_at is None or self.now < wanted.starts_at)
            and (wanted.places is None or self.taken(offered) + self.promised(offered, subject) < wanted.places)
            and wanted.provider != subject
            and len(self.open_ones(subject)) < MAX_OPEN
            and self.free(subject) >= minutes
        )

    def noted(self, made: Booked, offered: str, subject: str, minutes: int) -> str:
        wanted = self.offers[offered]
        start = self.now if wanted.starts_at is None else wanted.starts_at
        expires = end_of_working_day(start + wanted.hold)
        until = expires if wanted.starts_at is None else wanted.starts_at - wanted.cancel
        assert (made.expires_at, made.cancel_until) == (expires, until)
        self.model[made.reference] = Modelled(offered, subject, "requested", until, expires, minutes)
        return made.reference

    @rule(reference=bookings, name=st.sampled_from(["accept", "fulfil", "decline", "cancel", "refund", "miss"]),
          by=st.sampled_from([*PEOPLE, *STAFF, *STAFF]))  # fmt: skip
    def change(self, reference: str, name: str, by: str) -> None:
        if not (reference := self.known(reference)):
            return
        booking, before = self.model[reference], self.fingerprint()
        done = self.do(step(self.bank, name, reference, self.people[by], now=self.now))
        possible = self.possible(booking, name, by)
        assert isinstance(done, Changed) == possible, done
        if not possible:
            assert self.fingerprint() == before
            return
        self.took(booking, name)

    def took(self, booking: Modelled, name: str, *, used: int | None = None, pence: int | None = None) -> None:
        wanted = self.offers[booking.offer]
        uses = name == "fulfil" or (name == "miss" and wanted.no_show == "used")
        booking.state = {"accept": "accepted", "fulfil": "fulfilled", "decline": "declined", "cancel": "cancelled",
                         "refund": "refunded", "miss": "fulfilled" if uses else "missed"}[name]  # fmt: skip
        if uses:
            booking.minutes = booking.minutes if used is None else used
            booking.owed = (VALUE_PENCE if pence is None else pence) if wanted.pays else 0
            self.moved(booking, -booking.minutes)
        elif name == "refund":
            booking.back, booking.owed = booking.minutes, 0
            self.moved(booking, booking.minutes)

    def moved(self, booking: Modelled, minutes: int) -> None:
        self.minutes[booking.who] += minutes
        provider = self.offers[booking.offer].provider
        if provider:
            self.minutes[provider] -= minutes

    @rule(reference=bookings, part=st.integers(1, 160), pence=st.sampled_from([None, 0, 300]), is_theirs=st.booleans())
    def supplier_confirms(self, reference: str, part: int, pence: int | None, is_theirs: bool) -> None:
        if not (reference := self.known(reference)):
            return
        booking, before = self.model[reference], self.fingerprint()
        wanted = self.offers[booking.offer]
        who = supplier(self.bank.id, self.payee if is_theirs else self.payee + 1000)
        started = wanted.starts_at is None or self.now >= wanted.starts_at
        possible = (
            booking.state in ("requested", "accepted") and self.now < booking.expires_at and started
            and wanted.pays and is_theirs and part <= booking.minutes
        )  # fmt: skip

        async def within() -> object:
            try:
                async with self.db.writing(self.bank.id) as connection:
                    return await service.fulfil_within(
                        connection, who, reference, minutes=part, pence=pence, now=self.now
                    )
            except Rollback as rollback:
                return rollback.refusals

        done = self.do(within())
        assert isinstance(done, Changed) == possible, done
        if possible:
            self.took(booking, "fulfil", used=part, pence=pence)
        else:
            assert self.fingerprint() == before

    @rule(reference=bookings, minutes=st.integers(1, 120), owed=st.sampled_from([None, 0, 100, VALUE_PENCE]))
    def give_a_part_back(self, reference: str, minutes: int, owed: int | None) -> None:
        if not (reference := self.known(reference)):
            return
        booking, before = self.model[reference], self.fingerprint()
        command = Refund(reference=reference, reason="x", minutes=minutes, supplier_pence=owed)
        done = self.do(service.refund(self.db, self.people["coordinator"], command, key=key(), now=self.now))
        wanted = self.offers[booking.offer]
        is_whole = minutes == booking.minutes
        helper_has_them = wanted.provider is None or self.free(wanted.provider) >= minutes
        possible = (
            booking.state == "fulfilled" and minutes <= booking.minutes and helper_has_them
            and "coordinator" not in (booking.who, wanted.provider)
            and (not owed or (booking.owed > 0 and owed <= booking.owed))
        )  # fmt: skip
        assert isinstance(done, Changed) == possible, done
        if not possible:
            assert self.fingerprint() == before
            return
        booking.state, booking.back = "refunded", minutes
        booking.owed = (0 if is_whole else booking.owed) if owed is None else owed
        self.moved(booking, minutes)

    @rule(target=turns, offered=st.sampled_from(WITH_LIST), by=st.sampled_from(PEOPLE), subject=st.sampled_from(PEOPLE))
    def join(self, offered: str, by: str, subject: str) -> int:
        wanted, before, there = self.offers[offered], self.fingerprint(), self.live_turns()
        command = service.JoinWaiting(offer_id=wanted.id, member_id=self.people[subject].member_id)
        done = self.do(service.join(self.db, self.people[by], command, key=key(), now=self.now))
        mine = [turn for turn in there if turn["offer_id"] == wanted.id and turn["member_id"] == command.member_id]
        if (by == subject or by in STAFF) and mine:
            assert isinstance(done, Waits), done
            assert done.waiting_id == mine[0]["id"]
            return done.waiting_id
        live = sum(turn["offer_id"] == wanted.id for turn in there)
        has_booked = any(each.offer == offered for each in self.open_ones(subject))
        possible = (
            (by == subject or by in STAFF) and self.now < wanted.starts_at and not has_booked
            and self.taken(offered) + live >= wanted.places
        )  # fmt: skip
        assert isinstance(done, Waits) == possible, done
        if possible:
            return done.waiting_id
        assert self.fingerprint() == before
        return 0

    @rule(turn=turns, by=st.sampled_from(PEOPLE), name=st.sampled_from(["leave", "pass_on"]))
    def change_turn(self, turn: int, by: str, name: str) -> None:
        if not turn:
            return
        before, there = self.fingerprint(), {each["id"]: each for each in self.live_turns()}
        command = service.ChangeWaiting(waiting_id=turn)
        done = self.do(getattr(service, name)(self.db, self.people[by], command, key=key(), now=self.now))
        mine = there.get(turn)
        is_own = mine is not None and mine["member_id"] == self.people[by].member_id
        if name == "leave":
            possible = mine is not None and (is_own or by in STAFF)
        else:
            possible = mine is not None and mine["state"] == "offered" and by in STAFF and not is_own
        assert isinstance(done, Waits) == possible, done
        if not possible:
            assert self.fingerprint() == before

    @rule()
    def lists_move_on(self) -> None:
        self.do(service.move_on(self.db, self.bank.id, self.now))
        settled = self.fingerprint()
        assert self.do(service.move_on(self.db, self.bank.id, self.now)) == 0
        assert self.fingerprint() == settled

    @rule()
    def messages_arrive(self) -> None:
        self.do(pack(self.db, self.bank.id, self.now))
        self.do(self.write("update delivery set state = 'sent', sent_at = $1 where state = 'waiting'", self.now))

    @rule()
    def remind(self) -> None:
        self.do(service.remind_due(self.db, self.bank.id, self.now))

    @rule(reference=bookings, days=st.integers(1, 40))
    def more_time(self, reference: str, days: int) -> None:
        if not (reference := self.known(reference)):
            return
        booking, before = self.model[reference], self.fingerprint()
        until = (self.now + timedelta(days=days)).date()
        command = service.MoreTime(reference=reference, until=until)
        done = self.do(service.more_time(self.db, self.people["coordinator"], command, key=key(), now=self.now))
        if isinstance(done, Changed):
            assert booking.state in ("requested", "accepted")
            assert booking.who != "coordinator"
            new = end_of_working_day(datetime.combine(until, time(12), ZoneInfo("Europe/London")))
            assert new > booking.expires_at
            if booking.cancel_until == booking.expires_at:
                booking.cancel_until = new
            booking.expires_at = new
        else:
            assert self.fingerprint() == before

    @rule(reference=bookings, who=st.sampled_from(PEOPLE), offered=st.sampled_from(WITH_LIST))
    def several_at_once(self, reference: str, who: str, offered: str) -> None:
        """Whatever wins, it wins alone: the rows decide what the model takes over, the invariants what is right."""

        async def race() -> list[object]:
            calls = [
                book(self.bank, self.offers[offered].id, self.people[each], now=self.now) for each in ("ada", "ben")
            ]
            calls += [service.move_on(self.db, self.bank.id, self.now)]
            if reference in self.model:
                owner = self.people[self.model[reference].who]
                calls += [step(self.bank, "cancel", reference, owner, now=self.now)]
                calls += [step(self.bank, "fulfil", reference, self.people[who], now=self.now) for _ in range(2)]
                calls += [step(self.bank, "decline", reference, self.people["coordinator"], now=self.now)]
            return await asyncio.gather(*calls)

        answers = self.do(race())
        if reference in self.model:
            booking = self.model[reference]
            won = [name for name, answer in zip(("cancel", "fulfil", "fulfil", "decline"), answers[3:], strict=True)
                   if isinstance(answer, Changed)]  # fmt: skip
            assert len(won) <= 1, won
            if won:
                self.took(booking, won[0])
        for answer, each in zip(answers[:2], ("ada", "ben"), strict=True):
            if isinstance(answer, Booked):
                self.noted(answer, offered, each, self.offers[offered].price)

    def possible(self, booking: Modelled, name: str, by: str) -> bool:
        wanted = self.offers[booking.offer]
        is_open = booking.state in ("requested", "accepted")
        decides = by in STAFF and by not in (booking.who, wanted.provider)
        if name == "cancel":
            on_time = self.now <= booking.cancel_until
            return is_open and ((by == booking.who and on_time) or (by in STAFF and by != booking.who))
        if name == "accept":
            return decides and booking.state == "requested" and self.now < booking.expires_at
        if name == "fulfil" and booking.state == "missed":
            return decides and self.free(booking.who) >= booking.minutes
        if name == "fulfil":
            started = wanted.starts_at is None or self.now >= wanted.starts_at
            return decides and is_open and started and self.now < booking.expires_at
        if name == "miss":
            started = wanted.starts_at is not None and self.now >= wanted.starts_at
            return decides and is_open and started and self.now < booking.expires_at
        if name == "decline":
            return decides and is_open
        helper_has_them = wanted.provider is None or self.free(wanted.provider) >= booking.minutes
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
        due = {reference: each for reference, each in self.model.items()
               if each.state in ("requested", "accepted") and each.expires_at <= self.now}  # fmt: skip
        ended = self.do(service.time_out_due(self.db, self.bank.id, self.now))
        rows = self.do(self.rows("select reference, state, expires_at, cancel_until, reminded_until from redemption"))
        for row in rows:
            if row["reference"] not in due:
                continue
            booking = due[row["reference"]]
            if row["state"] == "timed_out":
                booking.state = "timed_out"
                continue
            # Put off: only after a reminder that has not arrived for long enough, to later, and not for ever.
            assert row["reminded_until"] is not None
            assert self.now < row["expires_at"] <= row["reminded_until"] + LONGEST_WAIT
            booking.expires_at, booking.cancel_until = row["expires_at"], row["cancel_until"]
        assert ended == sum(each.state == "timed_out" for each in due.values())

    def open_ones(self, who: str) -> list[Modelled]:
        return [each for each in self.model.values() if each.who == who and each.state in ("requested", "accepted")]

    def taken(self, offered: str) -> int:
        return sum(
            each.offer == offered
            and (each.state in ("requested", "accepted", "fulfilled")
                 or (each.state == "refunded" and each.back < each.minutes))
            for each in self.model.values()
        )  # fmt: skip

    def promised(self, offered: str, subject: str) -> int:
        """Places kept for others, or free ones that those in front have waited longer for."""
        turns = [each for each in self.live_turns() if each["offer_id"] == self.offers[offered].id]
        me = self.people[subject].member_id
        mine = next((each for each in turns if each["member_id"] == me), None)
        others = [each for each in turns if each["member_id"] != me]
        if mine is None:
            return len(others)
        kept = sum(each["state"] == "offered" for each in others)
        if mine["state"] == "offered":
            return kept
        return kept + sum(each["state"] == "waiting" and each["id"] < mine["id"] for each in others)

    def live_turns(self) -> list[Any]:
        return self.do(self.rows("select * from waiting where state in ('waiting', 'offered') order by id"))

    def fingerprint(self) -> str:
        return self.do(self.rows(FINGERPRINT, self.bank.id))[0][0]

    async def rows(self, query: str, *values: object) -> list[Any]:
        async with self.db.reading(self.bank.id) as connection:
            return await connection.fetch(query, *values)

    async def write(self, query: str, *values: object) -> None:
        async with self.db.writing(self.bank.id) as connection:
            await connection.execute(query, *values)

    def set_aside(self, who: str) -> int:
        return sum(each.minutes for each in self.open_ones(who))

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
        for booking in self.model.values():
            wanted = self.offers[booking.offer]
            if booking.state in ("fulfilled", "refunded") and wanted.kind in spent:
                spent[wanted.kind] += booking.minutes - booking.back
        assert balances["spent/vouchers"].posted == spent["voucher"]
        assert balances["spent/training"].posted == spent["training"]
        assert balances[f"payable/{self.payee}"].posted == sum(each.owed for each in self.model.values())
        assert balances["pot"].posted == self.pot

    @invariant()
    def every_paid_booking_has_one_payable_of_the_right_amount(self) -> None:
        rows = self.do(
            self.rows(
                "select r.reference, p.pence from payable p "
                "join redemption r on r.timebank_id = p.timebank_id and r.id = p.source_id where p.state <> 'cancelled'"
            )
        )
        found = [(row["reference"], row["pence"]) for row in rows]
        assert sorted(found) == sorted((name, each.owed) for name, each in self.model.items() if each.owed)

    @invariant()
    def places_are_never_over_and_kept_in_order(self) -> None:
        turns = self.live_turns()
        for offered in ("rare", *WITH_LIST):
            wanted = self.offers[offered]
            mine = [each for each in turns if each["offer_id"] == wanted.id]
            kept = sum(each["state"] == "offered" for each in mine)
            assert self.taken(offered) + kept <= wanted.places, offered
            # Everybody is reached by e-mail: whoever is asked stands in front of whoever is not.
            assert [each["state"] for each in mine] == ["offered"] * kept + ["waiting"] * (len(mine) - kept), offered
            assert all(each["answer_until"] < wanted.starts_at for each in mine if each["state"] == "offered")

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
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    assert issubclass(machine, Redemptions)
