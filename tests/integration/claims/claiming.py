"""Claims through the real use cases, for tests of this and other rooms."""

import io
from datetime import date
from typing import Any
from uuid import uuid4

from PIL import Image

from tests.people import NOW, Bank
from timebank.claims import receipts, service
from timebank.claims.queries import Claim, by_reference
from timebank.claims.service import AccessNow, AddLine, Decide, DeclinedLine, Kept, Moved, NewLine, Send
from timebank.kit.actor import Actor
from timebank.payees.service import AddedPayee, AddPayee, add_payee
from timebank.rates import service as rates

TODAY = NOW.date()


def call() -> dict[str, Any]:
    return {"key": uuid4().hex, "now": NOW}


def bus(pence: int = 420, **changed: Any) -> NewLine:
    """A bus fare without a ticket."""
    fields: dict[str, Any] = {"kind": "bus", "day": TODAY, "pence": pence, "no_receipt_why": "The driver gave none"}
    return NewLine(**fields | changed)


def picture(colour: str = "white") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 90), colour).save(out, "JPEG")
    return out.getvalue()


async def photo(bank: Bank, member_id: int, colour: str = "white") -> int:
    """A photo of a receipt that this member has kept."""
    remade = await receipts.remake(picture(colour))
    assert isinstance(remade, receipts.Remade), remade
    return await receipts.keep(bank.db, bank.participant, member_id, remade, now=NOW)


async def set_rate(bank: Bank, kind: str, pence: int, unit: str, from_on: date = date(2026, 1, 1)) -> None:
    """A rate in use: proposed by one person in finance, confirmed by the other."""
    proposed = await rates.propose(
        bank.db, bank.finance, rates.ProposeRate(kind=kind, pence=pence, unit=unit, from_on=from_on), **call()
    )
    assert isinstance(proposed, rates.SetRate), proposed
    command = rates.DecideRate(rate_id=proposed.rate_id, confirm=True)
    decided = await rates.decide(bank.db, bank.finance_two, command, **call())
    assert isinstance(decided, rates.SetRate), decided


async def add(bank: Bank, line: NewLine, actor: Actor | None = None) -> Kept:
    kept = await service.add_line(bank.db, actor or bank.participant, AddLine(line=line), **call())
    assert isinstance(kept, Kept), kept
    return kept


async def sent(bank: Bank, *lines: NewLine, actor: Actor | None = None) -> str:
    """A claim of the participant's with these costs, sent; its reference."""
    who = actor or bank.participant
    references = [(await add(bank, line, who)).reference for line in lines or (bus(),)]
    moved = await service.send(bank.db, who, Send(reference=references[-1]), **call())
    assert isinstance(moved, Moved), moved
    return moved.reference


async def decided(bank: Bank, reference: str, *declined: int, actor: Actor | None = None) -> Moved:
    command = Decide(
        reference=reference, declined=tuple(DeclinedLine(n=n, reason="We do not pay for this.") for n in declined)
    )
    moved = await service.decide(bank.db, actor or bank.coordinator, command, **call())
    assert isinstance(moved, Moved), moved
    return moved


async def read(bank: Bank, reference: str) -> Claim:
    async with bank.db.reading(bank.id) as connection:
        claim = await by_reference(connection, bank.id, reference)
    assert claim is not None
    return claim


async def supplier(bank: Bank, name: str = "Kind Cabs") -> int:
    added = await add_payee(bank.db, bank.finance, AddPayee(name=f"{name} {uuid4().hex[:6]}"), **call())
    assert isinstance(added, AddedPayee), added
    return added.payee_id


async def booked(bank: Bank, payee_id: int | None = None, **changed: Any) -> AccessNow:
    """A taxi for the participant, booked by the coordinator."""
    fields: dict[str, Any] = {
        "member_id": bank.participant.member_id, "payee_id": payee_id or await supplier(bank), "kind": "taxi",
        "day": TODAY, "pence": 1800,
    }  # fmt: skip
    answer = await service.book(bank.db, bank.coordinator, service.BookAccess(**fields | changed), **call())
    assert isinstance(answer, AccessNow), answer
    return answer


async def given(bank: Bank, pence: int = 2000, actor: Actor | None = None) -> AccessNow:
    """Cash for the participant, handed over by the coordinator."""
    command = service.GiveAdvance(
        member_id=bank.participant.member_id or 0, kind="taxi", day=TODAY, pence=pence, signed_name="D. Participant"
    )
    answer = await service.give_advance(bank.db, actor or bank.coordinator, command, **call())
    assert isinstance(answer, AccessNow), answer
    return answer
