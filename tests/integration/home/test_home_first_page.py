"""What waits for a member's answer on their first page, and what the page costs."""

from datetime import timedelta

import asyncpg
import pytest

from tests.integration.home.test_home_pages import browser_of, live_a_little
from tests.integration.peers.helping import agreed, asked, offers, wishes
from tests.integration.redemptions.spending import actor, booked, give_hours, offer, step, waits
from tests.people import Bank
from timebank.home import queries
from timebank.kit.actor import Actor
from timebank.kit.clock import today

MOST_QUERIES = 19


async def read_as(bank: Bank, member_id: int, **values: object) -> None:
    settings = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, start=3))
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            f"update member set {settings} where timebank_id = $1 and id = $2", bank.id, member_id, *values.values()
        )


async def other(bank: Bank, name: str) -> Actor:
    member_id = await bank.member(name)
    await give_hours(bank, member_id, 300)
    return actor(bank, member_id)


async def place_kept(bank: Bank, who: Actor) -> int:
    """A place on a training that was full is kept for somebody."""
    first = await other(bank, "Somebody First")
    wanted = await offer(
        bank, "training", title="Speaking in meetings", places=1, starts_at=bank.now + timedelta(days=21)
    )
    reference = await booked(bank, wanted, first)
    turn = await waits(bank, wanted, who)
    await step(bank, "cancel", reference, first)
    return turn


@pytest.mark.parametrize("easy", [False, True], ids=["plain", "easy"])
async def test_a_place_that_is_kept_stands_on_the_first_page(bank, client, easy: bool) -> None:
    me = bank.participant
    await give_hours(bank, me.member_id, 300)
    await read_as(bank, me.member_id, easy_read=easy)
    browser = await browser_of(client, bank, me)
    assert "A place is free for you" not in (await browser.get("/")).text
    turn = await place_kept(bank, me)
    page = (await browser.get("/")).text
    assert "A place is free for you" in page
    assert f'<a href="/waiting/{turn}"><bdi>Speaking in meetings</bdi></a>' in page
    await browser.submit(f"/waiting/{turn}/leave")
    assert "A place is free for you" not in (await browser.get("/")).text


@pytest.mark.parametrize("easy", [False, True], ids=["plain", "easy"])
async def test_who_waits_for_an_answer_is_on_the_first_page(bank, client, clock, easy: bool) -> None:
    me = bank.participant
    await give_hours(bank, me.member_id, 300)
    await read_as(bank, me.member_id, easy_read=easy)
    ann = await other(bank, "Ann")
    mine = await offers(bank, me, "Company on a walk")
    reference = await asked(bank, ann, offer_id=mine)
    browser = await browser_of(client, bank, me)
    page = (await browser.get("/")).text
    assert f'<a href="/share/asks/{reference}">' in page
    assert "Waits for you" in page
    assert "Please answer" in page
    assert "Waits for you" not in (await (await browser_of(client, bank, ann)).get("/")).text


async def test_a_meeting_that_was_asks_how_it_was(bank) -> None:
    me, ann = bank.participant, await other(bank, "Ann")
    await give_hours(bank, me.member_id, 300)
    reference = await agreed(bank, me, ann)
    for later, expected in ((timedelta(hours=1), []), (timedelta(days=2), [reference])):
        async with bank.db.reading(bank.id) as connection:
            page = await queries.first_page(
                connection, me, me.member_id, on=today(bank.now, "UTC"), now=bank.now + later
            )
        assert [each.reference for each in page.helping.waiting] == expected


async def test_one_good_match_is_on_the_first_page_and_none_without_a_lead(bank, client, admin_url) -> None:
    me, ann, ben = bank.participant, await other(bank, "Ann"), await other(bank, "Ben")
    await wishes(bank, me, "Somebody to garden with")
    await offers(bank, ann, "Weeding", category="gardening")
    await offers(bank, ben, "Digging", category="gardening")
    page = (await (await browser_of(client, bank, me)).get("/")).text
    assert page.count("can help with") == 1
    assert "A good match for you" in page
    owner = await asyncpg.connect(admin_url)
    await owner.execute(
        'update rules set document = document || \'{"safeguarding_lead": ""}\' where timebank_id = $1', bank.id
    )
    await owner.close()
    assert "A good match for you" not in (await (await browser_of(client, bank, me)).get("/")).text


async def test_the_first_page_asks_the_database_no_more_than_it_needs(bank) -> None:
    me = bank.participant
    await live_a_little(bank)
    await place_kept(bank, me)
    await wishes(bank, me)
    await offers(bank, me)
    asked_for: list[str] = []
    async with bank.db.reading(bank.id) as connection:
        with connection.query_logger(lambda record: asked_for.append(record.query)):
            await queries.first_page(connection, me, me.member_id, on=today(bank.now, "UTC"), now=bank.now)
    assert len(asked_for) <= MOST_QUERIES, "\n".join(asked_for)
    assert len(asked_for) == len(set(asked_for)), "nothing is asked twice"
