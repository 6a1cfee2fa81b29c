"""The pages of imports: bring a file, answer, import, look at the report; whatever is wrong is said and kept."""

import re
from collections.abc import Callable
from uuid import uuid4

import httpx

from tests.integration.imports.importing import bring, carry_out, minutes_by_name
from tests.people import Bank, Browser
from timebank.db import Database

USERS = "1,2015-03-02,Ada,Example,,,,,,\n2,2015-03-03,Ben,Example,,,,,,\n"
TRANSFERS = "2,Member,1,Member,5400,2016-04-12 17:30:00 UTC,Lamp,\n7,Member,1,Member,90,2016-04-12 17:30:00 UTC,x,\n"


async def coordinator(bank: Bank, db: Database, client: Callable[[], Browser]) -> Browser:
    browser = client()
    await browser.sign_in(db, bank.coordinator)
    return browser


async def upload(browser: Browser, format_name: str, content: bytes, name: str = "a.csv") -> httpx.Response:
    return await browser.submit("/imports", {"format": format_name}, files={"file": (name, content, "text/csv")})


def field(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


async def test_from_a_file_to_a_report(bank: Bank, db: Database, client: Callable[[], Browser]) -> None:
    await carry_out(bank, "timeoverflow-users", USERS)
    browser = await coordinator(bank, db, client)
    brought = await upload(browser, "timeoverflow-transfers", TRANSFERS.encode())
    assert brought.status_code == 303, brought.text
    path = brought.headers["location"]

    page = (await browser.get(path)).text
    assert "Exchanges: 1 ready, 1 to be decided (1 hour 30 minutes)" in page
    assert "We do not know “7”" in page
    assert "Import 1 exchange" not in page
    refused = await browser.submit(path, {"start": "yes", "person-0": "7", "number-0": "999"})
    assert refused.status_code == 422
    assert "There is no member with the number “999”" in refused.text
    assert 'value="999"' in refused.text, "what was typed is kept"

    answered = await browser.submit(path, {"person-0": "7", "who-0": "add", "rounding": "half_even", "again": "yes"})
    assert answered.status_code == 303
    page = (await browser.get(path)).text
    assert "Import 1 person and 2 exchanges" in page
    assert field(page, "rounding") == "half_even"
    started = await browser.submit(path, {"rounding": "half_even", "start": "yes"})
    assert started.headers["location"] == path
    page = (await browser.get(path)).text
    assert "The file is imported" in page
    assert "Rounded to whole minutes" in page
    report = await browser.get(f"{path}/report.csv")
    assert report.headers["content-type"].startswith("text/csv")
    assert "1 minute 30 seconds" in report.text
    assert await minutes_by_name(bank) == {"Ada Example": 92, "Ben Example": -90, "TimeOverflow 7": -2}
    assert "a.csv" in (await browser.get("/imports")).text


async def test_what_is_wrong_with_a_file_is_said(bank: Bank, db: Database, client: Callable[[], Browser]) -> None:
    browser = await coordinator(bank, db, client)
    nothing = await browser.submit("/imports", {"format": ""}, files={"other": ("", b"")})
    assert nothing.status_code == 422
    assert "Choose what kind of file this is." in nothing.text
    assert "Choose a file." in nothing.text
    for content, said in ((b"", "empty"), (b"PK\x03\x04xx", "spreadsheet or zip"), (b"\x00\x01", "not a CSV")):
        refused = await upload(browser, "members", content)
        assert (refused.status_code, said in refused.text) == (422, True), refused.text
    assert (await upload(browser, "nonsense", b"a,b\n")).status_code == 422
    large = await upload(browser, "members", b"Name\n" + b"Somebody\n" * 500_000)
    assert (large.status_code, "larger than 4 MB" in large.text) == (422, True)


async def test_columns_are_chosen_where_headings_do_not_say(
    bank: Bank, db: Database, client: Callable[[], Browser]
) -> None:
    browser = await coordinator(bank, db, client)
    path = (await upload(browser, "balances", b"Wer;Stunden\nAda Example;1,5\nBen Sample;-0:30\n")).headers["location"]
    page = (await browser.get(path)).text
    assert "Which column is which?" in page
    chosen = {"column-name": "0", "column-balance": "1", "again": "yes"}
    await browser.submit(path, chosen)
    page = (await browser.get(path)).text
    assert "What does a plain number of time mean?" in page
    more = {"unit": "hours", "unknown": "add", "column-name": "0", "column-balance": "1"}
    assert (await browser.submit(path, {**more, "again": "yes"})).status_code == 303
    assert (await browser.submit(path, {**more, "start": "yes"})).status_code == 303
    assert await minutes_by_name(bank) == {"Ada Example": 90, "Ben Sample": -30}


async def test_one_import_at_a_time_and_stopping(bank: Bank, db: Database, client: Callable[[], Browser]) -> None:
    browser = await coordinator(bank, db, client)
    first = await bring(bank, "members", "Name\nAda Example\nBen Sample\n")
    second = await bring(bank, "members", "Name\nCleo Third\nDan Fourth\n")
    from tests.integration.imports.importing import start

    await start(bank, first)
    refused = await browser.submit(f"/imports/{second}", {"start": "yes"})
    assert refused.status_code == 422
    assert "Another import is under way" in refused.text
    page = (await browser.get(f"/imports/{first}")).text
    assert "Importing: 0 % done" in page
    await browser.submit(f"/imports/{first}/stop")
    assert "This import was stopped" in (await browser.get(f"/imports/{first}")).text
    assert (await browser.submit(f"/imports/{second}", {"start": "yes"})).status_code == 303
    assert sorted(await minutes_by_name(bank)) == ["Cleo Third", "Dan Fourth"]
    again = await bring(bank, "members", "Name\nAda Example\nBen Sample\n")
    await browser.submit(f"/imports/{again}", {"start": "yes"})
    assert len(await minutes_by_name(bank)) == 4


async def test_a_double_tap_imports_once(bank: Bank, db: Database, client: Callable[[], Browser]) -> None:
    browser = await coordinator(bank, db, client)
    path = (await upload(browser, "members", b"Name\nAda Example\nBen Sample\n")).headers["location"]
    key = uuid4().hex
    answers = [await browser.submit(path, {"start": "yes", "key": key}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(await minutes_by_name(bank)) == 2
