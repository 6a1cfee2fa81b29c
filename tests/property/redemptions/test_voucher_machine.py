"""Vouchers against the real database: whatever happens in whatever order, and at two tills at once.

A code is confirmed in full at most once, parts never exceed the value, each confirmation makes one payment, codes that
were promised come back to the pool and codes that were seen never do, nothing that ended is given out, and in the end
no hours are set aside any more. Every example has a fresh time bank.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run

from tests.integration.redemptions.spending import actor, book, give_hours, hours, key, payee, posted, prove, step
from tests.integration.redemptions.spending import offer as new_offer
from tests.integration.redemptions.vouchering import confirm, shown, till, uploaded, with_terms
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.kit.clock import today
from timebank.redemptions import codes, service, vouchers_shown
from timebank.redemptions.service import Booked, Changed, Refund
from timebank.redemptions.suppliers_confirming import Confirmed
from timebank.redemptions.vouchers_expiring import end_due
from timebank.redemptions.vouchers_shown import ChangeCode, OpenedCode

ZONE = "Europe/London"
VALUE, BOUGHT = 900, 300
TERMS: dict[str, dict[str, Any]] = {
    "once": {"source": "ours", "gives_at_once": True, "valid_days": 5},
    "bits": {"source": "ours", "gives_at_once": True, "allows_parts": True, "valid_days": 8},
    "lost": {"source": "ours", "gives_at_once": True, "allows_parts": True, "expiry_returns_hours": False},
    "asked": {"source": "ours", "valid_days": 5},
    "codes": {"source": "pool", "gives_at_once": True, "low_stock": 0},
    "slow codes": {"source": "pool", "low_stock": 0},
}
POOLS = ("codes", "slow codes")

USES = """
select v.id, v.state, v.value_pence, v.spent_pence, v.allows_parts, r.state as booking,
       (select count(*) from voucher_use u where u.voucher_id = v.id) as uses,
       (select coalesce(sum(u.pence), 0) from voucher_use u where u.voucher_id = v.id) as used,
       (select count(*) from payable p
         where (p.source_kind = 'redemption' and p.source_id = r.id)
            or (p.source_kind = 'voucher_use' and p.source_id in (
                select u.id from voucher_use u where u.voucher_id = v.id))) as payments,
       (select coalesce(sum(p.pence), 0) from payable p
         where p.state <> 'cancelled'
           and ((p.source_kind = 'redemption' and p.source_id = r.id)
             or (p.source_kind = 'voucher_use' and p.source_id in (
                select u.id from voucher_use u where u.voucher_id = v.id)))) as owed,
       (select count(*) from voucher_code c where c.voucher_id = v.id and c.ended_at is null) as codes
  from voucher v join redemption r on r.id = v.redemption_id
"""
POOL = """
select c.id, c.state, c.expires_on, c.redemption_id, r.state as booking
  from pool_code c left join redemption r on r.id = c.redemption_id order by c.id
