"""The standing choice, and the pages of one's own choices."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.integration.redemptions.spending import actor, give_hours, hours
from tests.people import NOW, Bank
from timebank.kit.actor import Actor
from timebank.members import blocking, leaving, pausing, standing
from timebank.members.standing import Choose, Chosen, choose


def key() -> str:
    return uuid4().hex


async def set_choice(bank: Bank, who: Actor, choice: str, to: int | None = None, *, of: int | None = None):
    command = Choose(member_id=of or who.member_id, choice=choice, to_member_id=to)
    return await choose(bank.db, who, command, key=key(), now=NOW)


async def choices(bank: Bank, *members: int) -> dict[int, tuple[str, int | None]]:
    async with bank.db.reading(bank.id) as connection:
        return await standing.standing_choices(connection, bank.id, members)


async def told(bank: Bank, member_id: int) -> int:
    async with bank.db.reading(bank.id) as connection:
        return await connection.fetchval(
            "select count(*) from message where member_id = $1 and kind = 'standing_choice'", member_id
        )


def code_of(outcome) -> str:
    assert isinstance(outcome, list), outcome
    return outcome[0].code


async def test_a_choice_is_kept_and_the_receiver_told_once(bank: Bank) -> None:
    me, friend = bank.participant, await bank.member("Friend")
    assert await choices(bank, me.member_id) == {me.member_id: ("hours", None)}
    for _ in range(2):
        done = await set_choice(bank, me, "member", friend)
        assert done == Chosen(choice="member", to_member_id=friend)
        assert await choices(bank, me.member_id) == {me.member_id: ("member", friend)}
        await set_choice(bank, me, "pot")
        assert await choices(bank, me.member_id) == {me.member_id: ("pot", None)}
    assert await told(bank, friend) == 1


async def test_two_who_choose_each_other_go_nowhere(bank: Bank) -> None:
    one, two = actor(bank, await bank.member("One")), actor(bank, await bank.member("Two"))
    await set_choice(bank, one, "member", two.member_id)
    await set_choice(bank, two, "member", one.member_id)
    both = await choices(bank, one.member_id, two.member_id)
    assert both == {one.member_id: ("member", two.member_id), two.member_id: ("member", one.member_id)}


async def test_who_is_away_gets_nothing_and_gets_it_again_when_back(bank: Bank) -> None:
    me, friend = bank.participant, actor(bank, await bank.member("Friend"))
    await set_choice(bank, me, "member", friend.member_id)
    ask = pausing.AskPause(member_id=friend.member_id)
    await pausing.pause(bank.db, friend, ask, key=key(), now=NOW)
    assert await choices(bank, me.member_id) == {me.member_id: ("hours", None)}
    back = pausing.ComeBack(member_id=friend.member_id)
    await pausing.come_back(bank.db, friend, back, key=key(), now=NOW)
    assert await choices(bank, me.member_id) == {me.member_id: ("member", friend.member_id)}
    assert code_of(await set_choice(bank, bank.finance, "member", friend.member_id, of=me.member_id)) == "not_yours"


@pytest.mark.parametrize("is_by_receiver", [False, True], ids=["the giver", "the receiver"])
async def test_who_keeps_apart_gives_no_hours(bank: Bank, is_by_receiver: bool) -> None:
    me, other = bank.participant.member_id, await bank.member("Somebody")
    both = (other, me) if is_by_receiver else (me, other)
    await set_choice(bank, bank.participant, "member", other)
    async with bank.db.writing(bank.id) as connection:
        await blocking.block(connection, bank.id, *both, NOW)
    assert await choices(bank, me) == {me: ("hours", None)}
    await set_choice(bank, bank.participant, "hours")
    assert code_of(await set_choice(bank, bank.participant, "member", other)) == "unknown_member"
    assert code_of(await set_choice(bank, bank.coordinator, "member", other, of=me)) == "unknown_member"
    async with bank.db.writing(bank.id) as connection:
        await blocking.unblock(connection, bank.id, *both)
    await set_choice(bank, bank.participant, "member", other)
    assert await choices(bank, me) == {me: ("member", other)}


async def test_what_cannot_be_chosen(bank: Bank, other_bank: Bank) -> None:
    me = bank.participant
    assert code_of(await set_choice(bank, me, "all of it")) == "choice_unknown"
    assert code_of(await set_choice(bank, me, "member")) == "choose_a_member"
    assert code_of(await set_choice(bank, me, "pot", bank.finance.member_id)) == "choose_a_member"
    assert code_of(await set_choice(bank, me, "member", me.member_id)) == "to_yourself"
    assert code_of(await set_choice(bank, me, "member", 2**63)) == "unknown_member"
    assert code_of(await set_choice(bank, me, "member", other_bank.participant.member_id)) == "unknown_member"
    gain = await set_choice(bank, bank.coordinator, "member", bank.coordinator.member_id, of=me.member_id)
    assert code_of(gain) == "nobody_gains_for_another"
    acting = Actor(timebank_id=bank.id, member_id=bank.finance.member_id, on_behalf_of=me.member_id)
    assert isinstance(await set_choice(bank, acting, "pot", of=me.member_id), Chosen)


async def test_a_coordinator_chooses_for_a_member_who_can_read_it(bank: Bank, client) -> None:
    await set_choice(bank, bank.coordinator, "nothing", of=bank.participant.member_id)
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    assert "changed what happens to your hours" in (await browser.get("/me/looks")).text


# Pages


@pytest.fixture
async def browser(bank: Bank, client):
    mine = client()
    await mine.sign_in(bank.db, bank.participant)
    return mine


async def test_the_page_takes_a_name_or_a_number_and_keeps_what_was_typed(bank: Bank, browser) -> None:
    friend = await bank.member("Ngozi Adé")
    await bank.member("Twin")
    await bank.member("Twin")
    for typed, words in (
        ("", "Enter a name or a member number."),
        ("Nobody Like That", "We do not know this name."),
        ("Ngozi", "We do not know this name."),
        ("Twin", "Several people have this name."),
        ("Demo participant", "Choose someone else"),
    ):
        page = await browser.submit("/me/hours-choice", {"choice": "member", "to": typed})
        assert page.status_code == 422, typed
        assert words in page.text, typed
        assert f'value="{typed}"' in page.text
    done = await browser.submit("/me/hours-choice", {"choice": "member", "to": " ngozi  adé "})
    assert done.status_code == 303
    assert await choices(bank, bank.participant.member_id) == {bank.participant.member_id: ("member", friend)}
    assert 'value="Ngozi Adé"' in (await browser.get("/me/hours-choice")).text


async def test_pages_of_a_pause(bank: Bank, browser) -> None:
    fields = {"until_on-day": "31", "until_on-month": "2", "until_on-year": "2026"}
    wrong = await browser.submit("/me/pause", fields)
    assert wrong.status_code == 422
    assert 'value="31"' in wrong.text
    done = await browser.submit("/me/pause", {"until_on-day": "1", "until_on-month": "may", "until_on-year": "2026"})
    assert done.status_code == 303
    assert "You are back on Friday 1 May 2026." in (await browser.get("/me/pause")).text
    assert (await browser.submit("/me/come-back")).headers["location"] == "/me"
    assert "Take a pause" in (await browser.get("/me/pause")).text


async def test_pages_of_leaving(bank: Bank, browser, client) -> None:
    await give_hours(bank, bank.participant.member_id, 90)
    page = (await browser.get("/me/leave")).text
    for words in ("What we delete", "What stays", "1 hour 30 minutes", "community pot", "Tuesday 17 March 2026"):
        assert words in page, words
    sent = {"key": key()}
    for _ in range(2):  # a double tap
        assert (await browser.submit("/me/leave", sent)).headers["location"] == "/me/leave"
    assert "You can still stay until the end of Tuesday 17 March 2026." in (await browser.get("/me/leave")).text
    coordinator = client()
    await coordinator.sign_in(bank.db, bank.coordinator)
    assert "Demo participant" in (await coordinator.get("/members/leaving")).text
    assert (await browser.submit("/me/stay")).headers["location"] == "/me"
    assert "Nobody is leaving" in (await coordinator.get("/members/leaving")).text
    me = bank.participant.member_id
    assert (await coordinator.submit(f"/members/{me}/leave", {"kind": ""})).status_code == 422
    assert (await coordinator.submit(f"/members/{me}/leave", {"kind": "died"})).status_code == 303
    assert "Has died" in (await coordinator.get("/members/leaving")).text
    assert (await coordinator.submit(f"/members/{me}/stay")).status_code == 303
    assert (await hours(bank, me)).posted == 90
    assert (await coordinator.get("/members/999999999/leave")).status_code == 404


async def test_the_list_of_looks_goes_on_for_ever(bank: Bank, browser) -> None:
    async with bank.db.writing(bank.id) as connection:
        for n in range(60):
            await connection.execute(
                "insert into access_log (timebank_id, at, actor_id, subject_id, what) values ($1, $2, $3, $4, $5)",
                bank.id,
                NOW + timedelta(minutes=n // 3),
                bank.coordinator.member_id,
                bank.participant.member_id,
                f"look number {n:02}",
            )
    first = (await browser.get("/me/looks")).text
    older = first.split("/me/looks?before=")[1].split('"')[0]
    second = (await browser.get(f"/me/looks?before={older}")).text
    seen = [n for n in range(60) for page in (first, second) if f"look number {n:02}" in page]
    assert seen == list(range(60)), "each once"
    assert (await browser.get("/me/looks?before=nonsense")).status_code == 404


async def test_the_copy_is_a_file_that_is_not_kept(bank: Bank, browser) -> None:
    made = await browser.submit("/me/download")
    assert made.status_code == 200
    assert made.headers["content-type"] == "application/zip"
    assert made.headers["cache-control"] == "no-store"
    assert made.content[:2] == b"PK"


# Programs


async def test_programs_do_the_same(bank: Bank, client) -> None:
    from timebank.identity.service import create_token

    me = bank.participant.member_id
    token = await create_token(bank.db, bank.participant, me, "test", ["members:read", "members:write"], now=NOW)
    program = client()

    async def ask(method: str, path: str, body: object = None, member: int = me):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key()}
        return await program.request(method, f"/api/v1/members/{member}/{path}", json=body, headers=headers)

    assert (await ask("GET", "hours-choice")).json() == {"choice": "hours", "to_member_id": None}
    assert (await ask("POST", "hours-choice", {"choice": "pot"})).json()["choice"] == "pot"
    assert (await ask("POST", "hours-choice", {"choice": "x"})).status_code == 422
    assert (await ask("POST", "pause", {"until_on": "2026-05-01"})).json() == {
        "status": "paused", "why": "asked", "until_on": "2026-05-01",
    }  # fmt: skip
    assert (await ask("POST", "come-back", {})).json()["status"] == "active"
    left = await ask("POST", "leave", {})
    assert left.json()["erase_at"].startswith("2026-03-18")
    assert (await ask("POST", "stay", {})).json()["status"] == "active"
    assert (await ask("GET", "download")).content[:2] == b"PK"
    assert (await ask("GET", "checks")).status_code == 403
    other = bank.finance.member_id
    assert (await ask("GET", "hours-choice", member=other)).status_code == 403
    for path in ("pause", "leave"):
        answer = await ask("POST", path, {}, other)
        assert answer.status_code in (403, 422)
        assert answer.json()["code"] != "unknown"
    async with bank.db.reading(bank.id) as connection:
        assert await leaving.waiting(connection, bank.id) == []
