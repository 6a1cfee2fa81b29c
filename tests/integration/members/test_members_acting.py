"""Acting for a member: a reason and an agreement, their pages and no role of one's own, and the member is told."""

from html import unescape
from uuid import uuid4

import pytest

from tests.integration.redemptions.spending import give_hours, offer
from timebank.identity.acting import ACTING_LASTS
from timebank.kit.actor import Actor
from timebank.members import queries
from timebank.members.supporters import AddSupporter, SupporterAdded, add_supporter, end_supporter

ASKED = {"reason": "Book the café course", "how_agreed": "phone"}


async def acting(client, bank, subject_id):
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    answer = await browser.submit(f"/members/{subject_id}/act", ASKED)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return browser


async def messages_of(bank, member_id) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select body from message where timebank_id = $1 and member_id = $2 order by id", bank.id, member_id
        )
    return [row["body"] for row in rows]


async def test_the_pages_are_the_members_under_a_banner(bank, client) -> None:
    subject = await bank.member("Mo Salah-Eddine")
    await give_hours(bank, subject, 240)
    browser = await acting(client, bank, subject)
    home = unescape((await browser.get("/")).text)
    assert "Acting for <bdi>Mo Salah-Eddine</bdi>" in home
    assert "Book the café course" in home
    assert "Agreed by phone." in home
    assert "4 hours" in home
    # Roles rest: nothing of one's own work is done by mistake in somebody's name.
    assert (await browser.get("/members")).status_code == 403
    assert (await browser.get("/groups")).status_code == 403
    stopped = await browser.submit("/acting/stop")
    assert stopped.headers["location"] == f"/members/{subject}"
    assert "Acting for" not in (await browser.get("/")).text
    assert (await browser.get("/members")).status_code == 200


async def test_a_booking_keeps_who_made_it_and_why(bank, client) -> None:
    subject = await bank.member()
    await give_hours(bank, subject, 240)
    place = await offer(bank, kind="training", price_minutes=60)
    browser = await acting(client, bank, subject)
    booked = await browser.submit(f"/offers/{place}/use")
    assert booked.status_code == 303
    page = unescape((await browser.get(booked.headers["location"])).text)
    assert "Book the café course (agreed by phone)" in page
    async with bank.db.reading(bank.id) as connection:
        made = "select member_id, requested_by from redemption where timebank_id = $1"
        row = await connection.fetchrow(made, bank.id)
    assert (row["member_id"], row["requested_by"]) == (subject, bank.coordinator.member_id)
    assert any("booked this for you" in told for told in await messages_of(bank, subject))


async def test_the_member_is_told_and_can_read_who_looked(bank, client) -> None:
    subject = await bank.member()
    await acting(client, bank, subject)
    (told,) = await messages_of(bank, subject)
    assert "Demo coordinator used your pages for you." in told
    assert "You agreed by phone." in told
    async with bank.db.reading(bank.id) as connection:
        looks = [line.what for line in await queries.access_lines(connection, bank.id, subject)]
    assert looks == ["acted for you (agreed by phone)"]


async def test_it_ends_after_an_hour(bank, client, clock) -> None:
    subject = await bank.member()
    browser = await acting(client, bank, subject)
    clock.advance(ACTING_LASTS)
    assert "Acting for" not in (await browser.get("/")).text
    assert (await browser.get("/members")).status_code == 200


async def test_nobody_books_for_another_what_comes_to_themselves(bank, client) -> None:
    subject = await bank.member()
    await give_hours(bank, subject, 240)
    help_ = await offer(bank, kind="peer_support", price_minutes=60, provider_id=bank.coordinator.member_id)
    browser = await acting(client, bank, subject)
    refused = await browser.submit(f"/share/offers/{help_}", {"minutes": "60", "how": "phone"})
    assert refused.status_code == 422
    assert "Someone else arranges this" in refused.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason": " ", "how_agreed": "phone"}, "Say in a few words"),
        ({"reason": "x" * 201, "how_agreed": "phone"}, "up to 200 letters"),
        ({"reason": "Book", "how_agreed": ""}, "Say how they agreed"),
        ({"reason": "Book", "how_agreed": "standing"}, "Say how they agreed"),
    ],
)
async def test_what_is_missing_is_said(bank, client, fields, words) -> None:
    subject = await bank.member()
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    refused = await browser.submit(f"/members/{subject}/act", fields)
    assert refused.status_code == 422
    assert words in refused.text
    assert await messages_of(bank, subject) == []


async def test_for_coordinators_and_for_others_only(bank, other_bank, client) -> None:
    subject = await bank.member()
    participant = client()
    await participant.sign_in(bank.db, bank.participant)
    assert (await participant.submit(f"/members/{subject}/act", ASKED)).status_code == 403
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    stranger = await other_bank.member()
    assert (await browser.submit(f"/members/{stranger}/act", ASKED)).status_code == 404
    assert (await browser.get(f"/members/{bank.coordinator.member_id}/act")).status_code == 404
    assert (await browser.submit(f"/members/{bank.coordinator.member_id}/act", ASKED)).status_code == 404


