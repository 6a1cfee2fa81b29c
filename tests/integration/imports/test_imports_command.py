"""``timebank import``, run as people run it."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.imports.importing import FILES, minutes_by_name
from tests.people import Bank
from timebank.cli import main


@pytest.fixture
def run(app_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """``await run(bank, "members", path, ...)`` gives the exit status, what was said, and what was complained about."""
    monkeypatch.setenv("TIMEBANK_DATABASE_URL", app_url)

    async def call(bank: Bank, format_name: str, path: Path, *more: str) -> tuple[int, str, str]:
        arguments = ("import", bank.facts.slug, format_name, str(path), *more)
        status = await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


async def test_look_decide_import_and_again(run, bank: Bank, tmp_path: Path) -> None:
    users, transfers = FILES / "timeoverflow-users.csv", FILES / "timeoverflow-transfers.csv"
    status, said, _ = await run(bank, "timeoverflow-users", users, "--dry-run")
    assert (status, "people: 3 ready" in said) == (0, True), said
    assert await minutes_by_name(bank) == {}, "a dry run changes nothing"

    status, said, complained = await run(bank, "timeoverflow-transfers", transfers, "--yes")
    assert status == 1
    assert "who 3 people are (--unknown, --person TEXT=NUMBER)" in said
    assert "decide what is open" in complained

    assert (await run(bank, "timeoverflow-users", users, "--yes"))[0] == 0
    report = tmp_path / "report.csv"
    status, said, _ = await run(bank, "timeoverflow-transfers", transfers, "--yes", "--report", str(report))
    assert status == 0, said
    assert "4 exchanges (3 hours 10 minutes)" in said
    assert "pass a limit, as in the file" in said
    assert "Ada Example Sample" in report.read_text("utf-8")
    balances = await minutes_by_name(bank)
    assert balances == {"Ada Example Sample": 140, "Ben Example": -60, "Cleo Example, the younger": -50}
    status, said, _ = await run(bank, "timeoverflow-transfers", transfers, "--yes")
    assert (status, "4 were there already" in said) == (0, True), said
    assert await minutes_by_name(bank) == balances


async def test_columns_units_and_people_are_options(run, bank: Bank, tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text("Wer,Stunden\nAda,1.5\nDemo participant,2\n", encoding="utf-8")
    options = ("--map", "name=1", "--map", "balance=2", "--unit", "hours", "--person", "Ada=add", "--day", "2020-02-03")
    status, said, complained = await run(bank, "balances", path, "--yes", *options)
    assert status == 0, said + complained
    assert await minutes_by_name(bank) == {"Ada": 90, "Demo participant": 120}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--map", "nonsense=1"), "write a field and the number of its column"),
        (("--map", "name"), "write a field and the number of its column"),
        (("--person", "Ada=nonsense"), "write who it is in the file"),
        ((), "add --yes to import without being asked"),
    ],
)
async def test_a_wrong_word_is_explained(
    run, bank: Bank, tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    path = tmp_path / "m.csv"
    path.write_text("Name\nAda Example\nBen Sample\n", encoding="utf-8")
    status, _, complained = await run(bank, "members", path, *options)
    assert (status, complaint in complained) == (1, True), complained
    assert await minutes_by_name(bank) == {}


async def test_a_file_that_is_not_there_is_explained(run, bank: Bank, tmp_path: Path) -> None:
    status, _, complained = await run(bank, "members", tmp_path / "nothing.csv")
    assert (status, "cannot be read" in complained) == (1, True)