"""
PREPAID = "select count(*) from pool_code where state in ('free', 'given')"


class Vouchers(RuleBasedStateMachine):
    """Does things with vouchers in any order, at any time, and asks the database after each."""

    bookings = Bundle("bookings")
    app_url = owner_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db: Database = self.do(Database.open(self.app_url, pool_size=4))
        self.seen: dict[str, list[str]] = {}
        """The codes that were shown for a booking, the newest last."""
        self.of: dict[str, tuple[str, str]] = {}
        self.confirmed: dict[str, list[int]] = {}
        self.batches: list[int] = []
        self.seen_codes: set[int] = set()
        self.numbers = iter(range(10_000))

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def rows(self, query: str, *values: object) -> list[Any]:
        async def read() -> list[Any]:
            async with self.db.reading(self.bank.id) as connection:
                return list(await connection.fetch(query, *values))

        found: list[Any] = self.do(read())
        return found

    @property
    def day(self) -> Any:
        return today(self.bank.now, ZONE)

    @initialize()
    def open_bank(self) -> None:
        self.bank: Bank = self.do(make_bank(self.db, max_open_bookings=50))
        self.people = {name: actor(self.bank, self.do(self.bank.member(name))) for name in ("ada", "ben")}
        for person in self.people.values():
            self.do(give_hours(self.bank, person.member_id or 0, 3000))
        self.payee = self.do(payee(self.bank))
        self.tills = [self.do(till(self.bank, self.payee))] * 2
        self.offers: dict[str, int] = {}
        for name, terms in TERMS.items():
            made = self.do(new_offer(self.bank, "voucher", title=name, payee_id=self.payee, value_pence=VALUE))
            self.do(with_terms(self.bank, made, **terms))
            self.offers[name] = made
        for name in POOLS:
            self.add_codes(name, 3)

    @rule(name=st.sampled_from(POOLS), ends=st.integers(0, 12))
    def add_codes(self, name: str, ends: int) -> None:
        lines = [f"C{next(self.numbers)},,{(self.day + timedelta(days=ends)).isoformat()}" for _ in range(2)]
        added = self.do(uploaded(self.bank, self.offers[name], *lines, pence_each=BOUGHT))
        assert isinstance(added, codes.UploadedCodes), added
        self.batches.append(added.batch_id)

    @rule(n=st.integers(0, 9))
    def withdraw(self, n: int) -> None:
        batch = self.batches[n % len(self.batches)]
        command = codes.WithdrawCodes(batch_id=batch)
        self.do(codes.withdraw(self.db, self.bank.coordinator, command, key=key(), now=self.bank.now))

    @rule(target=bookings, name=st.sampled_from([*TERMS]), who=st.sampled_from(["ada", "ben"]))
    def ask(self, name: str, who: str) -> Any:
        made = self.do(book(self.bank, self.offers[name], self.people[who]))
        if not isinstance(made, Booked):
            assert name in POOLS, made
            return multiple()
        self.of[made.reference] = (name, who)
        self.seen[made.reference], self.confirmed[made.reference] = [], []
        self.nothing_old_was_given(made.reference)
        return made.reference

    @rule(reference=bookings)
    def accept(self, reference: str) -> None:
        if isinstance(self.do(step(self.bank, "accept", reference)), Changed):
            self.nothing_old_was_given(reference)

    @rule(reference=bookings)
    def show(self, reference: str) -> None:
        name, who = self.of[reference]
        seen = self.do(shown(self.bank, reference, self.people[who]))
        if not isinstance(seen, OpenedCode):
            return
        self.nothing_old_was_given(reference)
        if seen.code not in self.seen[reference]:
            assert all(seen.code not in codes for codes in self.seen.values()), "one code for two people"
            self.seen[reference].append(seen.code)
        if name in POOLS:
            (row,) = self.rows(
                "select c.id from pool_code c join redemption r on r.id = c.redemption_id where r.reference = $1",
                reference,
            )
            self.seen_codes.add(row["id"])

    @rule(reference=bookings, n=st.integers(0, 3), pence=st.sampled_from([None, None, 1, 400, 899, 901]))
    def confirm_at_two_tills(self, reference: str, n: int, pence: int | None) -> None:
        if self.of[reference][0] in POOLS:
            return
        if not self.seen[reference]:
            self.show(reference)
        codes_seen = self.seen[reference]
        if not codes_seen:
            return
        code = codes_seen[-1 - n % len(codes_seen)]

        async def both() -> list[Any]:
            return list(await asyncio.gather(*(confirm(self.bank, each, code, pence=pence) for each in self.tills)))

        done = [one for one in self.do(both()) if isinstance(one, Confirmed)]
        if done:
            assert code == codes_seen[-1], "a code that was replaced"
        if pence is None or not TERMS[self.of[reference][0]].get("allows_parts"):
            assert len(done) <= 1, "confirmed in full twice"
        self.confirmed[reference] += [one.pence for one in done]
        assert sum(self.confirmed[reference]) <= VALUE

    @rule(reference=bookings, n=st.integers(1, 2))
    def replace_and_try_both(self, reference: str, n: int) -> None:
        self.show(reference)
        self.replace(reference)
        self.confirm_at_two_tills(reference, n, 400)

    @rule(reference=bookings)
    def use_bit_by_bit(self, reference: str) -> None:
        for pence in (1, 400, None):
            self.confirm_at_two_tills(reference, 0, pence)

    @rule(reference=bookings)
    def replace(self, reference: str) -> None:
        who = self.people[self.of[reference][1]]
        command = ChangeCode(reference=reference)
        done = self.do(vouchers_shown.replace(self.db, who, command, key=key(), now=self.bank.now))
        if not isinstance(done, list):
            self.show(reference)

    @rule(reference=bookings)
    def cancel(self, reference: str) -> None:
        self.do(step(self.bank, "cancel", reference, self.people[self.of[reference][1]]))

    @rule(reference=bookings)
    def hand_over(self, reference: str) -> None:
        self.do(step(self.bank, "fulfil", reference))

    @rule(reference=bookings)
    def refund(self, reference: str) -> None:
        command = Refund(reference=reference, reason="It did not work")
        self.do(service.refund(self.db, self.bank.coordinator, command, key=key(), now=self.bank.now))

    @rule(days=st.integers(0, 4), hours_more=st.integers(0, 20))
    def time_passes(self, days: int, hours_more: int) -> None:
        self.pass_to(self.bank.now + timedelta(days=days, hours=hours_more))

    def pass_to(self, moment: datetime) -> None:
        self.bank.now = moment
        self.do(end_due(self.db, self.bank.id, moment))
        self.do(service.time_out_due(self.db, self.bank.id, moment))

    def nothing_old_was_given(self, reference: str) -> None:
        rows = self.rows(
            "select c.expires_on, c.state from pool_code c join redemption r on r.id = c.redemption_id"
            " where r.reference = $1",
            reference,
        )
        assert all(row["state"] == "shown" or row["expires_on"] >= self.day for row in rows), "a code that has ended"

    @invariant()
    def each_confirmation_is_one_payment_and_parts_fit(self) -> None:
        for row in self.rows(USES):
            assert row["used"] == row["spent_pence"] <= row["value_pence"]
            assert row["payments"] == row["uses"]
            assert row["owed"] == (0 if row["booking"] == "refunded" else row["used"])
            assert row["allows_parts"] or row["used"] in (0, row["value_pence"])
            assert row["codes"] <= (row["state"] in ("live", "used")), "a code of a voucher that has ended"
            assert row["codes"] == 1 or row["state"] != "live"

    @invariant()
    def promised_codes_come_back_and_seen_ones_do_not(self) -> None:
        for row in self.rows(POOL):
            if row["id"] in self.seen_codes:
                assert row["state"] in ("shown", "used")
            if row["state"] == "given":
                assert row["booking"] == "accepted", "a code is kept for a booking that has ended"

    @invariant()
    def what_was_paid_in_advance_is_what_is_left(self) -> None:
        (row,) = self.rows(PREPAID)
        assert self.do(posted(self.bank, f"prepaid/{self.payee}")) == -BOUGHT * row["count"]

    def teardown(self) -> None:
        if hasattr(self, "bank"):
            for _ in range(3):
                self.pass_to(self.bank.now + timedelta(days=200))
            for person in self.people.values():
                assert self.do(hours(self.bank, person.member_id or 0)).set_aside == 0
            assert self.rows("select 1 from voucher where state in ('waiting', 'live')") == []
            self.promised_codes_come_back_and_seen_ones_do_not()
            assert self.do(prove(self.owner_url, self.bank.id)) == []
        self.do(self.db.close())
        self.runner.close()


@pytest.mark.slow
def test_vouchers_follow_their_rules(app_url: str, owner_url: str) -> None:
    machine = type("Machine", (Vouchers,), {"app_url": app_url, "owner_url": owner_url})
    run(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    assert issubclass(machine, Vouchers)
