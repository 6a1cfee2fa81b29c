"""Two groups that pay a fee, their rates, and fees in every state: from waiting for a choice to paid and come back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from timebank.activities import queries as activities
from timebank.activities.service import AddActivity, ChangeActivity, add_activity, change_activity
from timebank.banks.rules import TimeBankFacts
from timebank.budgets import queries as budgets
from timebank.contributions.service import Line, SaveRegister, save_register
from timebank.db import Database
from timebank.demo import people
from timebank.demo.budgets import FEES
from timebank.demo.steps import Refused, Step
from timebank.fees import queries
from timebank.fees import service as fees
from timebank.fees.rules import FeeFacts
from timebank.kit.actor import Actor
from timebank.payees import service as payees
from timebank.payments import batches, outcomes, run_queries
from timebank.payments import service as payments
from timebank.rates import service as rates

PANEL, READERS = "Clinic design panel", "Hospital letters readers"
CHARITY = "Riverside Food Bank (demo)"
# What, how much, per what, for which band, and for how many days it has held at the end of the demo's past.
RATES = (
    ("fee", 1500, "hour", "Adviser", 100),
    ("fee", 1600, "hour", "Adviser", 15),
    ("fee", 7500, "session", "Reader", 50),
    ("mileage", 45, "mile", "", 400),
    ("carer", 1450, "hour", "", 400),
    ("meal", 1200, "meal", "", 400),
)


@dataclass(frozen=True)
class Plan:
    """One fee of the demo: who, which group, how many days ago, what they chose, and how far its payment got."""

    member: str
    group: str
    days_ago: int
    minutes: int
    how: str = ""
    payment: str = ""
    more: dict[str, Any] = field(default_factory=dict)


PLANS = (
    Plan(people.PARTICIPANT, PANEL, 45, 120, "all", "paid"),
    Plan("Kofi Mensah", PANEL, 45, 120, "all", "returned"),
    Plan("Gwen Thomas", PANEL, 45, 100, "none"),
    Plan("Callum Fraser", READERS, 60, 90),  # before its rate began
    Plan(people.PARTICIPANT, READERS, 25, 90, "part", "exported", {"pence": 4000}),
    Plan("Isla Campbell", READERS, 25, 90, "charity", "exported"),
    Plan(people.PARTICIPANT, PANEL, 6, 125),
    Plan("Leroy Baptiste", PANEL, 6, 120, "all"),
    Plan("Nora Kelly", PANEL, 6, 120),  # by a standing choice
)
STANDING = "Nora Kelly"


async def add_fees(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Set the rates and make the groups; return a step for every day on which they met, and for each payment run."""
    finance, administrator = actors[people.FINANCE], actors[people.ADMINISTRATOR]
    ids = await _groups(db, facts, actors[people.COORDINATOR], anchor)
    charity = _accepted(
        await payees.add_payee(
            db, finance, payees.AddPayee(name=CHARITY, kind="charity"), key="demo-charity", now=anchor
        )
    )
    for n, (kind, pence, unit, band, days) in enumerate(RATES):
        moment = anchor - timedelta(days=days)
        new = rates.ProposeRate(
            kind=kind, pence=pence, unit=unit, band=band, from_on=moment.date(), note="Agreed by the trustees (demo)"
        )
        made = _accepted(await rates.propose(db, finance, new, key=f"demo-rate-{n}", now=moment))
        confirm = rates.DecideRate(rate_id=made.rate_id, confirm=True)
        _accepted(await rates.decide(db, administrator, confirm, key=f"demo-rate-{n}-yes", now=moment))
    always = fees.ChooseEvery(member_id=_id(actors[STANDING]), how="all")
    _accepted(await fees.choose_every(db, actors[STANDING], always, key="demo-every", now=anchor))

    def step(days_ago: int) -> Step:
        async def do() -> None:
            await _session(db, facts, actors, ids, charity.payee_id, days_ago, anchor)

        return Step(anchor - timedelta(days=days_ago), do)

    say(f"{facts.name}: {len(PLANS)} fees of two groups")
    return [step(days_ago) for days_ago in sorted({plan.days_ago for plan in PLANS}, reverse=True)]


