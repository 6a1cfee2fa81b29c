"""Adding many members: 460 of 500 lines, once, with the other 40 to put right; by page and by program."""

import asyncio
import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest

from timebank.identity.service import create_token
from timebank.members import many, queries
from timebank.members.many import Answers, ConfirmMany

LINES, BAD = 500, 40


def key() -> str:
    return uuid4().hex


def five_hundred() -> bytes:
    lines = ["Name;E-mail;Phone"]
    for number in range(LINES):
        address = "nonsense" if number % 12 == 0 and number // 12 < BAD else f"m{number}@example.org"
        lines.append(f"Person {number} Ö;{address};01632 {number:06}")
    return "\r\n".join(lines).encode("cp1252")


async def count(bank) -> int:
    async with bank.db.reading(bank.id) as connection:
        return len(await queries.known_members(connection, bank.id))


async def keep(bank, content: bytes, actor=None) -> int:
    kept = await many.keep(bank.db, actor or bank.coordinator, file_name="m.csv", content=content, now=bank.now)
    assert isinstance(kept, int), kept
    return kept


async def confirm(bank, upload_id: int, answers: Answers | None = None, *, actor=None, with_key=None):
    command = ConfirmMany(upload_id=upload_id, answers=answers or Answers())
    return await many.confirm(bank.db, actor or bank.coordinator, command, key=with_key or key(), now=bank.now)


async def preview(bank, upload_id: int, answers: Answers | None = None):
    found = await many.preview(bank.db, bank.coordinator, upload_id, answers or Answers(), now=bank.now)
    assert not isinstance(found, list), found
    return found


async def test_460_good_lines_are_added_and_40_bad_ones_wait(bank) -> None:
    before = await count(bank)
    upload_id = await keep(bank, five_hundred())
    assert await count(bank) == before
    _, shown = await preview(bank, upload_id)
    assert (len(shown.of("ready")), len(shown.of("refused"))) == (LINES - BAD, BAD)
    done = await confirm(bank, upload_id)
    assert (done.added, done.left_out, done.is_new) == (LINES - BAD, BAD, True)
    assert await count(bank) == before + LINES - BAD
    upload, none = await preview(bank, upload_id)
    assert none is None
    assert upload.content == b""
    text = many.left_out_csv(upload.headings, upload.left_out)
    assert text.count("nonsense") == BAD
    assert text.startswith("\ufeffWhy it was not added,Name,E-mail,Phone\r\n")

    # The same file again, by anybody, and the forty put right.
    assert await keep(bank, five_hundred(), bank.coordinator_two) == upload_id
    again = await confirm(bank, upload_id, actor=bank.coordinator_two)
    assert (again.is_new, again.added) == (False, LINES - BAD)
    right = await keep(bank, text.replace("nonsense", "").encode())
    assert (await confirm(bank, right)).added == BAD
    assert await count(bank) == before + LINES

    # The whole list once more, saved a little differently: everybody is there already.
    other = await keep(bank, five_hundred().replace(b"nonsense", b"") + b"\r\n")
    _, shown = await preview(bank, other)
    assert len(shown.of("there")) == LINES
    refused = await confirm(bank, other)
    assert [refusal.code for refusal in refused] == ["nothing_to_add"]
    assert await count(bank) == before + LINES


async def test_everybody_gets_a_number_and_an_account(bank) -> None:
    upload_id = await keep(bank, b"Name,Joined\nZed,1/2/2025\nAnn,\n")
    await confirm(bank, upload_id)
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select m.number, m.display_name, m.joined_on, a.name from member m"
            " join ledger.account a on a.book_id = m.timebank_id and a.code = 'member/' || m.id"
            " where m.timebank_id = $1 and m.upload_id = $2 order by m.number",
            bank.id,
            upload_id,
        )
    assert [tuple(row.values()) for row in rows] == [
        (6, "Zed", bank.now.date().replace(year=2025, month=2, day=1), "Member 6"),
        (7, "Ann", bank.now.date(), "Member 7"),
    ]


async def test_the_same_list_confirmed_by_many_at_once_is_added_once(bank) -> None:
    before = await count(bank)
    upload_id = await keep(bank, b"Name\nAnn\nBo\n")
    once = key()
    done = await asyncio.gather(
        *(
            confirm(bank, upload_id, actor=actor)
            for actor in (bank.coordinator, bank.coordinator_two)
            for _ in range(3)
        ),
        confirm(bank, upload_id, with_key=once),
        confirm(bank, upload_id, with_key=once),
    )
    assert sum(one.is_new for one in done) in (1, 2)  # the two with one key give one answer
    assert await count(bank) == before + 2


async def test_a_name_that_is_there_waits_for_an_answer(bank) -> None:
    before = await count(bank)
    upload_id = await keep(bank, b"Name\nDemo participant\nNew Person\n")
    done = await confirm(bank, upload_id)
    assert (done.added, done.left_out) == (1, 1)
    upload_id = await keep(bank, b"Name\nDemo participant\n")
    assert (await confirm(bank, upload_id, Answers(same={2: "new"}))).added == 1
    assert await count(bank) == before + 2


@pytest.mark.parametrize("who", ["participant", "finance"])
async def test_only_coordinators_add_lists(bank, who: str) -> None:
    refused = await many.keep(bank.db, getattr(bank, who), file_name="", content=b"Ann", now=bank.now)
    assert [refusal.code for refusal in refused] == ["not_allowed"]


