"""The first page, all entries, and a member's record."""

import re

import pytest

from tests.integration.redemptions.spending import booked, give_hours, key, offer, step
from timebank.contributions.deputies import NameDeputy, name_deputy
from timebank.hours import service as hours_service
from timebank.hours.service import Give
from timebank.kit.actor import Actor
from timebank.members import safeguarding
from timebank.members.safeguarding import NamePerson


async def browser_of(client, bank, who):
    browser = client()
    await browser.sign_in(bank.db, who, now=bank.now)
    return browser


async def live_a_little(bank) -> None:
    """Hours brought forward, one lunch, one gift, one booking still open."""
    me = bank.participant.member_id
    await give_hours(bank, me, 300)
    lunch = await booked(bank, await offer(bank, title="Lunch at the café"), bank.participant)
    await step(bank, "fulfil", lunch)
    friend = await bank.member("Ngozi")
    gift = Give(from_member_id=me, to_member_id=friend, minutes=30)
    await hours_service.give(bank.db, bank.participant, gift, key=key(), now=bank.now)
    await booked(bank, await offer(bank, title="A swim"), bank.participant)


async def test_the_first_page_says_hours_in_words(bank, client) -> None:
    await live_a_little(bank)
    page = await (await browser_of(client, bank, bank.participant)).get("/")
    assert page.status_code == 200
    for words in (
        "3 hours 30 minutes",
        "<bdi>1 hour</bdi> set aside for bookings.",
        "<bdi>2 hours 30 minutes</bdi> free to use.",
        "Lunch at the café",
        "You used <bdi>1 hour</bdi>",
        "A gift to Ngozi",
        "You passed on <bdi>30 minutes</bdi>",
        "Today",
        "Use my hours",
        "See all",
        "My bookings",
    ):
        assert words in page.text, words
    assert "£" not in page.text
    assert "minus" not in page.text


async def test_a_new_member_is_not_shown_a_zero(bank, client) -> None:
    page = await (await browser_of(client, bank, bank.participant)).get("/")
    assert "no hours yet" in page.text
    assert "0 minutes" not in page.text


async def test_roles_bring_their_links(bank, client) -> None:
    plain = (await (await browser_of(client, bank, bank.participant)).get("/")).text
    coordinator = (await (await browser_of(client, bank, bank.coordinator)).get("/")).text
    finance = (await (await browser_of(client, bank, bank.finance)).get("/")).text
    assert "Log a group" not in plain
    assert "Payments to make" not in plain
    assert 'href="/groups"' in coordinator
    assert 'href="/bookings/to-do"' in coordinator
    assert "Payments to make" not in coordinator
    assert "Payments to make" in finance


async def test_visitors_go_to_the_sign_in_page(client) -> None:
    answer = await client().get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_all_entries_page_by_page(bank, client) -> None:
    for _ in range(35):
        await give_hours(bank, bank.participant.member_id, 10)
    browser = await browser_of(client, bank, bank.participant)
    first = await browser.get("/hours")
    assert first.text.count("tb-entry__what") == 30
    assert "Then you had <bdi>5 hours 50 minutes</bdi>" in first.text
    older = first.text.split('href="/hours?before=')[1].split('"')[0]
    second = await browser.get(f"/hours?before={older}")
    assert second.text.count("tb-entry__what") == 5
    assert "Then you had <bdi>10 minutes</bdi>" in second.text


@pytest.mark.parametrize("cursor", ["nonsense", "LTE", "9" * 200])
async def test_a_broken_cursor_is_not_a_server_error(bank, client, cursor: str) -> None:
    browser = await browser_of(client, bank, bank.participant)
    assert (await browser.get(f"/hours?before={cursor}")).status_code in (200, 404)


async def test_a_record_is_for_coordinators_and_every_look_is_written_down(bank, client, other_bank) -> None:
    await live_a_little(bank)
    me = bank.participant.member_id
    browser = await browser_of(client, bank, bank.coordinator)
    page = await browser.get(f"/members/{me}")
    assert page.status_code == 200
    for words in ("Demo participant", "Lunch at the café", "3 hours 30 minutes", "A swim"):
        assert words in page.text, words
    async with bank.db.reading(bank.id) as connection:
        looks = await connection.fetch("select actor_id, what from access_log where subject_id = $1", me)
    assert [(look["actor_id"], look["what"]) for look in looks] == [
        (bank.coordinator.member_id, "looked at the record")
    ]
    assert (await (await browser_of(client, bank, bank.participant)).get(f"/members/{me}")).status_code == 403
    stranger = await browser_of(client, other_bank, other_bank.coordinator)
    assert (await stranger.get(f"/members/{me}")).status_code == 404
    assert (await browser.get("/members/999999999999999999999")).status_code == 404


async def test_a_wrong_address_signs_nobody_out(bank, client) -> None:
    browser = await browser_of(client, bank, bank.participant)
    lost = await browser.get("/no/such/page")
    assert lost.status_code == 404
    assert "We cannot find that page" in lost.text
    assert "Sign out" in lost.text
    assert (await browser.get("/api/no-such-thing")).headers["content-type"] == "application/problem+json"


LINK = re.compile(r'href="(/[^"#]*)"')


@pytest.mark.parametrize("role", ["participant", "coordinator", "admin", "finance", "approver"])
async def test_every_link_of_the_first_pages_leads_to_a_page(bank, client, role) -> None:
    """Nobody is sent to a page that is closed to them, or that is not there."""
    member_id = await bank.member("Somebody Curious", *({role} - {"participant"}))
    await safeguarding_of(bank, member_id)
    browser = await browser_of(client, bank, Actor(timebank_id=bank.id, member_id=member_id, roles=frozenset({role})))
    pages = ["/", "/me", *(["/more"] if role in ("coordinator", "admin") else [])]
    found = {link for page in pages for link in LINK.findall((await browser.get(page)).text)}
    assert len(found) > 10
    answers = {link: (await browser.get(link, follow_redirects=True)).status_code for link in sorted(found)}
    assert {link: status for link, status in answers.items() if status != 200} == {}


async def safeguarding_of(bank, member_id: int) -> None:
    """Let this member lead safeguarding."""
    admin = Actor(timebank_id=bank.id, member_id=await bank.member("An Admin", "admin"), roles=frozenset({"admin"}))
    command = NamePerson(member_id=member_id, part=safeguarding.LEAD)
    named = await safeguarding.name_person(bank.db, admin, command, key=key(), now=bank.now)
    assert isinstance(named, safeguarding.Recorded), named


async def test_a_deputy_without_a_role_finds_what_to_decide(bank, client) -> None:
    deputy = await bank.member("Deputy Dan")
    browser = await browser_of(client, bank, Actor(timebank_id=bank.id, member_id=deputy))
    assert 'href="/decisions"' not in (await browser.get("/")).text
    command = NameDeputy(deputy_id=deputy, starts_on=bank.now.date(), ends_on=bank.now.date())
    named = await name_deputy(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert not isinstance(named, list), named
    page = (await browser.get("/")).text
    assert 'href="/decisions"' in page
    assert 'href="/queries/to-answer"' not in page
