"""Error pages, problem details, headers, limits and assets, over the real web layer."""

import gzip
import json
from typing import Any

import brotli
import httpx
import pytest
from structlog.testing import capture_logs

from tests.integration.web.conftest import HOST, MEMBER, RAISED, Site
from timebank.web.errors import WORDS
from timebank.web.forms import MAX_BODY_BYTES, MAX_FORM_BYTES
from timebank.web.static import CACHE_FOR_GOOD, asset_url

OURS = {"sec-fetch-site": "same-origin"}


@pytest.mark.parametrize("status", sorted(RAISED))
@pytest.mark.parametrize("signed_in", [True, False])
async def test_every_error_has_a_page_that_says_what_to_do(site: Site, status: int, signed_in: bool) -> None:
    site.viewer = MEMBER if signed_in else None
    words = WORDS.get(status, WORDS[400])

    response = await site.client.get(f"/raise/{status}")

    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert f'<h1 class="govuk-heading-l">{words.title}</h1>' in response.text
    assert words.happened in response.text
    assert words.advice in response.text
    assert "Ali Hassan" not in response.text


@pytest.mark.parametrize("status", [*sorted(RAISED), 401])
async def test_the_api_answers_with_problem_details(site: Site, status: int) -> None:
    response = await site.client.get(f"/api/raise/{status}")

    body = response.json()
    assert response.status_code == body["status"] == status
    assert response.headers["content-type"].startswith("application/problem+json")
    assert {"type", "title", "detail", "code"} <= set(body)
    assert "Ali Hassan" not in response.text
    assert ("www-authenticate" in response.headers) == (status == 401)


async def test_refusals_become_errors_with_codes_and_fields(site: Site) -> None:
    body = (await site.client.post("/api/notes")).json()

    assert body["code"] == "a"
    assert body["detail"] == "First."
    assert body["errors"] == [{"code": "a", "detail": "First.", "field": "x"}, {"code": "b", "detail": "Second."}]


async def test_an_unknown_api_address_is_a_problem_too(site: Site) -> None:
    response = await site.client.get("/api/nothing")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


async def test_a_failure_is_logged_without_what_it_was_about(site: Site) -> None:
    with capture_logs() as logs:
        response = await site.client.get("/raise/500?name=Ali")

    assert [entry["event"] for entry in logs] == ["request failed"]
    assert logs[0]["errors"] == ["RuntimeError"]
    assert logs[0]["reference"] in response.text
    assert "Ali" not in json.dumps(logs)


async def test_an_error_page_leads_back_to_our_own_page_only(site: Site) -> None:
    ours = await site.client.get("/raise/404", headers={"referer": "http://bank.example/members?page=2"})
    theirs = await site.client.get("/raise/404", headers={"referer": "https://evil.example/members"})

    assert 'href="/members?page=2"' in ours.text
    assert "evil.example" not in theirs.text


async def test_headers_of_an_error_are_kept(site: Site) -> None:
    assert (await site.client.get("/raise/429")).headers["retry-after"] == "60"


@pytest.mark.parametrize(
    ("path", "place"),
    [("/mine", "/sign-in?next=/mine"), ("/mine?a=b&c=%2F", "/sign-in?next=/mine%3Fa%3Db%26c%3D%252F")],
)
async def test_a_page_that_needs_a_sign_in_leads_there_and_back(site: Site, path: str, place: str) -> None:
    site.viewer = None

    response = await site.client.get(path)

    assert response.status_code == 303
    assert response.headers["location"] == place


async def test_a_page_for_a_role_is_closed_to_others_without_sending_them_to_sign_in(site: Site) -> None:
    assert (await site.client.get("/coordinators")).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/form", 200),
        ("GET", "/nowhere", 404),
        ("DELETE", "/form", 405),
        ("GET", "/raise/500", 500),
        ("GET", "/api/nowhere", 404),
        ("POST", "/notes", 403),
        ("GET", asset_url("main.css"), 200),
    ],
)
async def test_security_headers_are_on_every_answer(site: Site, method: str, path: str, status: int) -> None:
    response = await site.client.request(method, path)

    assert response.status_code == status
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in response.headers["permissions-policy"]
    assert "strict-transport-security" not in response.headers


