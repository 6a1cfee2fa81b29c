"""Adding members: their account, their number, once; and finding them again."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from ledger import balance
from tests.people import make_bank
from timebank.db import KeyReused
from timebank.identity.service import NotAllowed
from timebank.kit.actor import system
from timebank.members import queries, service
from timebank.members.service import Added, AddMember

JOINED = date(2026, 3, 1)


async def add(bank, name: str, *, actor=None, key: str | None = None, **more):
    command = AddMember(display_name=name, joined_on=JOINED, **more)
    return await service.add(bank.db, actor or bank.coordinator, command, key=key or uuid4().hex, now=bank.now)


async def count(bank) -> int:
    async with bank.db.reading(bank.id) as connection:
        return len(await queries.known_members(connection, bank.id))


async def test_a_member_gets_a_number_and_an_account_with_the_rules_floor(db) -> None:
    bank = await make_bank(db, member_floor_minutes=120)
    added = await add(bank, "  Siobhán   O’Neill ", email="s@example.org", contact_route="email", can_offer=" baking ")
    assert isinstance(added, Added)
    async with db.reading(bank.id) as connection:
        member = await queries.by_id(connection, bank.id, added.member_id)
        account = await balance(connection, bank.id, f"member/{added.member_id}")
        name = await connection.fetchval(
            "select name from ledger.account where book_id = $1 and code = $2", bank.id, f"member/{added.member_id}"
        )
    assert member.display_name == "Siobhán O’Neill"
    assert (member.email, member.can_offer, member.roles) == ("s@example.org", "baking", ())
    assert member.number == added.number == 6
    assert (account.posted, account.floor, account.unit) == (0, -120, "MIN")
    assert name == f"Member {added.number}"


async def test_adding_twice_with_one_key_adds_once(bank) -> None:
    before = await count(bank)
    key = uuid4().hex
    answers = await asyncio.gather(*(add(bank, "Ann Once", key=key) for _ in range(6)))
    assert len({answer.member_id for answer in answers}) == 1
    assert await count(bank) == before + 1
    with pytest.raises(KeyReused):
        await add(bank, "Ann Twice", key=key)
    assert await count(bank) == before + 1


async def test_many_at_once_get_numbers_of_their_own(bank) -> None:
    answers = await asyncio.gather(*(add(bank, f"Person {number}") for number in range(10)))
    numbers = sorted(answer.number for answer in answers)
    assert numbers == list(range(6, 16))


async def test_a_refused_member_leaves_nothing_behind(bank) -> None:
    before = await count(bank)
    refused = await add(bank, "", email="nonsense", contact_route="phone", roles=("finance",))
    assert [refusal.code for refusal in refused] == [
        "name_missing",
        "email_unreadable",
        "phone_missing",
        "roles_not_allowed",
    ]
    assert await count(bank) == before
    tomorrow = AddMember(display_name="Early", joined_on=bank.now.date() + timedelta(days=1))
    refused = await service.add(bank.db, bank.coordinator, tomorrow, key=uuid4().hex, now=bank.now)
    assert [refusal.code for refusal in refused] == ["joined_in_future"]


async def test_the_same_name_is_asked_about_and_allowed(bank) -> None:
    await add(bank, "Mary O'Brien")
    refused = await add(bank, "mary  o’brien", name_may_repeat=False)
    assert [refusal.code for refusal in refused] == ["same_name"]
    assert "“Mary O'Brien”" in refused[0].message
    assert isinstance(await add(bank, "Mary O’Brien", name_may_repeat=True), Added)
    assert isinstance(await add(bank, "Mary O’Brian", name_may_repeat=False), Added)


async def test_the_same_name_sent_twice_at_once_is_added_once(bank) -> None:
    answers = await asyncio.gather(*(add(bank, "Twin", name_may_repeat=False) for _ in range(4)))
    assert sum(isinstance(answer, Added) for answer in answers) == 1


async def test_a_name_of_another_time_bank_is_not_known_here(bank, other_bank) -> None:
    await add(other_bank, "Over There")
    assert isinstance(await add(bank, "Over There", name_may_repeat=False), Added)


@pytest.mark.parametrize("who", ["participant", "finance"])
async def test_only_coordinators_add_members(bank, who: str) -> None:
    refused = await add(bank, "Nobody", actor=getattr(bank, who))
    assert [refusal.code for refusal in refused] == ["not_allowed"]


async def test_roles_come_from_an_administrator(bank) -> None:
    chief = replace(bank.participant, roles=frozenset({"admin"}))
    added = await add(bank, "Fin", actor=chief, roles=("finance", "coordinator", "finance"))
    async with bank.db.reading(bank.id) as connection:
        member = await queries.by_id(connection, bank.id, added.member_id)
    assert member.roles == ("coordinator", "finance")
    assert member.takes_part_as == "Coordinator and Finance"


async def test_search_by_part_of_a_name_a_number_and_without_accents(bank) -> None:
    nova = await add(bank, "Hana Nováková")
    await add(bank, "100 % Sure_Name")

    async def found(wanted: str) -> list[str]:
        async with bank.db.reading(bank.id) as connection:
            page = await queries.search(connection, bank.id, wanted, after=None, limit=50)
        return [member.display_name for member in page.items]

    assert await found("NOVÁK") == ["Hana Nováková"]
    assert await found("novakova") == ["Hana Nováková"]
    assert await found(str(nova.number)) == ["Hana Nováková"]
    assert await found("100 %") == ["100 % Sure_Name"]
    assert await found("%") == ["100 % Sure_Name"]
    assert await found("e_n") == ["100 % Sure_Name"]
    assert await found("\\") == []
    assert await found("nobody of this name") == []
    assert len(await found("")) == await count(bank)


async def test_pages_follow_one_another_without_gaps(bank) -> None:
    for number in range(9):
        await add(bank, "Same Name" if number % 2 else f"Name {number}")
    seen: list[int] = []
    after = None
    async with bank.db.reading(bank.id) as connection:
        while True:
            page = await queries.search(connection, bank.id, "", after=after, limit=4)
            seen += [member.id for member in page.items]
            if page.next_cursor is None:
                break
            after = page.items[-1].id
        everybody = [member.id for member in await queries.known_members(connection, bank.id)]
    assert seen == everybody


async def test_ids_from_elsewhere_are_nobody(bank, other_bank) -> None:
    async with bank.db.reading(bank.id) as connection:
        for member_id in (other_bank.participant.member_id, 0, -1, 2**63, 10**30):
            assert await queries.by_id(connection, bank.id, member_id) is None
        wanted = [bank.participant.member_id, other_bank.participant.member_id, 10**30]
        assert await queries.names(connection, bank.id, wanted) == {bank.participant.member_id: "Demo participant"}
        assert await queries.names(connection, bank.id, []) == {}


async def test_looks_are_written_down_but_not_at_oneself(bank) -> None:
    subject = bank.participant.member_id
    await service.note_access(bank.db, bank.coordinator, subject, "looked at the record", now=bank.now)
    await service.note_access(bank.db, bank.participant, subject, "looked at the record", now=bank.now)
    await service.note_access(bank.db, system(bank.id), subject, "looked at the record", now=bank.now)
    async with bank.db.reading(bank.id) as connection:
        lines = await queries.access_lines(connection, bank.id, subject)
    assert [(line.what, line.by_whom) for line in lines] == [("looked at the record", "Demo coordinator")]


async def test_links_and_cards_are_noted_too(bank) -> None:
    subject = bank.participant.member_id
    await service.make_link(bank.db, bank.coordinator, subject, now=bank.now)
    await service.issue_card(bank.db, bank.coordinator, subject, pin="", replaces="", base_url="", now=bank.now)
    with pytest.raises(NotAllowed):
        await service.make_link(bank.db, bank.coordinator, bank.finance.member_id, now=bank.now)
    async with bank.db.reading(bank.id) as connection:
        lines = await queries.access_lines(connection, bank.id, subject)
        refused = await queries.access_lines(connection, bank.id, bank.finance.member_id)
    assert {line.what for line in lines} == {"made a link to sign in", "made a card to sign in"}
    assert refused == []


async def test_a_page_loaded_again_does_not_kill_the_printed_card(bank) -> None:
    subject = bank.participant.member_id

    async def make(replaces: str, after: timedelta, pin: str = ""):
        return await service.issue_card(
            bank.db, bank.coordinator, subject, pin=pin, replaces=replaces, base_url="", now=bank.now + after
        )

    assert not isinstance(await make("", timedelta(0)), list)
    # A double tap: the browser shows the second answer, so the second card must be the one that works.
    assert not isinstance(await make("", timedelta(seconds=2)), list)
    refused = await make("", timedelta(minutes=5))
    assert [refusal.code for refusal in refused] == ["card_changed"]
    made_at = await service.card_made_at(bank.db, bank.coordinator, subject)
    assert made_at == bank.now + timedelta(seconds=2)
    assert not isinstance(await make(service.card_mark(made_at), timedelta(minutes=6)), list)
    refused = await make("", timedelta(minutes=7), pin="1111")
    assert [refusal.code for refusal in refused] == ["pin_too_easy"]
