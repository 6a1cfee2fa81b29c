"""Help between members elsewhere: offers and bookings, many hours at once, reports that nobody read, checks."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import ledger
from tests.integration.peers.helping import (
    agreed,
    ask_of,
    asked,
    asks,
    codes,
    key,
    offers,
    person,
    says,
    settles,
    wishes,
    yes,
)
from tests.integration.redemptions.spending import offer as catalogue_offer
from tests.integration.redemptions.spending import step
from tests.people import Bank, make_bank
from timebank.db import Database
from timebank.kit.actor import Actor, system
from timebank.members.safeguarding import NamePerson, name_person
from timebank.peers import reporting, service
from timebank.peers.service import Done, Person, TellLead
from timebank.redemptions.saved import SaveOffer, save_offer
from timebank.signin import rules as signin


async def browser_of(client: Any, bank: Bank, who: Actor) -> Any:
    browser = client()
    await browser.sign_in(bank.db, who)
    return browser


async def told(bank: Bank, who: Actor) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select subject from message where timebank_id = $1 and member_id = $2 order by id", bank.id, who.member_id
        )
    return [row["subject"] for row in rows]


async def change(bank: Bank, who: Actor, column: str, value: object) -> None:
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            f"update member set {column} = $3 where timebank_id = $1 and id = $2", bank.id, who.member_id, value
        )


async def test_an_offer_is_not_there_for_whom_its_helper_hides_it_from(bank: Bank, client: Any) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    skill = await offers(bank, ben)
    listed = await catalogue_offer(bank, "peer_support", provider_id=ben.member_id, title="Company at the museum")
    page, own, staff = [await browser_of(client, bank, who) for who in (ann, ben, bank.coordinator)]
    assert (await page.get(f"/offers/{skill}")).status_code == 404, "what members add is asked for, never booked"
    assert (await page.get(f"/offers/{listed}")).status_code == 200
    await save_offer(bank.db, ann, SaveOffer(offer_id=listed, is_saved=True), key=key(), now=bank.now)
    await change(bank, ben, "skills_shown_to", "nobody")
    assert (await page.get(f"/offers/{listed}")).status_code == 404
    assert "Company at the museum" not in (await page.get("/offers")).text
    assert (await own.get(f"/offers/{listed}")).status_code == 200
    assert (await staff.get(f"/offers/{listed}")).status_code == 200
    await change(bank, ben, "skills_shown_to", "members")
    assert "Company at the museum" in (await page.get("/offers/saved")).text
    await asked(bank, ann, offer_id=skill)
    blocked = await service.keep_apart(bank.db, ben, Person(member_id=ann.member_id or 0), key=key(), now=bank.now)
    assert isinstance(blocked, Done)
    for path in (f"/offers/{listed}", f"/offers/{listed}/check", f"/share/offers/{listed}"):
        assert (await page.get(path, follow_redirects=True)).status_code == 404, path
    for path in ("/offers", "/offers/saved"):
        assert "Company at the museum" not in (await page.get(path)).text


async def test_a_booking_leads_to_its_ask(bank: Bank, client: Any) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    booking = (await ask_of(bank, reference)).booking
    shown = (await (await browser_of(client, bank, ann)).get(f"/bookings/{booking}")).text
    assert f'href="/share/asks/{reference}"' in shown
    assert f"/bookings/{booking}/cancel" not in shown, "the other is told where it is called off"


async def test_what_staff_end_on_the_page_of_bookings_ends_the_ask(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    cancelled, done = await agreed(bank, ann, ben), await agreed(bank, ann, ben)
    booking = (await ask_of(bank, cancelled)).booking or ""
    assert not isinstance(await step(bank, "cancel", booking, reason="The café is closed"), list)
    booking = (await ask_of(bank, done)).booking or ""
    assert not isinstance(await step(bank, "fulfil", booking), list)
    await service.look_after(bank.db, bank.id, bank.now)
    assert (await ask_of(bank, cancelled)).state == "cancelled"
    assert (await ask_of(bank, done)).state == "done"
    assert {"It is called off", "You got 1 hour"} <= set(await told(bank, ben))


async def test_the_accounts_name_who_said_so_last(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 900), await person(bank, "Ben")
    by_helper, by_clock, longer, settled = [await agreed(bank, ann, ben) for _ in range(4)]
    await says(bank, ann, by_helper, 60)
    await says(bank, ben, by_helper, 60)
    await says(bank, ben, longer, 90)
    await says(bank, ann, longer, 90)
    await says(bank, ben, settled, 30)
    await says(bank, ann, settled, 60)
    await settles(bank, bank.coordinator, settled, 30)
    actors = {}
    for name, reference in (("helper", by_helper), ("longer", longer), ("settled", settled)):
        booking = (await ask_of(bank, reference)).booking
        async with bank.db.reading(bank.id) as connection:
            row = await connection.fetchrow("select id, entry_id from redemption where reference = $1", booking)
            entry = await ledger.entry(connection, bank.id, row["entry_id"])
            event = await connection.fetchval(
                "select actor_id from redemption_event where redemption_id = $1 order by n desc limit 1", row["id"]
            )
        actors[name] = (entry.actor, event)
    assert actors == {
        "helper": (ben.name, ben.member_id),
        "longer": (ann.name, ann.member_id),
        "settled": (bank.coordinator.name, bank.coordinator.member_id),
    }
    assert (await ask_of(bank, by_clock)).state == "agreed"


async def test_a_report_that_nobody_read_reminds_each_working_day(bank: Bank) -> None:
    """Told on a Tuesday: to be read on Wednesday, reminded from Thursday at nine, not at the weekend."""
    ann, ben, lead = await person(bank, "Ann"), await person(bank, "Ben"), await person(bank, "Lead")
    await name_person(
        bank.db, system(bank.id), NamePerson(member_id=lead.member_id or 0, part="lead"), key=key(), now=bank.now
    )
    await offers(bank, ben)
    command = TellLead(member_id=ben.member_id or 0, words="Not kind")
    reported = await service.report(bank.db, ann, command, key=key(), now=bank.now)
    assert isinstance(reported, Done)
    midday = bank.now.astimezone(ZoneInfo(bank.facts.time_zone)).replace(hour=12)
    for days, hour, reminders in ((1, 12, 0), (2, 8, 0), (2, 12, 1), (2, 17, 1), (3, 12, 2), (4, 12, 2), (6, 12, 3)):
        assert await reporting.remind(bank.db, bank.id, midday.replace(hour=hour) + timedelta(days=days)) == (days > 1)
        assert (await told(bank, lead)).count("A report is still unread") == reminders, (days, hour)
    assert "A report is still unread" not in await told(bank, ben)
    answer = service.Answer(report_id=reported.id)
    assert isinstance(await service.answer_report(bank.db, lead, answer, key=key(), now=bank.now), Done)
    assert await reporting.remind(bank.db, bank.id, midday + timedelta(days=7)) == 0


async def test_the_check_of_one_offer_has_a_page(bank: Bank, client: Any) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    offer, other = await offers(bank, ben, "Company at home"), await offers(bank, ben, "Chess")
    staff = await browser_of(client, bank, bank.coordinator)
    path = f"/share/offers/{offer}/check"
    assert f'href="{path}"' in (await staff.get(f"/share/offers/{offer}")).text
    assert (await staff.submit(path, {"check_kind": "nonsense"})).status_code == 422
    assert (await staff.submit(path, {"check_kind": "reference"})).status_code == 303
    shown = await staff.get(path)
    assert "Not seen yet" in shown.text
    assert f'href="{path}"' in (await staff.get("/share/all")).text
    assert codes(await asks(bank, ann, offer_id=offer)) == {"check_missing"}
    assert await asked(bank, ann, offer_id=other)
    assert (await staff.submit(path, {"check_kind": ""})).status_code == 303
    assert await asked(bank, ann, offer_id=offer)
    assert (await staff.get("/share/offers/999999/check")).status_code == 404


@pytest.fixture
async def careful(db: Database) -> Bank:
    """A time bank that asks who one is from one hour up."""
    return await make_bank(db, confirm_above_minutes=60)


async def test_asking_for_many_hours_asks_once_more(careful: Bank, client: Any, clock: Any) -> None:
    bank = careful
    ann, ben = await person(bank, "Ann", 900), await person(bank, "Ben")
    offer = await offers(bank, ben)
    page = await browser_of(client, bank, ann)
    clock.advance(signin.CONFIRMED_WHILE_TYPING)
    much = {"minutes": "90", "how": "phone", "day": "2026-03-12", "time": "14:00", "note": "Hello"}
    sent = await page.submit(f"/share/offers/{offer}", much)
    assert sent.headers["location"].startswith(f"/confirm?next=/share/offers/{offer}%3F")
    assert "Hello" not in sent.headers["location"], "what somebody wrote does not go into an address"
    back = (await page.get(f"/share/offers/{offer}?day=2026-03-12&time=14:00&minutes=90&how=phone")).text
    for value in ("2026-03-12", "14:00", "90"):
        assert f'<option value="{value}" selected>' in back, value
    assert (
        (await page.submit(f"/share/offers/{offer}", {**much, "minutes": "60"}))
        .headers["location"]
        .startswith("/share/asks/")
    )


async def test_agreeing_to_pay_many_hours_asks_once_more(careful: Bank, client: Any, clock: Any) -> None:
    bank = careful
    ann, ben = await person(bank, "Ann", 900), await person(bank, "Ben")
    reference = await asked(bank, ben, wish_id=await wishes(bank, ann), minutes=90)
    theirs = await asked(bank, ann, offer_id=await offers(bank, ben), minutes=90)
    page, helper = await browser_of(client, bank, ann), await browser_of(client, bank, ben)
    clock.advance(signin.CONFIRMED_WHILE_TYPING)
    sent = await page.submit(f"/share/asks/{reference}/yes")
    assert sent.headers["location"] == f"/confirm?next=/share/asks/{reference}"
    assert (await ask_of(bank, reference)).state == "asked"
    done = await helper.submit(f"/share/asks/{theirs}/yes")
    assert done.headers["location"] == f"/share/asks/{theirs}", "who pays nothing is not asked"
    assert not isinstance(await yes(bank, ann, reference), list)
