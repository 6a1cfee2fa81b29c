"""Signing in with a code: a real mail server, real pages, and what somebody learns who guesses."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from tests.conftest import browsers
from tests.integration.messages.mailroom import MailRoom, mail_server, reached_by
from tests.integration.redemptions.spending import give_hours, offer
from tests.people import Bank, Browser
from timebank.kit.actor import Actor
from timebank.signin import rules, service, web

Open = Callable[[], Browser]


@pytest.fixture
async def post() -> AsyncIterator[MailRoom]:
    with mail_server() as room:
        yield room


@pytest.fixture
async def opened(db, clock, post) -> AsyncIterator[Open]:
    settings = msgspec.structs.replace(post.settings, database_url="postgresql://unused/", sms_url="outbox:")
    async with browsers(db, clock, msgspec.structs.replace(settings, public_url="http://timebank.test")) as opener:
        yield opener


def address() -> str:
    return f"{uuid4().hex}@example.org"


async def sent() -> None:
    """Until everything is handed over that was under way."""
    await asyncio.gather(*web._under_way)


async def ask(browser: Browser, typed: str, way: str = "email", **more: str) -> None:
    answer = await browser.submit(f"/sign-in/by/{way}", {"address": typed, **more})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/sign-in/code")
    await sent()


def code_in(text: str) -> str:
    found = re.search(r"\b(\d{3} \d{3})\b", text)
    assert found, text
    return found[1]


def code_for(post: MailRoom, to: str) -> str:
    return code_in(post.to(to)[-1].get_content())


async def test_from_an_address_to_ones_own_page(bank: Bank, opened: Open, post: MailRoom) -> None:
    mine = address()
    await reached_by(bank, "email", "Asha Rao", email=mine.upper())
    browser = opened()
    await ask(browser, f"  {mine} ", next="/bookings")
    (mail,) = post.to(mine.upper())
    assert bank.facts.name not in mail.as_string(), "an e-mail names no programme"
    answer = await browser.submit("/sign-in/code", {"code": code_in(mail["Subject"]), "next": "/bookings"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/bookings")
    assert "Asha Rao" in (await browser.get("/")).text
    again = await opened().submit("/sign-in/code", {"code": code_for(post, mine.upper())})
    assert again.status_code == 422, "a code works in the browser that asked, and once"


async def test_a_text_goes_to_the_number_on_record(bank: Bank, opened: Open) -> None:
    await reached_by(bank, "sms", "Bo Lin", phone="+44 (0)7700 900 123")
    browser = opened()
    await ask(browser, "07700900123", way="text")
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow(
            "select o.body, d.only_address from text_outbox o join delivery d "
            "on d.timebank_id = o.timebank_id and d.id = o.delivery_id where o.timebank_id = $1",
            bank.id,
        )
    assert row["only_address"] == "+44 (0)7700 900 123"
    assert "http" not in row["body"]
    answer = await browser.submit("/sign-in/code", {"code": code_in(row["body"])})
    assert answer.status_code == 303


async def test_numbers_that_end_alike_do_not_open_each_others_pages(bank: Bank, other_bank: Bank, opened: Open) -> None:
    end = f"{uuid4().int % 10**9:09d}"
    await reached_by(bank, "sms", "Bo Lin", phone=f"+44 {end}")
    await reached_by(bank, "sms", "Bea Lin", phone=f"0044{end}")
    await reached_by(other_bank, "sms", "Mal Ory", phone=f"+49 {end}")
    browser = opened()
    await ask(browser, f"+49 {end}", way="text")
    async with bank.db.globally() as connection:
        await connection.execute("select set_config('ledger.book', $1, true)", str(other_bank.id))
        body = await connection.fetchval("select body from text_outbox where timebank_id = $1", other_bank.id)
        await connection.execute("select set_config('ledger.book', $1, true)", str(bank.id))
        theirs = await connection.fetchval("select body from text_outbox where timebank_id = $1", bank.id)
    assert code_in(body) != code_in(theirs)
    answer = await browser.submit("/sign-in/code", {"code": code_in(body)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Mal Ory" in (await browser.get("/")).text

    family = opened()
    await ask(family, end, way="text")
    async with bank.db.reading(bank.id) as connection:
        theirs = await connection.fetchval("select body from text_outbox order by delivery_id desc limit 1")
    answer = await family.submit("/sign-in/code", {"code": code_in(theirs)})
    assert answer.headers["location"] == "/sign-in/whose"
    choice = (await family.get("/sign-in/whose")).text
    assert ("Bo Lin" in choice, "Bea Lin" in choice, "Mal Ory" in choice) == (True, True, False)


async def test_nobody_learns_whether_an_address_is_known(bank: Bank, opened: Open, post: MailRoom) -> None:
    known = address()
    await reached_by(bank, "email", email=known)
    pages = []
    for typed in (known, address()):
        browser = opened()
        answer = await browser.submit("/sign-in/by/email", {"address": typed})
        page = await browser.get("/sign-in/code")
        pages.append((answer.status_code, answer.headers["location"], re.sub(r'value="[^"]*"', "", page.text)))
    assert pages[0] == pages[1]
    await sent()
    assert len(post.to(known)) == 1
    assert len(post.received) == 1


async def test_the_link_of_the_email_works_where_it_was_asked_for(bank: Bank, opened: Open, post: MailRoom) -> None:
    mine = address()
    await reached_by(bank, "email", "Cy Ode", email=mine)
    browser, scanner = opened(), opened()
    await ask(browser, mine)
    link = re.search(r"http://timebank\.test(/sign-in/mail/\S+)", post.to(mine)[0].get_content())[1]
    elsewhere = await scanner.get(link)
    assert "does not sign you in here" in elsewhere.text
    assert (await scanner.submit(link, {})).status_code == 410
    assert "Press the button" in (await browser.get(link)).text
    assert (await browser.get("/", follow_redirects=False)).status_code == 303, "looking signs nobody in"
    answer = await browser.submit(link, {})
    assert answer.status_code == 303
    assert "Cy Ode" in (await browser.get("/")).text
    assert "does not sign you in here" in (await browser.get(link)).text


async def test_wrong_codes_end(bank: Bank, opened: Open, post: MailRoom) -> None:
    mine = address()
    await reached_by(bank, "email", email=mine)
    browser = opened()
    await ask(browser, mine)
    right = code_for(post, mine).replace(" ", "")
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    answers = [await browser.submit("/sign-in/code", {"code": wrong}) for _ in range(rules.MAX_WRONG_TRIES)]
    assert "did not match" in answers[0].text
    assert "Ask for a new one" in answers[-1].text
    assert (await browser.submit("/sign-in/code", {"code": right})).status_code == 422


async def test_many_wrong_codes_at_once_pass_no_limit(bank: Bank, opened: Open, post: MailRoom, db) -> None:
    mine = address()
    await reached_by(bank, "email", email=mine)
    browser = opened()
    await ask(browser, mine)
    secret = browser.cookies[web.ASK_COOKIE]
    right = code_for(post, mine).replace(" ", "")
    wrong = [f"{(int(right) + n) % 10**6:06d}" for n in range(1, 13)]
    found = await asyncio.gather(*(service.prove_by_code(db, secret, code, now=bank.now) for code in wrong))
    assert sum(one[0].code == "wrong_code" for one in found) < rules.MAX_WRONG_TRIES
    assert (await service.prove_by_code(db, secret, right, now=bank.now))[0].code == "code_gone"


async def test_a_code_is_over_after_a_quarter_of_an_hour(bank: Bank, opened: Open, post: MailRoom, clock) -> None:
    mine = address()
    await reached_by(bank, "email", email=mine)
    browser = opened()
    await ask(browser, mine)
    clock.advance(rules.CODE_VALID_FOR)
    assert (await browser.submit("/sign-in/code", {"code": code_for(post, mine)})).status_code == 422


async def test_asking_has_a_limit(bank: Bank, opened: Open, post: MailRoom, clock) -> None:
    mine = address()
    await reached_by(bank, "email", email=mine)
    for _ in range(rules.MAX_ASKS_PER_ADDRESS + 2):
        await ask(opened(), mine)
    assert len(post.to(mine)) == rules.MAX_ASKS_PER_ADDRESS
    clock.advance(rules.WINDOW + timedelta(seconds=1))
    await ask(opened(), mine)
    assert len(post.to(mine)) == rules.MAX_ASKS_PER_ADDRESS + 1


async def test_a_family_with_one_address_chooses(bank: Bank, other_bank: Bank, opened: Open, post: MailRoom) -> None:
    ours = address()
    mother = await reached_by(bank, "email", "Mother Rao", email=ours)
    await reached_by(bank, "email", "Daughter Rao", email=ours)
    await reached_by(other_bank, "email", "Mother over there", email=ours)
    browser = opened()
    await ask(browser, ours)
    assert len(post.to(ours)) == 1
    answer = await browser.submit("/sign-in/code", {"code": code_for(post, ours), "borrowed": "yes"})
    assert answer.headers["location"] == "/sign-in/whose"
    page = (await browser.get("/sign-in/whose")).text
    assert all(name in page for name in ("Mother Rao", "Daughter Rao", "Mother over there"))
    stranger = await bank.member("Stranger")
    refused = await browser.submit("/sign-in/whose", {"who": f"{bank.id}/{stranger}"})
    assert refused.headers["location"] == "/sign-in"
    entered = await browser.submit("/sign-in/whose", {"who": f"{bank.id}/{mother}"})
    assert entered.status_code == 303
    assert "Max-Age" not in next(c for c in entered.headers.get_list("set-cookie") if c.startswith("timebank="))
    assert "Mother Rao" in (await browser.get("/")).text


async def test_staff_come_in_another_way(bank: Bank, opened: Open, post: MailRoom) -> None:
    mine = address()
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set email = $3 where timebank_id = $1 and id = $2",
            bank.id,
            bank.finance.member_id,
            mine,
        )
    await ask(opened(), mine)
    assert not post.received


@pytest.mark.parametrize(("way", "typed"), [("email", "nobody"), ("email", ""), ("text", "12345"), ("text", "x" * 300)])
async def test_what_cannot_be_an_address(opened: Open, way: str, typed: str) -> None:
    answer = await opened().submit(f"/sign-in/by/{way}", {"address": typed})
    assert answer.status_code == 422
    assert 'href="#address"' in answer.text


async def test_a_way_that_is_not_set_up_is_not_there(client) -> None:
    assert (await client().get("/sign-in/by/email")).status_code == 404
    assert (await client().get("/sign-in/by/pigeon")).status_code == 404


async def test_contact_details_ask_once_more(bank: Bank, opened: Open, post: MailRoom, clock) -> None:
    mine = address()
    member_id = await reached_by(bank, "email", "Dee Poe", email=mine)
    browser = opened()
    await browser.sign_in(bank.db, Actor(timebank_id=bank.id, member_id=member_id))
    assert (await browser.get("/me/change")).status_code == 200, "who has just signed in is not asked"
    clock.advance(rules.CONFIRMED_FOR)
    asked = await browser.get("/me/change", follow_redirects=False)
    assert asked.headers["location"] == "/confirm?next=/me/change"
    page = await browser.get("/confirm?next=/me/change")
    assert "Send six numbers to my e-mail" in page.text
    await browser.submit("/confirm/email", {"next": "/me/change"})
    await sent()
    right = code_for(post, mine)
    wrong = await browser.submit("/confirm", {"code": "000 000" if right != "000 000" else "1", "next": "/me/change"})
    assert wrong.status_code == 422
    done = await browser.submit("/confirm", {"code": right, "next": "/me/change"})
    assert (done.status_code, done.headers["location"]) == (303, "/me/change")
    assert (await browser.get("/me/change", follow_redirects=False)).status_code == 200
    clock.advance(rules.CONFIRMED_WHILE_TYPING)
    late = await browser.submit("/me/change", {"email": "thief@example.org"})
    assert late.headers["location"].startswith("/confirm")


async def test_old_codes_are_forgotten(bank: Bank, opened: Open, post: MailRoom, db) -> None:
    mine = address()
    await reached_by(bank, "email", email=mine)
    await ask(opened(), mine)
    await service.forget_asks(db, bank.id, bank.now + timedelta(days=1))
    async with db.globally() as connection:
        assert await connection.fetchval("select count(*) from sign_in_ask where created_at < $1", bank.now) == 0
        assert await connection.fetchval("select count(*) from sign_in_ask_member where timebank_id = $1", bank.id) == 0


async def test_using_many_hours_asks_once_more(bank: Bank, opened: Open, clock) -> None:
    little, much = await offer(bank, price_minutes=600), await offer(bank, price_minutes=601, title="A long course")
    await give_hours(bank, bank.participant.member_id, 2000)
    browser = opened()
    await browser.sign_in(bank.db, bank.participant)
    assert (await browser.get(f"/offers/{much}/check", follow_redirects=False)).status_code == 200
    clock.advance(rules.CONFIRMED_FOR)
    assert (await browser.get(f"/offers/{little}/check", follow_redirects=False)).status_code == 200
    asked = await browser.get(f"/offers/{much}/check", follow_redirects=False)
    assert asked.headers["location"] == f"/confirm?next=/offers/{much}/check"
    clock.advance(rules.CONFIRMED_WHILE_TYPING)
    sent_late = await browser.submit(f"/offers/{much}/use")
    assert sent_late.headers["location"].startswith("/confirm")
    async with bank.db.reading(bank.id) as connection:
        assert not await connection.fetchval("select count(*) from redemption where timebank_id = $1", bank.id)
