"""Register files from bytes to hours: kept, previewed, confirmed once."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

import ledger
from tests.people import Bank
from timebank.contributions import queries, register_file, service
from timebank.contributions.preview import NEW_GROUP, Answers
from timebank.contributions.register_file import RegisterFile
from timebank.contributions.service import (
    AddActivity,
    ConfirmedUpload,
    ConfirmUpload,
    KeptUpload,
    Previewed,
    UndoneRegister,
)
from timebank.kit import names

FILES = Path(__file__).parents[2] / "files" / "registers"
READABLE = sorted(
    path.name for path in FILES.iterdir() if isinstance(register_file.read(path.read_bytes()), RegisterFile)
)
UNREADABLE = sorted(
    path.name for path in FILES.glob("*.?sv") if not isinstance(register_file.read(path.read_bytes()), RegisterFile)
)
# The files hold days of 2026; this is after all of them and near enough to need no second person.
LATE = datetime(2026, 12, 31, 12, tzinfo=UTC)

REGISTER = "Name,Date,Time,Activity\n"


def key() -> str:
    return uuid4().hex


async def keep(bank: Bank, content: str | bytes, name: str = "register.csv") -> KeptUpload:
    data = content.encode() if isinstance(content, str) else content
    kept = await service.keep_upload(bank.db, bank.coordinator, file_name=name, content=data, now=bank.now)
    assert isinstance(kept, KeptUpload), kept
    return kept


async def look(bank: Bank, upload_id: int, answers: Answers | None = None, now: datetime | None = None) -> Previewed:
    found = await service.preview_upload(
        bank.db, bank.coordinator, upload_id, answers or Answers(), now=now or bank.now
    )
    assert isinstance(found, Previewed), found
    return found


async def confirm(
    bank: Bank, upload_id: int, answers: Answers | None = None, now: datetime | None = None
) -> ConfirmedUpload:
    command = ConfirmUpload(upload_id=upload_id, answers=answers or Answers())
    result = await service.confirm_upload(bank.db, bank.coordinator, command, key=key(), now=now or bank.now)
    assert isinstance(result, ConfirmedUpload), result
    return result


async def issued(bank: Bank) -> int:
    async with bank.db.reading(bank.id) as connection:
        return -(await ledger.balance(connection, bank.id, "issued")).posted


async def count(bank: Bank, table: str) -> int:
    async with bank.db.reading(bank.id) as connection:
        return int(await connection.fetchval(f"select count(*) from {table} where timebank_id = $1", bank.id))


async def lunch_club(bank: Bank) -> int:
    added = await service.add_activity(
        bank.db, bank.coordinator, AddActivity(name="Lunch club"), key=key(), now=bank.now
    )
    assert isinstance(added, int)
    return added


def test_there_are_files_of_both_sorts() -> None:
    assert len(READABLE) >= 10
    assert len(UNREADABLE) >= 5


@pytest.mark.parametrize("name", READABLE)
async def test_every_readable_file_becomes_hours_once(bank: Bank, name: str) -> None:
    content = (FILES / name).read_bytes()
    file = register_file.read(content)
    assert isinstance(file, RegisterFile)
    for spelling in {names.loose_key(line.name_text): line.name_text for line in file.lines if line.name_text}.values():
        await bank.member(spelling)
    group = await lunch_club(bank)
    kept = await keep(bank, content, name)
    found = await look(bank, kept.upload_id, Answers(group=group), LATE)
    answers = Answers(
        group=group,
        groups={one.key: NEW_GROUP for one in found.preview.reading.unknown_groups},
        leave_out=frozenset(line.number for line in found.preview.lines if line.state == "question" and line.asks),
    )
    found = await look(bank, kept.upload_id, answers, LATE)
    answers = Answers(
        group=group,
        groups=answers.groups,
        leave_out=answers.leave_out
        | {line.number for line in found.preview.lines if line.state == "question" and line.asks},
    )
    found = await look(bank, kept.upload_id, answers, LATE)
    assert found.preview.open_questions == []
    ready = [one.line for one in found.preview.of("ready") if one.line]
    if not ready:
        command = ConfirmUpload(upload_id=kept.upload_id, answers=answers)
        refused = await service.confirm_upload(bank.db, bank.coordinator, command, key=key(), now=LATE)
        assert isinstance(refused, list)
        assert [refusal.code for refusal in refused] == ["nothing_to_save"]
        return
    first = await confirm(bank, kept.upload_id, answers, LATE)
    assert first.is_new
    async with bank.db.reading(bank.id) as connection:
        saved = await queries.register(connection, bank.id, first.reference)
    assert saved is not None
    assert {line.line: (line.member_id, line.held_on, line.minutes) for line in saved.lines} == {
        line.number: (line.member_id, line.held_on, line.minutes) for line in ready
    }
    assert len(saved.left_out) == len(found.preview.lines) - len(ready)
    assert all(one["why"] for one in saved.left_out)
    credited = await issued(bank)
    assert credited == sum(line.minutes for line in saved.of("approved"))
    again = await confirm(bank, (await keep(bank, content, "copy-" + name)).upload_id, answers, LATE)
    assert (again.reference, again.is_new) == (first.reference, False)
    assert await issued(bank) == credited
    assert await count(bank, "register") == 1


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_file_that_cannot_be_read_is_not_kept(bank: Bank, name: str) -> None:
    content = (FILES / name).read_bytes()
    result = await service.keep_upload(bank.db, bank.coordinator, file_name=name, content=content, now=bank.now)
    assert isinstance(result, list)
    assert [refusal.field for refusal in result] == ["file"]
    assert len(result[0].message) > 20
    assert await count(bank, "register_upload") == 0


async def test_open_questions_stop_the_whole_file_and_change_nothing(bank: Bank) -> None:
    await lunch_club(bank)
    await bank.member("Amina Yusuf")
    maria, _ = await bank.member("Maria Silva"), await bank.member("Maria Silva")
    kept = await keep(
        bank, REGISTER + "Amina Yusuf,10/03/2026,1:30,Lunch club\nMaria Silva,10/03/2026,1:30,Lunch club\n"
    )
    command = ConfirmUpload(upload_id=kept.upload_id)
    refused = await service.confirm_upload(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert isinstance(refused, list)
    assert [(refusal.code, refusal.field) for refusal in refused] == [("name_doubtful", "who-3")]
    assert await count(bank, "register") == 0
    confirmed = await confirm(bank, kept.upload_id, Answers(who={3: str(maria)}))
    assert confirmed.left_out == 0
    assert await issued(bank) == 180


async def test_a_corrected_file_adds_only_what_was_missing(bank: Bank) -> None:
    await lunch_club(bank)
    for name in ("Amina Yusuf", "Tom O’Brien"):
        await bank.member(name)
    first = await keep(
        bank, REGISTER + "Amina Yusuf,10/03/2026,1:30,Lunch club\nTom O'Brien,40/03/2026,1:30,Lunch club\n"
    )
    one = await confirm(bank, first.upload_id)
    assert one.left_out == 1
    second = await keep(
        bank, REGISTER + "Amina Yusuf,10/03/2026,1:30,Lunch club\nTom O'Brien,9/03/2026,1:30,Lunch club\n"
    )
    assert second.upload_id != first.upload_id
    found = await look(bank, second.upload_id)
    assert [line.state for line in found.preview.lines] == ["recorded", "ready"]
    two = await confirm(bank, second.upload_id)
    assert two.left_out == 1
    assert await issued(bank) == 180
    async with bank.db.reading(bank.id) as connection:
        saved = await queries.register(connection, bank.id, two.reference)
    assert saved is not None
    assert list(saved.left_out) == [
        {"line": 2, "who": "Amina Yusuf", "why": f"Already recorded in register {one.reference}."}
    ]


async def test_a_new_group_is_made_with_the_register_or_not_at_all(bank: Bank) -> None:
    await bank.member("Amina Yusuf")
    kept = await keep(bank, REGISTER + "Amina Yusuf,10/03/2026,2 h,Craft table\nNobody,10/03/2026,2 h,Other table\n")
    assert await count(bank, "activity") == 0
    await confirm(bank, kept.upload_id, Answers(groups={"craft table": NEW_GROUP, "other table": NEW_GROUP}))
    async with bank.db.reading(bank.id) as connection:
        (group,) = await queries.groups(connection, bank.id)
    assert (group.name, group.default_minutes, group.last_minutes) == ("Craft table", 120, 120)


async def test_the_same_file_confirmed_by_five_at_once_is_one_register(bank: Bank) -> None:
    await lunch_club(bank)
    await bank.member("Amina Yusuf")
    kept = await keep(bank, REGISTER + "Amina Yusuf,10/03/2026,1:30,Lunch club\n")
    results = await asyncio.gather(
        *(
            service.confirm_upload(bank.db, actor, ConfirmUpload(upload_id=kept.upload_id), key=key(), now=bank.now)
            for actor in (bank.coordinator, bank.coordinator_two) * 3
        )
    )
    confirmed = [result for result in results if isinstance(result, ConfirmedUpload)]
    assert len(confirmed) == 6
    assert sum(result.is_new for result in confirmed) == 1
    assert len({result.reference for result in confirmed}) == 1
    assert await issued(bank) == 90


async def test_after_an_undo_the_file_may_be_confirmed_again(bank: Bank) -> None:
    await lunch_club(bank)
    await bank.member("Amina Yusuf")
    kept = await keep(bank, REGISTER + "Amina Yusuf,10/03/2026,1:30,Lunch club\n")
    first = await confirm(bank, kept.upload_id)
    undone = await service.undo_register(bank.db, bank.coordinator, first.reference, key=key(), now=bank.now)
    assert isinstance(undone, UndoneRegister)
    assert await issued(bank) == 0
    second = await confirm(bank, kept.upload_id)
    assert second.is_new
    assert second.reference != first.reference
    assert await issued(bank) == 90


async def test_uploads_belong_to_one_time_bank_and_to_coordinators(bank: Bank, other_bank: Bank) -> None:
    await lunch_club(other_bank)
    content = REGISTER + "Amina Yusuf,10/03/2026,1:30,Lunch club\n"
    theirs = await keep(other_bank, content)
    with pytest.raises(LookupError):
        await look(bank, theirs.upload_id)
    with pytest.raises(LookupError):
        await confirm(bank, theirs.upload_id)
    for upload_id in (0, -1, 2**63):
        with pytest.raises(LookupError):
            await confirm(bank, upload_id)
    ours = await keep(bank, content)
    assert ours.upload_id != theirs.upload_id
    for actor in (bank.participant, bank.finance):
        kept = await service.keep_upload(bank.db, actor, file_name="a.csv", content=content.encode(), now=bank.now)
        command = ConfirmUpload(upload_id=ours.upload_id)
        for result in (
            kept,
            await service.preview_upload(bank.db, actor, ours.upload_id, Answers(), now=bank.now),
            await service.confirm_upload(bank.db, actor, command, key=key(), now=bank.now),
        ):
            assert isinstance(result, list)
            assert [refusal.code for refusal in result] == ["not_allowed"]


async def test_odd_file_names_are_kept_short_and_plain(bank: Bank) -> None:
    content = REGISTER + "Amina Yusuf,10/03/2026,1:30,Lunch club\n"
    kept = await keep(bank, content, "x" * 300 + "\x00\n register \u202e.csv")
    found = await look(bank, kept.upload_id)
    assert len(found.upload.file_name) <= 200
    assert found.upload.file_name.endswith("register .csv")
    assert found.upload.content == content.encode()
