"""Setting rates: two people, each rate ends the one before, what was decided never changes."""

import asyncio
from datetime import date

import asyncpg
import pytest

from tests.contributed import codes
from tests.integration.fees.feeing import key, set_rate
from tests.people import NOW, Bank
from timebank.rates import queries, service
from timebank.rates.rules import RateFacts
from timebank.rates.service import DecideRate, ProposeRate, SetRate, UnknownRate

FUTURE = date(2026, 4, 1)


async def all_of(bank: Bank) -> list[RateFacts]:
    async with bank.db.reading(bank.id) as connection:
        return await queries.in_use(connection, bank.id, "fee")


async def proposed(bank: Bank, pence: int, from_on: date) -> int:
    command = ProposeRate(kind="fee", pence=pence, unit="hour", from_on=from_on)
    done = await service.propose(bank.db, bank.finance, command, key=key(), now=NOW)
    assert isinstance(done, SetRate), done
    return done.rate_id


async def test_a_new_rate_ends_the_one_before(bank: Bank) -> None:
    await set_rate(bank, 1200)
    await set_rate(bank, 1300, from_on=FUTURE)
    await set_rate(bank, 1250, from_on=date(2026, 3, 20))  # between the two
    found = [(one.version, one.pence, one.from_on, one.to_on) for one in await all_of(bank)]
    assert found == [
        (1, 1200, date(2026, 1, 1), date(2026, 3, 19)),
        (3, 1250, date(2026, 3, 20), date(2026, 3, 31)),
        (2, 1300, FUTURE, None),
    ]


async def test_a_second_person_confirms(bank: Bank) -> None:
    rate_id = await proposed(bank, 1200, FUTURE)
    own = DecideRate(rate_id=rate_id, confirm=True)
    assert codes(await service.decide(bank.db, bank.finance, own, key=key(), now=NOW)) == ["own_proposal"]
    assert codes(await service.decide(bank.db, bank.coordinator, own, key=key(), now=NOW)) == ["not_finance"]
    no = DecideRate(rate_id=rate_id, confirm=False)
    assert codes(await service.decide(bank.db, bank.finance_two, no, key=key(), now=NOW)) == ["reason_missing"]
    again = ProposeRate(kind="fee", pence=1, unit="hour", from_on=date(2026, 5, 1))
    assert codes(await service.propose(bank.db, bank.finance, again, key=key(), now=NOW)) == ["already_proposed"]
    assert isinstance(await service.decide(bank.db, bank.finance_two, own, key=key(), now=NOW), SetRate)
    assert codes(await service.decide(bank.db, bank.finance_two, own, key=key(), now=NOW)) == ["decided_already"]
    with pytest.raises(UnknownRate):
        await service.decide(bank.db, bank.finance, DecideRate(rate_id=10**9, confirm=True), key=key(), now=NOW)


async def test_what_was_decided_never_changes(bank: Bank) -> None:
    rate_id = await set_rate(bank)
    with pytest.raises(asyncpg.RaiseError):
        async with bank.db.writing(bank.id) as connection:
            await connection.execute("update rate set pence = 1 where timebank_id = $1 and id = $2", bank.id, rate_id)


async def test_ten_confirmations_at_once_are_one(bank: Bank) -> None:
    rate_id = await proposed(bank, 1200, FUTURE)
    command = DecideRate(rate_id=rate_id, confirm=True)
    answers = await asyncio.gather(
        *(service.decide(bank.db, bank.finance_two, command, key=key(), now=NOW) for _ in range(10))
    )
    assert sum(isinstance(one, SetRate) for one in answers) == 1
    assert [one.version for one in await all_of(bank)] == [1]