async def test_a_list_of_another_time_bank_is_not_there(bank, other_bank) -> None:
    upload_id = await keep(other_bank, b"Name\nAnn\n")
    for nobody in (upload_id, 0, 2**63):
        with pytest.raises(LookupError):
            await confirm(bank, nobody)
        assert not await many.drop(bank.db, bank.coordinator, nobody)
    assert await many.drop(other_bank.db, other_bank.coordinator, upload_id)
    assert not await many.drop(other_bank.db, other_bank.coordinator, upload_id)


async def test_lists_are_not_kept_longer_than_they_are_needed(bank) -> None:
    waiting, done = await keep(bank, b"Name\nAnn\n"), await keep(bank, b"Name,E-mail\nBo,\nCy,nonsense\n")
    await confirm(bank, done)
    await many.forget_lists(bank.db, bank.id, bank.now + timedelta(days=30))
    assert len((await preview(bank, waiting))[1].lines) == 1
    await many.forget_lists(bank.db, bank.id, bank.now + timedelta(days=31))
    with pytest.raises(LookupError):
        await preview(bank, waiting)
    assert len((await preview(bank, done))[0].left_out) == 1
    await many.forget_lists(bank.db, bank.id, bank.now + timedelta(days=91))
    assert (await preview(bank, done))[0].left_out == ()
    assert (await preview(bank, done))[0].added == 1


# Pages --------------------------------------------------------------------------------------------------------------


async def browser_of(client, bank, actor=None):
    browser = client()
    await browser.sign_in(bank.db, actor or bank.coordinator)
    return browser


async def test_the_pages_from_pasting_to_the_left_out_lines(bank, client) -> None:
    browser = await browser_of(client, bank)
    assert (await browser.submit("/members/many")).status_code == 422
    pasted = "Navn\tPost\r\nAnn <b>\tann@example.org\r\nBo\tnonsense\r\nDemo participant\t"
    answer = await browser.submit("/members/many", {"pasted": pasted})
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    page = unescape((await browser.get(path)).text)
    assert "We did not find headings that we know" in page
    assert page.count('<option value="email" selected>') == 1
    told = {"column-0": "name", "column-1": "email", "headings": "yes", "again": "yes"}
    page = unescape((await browser.submit(path, told)).text)
    assert "We did not find headings" not in page
    assert "Is this another person?" in page
    assert 'name="same-4"' in page
    assert "Add 1 member" in page
    assert "<b>" not in page.replace("Ann <b>", "")
    before = await count(bank)
    rows = (await browser.get(f"{path}/left-out.csv")).text
    assert "nonsense" in rows
    answer = await browser.submit(path, {**{k: v for k, v in told.items() if k != "again"}, "same-4": "same"})
    assert answer.status_code == 303, answer.text
    assert await count(bank) == before + 1
    page = (await browser.get(path)).text
    assert "1 member was added" in page
    rows = (await browser.get(f"{path}/left-out.csv")).text.splitlines()
    assert rows[0] == "\ufeffWhy it was not added,Navn,Post"
    assert rows[1].endswith("Bo,nonsense")
    assert len(rows) == 2
    again = await browser.submit("/members/many", {"pasted": pasted})
    assert again.headers["location"] == path


async def test_a_file_that_is_none_is_explained_beside_its_field(bank, client) -> None:
    browser = await browser_of(client, bank)
    answer = await browser.submit("/members/many", files={"file": ("m.xlsx", b"PK\x03\x04 broken")})
    assert answer.status_code == 422
    assert "This workbook cannot be read" in answer.text
    assert 'id="file-error"' in answer.text


async def test_a_list_is_thrown_away(bank, client) -> None:
    browser = await browser_of(client, bank)
    path = (await browser.submit("/members/many", {"pasted": "Ann\nBo"})).headers["location"]
    assert (await browser.submit(f"{path}/drop")).status_code == 303
    assert (await browser.get(path)).status_code == 404


async def test_programs_add_a_list(bank, client) -> None:
    scopes = ("members:read", "members:write")
    token = await create_token(bank.db, bank.coordinator, bank.coordinator.member_id, "Robot", scopes, now=bank.now)
    program = client()

    async def post(path: str, body: dict, with_key: str | None = None):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": with_key or key()}
        return await program.post(f"/api/v1{path}", json=body, headers=headers)

    kept = await post("/member-lists", {"text": "Name,E-mail\nAnn,a@b.org\nBo,x\nDemo participant,\n"})
    assert kept.status_code == 201, kept.text
    path = f"/member-lists/{kept.json()['id']}"
    shown = await program.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
    assert [line["state"] for line in shown.json()["lines"]] == ["ready", "refused", "question"]
    assert (await post(f"{path}/confirm", {"same": {"x": "new"}})).status_code == 422
    assert (await post(f"{path}/confirm", {"surprise": 1})).status_code == 400
    once = key()
    for _ in range(2):
        done = await post(f"{path}/confirm", {"same": {"4": "new"}}, once)
        assert done.json() == {"is_new": True, "added": 2, "there_before": 0, "left_out": 1}
    assert (await post(f"{path}/confirm", {})).json()["is_new"] is False
    assert re.fullmatch(r"\{.*\}", shown.text)