async def _groups(db: Database, facts: TimeBankFacts, coordinator: Actor, anchor: datetime) -> dict[str, int]:
    async with db.reading(facts.id) as connection:
        there = {one.name: one for one in await activities.activities(connection, facts.id)}
    panel = there[PANEL]
    async with db.reading(facts.id) as connection:
        [budget_id] = [one.id for one in await budgets.budgets(connection, facts.id) if one.name == FEES]
    paid = {"band": "Adviser", "budget_id": budget_id}
    fields = {name: getattr(panel, name) for name in AddActivity.__struct_fields__} | paid
    change = ChangeActivity(activity_id=panel.id, **fields)
    _accepted(await change_activity(db, coordinator, change, key="demo-panel-band", now=anchor))
    readers = AddActivity(
        name=READERS,
        place="Civic Centre",
        default_minutes=90,
        gives="fee",
        work_kind="service_user_involvement",
        is_listed=False,
        funder="County Hospitals (demo)",
        band="Reader",
        budget_id=budget_id,
    )
    made = _accepted(await add_activity(db, coordinator, readers, key="demo-readers", now=anchor))
    return {PANEL: panel.id, READERS: made}


async def _session(
    db: Database,
    facts: TimeBankFacts,
    actors: dict[str, Actor],
    ids: dict[str, int],
    charity_id: int,
    days_ago: int,
    anchor: datetime,
) -> None:
    moment = anchor - timedelta(days=days_ago)
    plans = [plan for plan in PLANS if plan.days_ago == days_ago]
    lines = tuple(
        Line(member_id=_id(actors[plan.member]), held_on=moment.date(), minutes=plan.minutes) for plan in plans
    )
    save = SaveRegister(activity_id=ids[plans[0].group], lines=lines)
    coordinator, key = actors[people.COORDINATOR], f"demo-fees-{days_ago}"
    _accepted(await save_register(db, coordinator, save, key=key, now=moment))
    paid: dict[str, Plan] = {}
    for plan in plans:
        if not plan.how:
            continue
        fee = await _newest(db, facts, _id(actors[plan.member]))
        more = {"payee_id": charity_id} if plan.how == "charity" else plan.more
        command = fees.ChooseFee(reference=fee.reference, how=plan.how, **more)
        member = actors[plan.member]
        chosen = _accepted(await fees.choose(db, member, command, key=f"{key}-{plan.member}", now=moment))
        if plan.payment:
            paid[chosen.payable_reference] = plan
    if paid:
        await _pay(db, facts, actors[people.FINANCE], paid, key, moment, anchor)


async def _newest(db: Database, facts: TimeBankFacts, member_id: int) -> FeeFacts:
    async with db.reading(facts.id) as connection:
        return max(await queries.of_member(connection, facts.id, member_id), key=lambda fee: fee.id)


async def _pay(
    db: Database,
    facts: TimeBankFacts,
    finance: Actor,
    paid: dict[str, Plan],
    key: str,
    moment: datetime,
    anchor: datetime,
) -> None:
    """One payment run for this day's fees, and what the bank did with each of them."""
    for reference in paid:
        approve = payments.Approve(reference=reference)
        _accepted(await payments.approve(db, finance, approve, key=f"{key}-{reference}", now=moment))
    run = _accepted(await batches.export(db, finance, batches.ExportBatch(), key=f"{key}-run", now=moment))
    async with db.reading(facts.id) as connection:
        sent = [
            (payment, await run_queries.items_of_payment(connection, facts.id, payment))
            for payment in await run_queries.payments_of_batch(connection, facts.id, run.number)
        ]
    for payment, [(payable, _)] in sent:
        end = paid[payable.reference].payment
        # What comes back was paid first.
        for step in {"exported": (), "returned": ("paid", "returned")}.get(end, (end,)):
            outcome = outcomes.RecordOutcome(
                reference=payment.reference,
                outcome=step,
                on=(moment + timedelta(days=3)).date(),
                reason="" if step == "paid" else "The bank does not know the account.",
            )
            done = await outcomes.record_outcome(
                db, finance, outcome, key=f"{key}-{payment.reference}-{step}", now=anchor
            )
            _accepted(done)


def _id(actor: Actor) -> int:
    if actor.member_id is None:
        raise Refused("the system has no member id")
    return actor.member_id


def _accepted(outcome: Any) -> Any:
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
