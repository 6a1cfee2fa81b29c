"""``timebank journal`` and ``timebank audit-pack``, run as people run them."""

import asyncio
import io
import zipfile
from pathlib import Path

import pytest

from tests.integration.payments.helpers import add_payee, approved, run
from tests.people import Bank
from timebank.cli import main

MARCH = ("--first", "2026-03-01", "--last", "2026-03-31")


@pytest.fixture
def command(app_url: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]):
    monkeypatch.setenv("TIMEBANK_DATABASE_URL", app_url)

    async def call(*arguments: str) -> tuple[int, str, str]:
        status = await asyncio.to_thread(main, arguments)
        said = capfdbinary.readouterr()
        return status, said.out.decode(), said.err.decode()

    return call


async def test_a_journal_and_a_pack_are_those_of_the_pages(bank: Bank, command, tmp_path: Path) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance), pence=1250)
    await run(bank)
    slug = bank.facts.slug
    status, said, _ = await command("journal", "--timebank", slug, *MARCH)
    assert status == 0
    assert "12.50 GBP" in said
    status, beancount, _ = await command("journal", "--timebank", slug, *MARCH, "--form", "beancount")
    assert "open Assets:In-transit" in beancount
    path = tmp_path / "march.journal"
    assert (await command("journal", "--timebank", slug, *MARCH, "--to", str(path)))[0] == 0
    assert path.read_text(encoding="utf-8") == said
    path = tmp_path / "pack.zip"
    status, said, _ = await command("audit-pack", "1", "--timebank", slug, "--to", str(path))
    assert (status, str(path) in said) == (0, True)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert any(name.endswith("/README.txt") for name in archive.namelist())


async def test_what_cannot_be_written_is_explained(bank: Bank, command, tmp_path: Path) -> None:
    slug = bank.facts.slug
    status, _, complained = await command("audit-pack", "7", "--timebank", slug)
    assert (status, "no payment run 7" in complained) == (1, True)
    turned = ("--first", "2026-03-31", "--last", "2026-03-01")
    status, _, complained = await command("journal", "--timebank", slug, *turned)
    assert (status, "before the first" in complained) == (1, True)
    missing = str(tmp_path / "none" / "x")
    status, _, complained = await command("journal", "--timebank", slug, *MARCH, "--to", missing)
    assert (status, "cannot be written" in complained) == (1, True)
    with pytest.raises(SystemExit):
        await command("journal", "--timebank", slug, "--first", "March", "--last", "2026-03-31")
