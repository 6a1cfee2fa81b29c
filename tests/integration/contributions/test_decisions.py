"""The queue of decisions: what it shows, who decides, deputies, paging, and coming back to the same place."""

import re
from collections.abc import Callable
from datetime import date, time, timedelta
from uuid import uuid4

import pytest

from tests.people import Bank, Browser
from timebank.contributions import deputies, queue, self_log, service
from timebank.contributions.deputies import Named, NameDeputy, WithdrawDeputy
from timebank.contributions.queue import in_common
from timebank.contributions.reminding import tell_deciders
from timebank.contributions.self_log import Logged, LogTime
from timebank.contributions.service import AddActivity, Decide, Decided, Line, SavedRegister, SaveRegister
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

Open = Callable[[], Browser]


async def other_member(bank: Bank, *roles: str, name: str | None = None) -> Actor:
    return Actor(timebank_id=bank.id, member_id=await bank.member(name, *roles), roles=frozenset(roles))


async def group(bank: Bank, name: str) -> int:
    added = await service.add_activity(bank.db, bank.coordinator, AddActivity(name=name), key=uuid4().hex, now=bank.now)
    assert isinstance(added, int)
    return added


async def waiting(bank: Bank, who: Actor, minutes: int = 60, words: str = "Read", day: date | None = None) -> int:
    command = LogTime(activity_id=None, held_on=day or bank.now.date(), minutes=minutes, words=words)
    logged = await self_log.log_time(bank.db, who, command, key=uuid4().hex, now=bank.now)
    assert isinstance(logged, Logged), logged
    return logged.contribution_id


async def decide(bank: Bank, who: Actor, contribution_id: int) -> Decided | list[Refusal]:
    command = Decide(contribution_id=contribution_id, approve=True)
    return await service.decide(bank.db, who, command, key=uuid4().hex, now=bank.now)


async def browser_of(client: Open, bank: Bank, who: Actor) -> Browser:
    browser = client()
    await browser.sign_in(bank.db, who)
    return browser


async def test_what_else_is_there_that_day_is_shown(client: Open, bank: Bank) -> None:
    lunch = await group(bank, "Lunch club")
    line = Line(member_id=bank.participant.member_id or 0, held_on=bank.now.date(), minutes=90, what="Washed up")
    saved = await service.save_register(
        bank.db, bank.coordinator, SaveRegister(activity_id=lunch, lines=(line,)), key=uuid4().hex, now=bank.now
    )
    assert isinstance(saved, SavedRegister)
    await waiting(bank, bank.participant, 60)
    await waiting(bank, await other_member(bank), 45)
    page = (await (await browser_of(client, bank, bank.coordinator_two)).get("/decisions")).text
    assert page.count("Also on that day") == 1
    assert saved.reference in page
    assert "Washed up" in page


async def test_one_tap_and_back_to_the_same_place(client: Open, bank: Bank) -> None:
    people = [await other_member(bank) for _ in range(queue.PAGE + 5)]
    ids = [await waiting(bank, who, 30 + n) for n, who in enumerate(people)]
    browser = await browser_of(client, bank, bank.coordinator)
    first = await browser.get("/decisions")
    assert [int(found) for found in re.findall(r'id="entry-(\d+)"', first.text)] == ids[: queue.PAGE]
    further = re.search(r'href="(/decisions\?after=[^"]+)" rel="next"', first.text)
    assert further
    second = (await browser.get(further[1])).text
    assert [int(found) for found in re.findall(r'id="entry-(\d+)"', second)] == ids[queue.PAGE :]
    after = re.search(r'name="after" value="([^"]+)"', second)
    assert after
    at = ids[queue.PAGE + 2]
    next_field = re.search(rf'action="/decisions/{at}".*?name="next" value="(\d*)"', second, re.DOTALL)
    assert next_field
    assert int(next_field[1]) == ids[queue.PAGE + 3]
    fields = {"decision": "approve", "after": after[1], "next": next_field[1], "show": "all"}
    done = await browser.submit(f"/decisions/{at}", fields)
    assert done.status_code == 303, done.text
    assert done.headers["location"] == f"{further[1]}#entry-{next_field[1]}"
    again = (await browser.get(done.headers["location"])).text
    assert f'id="entry-{at}"' not in again
    assert [int(found) for found in re.findall(r'id="entry-(\d+)"', again)] == [
        one for one in ids[queue.PAGE :] if one != at
    ]


