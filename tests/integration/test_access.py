"""Every address of the application, for everybody: whoever adds a route without deciding who may use it fails here."""

import re

import httpx
import pytest
from litestar.routes import HTTPRoute

from tests.integration.access_table import ANYONE, OPEN, PAGES
from tests.integration.access_world import SOMEBODY, World, make_world
from timebank.app import create_app
from timebank.db import Database
from timebank.settings import Settings
from timebank.web.headers import ALWAYS

THEIRS = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
CHANGES_THE_SESSION = frozenset({"POST /sign-out", "POST /practice"})


def application_routes() -> list[str]:
    """Every method and path that the application answers, parameters as ``{name}``; OPTIONS is Litestar's own."""
    app = create_app(Settings(database_url="postgresql://unused/"))
    found = set()
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path}: this test knows only HTTP"
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path_format.replace(":str", "").replace(":int", ""))
        found |= {f"{method} {path}" for method in route.methods if method != "OPTIONS"}
    return sorted(found)


ROUTES = application_routes()
# Whatever no other route answers: there is no such page, in the frame of whoever asks.
NOWHERE = frozenset(route for route in ROUTES if route.endswith(" /{rest}"))
PAGE_POSTS = [route for route in PAGES if route.startswith("POST")]
API_ROUTES = [route for route in ROUTES if " /api/v1/" in route and route not in OPEN]


@pytest.fixture(scope="module")
async def world(db: Database) -> World:
    return await make_world(db)


def is_denied(who: str, route: str, answer: httpx.Response) -> bool:
    """True for the answer that somebody gets who may not use a page."""
    if who != "anonymous":
        return answer.status_code == 403
    if route.startswith("POST"):
        return answer.status_code == 419  # the form is kept until they have signed in
    return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


def test_every_route_is_in_a_table() -> None:
    assert sorted({*PAGES, *OPEN, *API_ROUTES, *NOWHERE}) == ROUTES
    assert API_ROUTES


@pytest.mark.parametrize("route", sorted(NOWHERE))
async def test_an_unknown_page_is_unknown_to_everybody(world: World, route: str) -> None:
    before = await world.fingerprint()
    for who in ANYONE:
        # A method that pages do not use carries no form, so it ends at the protection of forms.
        expected = {404} if route.startswith(("GET", "POST")) else {404, 419}
        assert (await world.ask(who, route)).status_code in expected, who
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", API_ROUTES)
async def test_the_api_knows_nobody_without_a_token(world: World, route: str) -> None:
    before = await world.fingerprint()
    for who in ("anonymous", "coordinator", "finance"):
        # A session is of no use here: the API has no protection against forged forms.
        answer = await world.ask(who, route)
        assert answer.status_code == 401, who
        assert answer.headers["content-type"] == "application/problem+json"
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", [route for route, allowed in PAGES.items() if allowed != ANYONE])
async def test_a_page_is_closed_to_everybody_else(world: World, route: str) -> None:
    before = await world.fingerprint()
    for who in ANYONE - PAGES[route]:
        answer = await world.ask(who, route)
        assert is_denied(who, route, answer), f"{who} got {answer.status_code}"
        assert SOMEBODY not in answer.text
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", [route for route in PAGES if route.startswith("GET")])
async def test_a_page_is_open_to_whom_it_is_for(world: World, route: str) -> None:
    for who in PAGES[route]:
        answer = await world.ask(who, route)
        assert answer.status_code not in (401, 403, 419), who
        assert answer.status_code < 500, who


# What changes the session names nothing, and would end that of the others.
@pytest.mark.parametrize("route", sorted(PAGES.keys() - CHANGES_THE_SESSION))
async def test_ids_of_another_time_bank_name_nothing(world: World, route: str) -> None:
    before = await world.fingerprint()
    answer = await world.ask("other bank", route)
    assert answer.status_code < 500
    # A way to sign in and a month are nobody's; what comes of it is the asker's own.
    if "{" in route.replace("{way}", "").replace("{month}", "") and PAGES[route] != ANYONE:
        assert answer.status_code == 404, answer.text[:300]
    assert SOMEBODY not in answer.text
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", PAGE_POSTS)
async def test_a_form_from_elsewhere_or_of_another_session_changes_nothing(world: World, route: str) -> None:
    before = await world.fingerprint()
    for who in PAGES[route]:
        assert (await world.ask(who, route, headers=THEIRS)).status_code == 403, who
        assert (await world.ask(who, route, headers={"Sec-Fetch-Site": "same-site"})).status_code == 403, who
        for csrf in ("", "x", world.browsers["other bank"].csrf):
            if who == "anonymous" and not csrf:
                continue  # there is no session yet to protect
            answer = await world.ask(who, route, csrf=csrf)
            assert answer.status_code == 419, f"{who} with {csrf!r}"
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", [*ROUTES, "GET /sign-in/nowhere/at/all", "DELETE /members", "POST /static/x"])
async def test_security_headers_are_on_every_answer(world: World, route: str) -> None:
    for who in ("anonymous", "participant"):
        answer = await world.ask(who, route, csrf="wrong")
        for name, value in ALWAYS.items():
            # A page with a secret in its address says less about where it is.
            expected = {value, "no-referrer"} if name == "Referrer-Policy" else {value}
            assert answer.headers.get(name) in expected, f"{name} for {who}"
        assert answer.headers.get("cache-control"), who
        assert "server" not in answer.headers
        if who == "participant" and route in PAGES and PAGES[route] != ANYONE:
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("route", [route for route in PAGE_POSTS if route not in CHANGES_THE_SESSION])
async def test_a_form_is_taken_from_whom_it_is_for(world: World, route: str) -> None:
    """Comes last, because it changes things."""
    for who in PAGES[route]:
        answer = await world.ask(who, route)
        assert answer.status_code not in (401, 403, 419), who
        assert answer.status_code < 500, who
