"""Adding payees, and their accounts in the ledger."""

from datetime import datetime

import msgspec

from ledger import open_account
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.payees import rules

ADD = """
insert into payee (timebank_id, name, supplier_reference, kind) values ($1, $2, $3, $4)
on conflict (timebank_id, name) where kind <> 'member' do nothing returning id
"""
ADD_MEMBER = """
insert into payee (timebank_id, name, member_id, kind) values ($1, $2, $3, 'member')
on conflict (timebank_id, member_id) where member_id is not null do update set name = excluded.name returning id
"""


class AddPayee(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier or a charity. ``supplier_reference`` is their number in the accounts."""

    name: str
    supplier_reference: str = ""
    kind: str = rules.SUPPLIER


class AddedPayee(msgspec.Struct, frozen=True, kw_only=True):
    """The new payee."""

    payee_id: int


async def add_payee(
    db: Database, actor: Actor, command: AddPayee, *, key: str, now: datetime
) -> AddedPayee | list[Refusal]:
    """Add somebody to pay and open their ledger account. For finance, coordinators and administrators.

    Refusals: ``payee_exists``, ``payee_kind_unknown``, and those of ``rules.check_add``.
    """
    del now  # the table keeps no time; every use case takes one
    name, supplier_reference = tidy(command.name), tidy(command.supplier_reference)
    refusals = rules.check_add(actor, name, supplier_reference)
    if command.kind not in (rules.SUPPLIER, rules.CHARITY):
        refusals.append(Refusal("payee_kind_unknown", "Choose supplier or charity.", "kind"))
    if refusals:
        return refusals

    async def work(connection: Connection) -> AddedPayee:
        payee_id = await connection.fetchval(ADD, actor.timebank_id, name, supplier_reference, command.kind)
        if payee_id is None:
            raise Rollback([Refusal("payee_exists", f"There is already a supplier called “{name}”.", "name")])
        await open_payable_account(connection, actor.timebank_id, payee_id)
        return AddedPayee(payee_id=payee_id)

    return await once(db, actor, "add_payee", key, command, AddedPayee, work)


async def member_as_payee(connection: Connection, timebank_id: int, member_id: int, name: str) -> int:
    """The payee that stands for a member, made when there is none, with their ledger account; ``name`` as it is now."""
    payee_id: int = await connection.fetchval(ADD_MEMBER, timebank_id, tidy(name)[: rules.MAX_PAYEE_NAME], member_id)
    await open_payable_account(connection, timebank_id, payee_id)
    return payee_id


async def open_payable_account(connection: Connection, timebank_id: int, payee_id: int) -> None:
    """Make sure that the payee has a ledger account. Harmless when it is there.

    Its floor is zero: the ledger itself refuses to pay out more than is owed. It holds no name, because a payee can be
    a person and ledger rows are for ever.
    """
    await _open(connection, timebank_id, rules.payable_account(payee_id), f"Owed to payee {payee_id}", 0)


async def open_prepaid_account(connection: Connection, timebank_id: int, payee_id: int) -> None:
    """Make sure that there is a ledger account for what is bought from this payee in advance."""
    await _open(
        connection, timebank_id, rules.prepaid_account(payee_id), f"Bought in advance from payee {payee_id}", None
    )


async def open_credit_account(connection: Connection, timebank_id: int, payee_id: int) -> None:
    """Make sure that there is a ledger account for what this payee owes back."""
    await _open(connection, timebank_id, rules.credit_account(payee_id), f"Owed back by payee {payee_id}", None)


async def _open(connection: Connection, timebank_id: int, code: str, name: str, floor: int | None) -> None:
    facts = await banks.by_id(connection, timebank_id)
    await open_account(
        connection, timebank_id, code=code, unit=facts.currency, account_class="system", name=name, floor=floor
    )