async def test_filters(client: Open, bank: Bank) -> None:
    mine = await waiting(bank, bank.coordinator)
    lunch = await group(bank, "Lunch club")
    line = Line(member_id=bank.participant.member_id or 0, held_on=bank.now.date(), minutes=600)
    await service.save_register(
        bank.db, bank.coordinator_two, SaveRegister(activity_id=lunch, lines=(line,)), key=uuid4().hex, now=bank.now
    )
    browser = await browser_of(client, bank, bank.coordinator)
    everything = (await browser.get("/decisions")).text
    other = next(int(one) for one in re.findall(r'id="entry-(\d+)"', everything) if int(one) != mine)
    for query, shown in (
        ("", {mine, other}),
        ("?show=mine", {other}),
        ("?show=self", {mine}),
        (f"?group={lunch}", {other}),
        (f"?group={lunch}&show=self", set()),
        ("?group=99999999999999999999999&show=nonsense", {mine, other}),
    ):
        page = (await browser.get(f"/decisions{query}")).text
        assert {int(one) for one in re.findall(r'id="entry-(\d+)"', page)} == shown, query
    assert (await browser.get("/decisions?after=nonsense")).status_code == 404


async def test_a_ready_sentence_is_what_the_member_reads(client: Open, bank: Bank) -> None:
    one = await waiting(bank, bank.participant)
    browser = await browser_of(client, bank, bank.coordinator)
    empty = await browser.submit(f"/decisions/{one}", {"decision": "decline"})
    assert empty.status_code == 422
    assert f'href="#reason-{one}"' in empty.text
    done = await browser.submit(f"/decisions/{one}", {"decision": "decline", "ready": "0"})
    assert done.status_code == 303
    own = await browser_of(client, bank, bank.participant)
    page = (await own.get(f"/log/{one}")).text
    assert "Please tell us a little more about what you did." in page
    assert "Send it again" in page
    assert "Please tell us a little more" in (await own.get("/log/mine")).text
    again = (await own.get(f"/log?again={one}")).text
    assert ">Read</textarea>" in again or "\nRead</textarea>" in again


async def test_nobody_decides_about_their_own(client: Open, bank: Bank) -> None:
    approver = await other_member(bank, "approver")
    one = await waiting(bank, approver)
    refused = await decide(bank, approver, one)
    assert isinstance(refused, list)
    assert refused[0].code == "own_hour"
    page = (await (await browser_of(client, bank, approver)).get("/decisions")).text
    assert "This is your own time" in page
    assert "Demo coordinator" in page, "who can decide is named"


async def test_the_page_says_so_when_nobody_else_can(client: Open, bank: Bank) -> None:
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "delete from member_role where timebank_id = $1 and member_id = $2", bank.id, bank.coordinator_two.member_id
        )
    await waiting(bank, bank.coordinator)
    browser = await browser_of(client, bank, bank.coordinator)
    assert "Nobody else here can." in (await browser.get("/decisions")).text
    deputy = await other_member(bank)
    await named(bank, bank.coordinator, deputy)
    assert "Nobody else here can." not in (await browser.get("/decisions")).text


async def named(bank: Bank, who: Actor, deputy: Actor, days: tuple[int, int] = (0, 7)) -> Named:
    command = NameDeputy(
        deputy_id=deputy.member_id or 0,
        starts_on=bank.now.date() + timedelta(days=days[0]),
        ends_on=bank.now.date() + timedelta(days=days[1]),
    )
    result = await deputies.name_deputy(bank.db, who, command, key=uuid4().hex, now=bank.now)
    assert isinstance(result, Named), result
    return result


async def test_a_deputy_decides_on_their_days_and_not_otherwise(client: Open, bank: Bank) -> None:
    deputy, late = await other_member(bank), await other_member(bank)
    theirs = await named(bank, bank.coordinator, deputy)
    await named(bank, bank.coordinator, late, (1, 7))
    one, own = await waiting(bank, bank.participant), await waiting(bank, deputy)
    for who, status in ((deputy, 200), (late, 403), (bank.participant, 403)):
        browser = await browser_of(client, bank, who)
        assert (await browser.get("/decisions")).status_code == status
        posted = await browser.submit(f"/decisions/{own}", {"decision": "approve"})
        assert posted.status_code == (422 if status == 200 else status)
        assert (await browser.get("/decisions/deputies")).status_code == 403, "a deputy names nobody"
    assert isinstance(await decide(bank, deputy, one), Decided)
    ended = await deputies.withdraw_deputy(
        bank.db, bank.coordinator, WithdrawDeputy(id=theirs.id), key=uuid4().hex, now=bank.now
    )
    assert isinstance(ended, Named)
    refused = await decide(bank, deputy, await waiting(bank, bank.participant, 61))
    assert isinstance(refused, list)
    assert refused[0].code == "not_allowed"


