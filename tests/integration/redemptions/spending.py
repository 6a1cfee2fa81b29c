"""What tests of spending share: hours to spend, offers of every kind, and what the ledger says."""

from datetime import timedelta
from uuid import uuid4

import asyncpg

import ledger
from ledger import Leg, Post
from tests.people import Bank
from timebank.hours.queries import HoursNow
from timebank.hours.queries import balance as hours_now
from timebank.kit.actor import Actor
from timebank.payees import service as payees
from timebank.payments import service as payments
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.service import Approve
from timebank.redemptions import service
from timebank.redemptions.service import AddOffer, ChangeBooking, RequestRedemption

LABEL = "This should not change most benefits. Ask us if you are not sure."


def key() -> str:
    return uuid4().hex


def actor(bank: Bank, member_id: int, *roles: str) -> Actor:
    return Actor(timebank_id=bank.id, member_id=member_id, roles=frozenset(roles))


async def give_hours(bank: Bank, member_id: int, minutes: int) -> None:
    """Hours brought forward, as an import would make them."""
    legs = (Leg(account="opening", amount=-minutes), Leg(account=f"member/{member_id}", amount=minutes))
    async with bank.db.writing(bank.id) as connection:
        entry = Post(key=key(), kind="opening", unit="MIN", legs=legs, effective_on=bank.now.date(), actor="system")
        assert isinstance(await ledger.post(connection, bank.id, entry), ledger.Posted)


async def hours(bank: Bank, member_id: int) -> HoursNow:
    async with bank.db.reading(bank.id) as connection:
        return await hours_now(connection, bank.id, member_id)


async def posted(bank: Bank, account: str) -> int:
    async with bank.db.reading(bank.id) as connection:
        found = await ledger.reading.balances(connection, bank.id, [account])
    return found[account].posted if account in found else 0


async def payee(bank: Bank, name: str = "Corner Café") -> int:
    command = payees.AddPayee(name=name, supplier_reference="S-1")
    added = await payees.add_payee(bank.db, bank.finance, command, key=key(), now=bank.now)
    assert isinstance(added, payees.AddedPayee), added
    return added.payee_id


async def offer(bank: Bank, kind: str = "voucher", **fields: object) -> int:
    """An offer of 1 hour; a training starts in a week; peer support needs its ``provider_id``."""
    defaults: dict[str, object] = {"title": f"A {kind}", "price_minutes": 60, "benefit_label": LABEL, "kind": kind}
    if kind == "training":
        defaults["starts_at"] = bank.now + timedelta(days=7)
    added = await service.add_offer(
        bank.db, bank.coordinator, AddOffer(**{**defaults, **fields}), key=key(), now=bank.now
    )
    assert isinstance(added, service.AddedOffer), added
    return added.offer_id


async def book(bank: Bank, offer_id: int, who: Actor, **more: object):
    fields = {"now": bank.now, "key": key(), "member_id": who.member_id, **more}
    command = RequestRedemption(offer_id=offer_id, member_id=fields.pop("member_id"))
    return await service.request(bank.db, who, command, **fields)


async def booked(bank: Bank, offer_id: int, who: Actor, **more: object) -> str:
    made = await book(bank, offer_id, who, **more)
    assert isinstance(made, service.Booked), made
    return made.reference


async def step(bank: Bank, name: str, reference: str, who: Actor | None = None, **more: object):
    fields = {"now": bank.now, "key": key(), **more}
    kind = service.Refund if name == "refund" else ChangeBooking
    command = kind(reference=reference, reason=fields.pop("reason", ""))
    return await getattr(service, name)(bank.db, who or bank.coordinator, command, **fields)


async def waits(bank: Bank, offer_id: int, who: Actor, **more: object) -> int:
    """Put somebody on a waiting list; the id of their turn."""
    fields = {"now": bank.now, "key": key(), "member_id": who.member_id, **more}
    command = service.JoinWaiting(offer_id=offer_id, member_id=fields.pop("member_id"), how_agreed="By phone")
    done = await service.join(bank.db, who, command, **fields)
    assert isinstance(done, service.Waits), done
    return done.waiting_id


async def state(bank: Bank, reference: str) -> str:
    async with bank.db.reading(bank.id) as connection:
        return await connection.fetchval("select state from redemption where reference = $1", reference)


async def prove(owner_url: str, book_id: int) -> list[str]:
    """What the ledger's own proof finds wrong in one book; empty when everything holds."""
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("set role timebank_owner")
        return [str(finding) for finding in await ledger.prove(connection) if finding.book_id == book_id]
    finally:
        await connection.close()


async def paid_out(bank: Bank, reference: str) -> None:
    """Finance approves the payable and exports it: its payment has left."""
    approved = await payments.approve(bank.db, bank.finance, Approve(reference=reference), key=key(), now=bank.now)
    assert isinstance(approved, payments.Changed), approved
    exported = await export(bank.db, bank.finance, ExportBatch(), key=key(), now=bank.now)
    assert isinstance(exported, Exported), exported
