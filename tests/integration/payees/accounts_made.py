"""Bank accounts proposed and confirmed, with the published test numbers: nobody's."""

from typing import Any
from uuid import uuid4

from tests.people import NOW, Bank
from timebank.db import Database
from timebank.kit.actor import Actor
from timebank.payees import accounts, queries
from timebank.payees.accounts import DecideAccount, Decided, ProposeAccount, Proposed
from timebank.payees.model import Account
from timebank.payees.reading import Typed

CAFE = Typed(holder="Corner Cafe Ltd", sort_code="08-99-99", number="66374958")
COLLEGE = Typed(holder="Riverside College", sort_code="10-79-99", number="88837491")
OURS = Typed(holder="The time bank", sort_code="20-29-59", number="63748472")
ABROAD = Typed(holder="Café Köln", iban="DE89370400440532013000")


def call() -> dict[str, Any]:
    return {"key": uuid4().hex, "now": NOW}


async def proposed(db: Database, actor: Actor, payee_id: int | None, typed: Typed = CAFE) -> int:
    done = await accounts.propose(db, actor, ProposeAccount(payee_id=payee_id, typed=typed), **call())
    assert isinstance(done, Proposed), done
    return done.account_id


async def confirmed(bank: Bank, payee_id: int | None, typed: Typed = CAFE) -> Decided:
    """An account in use: proposed by the second in finance, confirmed by the first."""
    account_id = await proposed(bank.db, bank.finance_two, payee_id, typed)
    done = await accounts.decide(bank.db, bank.finance, DecideAccount(account_id=account_id, confirm=True), **call())
    assert isinstance(done, Decided), done
    return done


async def in_use(bank: Bank, payee_id: int | None) -> Account | None:
    async with bank.db.reading(bank.id) as connection:
        if payee_id is None:
            return await queries.own_account(connection, bank.id)
        return (await queries.accounts(connection, bank.id, [payee_id])).get(payee_id)


async def states(bank: Bank, payee_id: int | None) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        return [one.state for one in await queries.accounts_of(connection, bank.id, payee_id)]
