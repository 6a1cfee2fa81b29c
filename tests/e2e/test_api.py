"""The programs' interface of the running server: what its document promises holds, and bad input changes nothing."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from tests.e2e.bodies import smallest_body
from tests.e2e.demo_server import Demo
from tests.integration.redemptions.spending import give_hours, offer
from tests.people import Bank, make_bank
from timebank.contributions.service import AddActivity, add_activity
from timebank.db import Database
from timebank.demo.people import COORDINATOR
from timebank.identity.rules import SCOPES
from timebank.identity.service import create_link, create_token
from timebank.kit.actor import ADMIN, system
from timebank.members.queries import known_members

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = 4
SEED = 20260310
FUZZ_SECONDS = 300

MEGABYTE = 1_048_576
BIG = 50 * MEGABYTE
CHUNK = bytes(MEGABYTE)
BIG_SECONDS = 15
GROWTH_ALLOWED = 16 * MEGABYTE  # what is sent may not stay in memory, nor the 10 MB that are read before it is refused

TODAY = datetime.now(UTC).date()


@dataclass(frozen=True)
class Api:
    """The running server as programs see it: one time bank with something of everything, and a second one."""

    demo: Demo
    bank: Bank
    tokens: dict[str, str]
    document: dict[str, Any]
    activity_id: int
    offer_id: int
    member_id: int

    def program(self, as_program: str = "all") -> httpx.AsyncClient:
        """A program with one of the tokens; ``""`` is none."""
        headers = {"Authorization": f"Bearer {self.tokens[as_program]}"} if as_program else {}
        return httpx.AsyncClient(base_url=self.demo.url, headers=headers, timeout=60)

    async def post(self, path: str, body: Any, *, as_program: str = "all", key: str | None = None) -> httpx.Response:
        """Send JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Idempotency-Key": key or uuid4().hex, "Content-Type": "application/json"}
        async with self.program(as_program) as program:
            return await program.post(path, content=content, headers=headers)

    async def minutes(self) -> int:
        """The hours of the member that the token acts for."""
        async with self.program() as program:
            answer = await program.get(f"/api/v1/members/{self.member_id}/balance")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["minutes"])

    def good_body(self, path: str) -> dict[str, Any]:
        """What an address takes and acts on, where that matters."""
        line = {"member_id": self.bank.participant.member_id, "held_on": str(TODAY - timedelta(days=1)), "minutes": 5}
        bodies: dict[str, dict[str, Any]] = {
            "/api/v1/members": {"display_name": f"New {uuid4().hex[:8]}", "joined_on": "2025-01-01"},
            "/api/v1/transfers": {"to_member_id": self.bank.participant.member_id, "minutes": 1},
            "/api/v1/registers": {"activity_id": self.activity_id, "lines": [{**line, "duplicate_reason": "again"}]},
            "/api/v1/redemptions": {"offer_id": self.offer_id},
        }
        return bodies[path]

    def posts(self) -> list[tuple[str, dict[str, Any]]]:
        """Every POST address with the smallest body that the document allows."""
        return [
            (self._filled(template), smallest_body(self.document, template))
            for template, methods in self.document["paths"].items()
            if "post" in methods
        ]

    def operations(self, *, method: str | None = None) -> list[tuple[str, str]]:
        """Every method and path of the document, something in the place of each id."""
        found = [
            (one.upper(), self._filled(template))
            for template, methods in self.document["paths"].items()
            for one in methods
            if method in (None, one)
        ]
        assert found
        return found

    def _filled(self, template: str) -> str:
        path = template.replace("{member_id}", str(self.member_id))
        path = path.replace("{reference}", "AAAA-AAAA").replace("{token}", "a-token-of-ours")
        return re.sub(r"\{\w+\}", "1", path)


