"""The programs' interface of the running server: what its document promises holds, and bad input changes nothing."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.e2e.demo_server import Demo
from tests.e2e.signing import link_for
from timebank.banks.queries import by_slug
from timebank.contributions.register_file import MAX_FILE_BYTES
from timebank.db import Database
from timebank.demo.people import HARBOUR, RIVERSIDE
from timebank.identity.rules import SCOPES
from timebank.identity.service import create_token
from timebank.kit.actor import ADMIN, system

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = 5
SEED = 20260310
MEGABYTE = 1_048_576
BIG_BODY = 50 * MEGABYTE
BIG_BODY_SECONDS = 20
# The server may keep what it takes at most (10 MB), not what was sent.
GROWTH_ALLOWED = 25 * MEGABYTE

BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/members": {"display_name": "Nobody New", "joined_on": "2025-01-01"},
    "/api/v1/transfers": {"to_member_id": None, "minutes": 1},
    "/api/v1/registers": {"activity_id": 1, "lines": [{"member_id": 1, "held_on": "2025-01-01", "minutes": 5}]},
    "/api/v1/redemptions": {"offer_id": 1},
    "/api/v1/payment-batches": {"expected_count": 999},
}


@dataclass(frozen=True)
class Api:
    """The running server as a program sees it; ``ours`` may do everything in its time bank, ``theirs`` in another."""

    demo: Demo
    ours: str
    theirs: str
    scopeless: str
    member_id: int
    their_member_id: int
    document: dict[str, Any]

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """A program with a token, ours unless told; ``""`` is none."""
        token = self.ours if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=self.demo.url, headers=headers, timeout=60)

    @property
    def operations(self) -> list[tuple[str, str]]:
        """Every method and path of the document, ids filled in."""
        fill = {"{member_id}": str(self.member_id), "{reference}": "AAAA-AAAA", "{number}": "1"}
        found = []
        for template, methods in self.document["paths"].items():
            path = template
            for name, value in fill.items():
                path = path.replace(name, value)
            found += [(method.upper(), path) for method in methods]
        return found


@pytest.fixture(scope="module")
async def api(demo: Demo) -> Api:
    db = await Database.open(demo.app_url, pool_size=1)
    tokens = {}
    ids = {}
    try:
        for slug in (RIVERSIDE, HARBOUR):
            async with db.globally() as connection:
                facts = await by_slug(connection, slug)
            assert facts is not None
            async with db.reading(facts.id) as connection:
                # A bare token of an administrator who also does finance may do everything.
                member_id = await connection.fetchval(
                    "select member_id from member_role where timebank_id = $1 group by member_id"
                    " order by bool_or(role = 'admin') desc, count(*) desc, member_id limit 1",
                    facts.id,
                )
            ids[slug] = member_id
            for scopes in (SCOPES, ("offers:read",), ("hours:read",)):
                token = await create_token(
                    db, system(facts.id), member_id, "test", scopes, now=datetime.now(UTC), valid_for=timedelta(days=1)
                )
                assert isinstance(token, str)
                tokens[slug, scopes] = token
    finally:
        await db.close()
    async with httpx.AsyncClient(base_url=demo.url) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
    return Api(
        demo,
        tokens[RIVERSIDE, SCOPES],
        tokens[HARBOUR, SCOPES],
        tokens[RIVERSIDE, ("offers:read",)],
        ids[RIVERSIDE],
        ids[HARBOUR],
        document,
    )
