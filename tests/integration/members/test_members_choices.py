"""How a member likes it: kept at once, told when others change it, two at once; and reading before signing in."""

import re
import secrets
from datetime import timedelta
from typing import Any

import pytest

from tests.people import Bank
from timebank.identity.service import create_token
from timebank.kit.refusal import Refusal
from timebank.members import choices
from timebank.members.choices import ChangeChoices, KeptChoices
from timebank.web.reading import COOKIE


def key() -> str:
    return secrets.token_urlsafe(16)


async def kept(bank: Bank) -> KeptChoices:
    async with bank.db.reading(bank.id) as connection:
        return await choices.choices_of(connection, bank.id, bank.participant.member_id or 0)


async def change(bank: Bank, actor: Any = None, revision: int | None = None, **changes: Any) -> Any:
    before = await kept(bank)
    command = ChangeChoices(
        member_id=bank.participant.member_id or 0, revision=revision or before.revision, changes=changes
    )
    return await choices.change(bank.db, actor or bank.participant, command, key=key(), now=bank.now)


def codes(done: Any) -> list[tuple[str, str | None]]:
    assert isinstance(done, list), done
    assert all(isinstance(one, Refusal) for one in done)
    return [(one.code, one.field) for one in done]


async def messages_to(bank: Bank) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select subject from message where timebank_id = $1 and member_id = $2 order by id",
            bank.id,
            bank.participant.member_id,
        )
    return [row["subject"] for row in rows]


async def test_a_member_changes_their_own_and_is_not_written_to(bank: Bank) -> None:
    done = await change(bank, easy_read=True, quiet_from=22, quiet_until=7, hours_shown="gave_and_used", language="cy")
    assert done == await kept(bank)
    assert (done.easy_read, done.quiet_from, done.quiet_until, done.language) == (True, 22, 7, "cy")
    assert await messages_to(bank) == []


async def test_what_a_coordinator_changes_is_told_and_can_be_looked_up(bank: Bank) -> None:
    await change(bank, bank.coordinator, skills_shown_to="nobody")
    assert await messages_to(bank) == ["Your choices were changed"]
    async with bank.db.reading(bank.id) as connection:
        looks = await connection.fetchval("select what from access_log where timebank_id = $1", bank.id)
    assert looks == "changed your choices"


async def test_another_member_and_another_time_bank_change_nothing(bank: Bank, other_bank: Bank) -> None:
    before = await kept(bank)
    assert codes(await change(bank, bank.finance, easy_read=True)) == [("not_allowed", None)]
    with pytest.raises(LookupError):
        await change(bank, other_bank.coordinator, easy_read=True)
    assert await kept(bank) == before


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"hours_shown": "pounds"}, ("hours_shown_unknown", "hours_shown")),
        ({"skills_shown_to": "everybody"}, ("skills_shown_to_unknown", "skills_shown_to")),
        ({"quiet_from": 22}, ("quiet_incomplete", "quiet_until")),
        ({"quiet_until": 22}, ("quiet_incomplete", "quiet_from")),
        ({"quiet_from": 22, "quiet_until": 22}, ("quiet_all_day", "quiet_until")),
        ({"quiet_from": 24, "quiet_until": 1}, ("quiet_unreadable", "quiet_from")),
        ({"contact_route": "email"}, ("email_missing", "email")),
        ({"format_preference": "clay"}, ("format_unknown", "format_preference")),
        ({"display_name": "Somebody else"}, ("field_unknown", None)),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(
    bank: Bank, changes: dict[str, Any], refusal: tuple[str, str | None]
) -> None:
    before = await kept(bank)
    assert codes(await change(bank, easy_read=True, **changes)) == [refusal]
    assert await kept(bank) == before


