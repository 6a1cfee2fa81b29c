"""Claims and access costs in every state. Receipts are pictures that say that they are none."""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw

from timebank.banks.rules import TimeBankFacts
from timebank.claims import receipts, service
from timebank.claims.service import AddLine, NewLine
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused, Step
from timebank.kit.actor import Actor
from timebank.kit.money import decimal
from timebank.payees.queries import payees
from timebank.payments import service as payments

RECEIPT_SIZE = (480, 640)
ASKED = "Which session was this taxi for?"
NOT_PAID = "We pay for one lunch a day. This is the second."

# Who, how many days ago, how far it got, and the costs: kind, pence, what for, with a photo or not.
PLANS: tuple[tuple[str, int, str, tuple[tuple[str, int, str, bool], ...]], ...] = (
    ("Chidi Okafor", 38, "approved", (("bus", 380, "To the group and back", False),)),  # leaves with a payment run
    (people.PARTICIPANT, 24, "approved", (("bus", 420, "To the group and back", False),)),
    (people.PARTICIPANT, 3, "sent", (("taxi", 1350, "The bus did not come", True), ("bus", 210, "", False))),
    ("Chidi Okafor", 5, "sent", (("train", 1120, "To the regional meeting", True),)),
    ("Eun-ji Park", 6, "asked", (("taxi", 980, "", False),)),
    ("Grace Adeyemi", 9, "agreed", (("bus", 420, "", False), ("meal", 640, "", False))),
    ("Hana Nováková", 12, "partly", (("meal", 650, "Lunch", False), ("meal", 590, "Lunch again", False))),
    ("Idris Walker", 14, "declined", (("meal", 700, "Lunch", False),)),
    ("Kofi Mensah", 1, "draft", (("bus", 210, "There", False),)),
)


async def add_claims(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Return a step for every claim and access cost."""
    steps = [_claim(db, facts, actors, n, anchor) for n in range(len(PLANS))]
    say(f"{facts.name}: {len(PLANS)} claims, access costs booked, given and settled")
    return [*steps, _access(db, facts, actors, anchor)]


def _claim(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], n: int, anchor: datetime) -> Step:
    name, days_ago, state, costs = PLANS[n]
    moment = anchor - timedelta(days=days_ago, minutes=n)
    who = actors[name]

    async def do() -> None:
        reference = ""
        for i, (kind, pence, what_for, has_photo) in enumerate(costs):
            receipt_id = await _receipt(db, who, pence, facts.currency, moment) if has_photo else None
            line = NewLine(
                kind=kind,
                day=moment.date() - timedelta(days=1),
                pence=pence,
                what_for=what_for,
                receipt_id=receipt_id,
                no_receipt_why="" if has_photo else "The driver gave none" if kind == "bus" else "I lost it, sorry",
            )
            added = await service.add_line(db, who, AddLine(line=line), key=f"demo-claim-{n}-{i}", now=moment)
            reference = _accepted(added).reference
        if state != "draft":
            sent = await service.send(
                db, who, service.Send(reference=reference), key=f"demo-claim-{n}-send", now=moment
            )
            _accepted(sent)
            await _go_on(db, actors, n, state, reference, moment + timedelta(hours=3))

    return Step(moment, do)


async def _go_on(db: Database, actors: dict[str, Actor], n: int, state: str, reference: str, now: datetime) -> None:
    coordinator, finance = actors[people.COORDINATOR], actors[people.FINANCE]
    key = f"demo-claim-{n}"
    if state == "asked":
        ask = service.Ask(reference=reference, question=ASKED)
        _accepted(await service.ask(db, coordinator, ask, key=f"{key}-ask", now=now))
    if state in ("agreed", "approved", "partly", "declined"):
        lines = {"partly": (2,), "declined": (1,)}.get(state, ())
        declined = tuple(service.DeclinedLine(n=each, reason=NOT_PAID) for each in lines)
        decide = service.Decide(reference=reference, declined=declined)
        decided = _accepted(await service.decide(db, coordinator, decide, key=f"{key}-decide", now=now))
        if state == "approved":
            approve = payments.Approve(reference=decided.payment)
            _accepted(await payments.approve(db, finance, approve, key=f"{key}-approve", now=now))


def _access(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], anchor: datetime) -> Step:
    coordinator, finance = actors[people.COORDINATOR], actors[people.FINANCE]
    moment = anchor - timedelta(days=4)

    async def do() -> None:
        async with db.reading(facts.id) as connection:
            supplier = next(each for each in await payees(connection, facts.id) if each.kind == "supplier")
        book = service.BookAccess(
            member_id=_id(actors["Ruth Goldberg"]),
            payee_id=supplier.id,
            kind="taxi",
            day=(anchor + timedelta(days=3)).date(),
            pence=1800,
            what_for="From home to the group and back",
        )
        _accepted(await service.book(db, coordinator, book, key="demo-access-book", now=moment))
        reference = ""
        for n, (name, pence) in enumerate((("Samir Haddad", 2000), ("Tess Whitlock", 1500))):
            give = service.GiveAdvance(
                member_id=_id(actors[name]), kind="taxi", day=moment.date(), pence=pence, signed_name=name
            )
            given = _accepted(await service.give_advance(db, coordinator, give, key=f"demo-advance-{n}", now=moment))
            reference = given.reference
            receipt = service.AddReceipt(
                reference=reference, what="Taxi there", pence=860, no_receipt_why="The driver had none"
            )
            _accepted(await service.add_receipt(db, coordinator, receipt, key=f"demo-advance-{n}-receipt", now=moment))
        settle = service.Settle(reference=reference, returned_pence=1500 - 860)
        _accepted(await service.settle(db, finance, settle, key="demo-advance-settle", now=moment))

    return Step(moment, do)


async def _receipt(db: Database, who: Actor, pence: int, currency: str, now: datetime) -> int:
    picture = Image.new("RGB", RECEIPT_SIZE, "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 20, RECEIPT_SIZE[0] - 20, RECEIPT_SIZE[1] - 20), outline="black", width=3)
    for row, text in enumerate(("DEMO RECEIPT", "Not real", f"{currency} {decimal(pence, currency)}")):
        draw.text((60, 80 + 90 * row), text, fill="black", font_size=48)
    out = io.BytesIO()
    picture.save(out, "JPEG")
    remade = await receipts.remake(out.getvalue())
    if not isinstance(remade, receipts.Remade):
        raise Refused([remade.message])
    return await receipts.keep(db, who, _id(who), remade, now=now)


def _id(actor: Actor) -> int:
    if actor.member_id is None:
        raise Refused(["the system has no member id"])
    return actor.member_id


def _accepted(outcome: Any) -> Any:
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
