"""Members' pages and API, through the real application: who may, what is refused, what is kept."""

import re
from html import unescape
from uuid import uuid4

import pytest

from timebank.identity.service import create_token
from timebank.members import queries

FIELDS = {
    "display_name": "Ann <b>O’Neill</b> 🌻",
    "phone": "01632 960 001",
    "email": "",
    "contact_route": "phone",
    "can_offer": "baking\nlistening",
    "joined_on-day": "1",
    "joined_on-month": "3",
    "joined_on-year": "2026",
}


async def browser_of(client, bank, actor):
    browser = client()
    await browser.sign_in(bank.db, actor)
    return browser


async def everybody(bank) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        return [member.display_name for member in await queries.known_members(connection, bank.id)]


async def test_add_and_find_a_member(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    assert (await browser.get("/members/new")).status_code == 200
    answer = await browser.submit("/members/new", FIELDS)
    assert answer.status_code == 303
    assert re.fullmatch(r"/members/\d+", answer.headers["location"])
    page = await browser.get("/members", params={"q": "o'neill"})
    assert page.status_code == 200
    assert "Ann &lt;b&gt;O’Neill&lt;/b&gt; 🌻" in page.text
    assert answer.headers["location"] in page.text
    assert "Demo participant" not in page.text


async def test_a_form_sent_twice_adds_one_member(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    key = uuid4().hex
    first = await browser.submit("/members/new", {**FIELDS, "key": key})
    second = await browser.submit("/members/new", {**FIELDS, "key": key})
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    other = await browser.submit("/members/new", {**FIELDS, "display_name": "Somebody else", "key": key})
    assert other.status_code == 409
    assert (await everybody(bank)).count("Ann <b>O’Neill</b> 🌻") == 1


async def test_bad_input_is_explained_and_kept(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    before = await everybody(bank)
    bad = {**FIELDS, "display_name": "", "phone": "ring me", "joined_on-year": "2030"}
    answer = await browser.submit("/members/new", bad)
    assert answer.status_code == 422
    text = unescape(answer.text)
    for kept in ("ring me", "baking\nlistening", 'value="2030"'):
        assert kept in text
    for field in ("display_name", "phone", "joined_on"):
        assert f'href="#{field}"' in text
        assert f'id="{field}"' in text
    assert re.search(r'value="phone" checked', text)
    no_date = await browser.submit("/members/new", {**bad, "joined_on-day": "31", "joined_on-month": "2"})
    assert no_date.status_code == 422
    assert [f'href="#{field}"' in no_date.text for field in ("display_name", "phone", "joined_on")] == [True] * 3
    assert "ring me" in no_date.text
    assert await everybody(bank) == before


async def test_a_second_one_of_a_name_is_asked_about(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    await browser.submit("/members/new", FIELDS)
    asked = await browser.submit("/members/new", FIELDS)
    assert asked.status_code == 422
    assert "There is already a member called" in asked.text
    assert 'name="name_may_repeat"' in asked.text
    assert (await browser.submit("/members/new", {**FIELDS, "name_may_repeat": "yes"})).status_code == 303
    assert (await everybody(bank)).count("Ann <b>O’Neill</b> 🌻") == 2


async def test_a_coordinator_is_not_offered_roles_and_cannot_send_them(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    assert 'name="roles"' not in (await browser.get("/members/new")).text
    answer = await browser.submit("/members/new", {**FIELDS, "roles": "finance"})
    assert answer.status_code == 422
    assert "Only an administrator" in answer.text


async def test_a_link_is_shown_once_and_works(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    answer = await browser.submit(f"/members/{bank.participant.member_id}/link")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    path = re.search(r"http://[^/]+(/sign-in/link/[\w-]+)", answer.text)[1]
    assert "data:image/svg+xml;base64," in answer.text
    someone = client()
    assert (await someone.post(path, data={})).status_code == 303
    assert "Demo participant" in (await someone.get("/devices")).text


async def test_a_card_names_neither_the_time_bank_nor_the_member_on_paper(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    path = f"/members/{bank.participant.member_id}/card"
    form = await browser.get(path)
    assert form.status_code == 200
    answer = await browser.submit(path, {"pin": "5 2 0 7", "replaces": ""})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "5 2 0 7" in answer.text
    assert bank.facts.name not in answer.text
    paper = answer.text.split('aria-label="The card"')[1]
    assert "Demo participant" not in paper
    assert "5 2 0 7" not in paper
    assert "data:image/svg+xml;base64," in paper
    weak = await browser.submit(path, {"pin": "1234", "replaces": "", "key": uuid4().hex})
    assert weak.status_code == 422
    assert "too easy" in weak.text
    again = await browser.get(path)
    assert "They have a card from" in again.text
    assert re.search(r'name="replaces" value="2026-[^"]+"', again.text)


PAGES = (
    ("GET", "/members"),
    ("GET", "/members/new"),
    ("POST", "/members/new"),
    ("GET", "/members/{id}/card"),
    ("POST", "/members/{id}/card"),
    ("POST", "/members/{id}/link"),
)


async def ask(browser, method: str, path: str):
    if method == "GET":
        return await browser.get(path)
    return await browser.submit(path, FIELDS)


@pytest.mark.parametrize("who", ["participant", "finance"])
async def test_only_coordinators_see_members(bank, client, who: str) -> None:
    browser = await browser_of(client, bank, getattr(bank, who))
    before = await everybody(bank)
    for method, path in PAGES:
        answer = await ask(browser, method, path.format(id=bank.coordinator.member_id))
        assert answer.status_code == 403, (method, path)
        assert "Demo coordinator" not in answer.text
    assert await everybody(bank) == before


async def test_visitors_are_led_to_sign_in(bank, client) -> None:
    for method, path in PAGES:
        answer = await ask(client(), method, path.format(id=bank.participant.member_id))
        if method == "GET":
            assert answer.headers["location"].startswith("/sign-in?next=/members"), path
        else:
            assert answer.status_code == 419, path


async def test_another_time_banks_members_do_not_exist_here(bank, other_bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    for member_id in (other_bank.participant.member_id, 2**63, 10**30, 0):
        for method, path in PAGES[3:]:
            answer = await ask(browser, method, path.format(id=member_id))
            assert answer.status_code == 404, (method, path, member_id)
    page = await browser.get("/members")
    assert "Demo participant" in page.text
    assert page.text.count("Demo participant") == 1


async def test_finance_people_are_out_of_a_coordinators_reach(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    for path in (f"/members/{bank.finance.member_id}/link", f"/members/{bank.finance.member_id}/card"):
        assert (await browser.submit(path, {"pin": "", "replaces": ""})).status_code == 403


async def test_forms_need_this_sessions_token_and_our_own_pages(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    before = await everybody(bank)
    right, browser.csrf = browser.csrf, "forged"
    stale = await browser.submit("/members/new", FIELDS)
    assert stale.status_code == 419
    assert "Ann" in stale.text
    browser.csrf = right
    foreign = await browser.submit("/members/new", FIELDS, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert await everybody(bank) == before


async def test_the_list_takes_any_search_and_refuses_a_made_up_page(bank, client) -> None:
    browser = await browser_of(client, bank, bank.coordinator)
    for wanted in ("%", "\\", "'; drop table member", "x" * 5000, "\u202e", "<script>"):
        page = await browser.get("/members", params={"q": wanted})
        assert page.status_code == 200
        assert "<script>" not in page.text.replace("<script src=", "")
    assert (await browser.get("/members?after=nonsense")).status_code == 404


async def api(bank, client, actor=None, scopes=("members:read", "members:write")):
    actor = actor or bank.coordinator
    token = await create_token(bank.db, actor, actor.member_id, "Robot", scopes, now=bank.now)
    browser = client()
    browser.headers["Authorization"] = f"Bearer {token}"
    return browser


BODY = {"display_name": "Robot's friend", "joined_on": "2026-03-01"}
PATH = "/api/v1/members"


async def test_the_api_adds_once_under_a_key(bank, client) -> None:
    program = await api(bank, client)
    missing = await program.post(PATH, json=BODY)
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    for key in ("x" * 201, "with space", "Grüße".encode()):
        unusable = await program.post(PATH, json=BODY, headers={"Idempotency-Key": key})
        assert (unusable.status_code, unusable.json()["code"]) == (400, "idempotency_key_unusable")
    first = await program.post(PATH, json=BODY, headers={"Idempotency-Key": "one"})
    again = await program.post(PATH, json=BODY, headers={"Idempotency-Key": "one"})
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    changed = await program.post(PATH, json={**BODY, "phone": "01632 960 001"}, headers={"Idempotency-Key": "one"})
    assert (changed.status_code, changed.json()["code"]) == (409, "idempotency_key_reused")
    assert (await everybody(bank)).count("Robot's friend") == 1


async def test_the_api_refuses_in_a_form_programs_can_read(bank, client) -> None:
    program = await api(bank, client)

    async def post(body: object):
        return await program.post(PATH, json=body, headers={"Idempotency-Key": uuid4().hex})

    bad = await post({**BODY, "display_name": "\x07", "email": "nonsense"})
    assert bad.status_code == 422
    assert bad.headers["content-type"] == "application/problem+json"
    assert [error["code"] for error in bad.json()["errors"]] == ["name_unreadable", "email_unreadable"]
    assert [error["field"] for error in bad.json()["errors"]] == ["display_name", "email"]
    assert (await post({**BODY, "unknown": 1})).status_code == 400
    assert (await post({"joined_on": "2026-03-01"})).status_code == 400
    assert (await post([])).status_code == 400
    assert (await post(BODY)).status_code == 201
    same = await post(BODY)
    assert (same.status_code, same.json()["code"]) == (422, "same_name")
    assert (await post({**BODY, "name_may_repeat": True})).status_code == 201


async def test_the_api_pages_and_searches(bank, client) -> None:
    program = await api(bank, client)
    first = (await program.get(PATH, params={"limit": "3"})).json()
    second = (await program.get(PATH, params={"limit": "3", "cursor": first["next_cursor"]})).json()
    names = [member["display_name"] for member in first["items"] + second["items"]]
    assert names == await everybody(bank)
    assert second["next_cursor"] is None
    found = (await program.get(PATH, params={"q": "participant"})).json()["items"]
    assert [member["display_name"] for member in found] == ["Demo participant"]
    assert not {"email", "phone"} & found[0].keys()
    for wrong in ({"limit": "0"}, {"limit": "9999"}, {"cursor": "nonsense"}):
        assert (await program.get(PATH, params=wrong)).status_code == 422


async def test_the_api_needs_scope_and_role(bank, client) -> None:
    reader = await api(bank, client, scopes=("members:read",))
    assert (await reader.post(PATH, json=BODY, headers={"Idempotency-Key": "k"})).status_code == 403
    participant = await api(bank, client, bank.participant)
    assert (await participant.get(PATH)).status_code == 403
    assert (await participant.post(PATH, json=BODY, headers={"Idempotency-Key": "k"})).status_code == 403
