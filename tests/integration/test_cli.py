"""The command, run as people run it, against a real database."""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from timebank.cli import main
from timebank.embedded import SUPERUSER, url


@pytest.fixture
def run(app_url: str, owner_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """``await run("bank", "create", ...)`` gives the exit status, what was said, and what was complained about."""
    monkeypatch.setenv("TIMEBANK_DATABASE_URL", app_url)
    monkeypatch.setenv("TIMEBANK_OWNER_URL", owner_url)

    async def call(*arguments: str) -> tuple[int, str, str]:
        status = await asyncio.to_thread(main, arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


async def test_from_a_time_bank_to_a_token(run, client) -> None:
    slug = f"cli-{uuid4().hex[:8]}"
    status, said, _ = await run("bank", "create", slug, "Bank of the Command", "--help-contact", "Ada, 01632 960 001")
    assert status == 0
    assert slug in said
    assert (await run("bank", "create", slug, "Bank of the Command"))[0] == 0, "repeating it is harmless"

    status, said, _ = await run("member", "add", slug, "Zoë O’Connor", "--role", "coordinator")
    assert status == 0
    assert "member number 1" in said
    assert "/sign-in/link/" in said

    status, token, _ = await run("token", "create", slug, "1", "Robot", "--scope", "members:read")
    assert status == 0
    browser: httpx.AsyncClient = client()
    answer = await browser.get("/api/v1/members", headers={"Authorization": f"Bearer {token.strip()}"})
    assert answer.status_code == 200, answer.text
    assert "Zoë O’Connor" in answer.text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("bank", "create", "No Spaces Here", "X"), "short name"),
        (("bank", "create", "zone", "X", "--time-zone", "Mars/Base"), "time zone"),
        (("member", "add", "nowhere", "X"), "no time bank “nowhere”"),
        (("token", "create", "nowhere", "1", "X", "--scope", "members:read"), "no time bank “nowhere”"),
    ],
)
async def test_a_wrong_word_is_explained(run, arguments: tuple[str, ...], complaint: str) -> None:
    status, _, complained = await run(*arguments)
    assert status == 1
    assert complaint in complained


async def test_unknown_scopes_and_members_are_explained(run) -> None:
    slug = f"cli-{uuid4().hex[:8]}"
    await run("bank", "create", slug, "Another")
    await run("member", "add", slug, "Ada")
    assert "no member number 7" in (await run("token", "create", slug, "7", "X", "--scope", "members:read"))[2]
    status, _, complained = await run("token", "create", slug, "1", "X", "--scope", "everything")
    assert status == 1
    assert "scope" in complained


async def test_a_bad_setting_names_its_variable(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEBANK_PORT", "eighty")
    status, _, complained = await run("prove")
    assert status == 1
    assert "TIMEBANK_PORT" in complained


async def test_migrate_from_nothing_and_again(run, socket_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"cli_{uuid4().hex[:10]}"
    admin = url(socket_dir, SUPERUSER, "postgres")
    monkeypatch.setenv("TIMEBANK_DATABASE_URL", url(socket_dir, "timebank_app", name))
    monkeypatch.setenv("TIMEBANK_OWNER_URL", url(socket_dir, "timebank_migrator", name))
    assert "TIMEBANK_ADMIN_URL" in (await run("migrate", "--bootstrap"))[2]
    monkeypatch.setenv("TIMEBANK_ADMIN_URL", admin)
    status, said, _ = await run("migrate", "--bootstrap")
    assert status == 0
    assert "applied ledger_0001" in said
    assert "Nothing to do" in (await run("migrate"))[1]
    assert "Every invariant holds" in (await run("prove"))[1]
    connection = await asyncpg.connect(admin)
    await connection.execute(f"drop database {name} with (force)")
    await connection.close()


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["bank", "create", "--help"], ["--version"]])
def test_help_is_there(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    assert "timebank" in capsys.readouterr().out