async def test_a_double_tap_tells_once(bank, client) -> None:
    subject = await bank.member()
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    for _ in range(2):
        await browser.submit(f"/members/{subject}/act", {**ASKED, "key": "the-same-key-twice"})
        await browser.submit("/acting/stop")
    assert len(await messages_of(bank, subject)) == 1


async def supporter_of(bank, subject_id, *scope) -> tuple[Actor, int]:
    helper_id = await bank.member("Sofia Supporter")
    command = AddSupporter(
        member_id=subject_id,
        supporter_member_id=helper_id,
        scope=scope,
        starts_on=bank.now.date(),
        agreed_how="in_person",
        agreed_on=bank.now.date(),
    )
    added = await add_supporter(bank.db, bank.coordinator, command, key=uuid4().hex, now=bank.now)
    assert isinstance(added, SupporterAdded), added
    return Actor(timebank_id=bank.id, member_id=helper_id), added.id


async def test_a_supporter_reaches_what_was_agreed_and_nothing_else(bank, client) -> None:
    subject = await bank.member("Mo Salah-Eddine")
    await give_hours(bank, subject, 240)
    place = await offer(bank, kind="training", price_minutes=60)
    helper, _ = await supporter_of(bank, subject, "see_hours")
    browser = client()
    await browser.sign_in(bank.db, helper)
    begun = await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Look at the hours"})
    assert (begun.status_code, begun.headers["location"]) == (303, "/")
    assert "Acting for <bdi>Mo Salah-Eddine</bdi>" in (await browser.get("/")).text
    assert (await browser.get("/hours")).status_code == 200
    assert (await browser.get(f"/offers/{place}")).status_code == 200
    assert (await browser.submit(f"/offers/{place}/use")).status_code == 403
    for path in ("/me", "/me/download", "/log", "/messages", "/devices"):
        assert (await browser.get(path)).status_code == 403, path
    stopped = await browser.submit("/acting/stop")
    assert stopped.headers["location"] == "/supporting"


async def test_a_supporter_who_may_not_see_the_hours_sees_none_on_the_first_page(bank, client) -> None:
    subject = await bank.member("Mo Salah-Eddine")
    await give_hours(bank, subject, 240)
    helper, _ = await supporter_of(bank, subject, "log_time")
    browser = client()
    await browser.sign_in(bank.db, helper)
    await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Write time down"})
    page = (await browser.get("/")).text
    assert "4 hours" not in page
    assert 'href="/log"' in page
    assert 'href="/messages"' not in page.split("<footer")[0]


async def test_a_supporter_books_when_that_was_agreed(bank, client) -> None:
    subject = await bank.member()
    await give_hours(bank, subject, 240)
    place = await offer(bank, kind="training", price_minutes=60)
    helper, _ = await supporter_of(bank, subject, "see_hours", "book")
    browser = client()
    await browser.sign_in(bank.db, helper)
    await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Book the course"})
    booked = await browser.submit(f"/offers/{place}/use")
    assert booked.status_code == 303
    assert "Book the course (agreed as their supporter)" in (await browser.get(booked.headers["location"])).text


async def test_what_is_withdrawn_ends_at_once(bank, client) -> None:
    subject = await bank.member()
    helper, agreement = await supporter_of(bank, subject, "see_hours")
    browser = client()
    await browser.sign_in(bank.db, helper)
    await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Look"})
    assert "Acting for" in (await browser.get("/")).text
    await end_supporter(bank.db, bank.coordinator, agreement, key=uuid4().hex, now=bank.now)
    assert "Acting for" not in (await browser.get("/")).text
    again = await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Look"})
    assert again.status_code == 422
    assert "no agreement" in again.text


async def test_nobody_supports_without_an_agreement(bank, client) -> None:
    subject = await bank.member()
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    refused = await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Look"})
    assert refused.status_code == 422
    assert "Acting for" not in (await browser.get("/")).text


async def test_an_agreement_is_looked_up_every_time(bank, client) -> None:
    """Not only when somebody ends it here: an agreement whose last day is over opens nothing at all."""
    subject = await bank.member()
    helper, agreement = await supporter_of(bank, subject, "see_hours")
    browser = client()
    await browser.sign_in(bank.db, helper)
    await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Look"})
    assert "Acting for" in (await browser.get("/")).text
    async with bank.db.writing(bank.id) as connection:
        over = "update supporter set ends_on = starts_on where timebank_id = $1 and id = $2"
        await connection.execute(over, bank.id, agreement)
    page = (await browser.get("/hours")).text
    assert "Acting for" not in page