@pytest.fixture(scope="module")
async def api(demo: Demo) -> Api:
    """Three time banks of these tests' own in the demo's database: the demo's numbers stay as other tests know them."""
    db = await Database.open(demo.app_url, pool_size=2)
    try:
        # What is generated may change rules, rename a time bank, make a member leave: it gets a time bank of its own.
        bank, other, generated = [await make_bank(db) for _ in range(3)]
        member_id = await bank.member("Program Keeper", ADMIN, "finance")
        generated_id = await generated.member("Generated Keeper", ADMIN, "finance")
        their_id = await other.member("Another Keeper", ADMIN, "finance")
        await give_hours(bank, member_id, 3000)
        added = await add_activity(
            db, bank.coordinator, AddActivity(name="Lunch", default_minutes=60), key=uuid4().hex, now=bank.now
        )
        assert isinstance(added, int)
        offer_id = await offer(bank)
        tokens = {}
        for name, owner, holder, scopes in (
            ("all", bank, member_id, SCOPES),
            ("generated", generated, generated_id, SCOPES),
            ("only offers", bank, member_id, ("offers:read",)),
            ("only hours", bank, member_id, ("hours:read",)),
            ("other bank", other, their_id, SCOPES),
        ):
            token = await create_token(db, system(owner.id), holder, name, scopes, now=datetime.now(UTC))
            assert isinstance(token, str), token
            tokens[name] = token
    finally:
        await db.close()
    async with httpx.AsyncClient(base_url=demo.url) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
    return Api(demo, bank, tokens, document, added, offer_id, member_id)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem details of an answer, which must have this status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text[:300]}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["code"]
    assert found["detail"]
    return found


@pytest.mark.slow
async def test_generated_requests_get_what_the_document_promises(api: Api, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{api.demo.url}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {api.tokens['generated']}",
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED),
        "--checks", CHECKS, "--no-shrink", "--request-timeout", "20", "--max-failures", "5",
        "--warnings", "off",
    ]  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, timeout=FUZZ_SECONDS, check=False
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert f"Tested: {len(api.operations())}" in done.stdout