async def test_of_two_at_once_the_second_is_asked(bank: Bank, client: Any) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    before = await kept(bank)
    await change(bank, bank.coordinator, large_text=True)
    sent = {"revision": before.revision, "skills_shown_to": "nobody", "was-skills_shown_to": "members"}
    same = {name: getattr(before, name) for name in ("contact_route", "language", "format_preference", "hours_shown")}
    form = {**same, **{f"was-{name}": value for name, value in same.items()}, **sent}
    page = await browser.submit("/me/choices", form)
    assert page.status_code == 422
    assert "Demo coordinator" in page.text
    assert 'id="skills_shown_to-3" name="skills_shown_to" type="radio" value="nobody" checked' in page.text
    assert (await kept(bank)).skills_shown_to == "members"
    again = {**form, "revision": before.revision + 1, "large_text": "yes", "was-large_text": "yes"}
    assert (await browser.submit("/me/choices", again)).status_code == 303
    assert ((await kept(bank)).skills_shown_to, (await kept(bank)).large_text) == ("nobody", True)


async def test_a_channel_without_an_address_says_so_beside_the_channel(bank: Bank, client: Any) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    revision = (await kept(bank)).revision
    page = await browser.submit(
        "/me/choices", {"revision": revision, "contact_route": "sms", "was-contact_route": "none"}
    )
    assert page.status_code == 422
    assert 'href="#contact_route"' in page.text


async def test_one_tap_before_signing_in_holds_after_it(bank: Bank, client: Any) -> None:
    browser = client()
    answer = await browser.post("/reading", data={"easy": "yes", "back": "/sign-in?next=/hours"})
    assert answer.headers["location"] == "/sign-in?next=/hours"
    assert 'class="tb-easy"' in (await browser.get("/sign-in")).text
    await browser.sign_in(bank.db, bank.participant)
    assert 'class="tb-easy"' in (await browser.get("/me")).text
    assert not (await kept(bank)).easy_read
    await browser.submit("/reading", {"large": "yes", "back": "/me"})
    assert ((await kept(bank)).easy_read, (await kept(bank)).large_text) == (True, True)
    await change(bank, easy_read=False)
    assert 'class=" tb-large"' in (await browser.get("/me")).text
    await browser.submit("/sign-out")
    assert "tb-large" in (await browser.get("/sign-in")).text


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "/\\evil.example", "nowhere", ""])
async def test_the_way_back_stays_on_this_site(client: Any, back: str) -> None:
    answer = await client().post("/reading", data={"easy": "yes", "back": back})
    assert answer.headers["location"] == "/"


async def test_a_box_that_is_not_ticked_is_a_no(client: Any) -> None:
    browser = client()
    await browser.post("/reading", data={"easy": "yes", "large": "yes"})
    await browser.post("/reading", data={"all": "yes", "language": "en", "large": "yes"})
    assert browser.cookies[COOKIE] == "en.large"


async def test_a_language_that_is_not_offered_is_left_out(bank: Bank, client: Any) -> None:
    browser = client()
    await browser.post("/reading", data={"language": "cy"})
    assert browser.cookies[COOKIE] == "en"
    assert "Cymraeg" not in (await browser.get("/sign-in")).text


async def test_programs_do_the_same(bank: Bank, client: Any) -> None:
    me = bank.participant.member_id or 0
    token = await create_token(
        bank.db,
        bank.participant,
        me,
        "test",
        ["members:read", "members:write"],
        now=bank.now,
        valid_for=timedelta(days=1),
    )
    program, path, headers = client(), f"/api/v1/members/{me}/choices", {"Authorization": f"Bearer {token}"}
    now = (await program.get(path, headers=headers)).json()
    assert now["easy_read"] is False
    wanted = {"revision": now["revision"], "easy_read": True, "quiet_from": 22, "quiet_until": 7}
    answer = await program.post(path, json=wanted, headers={**headers, "Idempotency-Key": key()})
    assert (answer.status_code, answer.json()["quiet_from"]) == (200, 22)
    late = await program.post(path, json=wanted | {"easy_read": False}, headers={**headers, "Idempotency-Key": key()})
    assert (late.status_code, late.json()["errors"][0]["code"]) == (422, "changed_meanwhile")


async def test_after_a_form_was_sent_reading_changes_in_a_tab_of_its_own(client: Any) -> None:
    """Or what was typed would be gone."""
    browser = client()
    assert 'action="/reading"' in (await browser.get("/check")).text
    refused = await browser.submit("/check", {"code": "no code"})
    assert refused.status_code == 422
    assert 'action="/reading"' not in refused.text
    assert re.search(r'<a href="/reading\?back=/[^"]*" target="_blank"', refused.text)
