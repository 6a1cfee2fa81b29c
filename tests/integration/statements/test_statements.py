"""Statements for any dates: sums that add up, in every form; the code on paper; the letter."""

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import pypdf
import pytest
import zxingcpp
from PIL import Image
from pypdf.generic import IndirectObject

import ledger
from ledger import Leg, Post
from tests.integration.redemptions.spending import booked, give_hours, key, offer, step
from tests.people import NOW, Bank, Browser
from timebank.home.dated import dated
from timebank.hours import service as hours_service
from timebank.hours.service import Give
from timebank.members.statement_checks import SetChecks, set_checks
from timebank.statements import making, rules, service
from timebank.statements.paper import pdf_data

DAYS = "first=2026-01-01&last=2026-03-10"
A4 = (595, 842)
TODAY = NOW.date()


async def browser_of(client, bank, who) -> Browser:
    browser = client()
    await browser.sign_in(bank.db, who, now=bank.now)
    return browser


async def on_day(bank: Bank, member_id: int, minutes: int, day: date, kind: str = "opening") -> None:
    """Hours that came, or went when negative, on a day."""
    legs = (Leg(account="opening", amount=-minutes), Leg(account=f"member/{member_id}", amount=minutes))
    entry = Post(key=key(), kind=kind, unit="MIN", legs=legs, effective_on=day, actor="system")
    async with bank.db.writing(bank.id) as connection:
        assert isinstance(await ledger.post(connection, bank.id, entry), ledger.Posted)


async def live_a_little(bank: Bank) -> int:
    """Hours before, between and after; return the member."""
    me: int = bank.participant.member_id or 0
    await on_day(bank, me, 100, date(2025, 12, 31))
    await on_day(bank, me, 300, date(2026, 1, 1))
    await on_day(bank, me, -40, date(2026, 2, 14), "test")
    lunch = await booked(bank, await offer(bank, title="Lunch at the café"), bank.participant)
    await step(bank, "fulfil", lunch)
    # Written down last, and it happened first.
    await on_day(bank, me, 5, date(2026, 1, 2))
    return me


async def allow(bank: Bank, member_id: int, is_on: bool = True) -> None:
    """Let others check a member's statements, or no longer."""
    command = SetChecks(member_id=member_id, is_on=is_on)
    done = await set_checks(bank.db, bank.participant, command, key=key(), now=bank.now)
    assert not isinstance(done, list), done


async def made(bank: Bank, first: date = date(2026, 1, 1), last: date = TODAY):
    printed = await making.make(
        bank.db, bank.participant, bank.participant.member_id, first, last,
        base_url="https://timebank.example", now=bank.now,
    )  # fmt: skip
    assert not isinstance(printed, list), printed
    return printed


async def test_before_and_what_happened_make_after(bank) -> None:
    me = await live_a_little(bank)
    async with bank.db.reading(bank.id) as connection:
        found = await dated(connection, bank.id, me, date(2026, 1, 1), date(2026, 3, 10))
    assert (found.opening, found.came, found.went, found.closing) == (100, 305, 100, 305)
    assert [row.happened_on for row in found.rows] == sorted(row.happened_on for row in found.rows)
    assert [row.balance_after for row in found.rows] == [400, 405, 365, 305]
    assert [(one.month.month, one.opening, one.closing) for one in found.months] == [
        (1, 100, 405), (2, 405, 365), (3, 365, 305),
    ]  # fmt: skip


