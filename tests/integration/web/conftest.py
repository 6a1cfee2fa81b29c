"""A small application of its own over the real web layer, so that these tests depend on no room."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from jinja2 import DictLoader, PrefixLoader
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import (
    ClientException,
    HTTPException,
    NotAuthorizedException,
    NotFoundException,
    PermissionDeniedException,
    ServiceUnavailableException,
    TooManyRequestsException,
)
from litestar.params import FromPath
from litestar.types import ASGIApp, Receive, Scope, Send

from timebank import web
from timebank.kit.refusal import Refusal
from timebank.settings import Settings
from timebank.web import forms, pages, problem
from timebank.web.headers import NO_REFERRER
from timebank.web.viewer import Viewer, requires_role, signed_in

HOST = "bank.example"
PageRequest = Request[Any, Any, Any]

MEMBER = Viewer(
    member_id=7,
    timebank_id=3,
    timebank_name="Harbour & Hill’s Time Bank",
    timebank_slug="harbour",
    display_name="Zoë <b>O'Brien</b> ليلى",
    csrf="the-token-of-this-session",
    helper_name="Rosa",
    helper_phone="01632 960 001",
)

TEMPLATES = {
    "form.html": """{% extends "web/base.html" %}{% import "web/macros.html" as ui %}
{% block title %}Note{% endblock %}
{% block content %}{{ ui.error_summary(form) }}<h1>Note</h1>{{ ui.form_start(form, "/notes") }}
{{ ui.text_input(form, "note", "Note") }}{{ ui.button("Save") }}{{ ui.form_end() }}{% endblock %}""",
}


@dataclass
class Site:
    """The running application: what it saved, and who is signed in."""

    client: httpx.AsyncClient
    saved: list[str] = field(default_factory=list)
    viewer: Viewer | None = MEMBER

    async def send(self, path: str = "/notes", **headers: str) -> httpx.Response:
        """Post a note as our own page would, but with these headers."""
        return await self.client.post(path, data=self.fields(), headers=headers)

    def fields(self, **more: str) -> dict[str, str]:
        """The fields of a note form made for the session that is signed in."""
        return {"csrf": MEMBER.csrf, "key": "key-of-this-form", "note": "Thank you", **more}


RAISED = {
    400: ClientException("odd"),
    403: PermissionDeniedException(),
    404: NotFoundException(),
    409: HTTPException(status_code=409),
    413: HTTPException(status_code=413),
    418: HTTPException(status_code=418),
    422: HTTPException(status_code=422),
    429: TooManyRequestsException(headers={"Retry-After": "60"}),
    500: RuntimeError("Ali Hassan, card 1234"),
    503: ServiceUnavailableException(),
}


def _routes(saved: list[str]) -> list[Any]:
    @get("/form", sync_to_thread=False)
    def show(request: PageRequest) -> Response[str]:
        return pages.render(request, "sample/form.html")

    @get("/secret-in-url", sync_to_thread=False)
    def secret(request: PageRequest) -> Response[str]:
        return pages.render(request, "sample/form.html", headers=NO_REFERRER)

    @post("/notes")
    async def save(request: PageRequest) -> Response[Any]:
        form = await forms.read(request)
        if not form.text("note"):
            refused = form.refused([Refusal("note_missing", "Write a note.", "note")])
            return pages.render(request, "sample/form.html", 422, form=refused)
        saved.append(form.text("note"))
        return pages.redirect(request, "/form", notice=f"Saved: {form.text('note')}")

    @get(["/raise/{status:int}", "/api/raise/{status:int}"], sync_to_thread=False)
    def fail(status: FromPath[int]) -> str:
        raise RAISED.get(status, NotAuthorizedException())

    @get("/mine", guards=[signed_in], sync_to_thread=False)
    def mine() -> str:
        return "mine"

    @post("/mine", guards=[signed_in], sync_to_thread=False)
    def change_mine() -> str:
        saved.append("mine")
        return "changed"

    @get("/coordinators", guards=[requires_role("coordinator")], sync_to_thread=False)
    def coordinators() -> str:
        return "coordinators"

    @post("/api/notes", sync_to_thread=False)
    def api_save() -> Response[Any]:
        saved.append("api")
        return problem.refused([Refusal("a", "First.", "x"), Refusal("b", "Second.")])

    return [show, secret, save, fail, mine, change_mine, coordinators, api_save]


@pytest.fixture
def sample_templates() -> Iterator[None]:
    loader = pages.engine().loader
    assert isinstance(loader, PrefixLoader)
    loader.mapping = {**loader.mapping, "sample": DictLoader(TEMPLATES)}
    yield
    loader.mapping = {room: found for room, found in loader.mapping.items() if room != "sample"}


@pytest.fixture
async def site(sample_templates: None) -> AsyncIterator[Site]:
    saved: list[str] = []
    made: Site

    def session(app: ASGIApp) -> ASGIApp:
        async def with_viewer(scope: Scope, receive: Receive, send: Send) -> None:
            if made.viewer:
                scope["state"]["viewer"] = made.viewer
            await app(scope, receive, send)

        return with_viewer

    app = Litestar(_routes(saved), middleware=[session], on_app_init=[web.configure], openapi_config=None)
    app.state.settings = Settings()
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        made = Site(client, saved)
        yield made
