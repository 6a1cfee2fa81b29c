"""Filling the demo's two time banks, through the same use cases that people use.

Everything follows from one seed and the day on which the demo was first started, so that an interrupted start goes on
where it stopped: every step has a key of its own, and repeating a step changes nothing.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from timebank.banks.queries import by_slug
from timebank.banks.rules import Rules, TimeBankFacts
from timebank.banks.service import CreateTimeBank, create
from timebank.db import Database, claim, remember
from timebank.demo import people
from timebank.demo.account_codes import add_codes
from timebank.demo.activities import add_activities
from timebank.demo.bookings import add_bookings
from timebank.demo.budgets import add_budgets, use_budgets
from timebank.demo.catalogue import add_catalogue
from timebank.demo.claims import add_claims
from timebank.demo.concerns import add_concerns
from timebank.demo.fees import add_fees
from timebank.demo.gifts import add_gifts
from timebank.demo.governance import add_governance
from timebank.demo.groups import add_groups
from timebank.demo.members_choices import add_choices
from timebank.demo.members_people import add_details
from timebank.demo.notices import add_notices, keep_the_past
from timebank.demo.payees import add_accounts
from timebank.demo.peers import add_peers
from timebank.demo.reconciliation import add_statement
from timebank.demo.registers import add_registers
from timebank.demo.runs import add_runs, close_first_month
from timebank.demo.spending import Spending
from timebank.demo.steps import Refused
from timebank.demo.suppliers import add_suppliers, choose_format
from timebank.demo.today import add_today
from timebank.demo.vouchers import add_vouchers, supplier_path
from timebank.demo.waiting import add_waiting
from timebank.demo.words import Door
from timebank.identity.service import create_link, issue_card
from timebank.kit.actor import Actor, system
from timebank.members.service import AddMember, add

LINK_VALID_FOR = timedelta(hours=12)
CARD_PIN = "7391"
Say = Callable[[str], None]


async def prepare(url: str, *, now: datetime, say: Say) -> list[Door]:
    """Fill the demo where it is not filled yet, and make new ways in."""
    db = await Database.open(url, pool_size=4)
    try:
        riverside = await _fill(db, _riverside(), people.RIVERSIDE_PEOPLE, now=now, say=say)
        harbour = await _fill(db, _harbour(), people.HARBOUR_PEOPLE, now=now, say=say)
        return await _doors(db, riverside, harbour, now=now)
    finally:
        await db.close()


def _riverside() -> CreateTimeBank:
    return CreateTimeBank(
        slug=people.RIVERSIDE,
        name="Riverside Time Bank (demo)",
        help_contact="Dilys at the office, 01632 960 123",
        rules=Rules(
            safeguarding_lead="Ruth Goldberg",
            independent_person="Joan D’Arcy, 01632 960 144 (demo)",
            outside_body="Riverside Council, adult care team, 01632 960 155 (demo)",
        ),
        decided_by="the members’ meeting (demo)",
    )


def _harbour() -> CreateTimeBank:
    return CreateTimeBank(
        slug=people.HARBOUR,
        name="Harbour Street Time Bank (demo)",
        help_contact="Sefu at the centre, 01632 960 456",
        decided_by="the members’ meeting (demo)",
    )


async def _fill(
    db: Database, command: CreateTimeBank, names: tuple[str, ...], *, now: datetime, say: Say
) -> TimeBankFacts:
    facts = await create(db, command)
    if isinstance(facts, list):
        raise Refused(facts)
    async with db.globally() as connection:
        started = await connection.fetchval("select created_at from timebank where id = $1", facts.id)
    if await _is_filled(db, facts):
        say(f"{facts.name}: already there")
        return facts
    anchor = _evening(min(started, now), facts.time_zone)
    actors = await _add_people(db, facts, names, anchor)
    say(f"{facts.name}: {len(actors)} members")
    spending = None
    steps = await add_groups(db, facts, actors, anchor=anchor, say=say)
    if command.slug == people.RIVERSIDE:
        await add_details(db, facts, actors, anchor=anchor)
        steps += await add_bookings(db, facts, actors, anchor=anchor, say=say)
        await add_accounts(db, facts, actors, anchor=anchor)
        await add_codes(db, facts, actors, anchor=anchor)
        spending = await _spending(db, facts, actors, anchor=anchor, say=say)
        steps += add_runs(spending, say=say)
        steps += await add_vouchers(db, facts, actors, anchor=anchor, say=say)
        steps += await add_catalogue(db, facts, actors, anchor=anchor, say=say)
        steps += await add_gifts(db, facts, actors, anchor=anchor, say=say)
        steps += await add_waiting(db, facts, actors, anchor=anchor, say=say)
        steps += await add_claims(db, facts, actors, anchor=anchor, say=say)
        steps += await add_concerns(db, facts, actors, anchor=anchor, say=say)
        await add_notices(db, facts, actors, anchor=anchor)
        await add_activities(db, facts, actors, anchor=anchor)
        steps += await add_fees(db, facts, actors, anchor=anchor, say=say)
        steps += await add_choices(db, facts, actors, anchor=anchor, say=say)
        steps += await add_registers(db, facts, actors, anchor=anchor, say=say)
        steps += await add_peers(db, facts, actors, anchor=anchor, say=say)
        steps += await add_statement(db, facts, actors, anchor=anchor, say=say)
    for step in sorted(steps, key=lambda step: step.at):
        await step.do()
    await keep_the_past(db, facts, anchor=anchor)
    if spending is not None:
        await add_governance(db, facts, actors, anchor=anchor)
        await use_budgets(spending, actors, say=say)
        await add_today(spending, actors)
        await close_first_month(spending)
        await choose_format(db, actors, now=anchor)
    await _mark_filled(db, facts)
    return facts


async def _spending(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Say
) -> Spending:
    return Spending(
        db=db,
        facts=facts,
        finance=actors[people.FINANCE],
        administrator=actors[people.ADMINISTRATOR],
        budgets=await add_budgets(db, facts, actors, anchor=anchor, say=say),
        payees=await add_suppliers(db, facts, actors, anchor=anchor),
        anchor=anchor,
    )


def _evening(moment: datetime, time_zone: str) -> datetime:
    """Six in the evening of the day before: everything in the demo happened before now."""
    zone = ZoneInfo(time_zone)
    day = moment.astimezone(zone).date() - timedelta(days=1)
    return datetime.combine(day, time(18), zone).astimezone(UTC)


async def _add_people(db: Database, facts: TimeBankFacts, names: tuple[str, ...], anchor: datetime) -> dict[str, Actor]:
    actors = {}
    for number, name in enumerate(names):
        roles = people.STAFF.get(name, ())
        reach = people.reached_by(number)
        command = AddMember(
            display_name=name,
            contact_route=reach["contact_route"],
            email=reach["email"],
            phone=reach["phone"],
            postal_address=reach["postal_address"],
            can_offer=people.ABILITIES[number % len(people.ABILITIES)],
            joined_on=(anchor - timedelta(days=120 + 7 * number)).date(),
            roles=roles,
        )
        added = await add(db, system(facts.id), command, key=f"demo-member-{number}", now=anchor - timedelta(days=100))
        if isinstance(added, list):
            raise Refused(added)
        actors[name] = Actor(timebank_id=facts.id, member_id=added.member_id, roles=frozenset(roles))
    return actors


async def _is_filled(db: Database, facts: TimeBankFacts) -> bool:
    async with db.reading(facts.id) as connection:
        found = await connection.fetchval(
            "select exists (select from idempotency where timebank_id = $1 and scope = 'demo' and key = 'filled')",
            facts.id,
        )
    return bool(found)


async def _mark_filled(db: Database, facts: TimeBankFacts) -> None:
    async with db.writing(facts.id) as connection:
        await claim(connection, facts.id, "demo", "filled", people.SEED)
        await remember(connection, facts.id, "demo", "filled", True)


async def _doors(db: Database, riverside: TimeBankFacts, harbour: TimeBankFacts, *, now: datetime) -> list[Door]:
    doors = []
    for facts, name, who, what in (
        (riverside, people.PARTICIPANT, "Participant", "see the hours, spend one"),
        (riverside, people.COORDINATOR, "Coordinator", "log a group, upload a register, hand over a booking"),
        (riverside, people.FINANCE, "Finance", "approve and export payments"),
        (riverside, people.ADMINISTRATOR, "Administrator", "everything a coordinator and finance can do"),
        (harbour, people.HARBOUR_COORDINATOR, f"Another time bank, {harbour.name}", "none of the above can be seen"),
    ):
        member_id = await _member_id(db, facts, name)
        if member_id is None:
            continue
        path = await create_link(db, system(facts.id), member_id, now=now, valid_for=LINK_VALID_FOR)
        doors.append(Door(who=f"{who} ({name})", what=what, path=path))
    async with db.reading(riverside.id) as connection:
        till = await supplier_path(connection, riverside)
    doors.append(Door(who="Supplier without an account (Quay Café CIC)", what="confirm a voucher at a till", path=till))
    holder = "Bernard O'Leary"
    holder_id = await _member_id(db, riverside, holder)
    if holder_id is None:
        return doors
    card = await issue_card(db, system(riverside.id), holder_id, pin=CARD_PIN, now=now)
    if isinstance(card, list):
        raise Refused(card)
    doors.append(
        Door(who=f"Participant by card ({holder})", what="what the card’s QR code opens", path=card.path, pin=card.pin)
    )
    return doors


async def _member_id(db: Database, facts: TimeBankFacts, name: str) -> int | None:
    """The member of this name, also while they are in a pause; None when somebody who tried the demo let them leave."""
    sentence = "select id from member where timebank_id = $1 and display_name = $2 and status <> 'left' order by id"
    async with db.reading(facts.id) as connection:
        member_id: int | None = await connection.fetchval(sentence, facts.id, name)
    return member_id


async def find(db: Database, slug: str) -> TimeBankFacts:
    """A demo time bank by its short name.

    Raises:
        LookupError: the demo has not been filled.
    """
    async with db.globally() as connection:
        facts = await by_slug(connection, slug)
    if facts is None:
        raise LookupError(slug)
    return facts
