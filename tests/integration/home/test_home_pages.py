"""The first page, all entries, and a member's record."""

import re
from datetime import date, timedelta

import pytest

import ledger
from ledger import Leg, Post
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
        "<bdi>You used 1 hour</bdi>",
        "A gift to Ngozi",
        "<bdi>You passed on 30 minutes</bdi>",
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


async def on_day(bank, member_id: int, minutes: int, day: date) -> None:
    """Hours that came, or were used when negative, on a day."""
    legs = (Leg(account="opening", amount=-minutes), Leg(account=f"member/{member_id}", amount=minutes))
    kind = "opening" if minutes > 0 else "test"
    entry = Post(key=key(), kind=kind, unit="MIN", legs=legs, effective_on=day, actor="system")
    async with bank.db.writing(bank.id) as connection:
        assert isinstance(await ledger.post(connection, bank.id, entry), ledger.Posted)


async def test_all_entries_by_months_that_are_never_torn_apart(bank, client) -> None:
    me = bank.participant.member_id
    for _ in range(35):
        await give_hours(bank, me, 10)
    await on_day(bank, me, 120, date(2026, 1, 30))
    await on_day(bank, me, -30, date(2026, 1, 31))
    browser = await browser_of(client, bank, bank.participant)
    first = (await browser.get("/hours")).text
    assert first.count("tb-entry__what") == 35
    assert 'id="month-2026-03">March 2026</h2>' in first
    # What came in March, and what there was before it.
    assert "<dt>At the start</dt><dd><bdi>1 hour 30 minutes</bdi>" in first
    assert "<dt>Came in</dt><dd><bdi>5 hours 50 minutes</bdi>" in first
    assert "<dt>At the end</dt><dd><bdi>7 hours 20 minutes</bdi>" in first
    assert 'href="/hours?month=2026-01" rel="next"' in first
    second = (await browser.get("/hours?month=2026-01")).text
    assert second.count("tb-entry__what") == 2
    assert second.count('class="tb-month"') == 1
    assert "Then you had <bdi>1 hour 30 minutes</bdi>" in second
    assert "<dt>Went out</dt><dd><bdi>30 minutes</bdi>" in second
    assert 'href="/hours?month=2026-03" rel="prev"' in second
    # A month in which nothing happened leads to the one before it.
    assert 'id="month-2026-01"' in (await browser.get("/hours?month=2026-02")).text
    assert "Nothing here yet" in (await browser.get("/hours?month=2020-01")).text


@pytest.mark.parametrize("month", ["nonsense", "2026-13", "0000-00", "9" * 200, ""])
async def test_a_month_that_is_none_shows_the_newest(bank, client, month: str) -> None:
    await give_hours(bank, bank.participant.member_id, 10)
    browser = await browser_of(client, bank, bank.participant)
    page = await browser.get(f"/hours?month={month}")
    assert page.status_code == 200
    assert 'id="month-2026-03"' in page.text


async def test_the_first_page_shows_what_comes_next(bank, client) -> None:
    me = bank.participant.member_id
    await give_hours(bank, me, 300)
    training = await offer(bank, "training", title="Speaking in meetings", starts_at=bank.now + timedelta(days=7))
    await booked(bank, training, bank.participant)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set hours_shown = 'gave_and_used' where timebank_id = $1 and id = $2", bank.id, me
        )
    lunch = await booked(bank, await offer(bank, title="Lunch at the café"), bank.participant)
    await step(bank, "fulfil", lunch)
    page = (await (await browser_of(client, bank, bank.participant)).get("/")).text
    assert "Speaking in meetings" in page
    assert "Tuesday 17 March 2026, at 2:30pm" in page
    # What they gave and used comes first, what they have is second.
    assert 'In the last year <span class="tb-hero__both">you used 1 hour</span>' in page
    assert page.index("you used 1 hour") < page.index("You have 4 hours.")


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
