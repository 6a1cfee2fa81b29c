"""Reconciliation for programs and from the command line: the same steps as on the pages."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.payments.helpers import add_payee, approved, facts, run
from tests.integration.reconciliation.bank_files import Movement, csv_file, sent
from tests.people import NOW, Bank, Browser
from timebank.commands.common import CommandError
from timebank.commands.reconciling import columns_from
from timebank.identity.service import create_token

Open = Callable[[], Browser]


async def program(client: Open, bank: Bank, who: str = "finance") -> Any:
    """A program that acts for somebody: a function that calls an address."""
    actor = getattr(bank, who)
    token = await create_token(
        bank.db, actor, actor.member_id, name="Robot", scopes=("payables:read", "payments:write"), now=NOW
    )
    browser = client()

    async def call(method: str, path: str, body: Any = None, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or uuid4().hex}
        return await browser.request(method, f"/api/v1{path}", json=body, headers=headers)

    return call


def file(content: bytes, name: str = "march.csv") -> dict[str, str]:
    return {"file_name": name, "content": base64.b64encode(content).decode()}


async def test_a_program_brings_imports_explains_and_reads_where_we_stand(client: Open, bank: Bank) -> None:
    payable = await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    api = await program(client, bank)
    content = csv_file([Movement(-1250, await sent(bank, payable)), Movement(-300, "CHARGES")], 10_000)
    brought = await api("POST", "/bank-statements", file(content))
    assert brought.status_code == 201, brought.text
    shown = brought.json()
    assert (shown["state"], shown["would_match"], shown["would_leave"], shown["asks"]) == ("kept", 1, 1, [])
    place = brought.headers["location"].removeprefix("/api/v1")
    key = uuid4().hex
    answers = [await api("POST", f"{place}/import", {}, key) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200], answers[0].text
    assert answers[0].json()["done"] == answers[1].json()["done"]
    assert answers[0].json()["done"]["matched"] == 1
    assert (await facts(bank.db, bank.id, payable)).state == "paid"

    [line] = (await api("GET", "/bank-lines?state=suspense")).json()["items"]
    assert (line["pence"], line["text"]) == (-300, "CHARGES")
    said = {"kind": "bank_charge", "note": "Price list"}
    explained = await api("POST", f"/bank-lines/{line['id']}/explanation", said)
    assert explained.json() == {"line_id": line["id"], "state": "explained", "waits": False}
    stands = (await api("GET", "/reconciliation")).json()
    assert (stands["is_reconciled"], stands["difference_pence"], stands["closing_pence"]) == (True, 0, 8450)
    undone = await api("POST", f"/bank-lines/{line['id']}/undo", {"why": "Wrong"})
    assert undone.json()["state"] == "suspense"
    decided = await api("POST", f"/bank-lines/{line['id']}/decision", {"agree": True})
    assert (decided.status_code, decided.json()["code"]) == (422, "not_proposed")
    place = f"/bank-lines/{line['id']}"
    assert (await api("POST", f"{place}/split", {"pence": -300})).json()["code"] == "part_of_nothing"
    parts = (await api("POST", f"{place}/split", {"pence": -100})).json()
    assert (parts["state"], len(parts["parts"])) == ("split", 2)
    lines = (await api("GET", "/bank-lines?state=suspense")).json()["items"]
    assert [(one["pence"], one["part_of"]) for one in lines] == [(-100, line["id"]), (-200, line["id"])]
    stands = (await api("GET", "/reconciliation")).json()
    assert (stands["difference_pence"], stands["suspense_pence"], stands["unexplained"]) == (0, -300, 2)
    assert (await api("POST", f"{place}/join", {})).json() == {"line_id": line["id"], "state": "suspense", "parts": []}
    owed = (await api("GET", "/creditors")).json()
    assert owed["owed_pence"] == owed["ledger_pence"] == 0


async def test_columns_are_asked_about_and_answered(client: Open, bank: Bank) -> None:
    api = await program(client, bank)
    brought = await api("POST", "/bank-statements", file(b"Wann;Wert\n10.03.2026;5,00\n"))
    shown = brought.json()
    assert ([one["code"] for one in shown["asks"]], shown["headings"]) == (["columns"], ["Wann", "Wert"])
    place = f"/bank-statements/{shown['id']}"
    assert (await api("POST", f"{place}/import", {})).json()["code"] == "columns_missing"
    answered = await api("POST", f"{place}/answers", {"columns": {"date": 0, "amount": 1}})
    assert answered.json()["would_leave"] == 1
    assert (await api("POST", f"{place}/answers", {"columns": {"nonsense": 0}})).status_code == 422
    assert (await api("POST", f"{place}/import", {})).json()["done"]["new"] == 1
    assert (await api("GET", place)).json()["state"] == "booked"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/bank-statements/1000000/import", {}),
        ("/bank-statements/1000000/answers", {}),
        ("/bank-lines/1000000/explanation", {"kind": "interest", "note": "x"}),
        ("/bank-lines/1000000/decision", {"agree": True}),
        ("/bank-lines/1000000/undo", {"why": "x"}),
        ("/bank-lines/1000000/split", {"pence": 1}),
        ("/bank-lines/1000000/join", {}),
    ],
)
async def test_what_is_not_there_is_not_found(client: Open, bank: Bank, path: str, body: Any) -> None:
    api = await program(client, bank)
    assert (await api("POST", path, body)).status_code == 404


async def test_others_may_not_look_or_act(client: Open, bank: Bank) -> None:
    api = await program(client, bank, "coordinator")
    assert (await api("GET", "/reconciliation")).status_code == 403
    assert (await api("GET", "/bank-lines")).status_code == 403
    refused = await api("POST", "/bank-statements", file(csv_file([Movement(5, "x")])))
    assert refused.status_code in (403, 422)


def test_columns_on_the_command_line() -> None:
    assert columns_from(["date=1", "amount=3"]) == {"date": 0, "amount": 2}
    for wrong in ("date", "date=0", "day=1", "date=x", "date=1000"):
        with pytest.raises(CommandError):
            columns_from([wrong])


async def test_the_command_imports_and_says_what_happened(
    bank: Bank, app_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from timebank.cli import main

    monkeypatch.setenv("TIMEBANK_DATABASE_URL", app_url)
    path = tmp_path / "march.csv"
    path.write_bytes(csv_file([Movement(-300, "CHARGES")], 1000))
    base = ["reconcile", str(path), "--timebank", bank.facts.slug, "--as"]
    finance, other = str(bank.finance.member_id), str(bank.participant.member_id)
    assert await asyncio.to_thread(main, [*base, other]) == 1
    assert "no finance role" in capsys.readouterr().err
    assert await asyncio.to_thread(main, [*base, finance, "--dry-run"]) == 0
    assert "Nothing was imported" in capsys.readouterr().out
    assert await asyncio.to_thread(main, [*base, finance]) == 0
    said = capsys.readouterr().out
    assert "1 line: 0 matched, 0 suggestions, 1 unknown" in said
    assert "Imported: 1 new, 0 there already, 0 matched, 1 to explain." in said
    assert "-£3.00 CHARGES" in said
    assert "Suspense -£3.00; accounts and statements differ by £0.00." in said
    assert await asyncio.to_thread(main, [*base, finance]) == 0
    assert "imported before" in capsys.readouterr().out
