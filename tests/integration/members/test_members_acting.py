"""Acting for a member: a reason and an agreement, their pages and no role of one's own, and the member is told."""

from html import unescape

import pytest

from tests.integration.redemptions.spending import give_hours, offer
from timebank.identity.acting import ACTING_LASTS
from timebank.members import queries

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
    assert "agreed by phone" in home
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
    refused = await browser.submit(f"/offers/{help_}/use")
    assert refused.status_code == 422
    assert "someone else books this" in refused.text


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