async def test_https_is_remembered(site: Site) -> None:
    response = await site.client.get("https://bank.example/nowhere")

    assert "max-age=" in response.headers["strict-transport-security"]


async def test_a_page_may_ask_for_a_stricter_referrer_policy(site: Site) -> None:
    assert (await site.client.get("/secret-in-url")).headers["referrer-policy"] == "no-referrer"


async def test_what_one_person_saw_is_not_stored(site: Site) -> None:
    assert (await site.client.get("/form")).headers["cache-control"] == "no-store"
    site.viewer = None
    assert (await site.client.get("/form")).headers["cache-control"] == "no-cache, private"


async def test_a_page_names_its_time_bank_and_escapes_everything(site: Site) -> None:
    text = (await site.client.get("/form")).text

    assert "<title>Note – Harbour &amp; Hill’s Time Bank</title>" in text
    assert "Zoë &lt;b&gt;O&#39;Brien&lt;/b&gt; ليلى" in text
    assert "Skip to main content" in text
    assert 'href="tel:01632960001"' in text
    assert MEMBER.csrf not in text
    assert "style=" not in text


@pytest.mark.parametrize(("accepted", "encoding"), [("br, gzip", "br"), ("gzip", "gzip")])
async def test_pages_are_compressed(site: Site, accepted: str, encoding: str) -> None:
    response = await site.client.get("/form", headers={"accept-encoding": accepted})

    assert response.headers["content-encoding"] == encoding
    assert "Note" in response.text


@pytest.mark.parametrize(("accepted", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)])
async def test_an_asset_comes_compressed_once_and_is_kept_for_good(
    site: Site, accepted: str, encoding: str | None
) -> None:
    async with site.client.stream("GET", asset_url("main.css"), headers={"accept-encoding": accepted}) as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])

    plain = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding](raw)
    assert b".govuk-button" in plain
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["cache-control"] == CACHE_FOR_GOOD
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-type"] == "text/css; charset=utf-8"


async def test_an_asset_that_the_browser_has_is_not_sent_again(site: Site) -> None:
    first = await site.client.get(asset_url("main.js"))
    second = await site.client.get(asset_url("main.js"), headers={"if-none-match": first.headers["etag"]})

    assert second.status_code == 304
    assert second.content == b""


@pytest.mark.parametrize("name", ["manifest.json", "main.css", "..%2Fviewer.py", "%2e%2e/pages.py", "main.css.br"])
async def test_only_what_the_manifest_names_exists(site: Site, name: str) -> None:
    assert (await site.client.get(f"/static/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("application/x-www-form-urlencoded", MAX_FORM_BYTES + 1),
        ("multipart/form-data; boundary=x", MAX_BODY_BYTES + 1),
    ],
)
async def test_too_large_a_form_gets_a_page_and_is_not_saved(site: Site, kind: str, size: int) -> None:
    response = await site.client.post("/notes", content=b"a" * size, headers={**OURS, "content-type": kind})

    assert response.status_code == 413
    assert "too much at once" in response.text
    assert site.saved == []


async def test_a_form_that_is_not_one_is_refused(site: Site) -> None:
    response = await site.client.post(
        "/notes", content=b"nonsense", headers={**OURS, "content-type": "multipart/form-data; boundary=x"}
    )

    assert response.status_code == 400
    assert site.saved == []


async def test_a_sender_who_goes_away_is_no_failure_of_ours(site: Site) -> None:
    """Half a form, then nothing: what a tunnel does to a phone, and what anybody could do to fill the error log."""
    transport = site.client._transport
    assert isinstance(transport, httpx.ASGITransport)
    headers = {"host": HOST, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
    messages = [{"type": "http.request", "body": b"note=Tha", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/notes",
        "raw_path": b"/notes",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": (HOST, 80),
        "client": ("127.0.0.1", 1),
        "extensions": {},
    }
    with capture_logs() as logs:
        await transport.app(scope, receive, send)
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [400]
    assert logs == []
    assert site.saved == []
