"""Imports for programs: in pieces, decided, started, followed to the end; and nothing for another time bank."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.imports.importing import bring, minutes_by_name, start
from tests.people import NOW, Bank, Browser
from timebank.db import Database
from timebank.identity.service import create_token
from timebank.imports import service
from timebank.kit.actor import Actor

LINES = b"1,Member,2,Member,90,2016-04-12 17:30:00 UTC,x,\n2,Member,1,Member,3600,2016-04-12 17:30:00 UTC,y,\n"


@pytest.fixture
def api(db: Database, client: Callable[[], Browser]) -> Callable[..., Any]:
    """``await api(actor, "POST", "/imports", {...})`` asks as a program of that member."""
    browser = client()
    tokens: dict[str, str] = {}

    async def ask(actor: Actor, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        name = f"{actor.timebank_id}:{actor.member_id}"
        if name not in tokens:
            made = await create_token(
                db, actor, actor.member_id or 0, "Robot", ["imports:write"], now=NOW, valid_for=timedelta(days=1)
            )
            assert isinstance(made, str), made
            tokens[name] = made
        headers = {"Authorization": f"Bearer {tokens[name]}", "Idempotency-Key": more.pop("key", uuid4().hex)}
        return await browser.request(method, f"/api/v1{path}", headers=headers, json=body, **more)

    return ask


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


async def test_in_pieces_decided_started_and_read(bank: Bank, api: Callable[..., Any]) -> None:
    actor = bank.coordinator
    first = {"format": "timeoverflow-transfers", "file_name": "t.csv", "content": encoded(LINES[:60]), "is_last": False}
    begun = await api(actor, "POST", "/imports", first, key="one")
    assert begun.status_code == 201, begun.text
    assert begun.json()["state"] == "receiving"
    path = f"/imports/{begun.json()['id']}"
    assert (await api(actor, "POST", "/imports", first, key="one")).json()["id"] == begun.json()["id"]
    early = await api(actor, "POST", f"{path}/start", {})
    assert (early.status_code, early.json()["code"]) == (422, "not_complete")
    piece = {"content": encoded(LINES[60:]), "is_last": True}
    for _ in range(2):
        ready = await api(actor, "POST", f"{path}/pieces", piece, key="two")
        assert ready.status_code == 201, ready.text
    assert ready.json()["state"] == "ready"
    assert [one["field"] for one in ready.json()["to_decide"]] == ["rounding"]
    assert [one["key"] for one in ready.json()["people"]] == ["1", "2"]
    undecided = await api(actor, "POST", f"{path}/start", {})
    assert undecided.json()["code"] == "rounding_undecided"

    decided = await api(actor, "POST", f"{path}/answers", {"rounding": "down", "unknown": "add"})
    assert decided.json()["to_decide"] == decided.json()["people"] == []
    assert decided.json()["exchange_minutes"] == 61
    started = await api(actor, "POST", f"{path}/start", {})
    assert (started.status_code, started.json()["steps"]) == (201, 4)
    assert await service.continue_due(bank.db, bank.id, NOW), "the job goes on with it"
    done = (await api(actor, "GET", path)).json()
    assert (done["state"], done["position"], done["forced"]) == ("finished", 4, 2)
    lines = (await api(actor, "GET", f"{path}/lines")).json()
    assert [(one["line"], one["kind"], one["state"]) for one in lines["items"] if one["kind"] == "exchange"] == [
        (1, "exchange", "done"),
        (2, "exchange", "done"),
    ]
    assert lines["next_cursor"] is None
    assert await minutes_by_name(bank) == {"TimeOverflow 1": 59, "TimeOverflow 2": -59}
    assert (await api(actor, "POST", f"{path}/cancel", {})).json()["code"] == "ended_already"
    assert (await api(actor, "GET", f"{path}/lines?cursor=nonsense")).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"format": "nonsense", "file_name": "t.csv", "content": encoded(b"x")}, 422),
        ({"format": "members", "file_name": "t.csv", "content": "not base64!"}, 400),
        ({"format": "members", "file_name": "", "content": encoded(b"x")}, 400),
        ({"format": "members", "file_name": "t.csv", "content": ""}, 400),
        ({"format": "members", "file_name": "t.csv", "content": encoded(b"PK\x03\x04")}, 422),
        ({"format": "members", "file_name": "t.csv", "content": encoded(b"Name\nAda\n"), "more": 1}, 400),
    ],
)
async def test_what_cannot_be_brought(bank: Bank, api: Callable[..., Any], body: dict[str, Any], status: int) -> None:
    answer = await api(bank.coordinator, "POST", "/imports", body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_imports_of_another_time_bank_do_not_exist(
    bank: Bank, other_bank: Bank, api: Callable[..., Any], db: Database
) -> None:
    theirs = await bring(other_bank, "members", "Name\nTheir Member\nSecond Member\n")
    for method, path, body in (
        ("GET", f"/imports/{theirs}", None),
        ("GET", f"/imports/{theirs}/lines", None),
        ("POST", f"/imports/{theirs}/start", {}),
        ("POST", f"/imports/{theirs}/cancel", {}),
        ("POST", f"/imports/{theirs}/answers", {}),
        ("POST", f"/imports/{theirs}/pieces", {"content": encoded(b"x"), "is_last": True}),
    ):
        assert (await api(bank.coordinator, method, path, body)).status_code == 404, path
    await start(other_bank, theirs)
    with pytest.raises(LookupError):
        await service.advance(db, bank.id, theirs, now=NOW)
    assert await service.continue_due(db, bank.id, NOW) is None
    assert await minutes_by_name(bank) == {}
    assert (await api(bank.participant, "GET", "/imports/1")).json()["code"] == "role_missing"


async def test_only_an_import_that_runs_passes_limits(bank: Bank, db: Database) -> None:
    """The definer's function is no way around the floors for anything else."""
    import asyncpg

    from ledger import Leg, Post
    from ledger.posting import Columns
    from timebank.imports.posting import POST_IMPORTED

    import_id = await bring(bank, "members", "Name\nAda Example\nBen Sample\n")
    side = f"member/{bank.participant.member_id}"
    legs = (Leg(account=side, amount=-60), Leg(account="pot", amount=60))

    async def attempt(key: str, kind: str) -> None:
        item = Post(key=key, kind=kind, unit="MIN", legs=legs, effective_on=NOW.date(), actor="somebody")
        async with db.writing(bank.id) as connection:
            columns = Columns([item]).columns
            await connection.fetch(POST_IMPORTED, bank.id, import_id, *columns, "somebody", ["because"])

    with pytest.raises(asyncpg.PostgresError, match="only entries of an import"):
        await attempt(f"import:{import_id}:1:3", "imported")
    await start(bank, import_id)
    for key, kind in ((f"import:{import_id}:1:3", "gift"), ("import:9999:1:3", "imported"), ("gift:1", "imported")):
        with pytest.raises(asyncpg.PostgresError, match="only entries of an import"):
            await attempt(key, kind)
    await attempt(f"import:{import_id}:1:3", "imported")