async def test_the_page_shows_the_days_asked_for(bank, client) -> None:
    await live_a_little(bank)
    browser = await browser_of(client, bank, bank.participant)
    page = (await browser.get(f"/statement?{DAYS}")).text
    for words in ("From Thursday 1 January 2026 to Tuesday 10 March 2026", "<dd><bdi>1 hour 40 minutes</bdi>",
                  "<dd><bdi>5 hours 5 minutes</bdi>", "Lunch at the café", "This isn’t right"):  # fmt: skip
        assert words in page, words
    nothing = (await browser.get("/statement?first=2026-02-01&last=2026-02-02")).text
    assert "Nothing happened in these days." in nothing
    boxes = "first-day=1&first-month=february&first-year=2026&last-day=28&last-month=2&last-year=2026"
    typed = await browser.get(f"/statement?period=other&{boxes}")
    assert "From Sunday 1 February 2026 to Saturday 28 February 2026" in typed.text
    assert 'value="february"' not in typed.text  # the boxes show the days that were understood


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("first=2026-03-01&last=2026-02-01", "last", "The last day is before the first day."),
        ("first=1999-01-01&last=2026-02-01", "first", "Choose up to ten years at a time."),
        ("first=x&last=", "first", "Choose the first and the last day."),
        ("period=other&first-day=31&first-month=2&first-year=2026&last-day=1&last-month=3&last-year=2026", "first",
         "There is no day"),
    ],
)  # fmt: skip
async def test_days_that_cannot_be(bank, client, query: str, field: str, words: str) -> None:
    browser = await browser_of(client, bank, bank.participant)
    page = await browser.get(f"/statement?{query}")
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert words in page.text
    for form in ("pdf", "csv", "text"):
        assert (await browser.get(f"/statement/{form}?{query}")).status_code == 404


def read_pdf(content: bytes) -> tuple[pypdf.PdfReader, str]:
    found = pypdf.PdfReader(io.BytesIO(content))
    text = "\n".join(page.extract_text() for page in found.pages)
    return found, " ".join(text.split())


@pytest.mark.parametrize("size", ["normal", "large"])
async def test_the_pdf_is_tagged_and_says_the_sums(bank, client, size: str) -> None:
    await live_a_little(bank)
    browser = await browser_of(client, bank, bank.participant)
    answer = await browser.get(f"/statement/pdf?{DAYS}&size={size}")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    found, text = read_pdf(answer.content)
    root: Any = found.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert found.metadata is not None
    assert found.metadata.title == "My hours"
    assert not isinstance(root["/StructTreeRoot"], IndirectObject) or root["/StructTreeRoot"].get_object()
    assert tuple(round(side) for side in found.pages[0].mediabox[2:]) == A4
    for words in ("Demo participant", "From 1 January 2026 to 10 March 2026", "At the start: 1 hour 40 minutes",
                  "Came in: 5 hours 5 minutes", "Went out: 1 hour 40 minutes", "At the end: 5 hours 5 minutes",
                  "Lunch at the café", "Page 1 of"):  # fmt: skip
        assert words in text, f"{words} in {text}"
    assert "Is this paper real?" not in text
    assert "£" not in text


