"""Gifts and the pot, in any order: nothing is made or lost, the pot never goes below zero, refusals change nothing."""

from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ledger
from tests.integration.redemptions.spending import give_hours
from tests.people import make_bank
from timebank.hours import service
from timebank.hours.service import AskPot, DecidePotAsk, Give, GivePotHours, WithdrawPotAsk
from timebank.kit.actor import Actor

who = st.integers(0, 3)
minutes = st.one_of(st.sampled_from([15, 30, 60, 240]), st.sampled_from([15, 30, 60, 240]), st.integers(-10, 900))
step = st.one_of(
    st.tuples(st.just("give"), who, st.one_of(st.none(), who), minutes),
    st.tuples(st.just("ask"), who, minutes),
    st.tuples(st.just("decide"), who, st.integers(0, 5), minutes),
    st.tuples(st.just("offer"), who, who, minutes),
    st.tuples(st.just("withdraw"), who, st.integers(0, 5)),
)
# Each with whether the same button is pressed, or the same request sent, a second time.
steps = st.lists(st.tuples(step, st.booleans()), min_size=4, max_size=24)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
async def test_hours_go_round_and_none_appear_or_vanish(db, steps) -> None:  # noqa: C901 - one step of each kind
    bank = await make_bank(db)
    people = [bank.participant, bank.coordinator, bank.coordinator_two, bank.finance]
    ids = [one.member_id or 0 for one in people]
    for member_id in ids:
        await give_hours(bank, member_id, 300)
    accounts = [*(f"member/{member_id}" for member_id in ids), "pot"]
    asks: list[int] = []

    async def there() -> dict[str, int]:
        async with bank.db.reading(bank.id) as connection:
            found = await ledger.balances(connection, bank.id, accounts)
        return {code: found[code].posted for code in accounts}

    async def do(step: tuple, key: str) -> object:
        call = {"key": key, "now": bank.now}
        name, actor, *rest = step
        by: Actor = people[actor]
        if name == "give":
            to = None if rest[0] is None else ids[rest[0]]
            gift = Give(from_member_id=ids[actor], to_member_id=to, minutes=rest[1])
            return await service.give(bank.db, by, gift, **call)
        if name == "ask":
            return await service.ask(bank.db, by, AskPot(member_id=ids[actor], minutes=rest[0]), **call)
        if name == "offer":
            command = GivePotHours(member_id=ids[rest[0]], minutes=rest[1], reason="Because")
            return await service.give_from_pot(bank.db, by, command, **call)
        if not asks:
            return []
        ask_id = asks[rest[0] % len(asks)]
        if name == "decide":
            command = DecidePotAsk(ask_id=ask_id, minutes=rest[1], reason="Because")
            return await service.decide(bank.db, by, command, **call)
        try:
            return await service.withdraw(bank.db, by, WithdrawPotAsk(ask_id=ask_id), **call)
        except LookupError:
            return []

    for step, comes_twice in steps:
        before = await there()
        key = uuid4().hex
        known = tuple(asks)
        done = await do(step, key)
        after = await there()
        if comes_twice and not isinstance(done, list):
            assert tuple(asks) == known
            assert await do(step, key) == done, "what was done once is answered, not done again"
            assert await there() == after
        assert sum(after.values()) == 300 * len(ids)
        assert min(after.values()) >= 0, step
        if isinstance(done, list):
            assert after == before
        elif isinstance(done, service.PotAskNow):
            asks.append(done.ask_id)
            assert before["pot"] - after["pot"] == done.given_minutes
    async with bank.db.reading(bank.id) as connection:
        given_minutes = await connection.fetchval(
            "select coalesce(sum(given_minutes), 0) from pot_ask where timebank_id = $1", bank.id
        )
        gifts = await connection.fetchval(
            "select coalesce(sum(minutes), 0) from gift where timebank_id = $1 and to_member_id is null", bank.id
        )
    assert (await there())["pot"] == gifts - given_minutes
