"""What tests of fees need: rates that hold, a group that pays, time that is approved, and what must always hold."""

from datetime import date
from typing import Any
from uuid import uuid4

import ledger
from tests.contributed import group, line, save
from tests.people import NOW, Bank
from timebank.fees import queries, service
from timebank.fees.rules import FeeFacts
from timebank.fees.service import ChooseFee, ChosenFee
from timebank.kit.actor import Actor
from timebank.payees.service import AddedPayee, AddPayee, add_payee
from timebank.rates import service as rates
from timebank.rates.service import DecideRate, ProposeRate, SetRate


def key() -> str:
    return uuid4().hex


async def set_rate(bank: Bank, pence: int = 1200, **more: Any) -> int:
    """A rate in use: proposed by one in finance, confirmed by the other."""
    fields = {"kind": "fee", "unit": "hour", "from_on": date(2026, 1, 1)}
    now = more.pop("now", NOW)
    command = ProposeRate(pence=pence, **fields | more)
    proposed = await rates.propose(bank.db, bank.finance, command, key=key(), now=now)
    assert isinstance(proposed, SetRate), proposed
    decide = DecideRate(rate_id=proposed.rate_id, confirm=True)
    confirmed = await rates.decide(bank.db, bank.finance_two, decide, key=key(), now=now)
    assert isinstance(confirmed, SetRate), confirmed
    return confirmed.rate_id


async def paying_group(bank: Bank, name: str = "Advisers", **columns: object) -> int:
    """A group that pays a fee."""
    return await group(bank, name, **{"gives": "fee", **columns})


async def gave(bank: Bank, activity_id: int, member_id: int, minutes: int = 60, **more: Any) -> FeeFacts:
    """Time that is approved, and its fee."""
    await save(bank, activity_id, line(member_id, minutes, **{"duplicate_reason": "Another session"} | more))
    return (await fees_of(bank, member_id))[0]


async def fees_of(bank: Bank, member_id: int) -> list[FeeFacts]:
    async with bank.db.reading(bank.id) as connection:
        found = await queries.of_member(connection, bank.id, member_id)
    return sorted(found, key=lambda fee: -fee.id)


async def fee_of(bank: Bank, reference: str) -> FeeFacts:
    async with bank.db.reading(bank.id) as connection:
        fee = await queries.by_reference(connection, bank.id, reference)
    assert fee is not None
    return fee


async def try_choose(bank: Bank, fee: FeeFacts, how: str, actor: Actor | None = None, **more: Any) -> Any:
    member = actor or Actor(timebank_id=bank.id, member_id=fee.member_id)
    now = more.pop("now", NOW)
    return await service.choose(
        bank.db, member, ChooseFee(reference=fee.reference, how=how, **more), key=key(), now=now
    )


async def chose(bank: Bank, fee: FeeFacts, how: str, actor: Actor | None = None, **more: Any) -> ChosenFee:
    """A choice that must be accepted."""
    chosen = await try_choose(bank, fee, how, actor, **more)
    assert isinstance(chosen, ChosenFee), chosen
    return chosen


async def charity(bank: Bank, name: str = "Food bank") -> int:
    command = AddPayee(name=f"{name} {key()[:6]}", kind="charity")
    added = await add_payee(bank.db, bank.finance, command, key=key(), now=NOW)
    assert isinstance(added, AddedPayee), added
    return added.payee_id


async def owed(bank: Bank, payee_id: int) -> int:
    """What the ledger says is owed to a payee, in pence."""
    async with bank.db.reading(bank.id) as connection:
        found = await ledger.balances(connection, bank.id, [f"payable/{payee_id}"])
    return sum(one.posted for one in found.values())


PAYABLES = """
select p.reference, p.state, p.pence, p.payee_id, p.due_on, p.description, p.source_id, y.member_id,
       y.kind as payee_kind
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
 where p.timebank_id = $1 and p.source_kind = 'fee' order by p.id
"""


async def payables(bank: Bank) -> list[dict[str, Any]]:
    async with bank.db.reading(bank.id) as connection:
        return [dict(row) for row in await connection.fetch(PAYABLES, bank.id)]


async def assert_sound(bank: Bank) -> None:
    """What is owed by the ledger is what people chose; the ledger proves; each contribution has one fee at most."""
    async with bank.db.reading(bank.id) as connection:
        wrong = await connection.fetch(
            """
            select c.id from fee_choice c
              left join payable p on p.timebank_id = c.timebank_id and p.source_kind = 'fee' and p.source_id = c.id
             where c.timebank_id = $1
               and (case c.state when 'ended' then coalesce(p.state, 'cancelled') <> 'cancelled'
                    else coalesce(p.pence, 0) <> c.pence or p.payee_id is distinct from c.payee_id end)
            """,
            bank.id,
        )
        assert not wrong, wrong
        doubled = await connection.fetch(
            "select contribution_id from fee where timebank_id = $1 group by 1 having count(*) > 1", bank.id
        )
        assert not doubled
        owed_by_rows = {
            row["payee_id"]: row["pence"]
            for row in await connection.fetch(
                """
                select payee_id, sum(pence - settled_pence)::bigint as pence from payable
                 where timebank_id = $1 and state in ('draft', 'submitted', 'approved', 'rejected', 'returned')
                 group by 1
                """,
                bank.id,
            )
        }
        payees = [row["id"] for row in await connection.fetch("select id from payee where timebank_id = $1", bank.id)]
        there = await ledger.balances(connection, bank.id, [f"payable/{one}" for one in payees])
    for one in payees:
        found = there.get(f"payable/{one}")
        assert (found.posted if found else 0) == owed_by_rows.get(one, 0), one
