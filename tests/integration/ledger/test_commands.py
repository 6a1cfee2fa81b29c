"""``python -m ledger prove`` and ``export``, as an operator or a script calls them."""

import asyncio
import json

import pytest

import ledger
from ledger.__main__ import main
from tests.integration.ledger.support import Book, move, owning, set_aside


@pytest.fixture
def run(book: Book, capfdbinary: pytest.CaptureFixture[bytes]):
    """Run a command on the test's server as the owner; give its exit code, stdout and stderr."""

    async def call(name: str, *arguments: str, role: str = "timebank_owner") -> tuple[int, str, str]:
        given = [name, "--url", book.server.owner_url, *(["--role", role] if role else []), *arguments]
        try:
            code = await asyncio.to_thread(main, given)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        said, complained = capfdbinary.readouterr()
        return code, said.decode(), complained.decode()

    return call


async def spoil(book: Book, floor: int) -> None:
    """Set a floor without a word to the history: the one tampering that no guard refuses the owner."""
    async with owning(book.server) as owner:
        await owner.execute(
            """
            update ledger.balance set floor = $2
            where book_id = $1 and account_id = (select id from ledger.account where book_id = $1 and code = 'member/1')
            """,
            book.book_id,
            floor,
        )


async def test_prove_says_what_it_read_and_shows_progress(book: Book, run) -> None:
    await book.do(ledger.post, move("issued", "member/1", 5))
    await book.do(ledger.post, set_aside("member/1", "member/2", 1))
    code, said, complained = await run("prove", "--book", str(book.book_id))
    assert code == 0
    # A note on the clock may come first, which counts for the whole database: other tests make it lag.
    assert said.splitlines()[-1] == "Every invariant holds: 1 book, 6 accounts, 1 entry, 2 postings, 1 hold."
    assert "I4  all balances of a book add up to zero in each unit: holds (" in complained


async def test_prove_since_last(book: Book, run) -> None:
    await book.do(ledger.post, move("issued", "member/1", 5))
    one = ("--book", str(book.book_id))
    assert "since the last proof: 1 book, 6 accounts, 1 entry" in (await run("prove", *one, "--since-last"))[1]
    assert (await run("prove", *one, "--remember"))[0] == 0
    assert "since the last proof: 1 book, 6 accounts, 0 entries" in (await run("prove", *one, "--since-last"))[1]


async def test_a_finding_is_told_with_its_account_and_the_verdict_comes_last(book: Book, run) -> None:
    await spoil(book, 5000)
    try:
        code, said, complained = await run("prove", "--book", str(book.book_id))
        status, told, _ = await run("prove", "--book", str(book.book_id), "--json")
    finally:
        await spoil(book, 0)
    assert (code, status) == (1, 1)
    assert f"I7, book {book.book_id} (test), account member/1: " in said
    assert said.splitlines()[-1].startswith("FAILED: 1 finding in 1 book")
    assert "1 finding (" in complained
    result = json.loads(told)
    assert result["verdict"] == "failed"
    assert [(found["invariant"], found["account"]) for found in result["findings"]] == [("I7", "member/1")]


async def test_json_is_stable(book: Book, run) -> None:
    await book.do(ledger.post, move("issued", "member/1", 5))
    code, said, complained = await run("prove", "--book", str(book.book_id), "--json", "--seals", "--replay")
    result = json.loads(said)
    assert code == 0
    assert " I18  " in complained
    assert " I22  " in complained
    assert set(result) == {"verdict", "taken_at", "snapshot", "extent", "books", "findings", "notes"}
    assert (result["verdict"], result["extent"], result["findings"]) == ("holds", "full", [])
    counts = {"accounts": 6, "entries": 1, "postings": 2, "holds": 0}
    assert result["books"] == [{"book_id": book.book_id, "code": "test", **counts}]


@pytest.mark.parametrize("name", ["prove", "export"])
async def test_wrong_calls(book: Book, run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = ("--format", "hledger") if name == "export" else ()
    code, said, complained = await run(name, *extra, "--book", "-1")
    assert (code, said) == (2, "")
    assert "no " in complained
    assert "book" in complained
    code, _, complained = await run(name, *extra, role="nobody")
    assert (code, "cannot become nobody" in complained) == (2, True)
    code, _, complained = await run(name, *extra, role="timebank_app")
    assert code == 2
    monkeypatch.delenv("LEDGER_URL", raising=False)
    code, _, complained = await run(name, *extra, "--url", "")
    assert (code, "--url or LEDGER_URL" in complained) == (2, True)
    code, _, complained = await run(name, *extra, "--url", "postgresql:///nowhere?host=/nonexistent")
    assert (code, "cannot connect" in complained) == (2, True)
    assert (await run(name, *extra, "--no-such-option"))[0] == 2


async def test_who_cannot_see_all_is_told_so(book: Book, run) -> None:
    code, _, complained = await run("prove", "--url", book.server.app_url, role="")
    assert code == 2
    assert "connect as the ledger's owner" in complained


async def test_full_and_since_last_exclude_each_other(run) -> None:
    assert (await run("prove", "--full", "--since-last"))[0] == 2


@pytest.mark.parametrize(("form", "line"), [("hledger", "commodity 1000.00 GBP"), ("beancount", "commodity GBP")])
async def test_export_writes_utf_8_on_stdout(book: Book, run, form: str, line: str) -> None:
    await book.do(ledger.post, move("issued", "member/1", 5, reference="café"))
    code, said, _ = await run("export", "--format", form, "--book", str(book.book_id))
    assert code == 0
    assert line in said
    assert "café" in said
