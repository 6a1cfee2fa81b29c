"""Forms are taken from our own pages and for their own session only; an outdated one loses nothing that was typed."""

import re
from dataclasses import replace
from html import unescape

import httpx
import pytest

from tests.integration.web.conftest import HOST, MEMBER, Site
from timebank.web.csrf import masked

OURS = {"sec-fetch-site": "same-origin"}
NASTY = """it's "<script>alert(1)</script>" & ليلى 🌻"""


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of the form in the main part of a page."""
    main = page.text.partition("<main")[2]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', main)
    return {unescape(name): unescape(value) for name, value in found}


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"origin": f"http://{HOST}"},
        {"origin": f"https://{HOST}"},
        {"referer": f"http://{HOST}/form"},
    ],
)
async def test_a_form_from_our_own_page_is_taken(site: Site, headers: dict[str, str]) -> None:
    response = await site.send(**headers)

    assert response.status_code == 303
    assert site.saved == ["Thank you"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": f"http://{HOST}"},
        {"sec-fetch-site": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"http://{HOST}.evil.example"},
        {"origin": "https://evil.example", "referer": f"http://{HOST}/form"},
        {"referer": f"https://evil.example/http://{HOST}/"},
        {"referer": f"http://{HOST}@evil.example/"},
    ],
)
async def test_a_form_from_elsewhere_changes_nothing(site: Site, headers: dict[str, str]) -> None:
    response = await site.send(**headers)

    assert response.status_code == 403
    assert "did not come from one of our own pages" in response.text
    assert site.saved == []


async def test_a_cross_site_form_is_refused_before_anyone_is_signed_in(site: Site) -> None:
    site.viewer = None

    response = await site.client.post("/notes", data={"note": "x"}, headers={"origin": "https://evil.example"})

    assert response.status_code == 403
    assert site.saved == []


async def test_a_form_that_needs_no_session_rests_on_its_origin(site: Site) -> None:
    site.viewer = None

    response = await site.client.post("/notes", data={"csrf": "", "note": "x"}, headers=OURS)

    assert response.status_code == 303


@pytest.mark.parametrize(
    "csrf", ["", "old", masked("another session"), masked(MEMBER.csrf)[:-4]], ids=["empty", "old", "another", "cut"]
)
async def test_an_outdated_form_keeps_what_was_typed_and_changes_nothing(site: Site, csrf: str) -> None:
    data = {"csrf": csrf, "key": "the-first-key", "note": NASTY, "pin": "4711", "who": ["1", "2"]}
    response = await site.client.post("/notes?from=list", data=data, headers=OURS)

    assert response.status_code == 419
    assert site.saved == []
    assert "This form is too old" in response.text
    assert "<script>alert" not in response.text
    listed = unescape(response.text.partition("<dl")[2].partition("</dl>")[0])
    assert NASTY in listed
    assert "2 chosen" in listed
    assert "4711" not in listed
    assert 'action="/notes?from=list"' in response.text


async def test_send_again_sends_the_same_once_more_with_a_fresh_token(site: Site) -> None:
    data = {"csrf": "old", "key": "the-first-key", "note": NASTY}
    stale = await site.client.post("/notes", data=data, headers=OURS)

    fields = hidden(stale)
    assert fields["key"] == "the-first-key"
    again = await site.client.post("/notes", data=fields, headers=OURS)

    assert again.status_code == 303
    assert site.saved == [NASTY]


async def test_signed_out_in_between_the_form_waits_for_the_next_sign_in(site: Site) -> None:
    site.viewer = None
    signed_out = await site.send(**OURS)
    assert signed_out.status_code == 419
    assert "Sign in in a new tab" in signed_out.text

    site.viewer = replace(MEMBER, csrf="the-token-of-the-next-session")
    check = await site.client.post("/notes", data=hidden(signed_out), headers=OURS)
    assert check.status_code == 419
    assert "Check and send" in check.text
    assert site.saved == []

    sent = await site.client.post("/notes", data=hidden(check), headers=OURS)
    assert sent.status_code == 303
    assert site.saved == ["Thank you"]


async def test_a_post_that_needs_a_sign_in_keeps_what_was_typed(site: Site) -> None:
    site.viewer = None

    response = await site.client.post("/mine", data={"csrf": "", "note": "Still here"}, headers=OURS)

    assert response.status_code == 419
    assert hidden(response)["note"] == "Still here"
    assert site.saved == []


async def test_a_file_must_be_chosen_again(site: Site) -> None:
    response = await site.client.post(
        "/notes", data={"csrf": "old", "note": "With a sheet"}, files={"sheet": ("a.csv", b"name;hours")}, headers=OURS
    )

    assert response.status_code == 419
    assert 'enctype="multipart/form-data"' in response.text
    assert 'type="file"' in response.text
    assert hidden(response)["note"] == "With a sheet"


async def test_an_address_that_looks_like_another_site_stays_here(site: Site) -> None:
    response = await site.client.post(
        f"http://{HOST}//evil.example/../notes", data={"csrf": "old", "note": "x"}, headers=OURS
    )

    assert 'action="//' not in response.text


async def test_the_api_needs_neither_check(site: Site) -> None:
    response = await site.client.post("/api/notes", headers={"origin": "https://evil.example"})

    assert response.status_code == 422
    assert site.saved == ["api"]


async def test_a_refused_form_keeps_its_words_and_gets_a_new_key(site: Site) -> None:
    response = await site.client.post("/notes", data=site.fields(note=" "), headers=OURS)

    assert response.status_code == 422
    assert "<title>Error: Note" in response.text
    assert 'href="#note"' in response.text
    assert hidden(response)["key"] != "key-of-this-form"


async def test_a_notice_is_shown_once_and_escaped(site: Site) -> None:
    await site.client.post("/notes", data=site.fields(note=NASTY), headers=OURS)

    first = await site.client.get("/form")
    second = await site.client.get("/form")

    assert f"Saved: {NASTY}" in unescape(first.text)
    assert "<script>alert" not in first.text
    assert "Saved:" not in second.text


@pytest.mark.parametrize("cookie", ["not base64!", "w6nDqQ", "x" * 5000, "PHNjcmlwdD4="])
async def test_a_made_up_notice_cookie_breaks_nothing(site: Site, cookie: str) -> None:
    response = await site.client.get("/form", headers={"cookie": f"timebank_notice={cookie}"})

    assert response.status_code == 200
    assert "<script>" not in response.text


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Disposition: form-data; name="note"\r\n\r\n\xff\xfe',
        b'Content-Disposition: form-data; name="note"\r\nContent-Type: text/plain; charset=none-such\r\n\r\nx',
        b"Content-Disposition: nonsense\r\n\r\nx",
    ],
    ids=["not UTF-8", "unknown encoding", "no name"],
)
async def test_a_form_in_parts_that_cannot_be_read_is_the_senders_mistake(site: Site, part: bytes) -> None:
    headers = {**OURS, "content-type": "multipart/form-data; boundary=b"}

    response = await site.client.post("/notes", content=b"--b\r\n" + part + b"\r\n--b--\r\n", headers=headers)

    assert response.status_code == 400
    assert "We could not read that" in response.text
    assert site.saved == []