async def test_a_deputy_of_somebody_who_lost_the_role_decides_nothing(bank: Bank) -> None:
    approver, deputy = await other_member(bank, "approver"), await other_member(bank)
    await named(bank, approver, deputy)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("delete from member_role where member_id = $1", approver.member_id)
    refused = await decide(bank, deputy, await waiting(bank, bank.participant))
    assert isinstance(refused, list)
    assert refused[0].code == "not_allowed"


@pytest.mark.parametrize(
    ("who", "deputy", "days", "code"),
    [
        ("participant", "other", (0, 1), "not_allowed"),
        ("coordinator", "coordinator", (0, 1), "yourself"),
        ("coordinator", "other", (1, 0), "ends_before_it_starts"),
        ("coordinator", "other", (-9, -1), "date_in_the_past"),
        ("coordinator", "other", (0, 366), "too_many_days"),
        ("coordinator", "nobody", (0, 1), "unknown_member"),
    ],
)
async def test_who_can_be_a_deputy(bank: Bank, who: str, deputy: str, days: tuple[int, int], code: str) -> None:
    ids = {"other": await bank.member(), "nobody": 2**62, "coordinator": bank.coordinator.member_id or 0}
    command = NameDeputy(
        deputy_id=ids[deputy],
        starts_on=bank.now.date() + timedelta(days=days[0]),
        ends_on=bank.now.date() + timedelta(days=days[1]),
    )
    actor = {"participant": bank.participant, "coordinator": bank.coordinator}[who]
    result = await deputies.name_deputy(bank.db, actor, command, key=uuid4().hex, now=bank.now)
    assert isinstance(result, list)
    assert [one.code for one in result] == [code]


async def test_approvers_and_deputies_hear_once_a_day_what_is_new(bank: Bank) -> None:
    approver, deputy = await other_member(bank, "approver"), await other_member(bank)
    await named(bank, bank.coordinator, deputy, (0, 30))

    async def told(who: Actor) -> int:
        async with bank.db.reading(bank.id) as connection:
            return int(
                await connection.fetchval(
                    "select count(*) from message where member_id = $1 and kind = 'decisions_waiting'", who.member_id
                )
            )

    await waiting(bank, approver)
    for hours, expected in ((0, (0, 1)), (1, (0, 1)), (30, (0, 1))):
        await tell_deciders(bank.db, bank.id, bank.now + timedelta(hours=hours))
        assert (await told(approver), await told(deputy)) == expected, hours
    await waiting(bank, bank.participant)
    await tell_deciders(bank.db, bank.id, bank.now + timedelta(hours=2))
    assert (await told(approver), await told(deputy)) == (1, 1)
    assert await told(bank.coordinator) == 0


async def test_naming_a_deputy_over_the_page(client: Open, bank: Bank) -> None:
    await bank.member("Trusted Trustee")
    browser = await browser_of(client, bank, bank.coordinator)
    days = {"starts-day": "10", "starts-month": "3", "starts-year": "2026", "ends-day": "20", "ends-month": "3"}
    wrong = await browser.submit("/decisions/deputies", {**days, "deputy": "Nobody Known"})
    assert wrong.status_code == 422
    for field in ("deputy", "ends"):
        assert f'href="#{field}"' in wrong.text
    assert "Nobody Known" in wrong.text
    done = await browser.submit("/decisions/deputies", {**days, "ends-year": "2026", "deputy": "trusted trustee"})
    assert done.status_code == 303
    page = (await browser.get("/decisions/deputies")).text
    assert "Tuesday 10 March 2026 to Friday 20 March 2026" in page
    other = await browser_of(client, bank, bank.coordinator_two)
    end = re.search(r'action="(/decisions/deputies/\d+/end)"', page)
    assert end
    assert (await other.submit(end[1])).status_code == 404, "only whoever named them ends it"
    assert (await browser.submit(end[1])).status_code == 303
    assert "Friday 20 March 2026" not in (await browser.get("/decisions/deputies")).text


def test_what_two_entries_have_in_common() -> None:
    nine, ten, half = time(9), time(10), time(9, 30)
    assert in_common((1, 60, None), (1, 60, None)) == "same"
    assert in_common((1, 60, None), (1, 60, nine)) == "same"
    assert in_common((1, 60, nine), (1, 60, nine)) == "same"
    assert in_common((1, 60, None), (2, 60, None)) == "same day"
    assert in_common((1, 60, nine), (1, 60, ten)) == "same day"
    assert in_common((1, 60, nine), (2, 30, half)) == "overlaps"
    assert in_common((2, 30, half), (1, 60, nine)) == "overlaps"
    assert in_common((1, 61, nine), (2, 30, ten)) == "overlaps"
