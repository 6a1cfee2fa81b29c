"""The pages of what is known of people: by role, with nothing typed lost, and the same for programs."""

import re
from html import unescape
from uuid import uuid4

import pytest

from timebank.identity.service import create_token
from timebank.kit.actor import Actor
from timebank.members import queries

NEEDS = "I use a wheelchair"
DETAILS = {
    "display_name": "Demo participant",
    "phone": "01632 960 001",
    "email": "",
    "contact_route": "phone",
    "postal_address": "1 The Row\nEly",
    "language": "cy",
    "format_preference": "large_print",
    "access_needs": NEEDS,
    "can_offer": "baking",
    "emergency_name": "Jo Next",
    "emergency_phone": "01632 960 002",
}
DAY = {"day": "9", "month": "3", "year": "2026"}


def on(name: str) -> dict[str, str]:
    return {f"{name}-{part}": value for part, value in DAY.items()}


async def browser_of(client, bank, actor=None):
    browser = client()
    await browser.sign_in(bank.db, actor or bank.coordinator)
    return browser


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the form that changes details."""
    form = page[page.index('name="revision"') - 100 :]
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(revision|was-\w+)" value="([^"]*)">', form)
    }


async def record(bank, member_id: int):
    async with bank.db.reading(bank.id) as connection:
        return await queries.by_id(connection, bank.id, member_id)


async def change(browser, path: str, **typed: str):
    fields = hidden((await browser.get(path)).text)
    kept = {name.removeprefix("was-"): value for name, value in fields.items()}
    return await browser.submit(path, {**kept, **fields, **typed})


@pytest.fixture
async def known(bank, client):
    """The participant with everything filled in."""
    browser = await browser_of(client, bank)
    path = f"/members/{bank.participant.member_id}/change"
    assert (await change(browser, path, **DETAILS)).status_code == 303
    return browser


async def test_a_change_is_kept_shown_and_noted(bank, client, known) -> None:
    kept = await record(bank, bank.participant.member_id)
    assert {name: getattr(kept, name) for name in DETAILS} == DETAILS
    page = unescape((await known.get(f"/members/{kept.id}")).text)
    for words in (NEEDS, "Welsh", "Large print", "Jo Next, 01632 960 002", "1 The Row\nEly"):
        assert words in page
    assert "changed your phone" in page
    nothing = await change(known, f"/members/{kept.id}/change")
    assert nothing.status_code == 303
    assert (await record(bank, kept.id)).revision == 2


async def test_the_second_sees_what_the_first_changed_and_loses_nothing(bank, client, known) -> None:
    path = f"/members/{bank.participant.member_id}/change"
    second = await browser_of(client, bank, bank.coordinator_two)
    before = hidden((await second.get(path)).text)
    assert (await change(known, path, phone="01632 960 777", can_offer="singing")).status_code == 303

    typed = {name.removeprefix("was-"): value for name, value in before.items()}
    mine = {**typed, **before, "can_offer": "juggling", "access_needs": "and a quiet room"}
    answer = await second.submit(path, mine)
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert "<bdi>Demo coordinator</bdi> changed this" in page
    assert "Phone: it was <bdi>01632 960 001</bdi>, now it is <bdi>01632 960 777</bdi>." in page
    assert "Can share: it was <bdi>baking</bdi>, now it is <bdi>singing</bdi>." in page
    # What nobody touched here is up to date, what was typed is still there.
    assert 'value="01632 960 777"' in page
    assert ">\njuggling</textarea>" in page
    assert ">\nand a quiet room</textarea>" in page
    after = hidden(answer.text)
    again = await second.submit(
        path, {**mine, **after, "phone": "01632 960 777", "can_offer": "juggling", "access_needs": "and a quiet room"}
    )
    assert again.status_code == 303
    kept = await record(bank, bank.participant.member_id)
    assert (kept.phone, kept.can_offer, kept.access_needs) == ("01632 960 777", "juggling", "and a quiet room")


async def test_bad_details_are_explained_and_kept(bank, client, known) -> None:
    path = f"/members/{bank.participant.member_id}/change"
    answer = await change(known, path, email="nonsense", contact_route="letter", postal_address="", can_offer="kept")
    assert answer.status_code == 422
    page = unescape(answer.text)
    for field in ("email", "postal_address"):
        assert f'href="#{field}"' in page
        assert f'id="{field}-error"' in page
    assert "kept</textarea>" in page
    assert 'value="nonsense"' in page


async def test_each_role_sees_its_part(bank, client, known) -> None:
    path = f"/members/{bank.participant.member_id}"
    finance = await browser_of(client, bank, bank.finance)
    page = unescape((await finance.get(path)).text)
    assert "01632 960 001" in page
    for hidden_from_finance in (NEEDS, "Jo Next", "baking", "Last entries", "Supporters"):
        assert hidden_from_finance not in page
    other = await browser_of(client, bank, Actor(timebank_id=bank.id, member_id=await bank.member("Ann")))
    assert (await other.get(path)).status_code == 403
    mine = await browser_of(client, bank, bank.participant)
    about = unescape((await mine.get("/me")).text)
    assert NEEDS in about
    async with bank.db.reading(bank.id) as connection:
        looks = await queries.access_lines(connection, bank.id, bank.participant.member_id)
    assert [(one.what, one.by_whom) for one in looks if one.by_whom == "Demo finance"] == [
        ("looked at the record", "Demo finance")
    ]


async def test_members_change_their_own(bank, client) -> None:
    mine = await browser_of(client, bank, bank.participant)
    assert (await change(mine, "/me/change", access_needs=NEEDS, display_name="Queen")).status_code == 303
    kept = await record(bank, bank.participant.member_id)
    assert (kept.access_needs, kept.display_name) == (NEEDS, "Demo participant")


async def test_whoever_acts_for_somebody_sees_but_changes_nothing_about_them(bank, client) -> None:
    browser = await browser_of(client, bank)
    me = bank.participant.member_id
    await browser.submit(f"/members/{me}/act", {"reason": "They asked", "how_agreed": "phone"})
    assert "Demo participant" in (await browser.get("/me")).text
    assert "Change my details" not in (await browser.get("/me")).text
    for path in ("/me/change", "/me/supporters"):
        assert (await browser.get(path)).status_code == 404
        assert (await browser.submit(path, {**DETAILS, "scope": "book"})).status_code == 404
    await browser.submit("/me/consents", {"topic": "photos", "answer": "given"})
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from consent where timebank_id = $1", bank.id) == 0


async def test_consents_on_the_pages(bank, client) -> None:
    me = bank.participant.member_id
    browser = await browser_of(client, bank)
    path = f"/members/{me}/consents"
    empty = await browser.submit(path, on("decided_on"))
    assert empty.status_code == 422
    assert 'href="#answer"' in empty.text
    assert (await browser.submit(path, {"answer": "given", **on("decided_on")})).status_code == 422
    given = {"answer": "given", "topic": "photos", "how": "letter", **on("decided_on")}
    assert (await browser.submit(path, given)).status_code == 303
    assert "yes, by letter. Written down by" in unescape((await browser.get(path)).text)
    mine = await browser_of(client, bank, bank.participant)
    assert ", by letter." in (await mine.get("/me")).text
    assert (await mine.submit("/me/consents", {"topic": "photos", "answer": "withdrawn"})).status_code == 303
    page = (await mine.get("/me")).text
    assert "You said no on" in page
    assert ", online." in page
    topic = {"kind": "partner", "title": "The Hospital", "explanation": "My name, when I advise."}
    assert (await browser.submit("/members/consents/new", {**topic, "title": ""})).status_code == 422
    assert (await browser.submit("/members/consents/new", topic)).status_code == 303
    assert "Sharing with The Hospital" in (await mine.get("/me")).text


async def test_supporters_on_the_pages(bank, client) -> None:
    me, sue = bank.participant.member_id, await bank.member("Sue Helper")
    browser = await browser_of(client, bank)
    path = f"/members/{me}/supporters"
    agreed = {"scope": "book", "agreed_how": "phone", **on("starts_on"), **on("agreed_on")}
    bad = await browser.submit(path, {**agreed, "supporter": "Nobody (999)"})
    assert bad.status_code == 422
    assert 'value="Nobody (999)"' in bad.text
    assert (await browser.submit(path, {**agreed, "supporter": f"Sue Helper ({(await record(bank, sue)).number})"})
            ).status_code == 303  # fmt: skip
    mine = await browser_of(client, bank, bank.participant)
    page = (await mine.get("/me")).text
    assert "Sue Helper" in page
    supporter_id = re.search(r"/supporters/(\d+)/end", page)[1]
    stranger = await browser_of(client, bank, bank.finance)
    assert (await stranger.submit(f"/supporters/{supporter_id}/end")).status_code == 404
    helper = await browser_of(client, bank, Actor(timebank_id=bank.id, member_id=sue))
    assert "Demo participant" in (await helper.get("/me")).text
    assert (await helper.submit(f"/supporters/{supporter_id}/end")).headers["location"] == "/me"
    assert "Sue Helper" not in (await mine.get("/me")).text
    # On one's own page a number alone is nobody, so that nobody can read who is a member.
    fields = {"scope": "book", **on("starts_on")}
    assert (await mine.submit("/me/supporters", {**fields, "supporter": "1"})).status_code == 422
    assert (await mine.submit("/me/supporters", {**fields, "supporter": "sue helper"})).status_code == 303


async def test_groups_and_roles_on_the_pages(bank, client) -> None:
    browser = await browser_of(client, bank)
    new = {"display_name": "Garden Club", "kind": "group", **on("joined_on"), "contact_member_id": "Demo participant"}
    made = await browser.submit("/members/new", new)
    assert made.status_code == 303, made.text
    path = made.headers["location"]
    page = (await browser.get(path)).text
    assert "Contact person" in page
    assert "Make a sign-in link" not in page
    assert (await browser.get(f"{path}/card")).status_code == 404
    assert (await browser.submit(f"{path}/people", {"member": "nobody", **on("from_on")})).status_code == 422
    joined = await browser.submit(f"{path}/people", {"member": "Demo participant", **on("from_on")})
    assert joined.status_code == 303
    page = (await browser.get(f"{path}/people")).text
    belonging = re.search(r'name="belonging" value="(\d+)"', page)[1]
    assert (await browser.submit(f"{path}/people/leave", {"belonging": belonging})).status_code == 303
    assert "Who was in the group before" in (await browser.get(f"{path}/people")).text
    assert (await browser.submit(f"{path}/people/contact", {"contact": "Demo coordinator"})).status_code == 303
    assert (await browser.get(f"/members/{bank.participant.member_id}/people")).status_code == 404

    admin = await browser_of(client, bank, Actor(timebank_id=bank.id, member_id=await bank.member("Chief", "admin")))
    path = f"/members/{bank.participant.member_id}/roles"
    assert (await admin.submit(path, {"roles": "approver"})).status_code == 303
    assert "Approver" in (await admin.get(f"/members/{bank.participant.member_id}")).text
    assert (await browser.get(path)).status_code == 403


async def test_the_list_is_filtered_and_downloaded_without_addresses(bank, client, known) -> None:
    page = unescape((await known.get("/members?needs=yes")).text)
    assert "Demo participant" in page
    assert "Demo finance" not in page
    assert (await known.get("/members?group=999&role=finance&status=x&kind=")).status_code == 200
    rows = (await known.get("/members/list.csv?q=participant")).text.splitlines()
    assert rows[0].startswith("\ufeffNumber,Name")
    assert rows[1].startswith("5,Demo participant,Participant,baking,Phone call,")
    assert "01632" not in rows[1]
    assert len(rows) == 2


async def test_programs_do_the_same(bank, client) -> None:
    scopes = ("members:read", "members:write")
    chief = Actor(timebank_id=bank.id, member_id=await bank.member("Chief", "admin"), roles=frozenset({"admin"}))
    token = await create_token(bank.db, chief, chief.member_id, "Robot", scopes, now=bank.now)
    program, me = client(), bank.participant.member_id
    bearer = {"Authorization": f"Bearer {token}"}

    async def post(path: str, body: dict):
        return await program.post(f"/api/v1{path}", json=body, headers={**bearer, "Idempotency-Key": uuid4().hex})

    async def get(path: str):
        return (await program.get(f"/api/v1{path}", headers=bearer)).json()

    found = await get(f"/members/{me}")
    assert (found["display_name"], found["revision"]) == ("Demo participant", 1)
    changed = await post(f"/members/{me}/changes", {"revision": 1, "access_needs": NEEDS, "language": "cy"})
    assert changed.json() == {"revision": 2, "changed": ["language", "access_needs"]}
    late = await post(f"/members/{me}/changes", {"revision": 1, "access_needs": "other"})
    assert (late.status_code, late.json()["code"]) == (422, "changed_meanwhile")
    topic = await post("/consent-topics", {"kind": "own", "title": "My name on the website"})
    code = topic.json()["code"]
    assert code in {one["code"] for one in (await get("/consent-topics"))["items"]}
    answer = {"topic": code, "is_given": True, "decided_on": "2026-03-09", "how": "phone"}
    assert (await post(f"/members/{me}/consents", answer)).json() == {"is_new": True}
    assert (await get(f"/members/{me}/consents"))["given"] == [code]
    agreed = {"scope": ["book"], "starts_on": "2026-03-09", "agreed_how": "phone", "agreed_on": "2026-03-09"}
    made = await post(f"/members/{me}/supporters", {**agreed, "supporter_member_id": bank.coordinator.member_id})
    assert made.status_code == 201, made.text
    assert (await get(f"/members/{me}/supporters"))["items"][0]["scope"] == ["book"]
    assert (await post(f"/supporters/{made.json()['id']}/end", {})).json() == {"is_new": True}
    club = (await post("/members", {"display_name": "Club", "kind": "group", "joined_on": "2026-03-09"})).json()["id"]
    assert (await post(f"/members/{club}/people", {"member_id": me, "from_on": "2026-03-09"})).status_code == 201
    (belongs,) = (await get(f"/members/{club}/people"))["items"]
    left = await post(f"/members/{club}/people/{belongs['id']}/leave", {"until_on": "2026-03-10"})
    assert left.json() == {"is_new": True}
    assert (await post(f"/members/{club}/contact", {"member_id": me})).json() == {"is_new": True}
    assert (await post(f"/members/{me}/roles", {"roles": ["approver"]})).json() == {"roles": ["approver"]}
    assert [one["id"] for one in (await get("/members?role=approver"))["items"]] == [me]
    for path, body in (
        (f"/members/{2**62}/changes", {"revision": 1}),
        (f"/members/{2**62}/consents", answer),
        (f"/members/{2**62}/supporters", {**agreed, "outside_name": "Jo", "outside_contact": "x"}),
        (f"/members/{2**62}/people", {"member_id": me, "from_on": "2026-03-09"}),
        (f"/members/{2**62}/roles", {"roles": []}),
        (f"/supporters/{2**62}/end", {}),
    ):
        assert (await post(path, body)).status_code == 404, path