async def test_the_spreadsheet_adds_up_and_runs_no_formula(bank, client) -> None:
    me = await live_a_little(bank)
    evil = await bank.member("=1+1")
    await hours_service.give(
        bank.db, bank.participant, Give(from_member_id=me, to_member_id=evil, minutes=5), key=key(), now=bank.now
    )
    browser = await browser_of(client, bank, bank.participant)
    answer = await browser.get(f"/statement/csv?{DAYS}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    heading, start, *rows, end = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert heading[0] == "Day"
    assert int(start[-1]) + sum(int(row[4]) - int(row[5]) for row in rows) == int(end[-1]) == 300
    assert (int(end[4]), int(end[5])) == (sum(int(row[4]) for row in rows), sum(int(row[5]) for row in rows))
    assert not any(cell.startswith("=") for row in rows for cell in row)


async def test_the_plain_text_says_the_same(bank, client) -> None:
    await live_a_little(bank)
    browser = await browser_of(client, bank, bank.participant)
    text = (await browser.get(f"/statement/text?{DAYS}")).text
    for words in ("At the end: 5 hours 5 minutes", "FEBRUARY 2026", "Then you had: 5 hours 5 minutes"):
        assert words in text, words


async def test_the_default_is_the_last_three_months_in_the_size_they_read(bank, client) -> None:
    await live_a_little(bank)
    browser = await browser_of(client, bank, bank.participant)
    _, text = read_pdf((await browser.get("/statement/pdf")).content)
    assert "From 11 December 2025 to 10 March 2026" in text


async def test_no_code_while_checking_is_off_and_one_that_stays_when_it_is_on(bank) -> None:
    me = await live_a_little(bank)
    assert (await made(bank)).code == ""
    await allow(bank, me)
    first, again = await made(bank), await made(bank)
    assert first.code == again.code != ""
    assert (await made(bank, last=date(2026, 3, 9))).code != first.code
    await give_hours(bank, me, 10)
    assert (await made(bank)).code != first.code  # the paper says something else now


async def test_the_square_leads_to_the_page_with_the_code(bank) -> None:
    me = await live_a_little(bank)
    await allow(bank, me)
    printed = await made(bank)
    check: Any = pdf_data(printed, large=False)["check"]
    assert check["address"] == "timebank.example/check"
    assert [read.text for read in zxingcpp.read_barcodes(picture_of(check["qr"]))] == [
        f"https://timebank.example/check?code={printed.code}"
    ]


def picture_of(svg: str) -> Image.Image:
    """The square code as a camera sees it: drawn from the moves of its path."""
    size = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])  # type: ignore[index]
    image = Image.new("L", (size, size), 255)
    path = re.search(r'<path[^>]*stroke="[^"]*"[^>]* d="([^"]*)"|<path[^>]* d="([^"]*)"[^>]*stroke', svg)
    moves = next(part for part in path.groups() if part)  # type: ignore[union-attr]
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", moves):
        steps = [float(number) for number in numbers.split()]
        if command == "M":
            x, y = steps
        elif command == "m":
            x, y = x + steps[0], y + steps[1]
        else:
            for column in range(int(x), int(x + steps[0])):
                image.putpixel((column, int(y)), 0)
            x += steps[0]
    return image.resize((size * 6, size * 6), Image.Resampling.NEAREST)


async def test_who_holds_the_paper_sees_what_it_should_say_and_nothing_else(bank, client) -> None:
    me = await live_a_little(bank)
    await allow(bank, me)
    printed = await made(bank)
    stranger = client()
    asked = (await stranger.get(f"/check?code={printed.code}")).text
    assert f'value="{printed.code}"' in asked
    assert "Demo participant" not in asked
    answer = await stranger.submit("/check", {"code": printed.code.lower().replace("-", " ")})
    assert answer.headers["cache-control"] == "no-store"
    for words in ("This paper is ours", "Demo participant", bank.facts.name, "1 hour 40 minutes", "5 hours 5 minutes",
                  "Thursday 1 January 2026", "Tuesday 10 March 2026"):  # fmt: skip
        assert words in answer.text, words
    assert "Lunch" not in answer.text
    async with bank.db.reading(bank.id) as connection:
        (look,) = await service.looks(connection, bank.id, me)
    assert (look.at, look.made_on) == (bank.now, bank.now.date())
    mine = await browser_of(client, bank, bank.participant)
    assert "the paper you printed on 10 March" in (await mine.get("/statement/checks")).text


async def test_off_unknown_and_ended_get_the_same_answer(bank, client) -> None:
    me = await live_a_little(bank)
    await allow(bank, me)
    code = (await made(bank)).code
    browser = client()
    await allow(bank, me, is_on=False)
    off = await browser.submit("/check", {"code": code})
    unknown = await browser.submit("/check", {"code": rules.new_code()})
    await allow(bank, me)
    ended = await browser.submit("/check", {"code": code})
    without_code = [re.sub(r'value="[^"]*"', "", answer.text) for answer in (off, unknown, ended)]
    assert without_code[0] == without_code[1] == without_code[2]
    assert off.status_code == unknown.status_code == ended.status_code == 422
    assert "We cannot confirm this paper." in off.text
    # A new paper has a new code.
    assert (await made(bank)).code != code
    async with bank.db.reading(bank.id) as connection:
        assert await service.looks(connection, bank.id, me) == []


async def test_turning_it_off_elsewhere_ends_the_codes_too(bank) -> None:
    """The choices of a member change the same column; what ends the codes is in the database."""
    me = await live_a_little(bank)
    await allow(bank, me)
    code = (await made(bank)).code
    async with bank.db.writing(bank.id) as connection:
        for is_on in (False, True):
            await connection.execute(
                "update member set statement_checks = $3 where timebank_id = $1 and id = $2", bank.id, me, is_on
            )
    found = await service.check(bank.db, code, network="192.0.2.7", now=bank.now)
    assert isinstance(found, list)