async def test_nothing_is_told_without_a_token(api: Api) -> None:
    async with api.program("") as nobody:
        for method, path in api.operations():
            answer = await nobody.request(method, path)
            assert problem(answer, 401)["code"] == "not_authenticated"
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_who_asks_is_judged_before_what_they_send(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    async with api.program("") as nobody, api.program("only offers") as program:
        for _, path in api.operations(method="post"):
            assert (await nobody.post(path, content=b"{not json", headers=headers)).status_code == 401
            assert (await program.post(path, content=b"{not json", headers=headers)).status_code == 403


async def test_a_token_opens_nothing_beyond_its_scope(api: Api) -> None:
    for method, path in api.operations():
        reads_offers = method.upper() == "GET" and path.startswith(("/api/v1/offers", "/api/v1/peers"))
        async with api.program("only hours" if reads_offers else "only offers") as program:
            answer = await program.request(method, path)
        assert problem(answer, 403)["code"] == "scope_missing"
        assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_every_post_needs_a_key(api: Api) -> None:
    async with api.program() as program:
        for path, body in api.posts():
            if path.endswith("/preview"):  # changes nothing
                continue
            answer = await program.post(path, json=body)
            assert problem(answer, 400)["code"] == "idempotency_key_missing", (path, body, answer.text)


async def test_the_same_key_twice_is_one_effect_and_one_answer(api: Api) -> None:
    path, key = "/api/v1/transfers", uuid4().hex
    before = await api.minutes()
    first, *again = await asyncio.gather(*(api.post(path, api.good_body(path), key=key) for _ in range(3)))

    assert first.status_code == 201, first.text
    assert [(one.status_code, one.json()) for one in again] == [(201, first.json())] * 2
    assert await api.minutes() == before - 1
    other = await api.post(path, {**api.good_body(path), "minutes": 2}, key=key)
    assert problem(other, 409)["code"] == "idempotency_key_reused"
    assert await api.minutes() == before - 1


@pytest.mark.parametrize("path", ["/api/v1/members", "/api/v1/registers", "/api/v1/redemptions"])
async def test_a_repeated_request_is_answered_as_before(api: Api, path: str) -> None:
    body, key = api.good_body(path), uuid4().hex
    first, second = [await api.post(path, body, key=key) for _ in range(2)]

    assert first.status_code == 201, first.text
    assert (second.status_code, second.json()) == (201, first.json())


async def test_ids_of_one_time_bank_open_nothing_in_another(api: Api) -> None:
    register = (await api.post("/api/v1/registers", api.good_body("/api/v1/registers"))).json()["reference"]
    booking = (await api.post("/api/v1/redemptions", api.good_body("/api/v1/redemptions"))).json()["reference"]
    ours = (f"members/{api.member_id}/balance", f"members/{api.member_id}/statement", f"registers/{register}")
    async with api.program() as us, api.program("other bank") as they:
        for path in (*ours, f"redemptions/{booking}"):
            assert (await us.get(f"/api/v1/{path}")).status_code == 200, path
            problem(await they.get(f"/api/v1/{path}"), 404)
        # The demo's own time bank has exported a batch of this number.
        problem(await they.get("/api/v1/payment-batches/1"), 404)
        problem(await they.get("/api/v1/payment-batches/1/file"), 404)
        listed = (await they.get("/api/v1/members")).json()["items"]
        assert {"Another Keeper"} <= {one["display_name"] for one in listed}
        assert api.member_id not in {one["id"] for one in listed}
        assert (await they.get("/api/v1/offers")).json() == {"offers": []}
        assert (await they.get("/api/v1/payables")).json()["items"] == []

    before = await api.minutes()
    for path, body in (
        ("transfers", {"from_member_id": api.member_id, "to_member_id": None, "minutes": 1}),
        ("transfers", {"to_member_id": api.member_id, "minutes": 1}),
        ("registers", api.good_body("/api/v1/registers")),
        ("redemptions", {"offer_id": api.offer_id}),
        ("redemptions", {"offer_id": api.offer_id, "member_id": api.member_id, "how_agreed": "by phone"}),
    ):
        refused = problem(await api.post(f"/api/v1/{path}", body, as_program="other bank"), 422)
        assert {one["code"] for one in refused["errors"]} & {"unknown_member", "unknown_activity", "unknown_offer"}
    assert await api.minutes() == before


async def test_unknown_keys_are_refused(api: Api) -> None:
    for path, body in api.posts():
        refused = problem(await api.post(path, {**body, "surprise": 1}), 400)
        assert "surprise" in refused["errors"][0]["detail"]


BAD_MINUTES = ['"5"', "5.0", "5.5", "1e2", "true", "null", "NaN", "Infinity", "[5]", "9" * 40, "9" * 6000]


@pytest.mark.parametrize("minutes", BAD_MINUTES, ids=lambda text: text[:12])
async def test_minutes_are_whole_numbers_and_nothing_else(api: Api, minutes: str) -> None:
    before = await api.minutes()
    line = f'{{"member_id": {api.member_id}, "held_on": "{TODAY}", "minutes": {minutes}}}'
    bodies = {
        "transfers": f'{{"to_member_id": null, "minutes": {minutes}}}',
        "registers": f'{{"activity_id": {api.activity_id}, "lines": [{line}]}}',
    }
    for path, body in bodies.items():
        problem(await api.post(f"/api/v1/{path}", body.encode()), 400)
    assert await api.minutes() == before


@pytest.mark.parametrize("minutes", [0, -5, 1_000_000, 2**31 - 1])
async def test_absurd_minutes_are_refused_with_words(api: Api, minutes: int) -> None:
    before = await api.minutes()
    gift = problem(await api.post("/api/v1/transfers", {"to_member_id": None, "minutes": minutes}), 422)
    assert gift["code"].startswith("minutes_")
    body = api.good_body("/api/v1/registers")
    body["lines"][0]["minutes"] = minutes
    register = problem(await api.post("/api/v1/registers", body), 422)
    assert register["code"].startswith("minutes_")
    assert register["errors"][0]["field"] == "lines.0.minutes"
    assert await api.minutes() == before


@pytest.mark.parametrize(
    ("day", "code"), [(str(TODAY + timedelta(days=2)), "date_in_future"), ("0001-01-01", "date_too_far_back")]
)
async def test_a_day_that_cannot_be_is_refused(api: Api, day: str, code: str) -> None:
    body = api.good_body("/api/v1/registers")
    body["lines"][0]["held_on"] = day

    assert problem(await api.post("/api/v1/registers", body), 422)["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"display_name": "A',
        b'{"display_name": "\xff", "joined_on": "2025-01-01"}',
        b'{"display_name": "\\ud800", "joined_on": "2025-01-01"}',
        b'{"display_name": "A", "phone": "\\u0000", "joined_on": "2025-01-01"}',
        b'{"display_name": "A", "joined_on": "2025-01-01", "roles": ["\\u0000"]}',
        b'{"display_name": "A", "joined_on": "2025-01-01", "name_may_repeat": 1}',
        b'{"display_name": "A", "joined_on": "2025-02-30"}',
        b"[" * 100_000,
        b'{"roles":' + b"[" * 100_000,
        b"\x1f\x8b\x08\x00",
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_a_body_that_is_no_member_is_refused(api: Api, body: bytes) -> None:
    problem(await api.post("/api/v1/members", body), 400)


@pytest.mark.parametrize("path", ["", "nope", "members/x/balance", "openapi.yaml", "members/1/nope"])
async def test_an_unknown_address_is_a_problem_too(api: Api, path: str) -> None:
    async with api.program() as program:
        problem(await program.get(f"/api/v1/{path}"), 404)


def memory(demo: Demo) -> int:
    """Resident bytes of the server's processes, the database aside."""
    server = psutil.Process(demo.pid)
    ours = [server, *(child for child in server.children(recursive=True) if "postgres" not in child.name())]
    return sum(process.memory_info().rss for process in ours)


async def send_much(demo: Demo, path: str, headers: dict[str, str], *, start: bytes, is_chunked: bool) -> int:
    """Send BIG bytes and return the status, which may come before everything is sent."""

    async def body() -> AsyncIterator[bytes]:
        yield start
        for _ in range(BIG // MEGABYTE):
            yield CHUNK

    length = {} if is_chunked else {"Content-Length": str(BIG + len(start))}
    async with httpx.AsyncClient(base_url=demo.url, timeout=BIG_SECONDS) as client:
        return (await client.post(path, content=body(), headers={**headers, **length})).status_code


@pytest.mark.slow
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length told", "chunked"])
async def test_fifty_megabytes_are_refused_soon_and_not_kept(api: Api, is_chunked: bool) -> None:
    bearer = {"Authorization": f"Bearer {api.tokens['all']}", "Content-Type": "application/json"}
    cookie, csrf = await coordinator_session(api.demo)
    form = {
        "Cookie": cookie,
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    part = (
        f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{csrf}\r\n'
        '--b\r\nContent-Disposition: form-data; name="file"; filename="big.csv"\r\n\r\n'
    ).encode()
    before, began = memory(api.demo), time.monotonic()
    statuses = [
        await send_much(
            api.demo, "/api/v1/registers", {**bearer, "Idempotency-Key": "big"}, start=b'"', is_chunked=is_chunked
        ),
        await send_much(api.demo, "/registers/upload", form, start=part, is_chunked=is_chunked),
        await send_much(api.demo, "/api/v1/registers", {}, start=b'"', is_chunked=is_chunked),
        await send_much(api.demo, "/sign-in/card", {**form, "Cookie": ""}, start=part, is_chunked=is_chunked),
    ]
    took, grown = time.monotonic() - began, memory(api.demo) - before

    assert statuses == [413, 413, 401, 413]
    assert took < BIG_SECONDS
    assert grown < GROWTH_ALLOWED, f"{grown / MEGABYTE:.1f} MB more after four bodies of {BIG // MEGABYTE} MB"


async def coordinator_session(demo: Demo) -> tuple[str, str]:
    """The cookie of a coordinator of the demo who has just signed in, and the value their forms carry."""
    db = await Database.open(demo.app_url, pool_size=1)
    now = datetime.now(UTC)
    try:
        async with db.globally() as connection:
            timebank_id = await connection.fetchval("select id from timebank where slug = 'riverside'")
        async with db.reading(timebank_id) as connection:
            known = {one.display_name: one.id for one in await known_members(connection, timebank_id)}
        path = await create_link(db, system(timebank_id), known[COORDINATOR], now=now, valid_for=timedelta(minutes=10))
        async with httpx.AsyncClient(base_url=demo.url) as browser:
            answer = await browser.post(path, headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 303, answer.text
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        async with db.globally() as connection:
            csrf = await connection.fetchval(
                "select csrf from web_session where timebank_id = $1 and member_id = $2"
                " order by created_at desc limit 1",
                timebank_id,
                known[COORDINATOR],
            )
    finally:
        await db.close()
    return cookies, csrf
