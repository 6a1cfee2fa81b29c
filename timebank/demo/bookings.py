"""Offers of all three kinds, bookings in each state, and payments in each state."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.offers import CAFE, CHAIRING, CINEMA, FORMS, HYGIENE, OFFERS, PAYEES, PHONES, SWIM, WALK
from timebank.demo.steps import Refused, Step
from timebank.hours import service as hours
from timebank.kit.actor import Actor, system
from timebank.payees import service as payees
from timebank.payments import batches, outcomes, run_queries
from timebank.payments import queries as payables
from timebank.payments import service as payments
from timebank.redemptions import service as redemptions
from timebank.redemptions.service import AddOffer, RequestRedemption


@dataclass(frozen=True)
class Plan:
    """One booking of the demo: who, which offer, how many days ago, how far it got, and how far its payment got."""

    member: str
    offer: str
    days_ago: int
    ending: str
    payment: str = ""


PLANS = (
    Plan(people.PARTICIPANT, CAFE, 20, "fulfilled", "exported"),
    Plan(people.PARTICIPANT, WALK, 12, "fulfilled"),
    Plan(people.PARTICIPANT, PHONES, 2, "accepted"),
    Plan("Bernard O'Leary", CAFE, 19, "fulfilled", "paid"),
    Plan("Chidi Okafor", CAFE, 18, "fulfilled", "paid"),
    Plan("Eun-ji Park", SWIM, 18, "fulfilled", "returned"),
    Plan("Grace Adeyemi", SWIM, 17, "fulfilled", "rejected"),
    Plan("Hana Nováková", CAFE, 15, "fulfilled", "exported"),
    Plan("Idris Walker", CINEMA, 9, "fulfilled", "approved"),
    Plan("Lena Björk", SWIM, 8, "fulfilled", "approved"),
    Plan("Maryam al-Hashimi", CAFE, 7, "fulfilled", "approved"),
    Plan("Peter Quill-Hughes", CAFE, 6, "fulfilled", "submitted"),
    Plan("Qadira Rahman", CINEMA, 5, "fulfilled", "submitted"),
    Plan("Ruth Goldberg", SWIM, 5, "fulfilled", "cancelled"),
    Plan("Samir Haddad", HYGIENE, 16, "fulfilled", "draft"),
    Plan("Tess Whitlock", HYGIENE, 16, "fulfilled", "approved"),
    Plan("Umar Farooq", CHAIRING, 4, "requested"),
    Plan("Violet Nash", CAFE, 1, "requested"),
    Plan("Winston Clarke", FORMS, 3, "requested"),
    Plan("Xin Li", SWIM, 10, "cancelled"),
    Plan("Yolanda Ruiz", CINEMA, 11, "declined"),
    Plan("Zofia Nowak", CAFE, 14, "refunded"),
    Plan("Arthur Penrose", FORMS, 40, "timed_out"),
)

EXPORTED = ("exported", "paid", "rejected", "returned")
GIFTS = (("Kofi Mensah", "Gwen Thomas", 60), ("Callum Fraser", None, 30), ("Bushra Khan", None, 60))


async def add_bookings(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Make suppliers and offers; return a step for every booking and gift, and at last one for the payments."""
    offers = await _add_offers(db, facts, actors, anchor)
    say(f"{facts.name}: {len(offers)} things to use hours for")
    booked: dict[int, Plan] = {}
    steps = [_booking(db, actors, plan, offers[plan.offer], n, anchor, booked) for n, plan in enumerate(PLANS)]
    steps += [_gift(db, actors, n, anchor) for n in range(len(GIFTS))]

    async def finish() -> None:
        await redemptions.time_out_due(db, facts.id, anchor)
        await _pay(db, facts, actors, booked, anchor)

    say(f"{facts.name}: {len(PLANS)} bookings, {len(GIFTS)} gifts, payments in every state")
    return [*steps, Step(anchor, finish)]


def _booking(
    db: Database,
    actors: dict[str, Actor],
    plan: Plan,
    offer_id: int,
    n: int,
    anchor: datetime,
    booked: dict[int, Plan],
) -> Step:
    async def book() -> None:
        booked[await _book(db, actors, plan, offer_id, n, anchor)] = plan

    # An hour after the sessions of that evening were saved.
    return Step(anchor - timedelta(days=plan.days_ago) + timedelta(hours=1), book)


def _gift(db: Database, actors: dict[str, Actor], n: int, anchor: datetime) -> Step:
    giver, receiver, minutes = GIFTS[n]
    moment = anchor - timedelta(days=3)

    async def give() -> None:
        gift = hours.Give(
            from_member_id=_id(actors[giver]), to_member_id=_id(actors[receiver]) if receiver else None, minutes=minutes
        )
        _accepted(await hours.give(db, actors[giver], gift, key=f"demo-gift-{n}", now=moment))

    return Step(moment, give)