async def test_codes_are_not_found_by_trying(bank) -> None:
    me = await live_a_little(bank)
    await allow(bank, me)
    code = (await made(bank)).code
    network = f"2001:db8:{key()[:4]}::/64"

    async def tried(typed: str, minutes: int = 0) -> str:
        found = await service.check(bank.db, typed, network=network, now=bank.now + timedelta(minutes=minutes))
        return found[0].code if isinstance(found, list) else "found"

    for _ in range(rules.MAX_TRIES_PER_HOUR - 1):
        assert await tried(rules.new_code()) == "code_unknown"
    # What is right does not count.
    assert [await tried(code) for _ in range(3)] == ["found"] * 3
    assert await tried(rules.new_code()) == "code_unknown"
    assert await tried(code) == "too_many_tries"
    assert await tried("x") == "code_mistyped"
    assert await tried(code, 61) == "found"
    other = await service.check(bank.db, code, network="192.0.2.9", now=bank.now)
    assert not isinstance(other, list)


async def test_only_the_member_or_a_coordinator_lets_others_check(bank, client) -> None:
    command = SetChecks(member_id=bank.participant.member_id, is_on=True)
    refused = await set_checks(bank.db, bank.finance, command, key=key(), now=bank.now)
    assert [one.code for one in refused] == ["not_yours"]
    browser = await browser_of(client, bank, bank.participant)
    assert "Turn it on" in (await browser.get("/statement/checks")).text
    assert (await browser.submit("/statement/checks", {"answer": "on"})).status_code == 303
    assert "Turn it off" in (await browser.get("/statement/checks")).text


async def test_the_letter_says_what_hours_are_and_nothing_of_the_member(bank, client) -> None:
    await live_a_little(bank)
    browser = await browser_of(client, bank, bank.participant)
    found, text = read_pdf((await browser.get("/print/letter")).content)
    assert found.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert found.metadata is not None
    assert found.metadata.title == "What time-bank hours are"
    for words in ("To whom it may concern", "Demo participant is a member of", "Hours are not money",
                  "Nobody can buy, sell or exchange them for money.", "01632 960 001",
                  "It does not say how any benefit should treat hours."):  # fmt: skip
        assert words in text, words
    for words in ("Lunch", "5 hours", "1 hour 40", "£", "Statement of hours"):
        assert words not in text
    _, added = read_pdf((await browser.get("/print/letter?add=statement&period=three_months&size=large")).content)
    for words in ("Statement of hours", "Lunch at the café", "At the end: 5 hours 5 minutes"):
        assert words in added, words
    assert "Hours are not wages." in (await browser.get("/print/letter/text")).text


async def test_every_paper_is_one_tap_from_the_first_pages(bank, client) -> None:
    await live_a_little(bank)
    browser = await browser_of(client, bank, bank.participant)
    home = (await browser.get("/")).text
    assert 'href="/statement/pdf">Print my statement</a>' in home
    papers = (await browser.get("/print")).text
    for link in re.findall(r'href="(/(?:statement|print)/[^"]*)"', papers):
        assert (await browser.get(link.replace("&amp;", "&"))).status_code == 200, link


async def test_a_coordinator_prints_for_a_member_and_it_is_noted(bank, client) -> None:
    me = await live_a_little(bank)
    browser = await browser_of(client, bank, bank.coordinator)
    await browser.submit(f"/members/{me}/act", {"reason": "Print the letter", "how_agreed": "phone"})
    _, text = read_pdf((await browser.get("/print/letter")).content)
    assert "Demo participant is a member of" in text
    _, text = read_pdf((await browser.get(f"/statement/pdf?{DAYS}")).content)
    assert "Lunch at the café" in text
    async with bank.db.reading(bank.id) as connection:
        looks = await connection.fetch("select what from access_log where subject_id = $1", me)
    assert "made a statement of your hours" in [look["what"] for look in looks]