async def _add_offers(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], anchor: datetime) -> dict[str, int]:
    """Make the suppliers and the offers; return the offers' ids by title."""
    keeper = system(facts.id)
    suppliers = {}
    for n, (name, number) in enumerate(PAYEES):
        added = await payees.add_payee(
            db, keeper, payees.AddPayee(name=name, supplier_reference=number), key=f"demo-payee-{n}", now=anchor
        )
        suppliers[name] = _accepted(added).payee_id
    offers = {}
    for n, described in enumerate(OFFERS):
        fields = dict(described)
        if payee := fields.pop("payee", None):
            fields["payee_id"] = suppliers[payee]
        if provider := fields.pop("provider", None):
            fields["provider_id"] = _id(actors[provider])
        if days := fields.pop("starts_in_days", None):
            fields["starts_at"] = anchor + timedelta(days=days)
        made = await redemptions.add_offer(
            db, keeper, AddOffer(**fields), key=f"demo-offer-{n}", now=anchor - timedelta(days=60)
        )
        offers[fields["title"]] = _accepted(made).offer_id
    return offers


async def _book(db: Database, actors: dict[str, Actor], plan: Plan, offer_id: int, n: int, anchor: datetime) -> int:
    """Request a booking and take it as far as the plan says; return its id."""
    member, coordinator = actors[plan.member], actors[people.COORDINATOR]
    moment = anchor - timedelta(days=plan.days_ago)
    # A course is over before anybody says who came.
    later = anchor - timedelta(days=5) if plan.offer == HYGIENE else moment
    request = RequestRedemption(offer_id=offer_id, member_id=_id(member))
    booked = _accepted(await redemptions.request(db, member, request, key=f"demo-booking-{n}", now=moment))
    steps: dict[str, tuple[tuple[Any, Actor], ...]] = {
        "requested": (),
        "timed_out": (),
        "accepted": ((redemptions.accept, coordinator),),
        "fulfilled": ((redemptions.accept, coordinator), (redemptions.fulfil, coordinator)),
        "refunded": ((redemptions.fulfil, coordinator), (redemptions.refund, coordinator)),
        "declined": ((redemptions.decline, coordinator),),
        "cancelled": ((redemptions.cancel, member),),
    }
    for step, (change, actor) in enumerate(steps[plan.ending]):
        kind = redemptions.Refund if change is redemptions.refund else redemptions.ChangeBooking
        reason = "The supplier was closed." if plan.ending in ("declined", "refunded") else ""
        command = kind(reference=booked.reference, reason=reason)
        _accepted(
            await change(db, actor, command, key=f"demo-booking-{n}-{step}", now=later + timedelta(minutes=step + 1))
        )
    return int(booked.redemption_id)


async def _pay(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], booked: dict[int, Plan], anchor: datetime
) -> None:
    """Take each payment as far as its plan says: a payment run for each end has left, the next one is ready."""
    finance, administrator = actors[people.FINANCE], actors[people.ADMINISTRATOR]
    references = await _payment_references(db, facts.id, booked)
    before = anchor - timedelta(days=10)
    for reference, plan in references.items():
        if plan.offer == HYGIENE and plan.payment != "draft":
            submit = payments.Submit(reference=reference, invoice_number="RC-2291")
            _accepted(await payments.submit(db, administrator, submit, key=f"demo-submit-{reference}", now=before))
        if plan.payment == "cancelled":
            cancel = payments.Cancel(reference=reference, reason="The supplier gave this one for free.")
            _accepted(await payments.cancel(db, finance, cancel, key=f"demo-cancel-{reference}", now=before))
    for n, end in enumerate(EXPORTED, start=1):
        await _approve(db, finance, [r for r, plan in references.items() if plan.payment == end], before)
        run = _accepted(await batches.export(db, finance, batches.ExportBatch(), key=f"demo-export-{n}", now=before))
        async with db.reading(facts.id) as connection:
            sent = await run_queries.payments_of_batch(connection, facts.id, run.number)
        # What comes back was paid first.
        for step in {"exported": (), "returned": ("paid", "returned")}.get(end, (end,)):
            for payment in sent:
                outcome = outcomes.RecordOutcome(
                    reference=payment.reference,
                    outcome=step,
                    on=(before + timedelta(days=3)).date(),
                    reason="" if step == "paid" else "The bank does not know the account.",
                )
                key = f"demo-outcome-{payment.reference}-{step}"
                _accepted(await outcomes.record_outcome(db, finance, outcome, key=key, now=anchor))
    await _approve(db, finance, [r for r, plan in references.items() if plan.payment == "approved"], anchor)


async def _payment_references(db: Database, timebank_id: int, booked: dict[int, Plan]) -> dict[str, Plan]:
    references = {}
    async with db.reading(timebank_id) as connection:
        for redemption_id, plan in booked.items():
            payable = await payables.by_source(connection, timebank_id, "redemption", redemption_id)
            if plan.payment and payable is not None:
                references[payable.reference] = plan
    return references


async def _approve(db: Database, finance: Actor, references: list[str], moment: datetime) -> None:
    for reference in references:
        command = payments.Approve(reference=reference)
        _accepted(await payments.approve(db, finance, command, key=f"demo-approve-{reference}", now=moment))


def _id(actor: Actor) -> int:
    if actor.member_id is None:
        raise Refused("the system has no member id")
    return actor.member_id


def _accepted(outcome: Any) -> Any:
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
