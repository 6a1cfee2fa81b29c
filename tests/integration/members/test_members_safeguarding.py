"""Who leads safeguarding, younger members, checks: written by some, read by few."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from tests.integration.redemptions.spending import actor, book, give_hours, offer
from tests.people import NOW, Bank
from timebank.identity.service import NotAllowed, create_link, issue_card
from timebank.kit.actor import Actor, system
from timebank.members import checks, guardians, pausing, safeguarding
from timebank.members.checks import AddCheck, EndCheck, add_check, end_check
from timebank.members.guardians import RecordAge, RecordConsent, WithdrawConsent
from timebank.members.safeguarding import NamePerson, Recorded, is_of_age, name_person

TODAY = NOW.date()
CHILD_BORN = date(2010, 5, 1)


def key() -> str:
    return uuid4().hex


def code_of(outcome) -> str:
    assert isinstance(outcome, list), outcome
    return outcome[0].code


async def name(bank: Bank, who: Actor, member_id: int, part: str):
    return await name_person(bank.db, who, NamePerson(member_id=member_id, part=part), key=key(), now=NOW)


@pytest.fixture
async def lead(bank: Bank) -> Actor:
    led_by = actor(bank, await bank.member("Lina Lead"))
    assert isinstance(await name(bank, system(bank.id), led_by.member_id, "lead"), Recorded)
    return led_by


async def messages_to(bank: Bank, member_id: int) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch("select subject || ' ' || body as t from message where member_id = $1", member_id)
    return [row["t"] for row in rows]


async def may_see(bank: Bank, who: Actor) -> bool:
    async with bank.db.reading(bank.id) as connection:
        return await safeguarding.may_see(connection, who)


async def test_nobody_names_themselves_and_both_are_told(bank: Bank, lead: Actor) -> None:
    admin = actor(bank, await bank.member("Admin", "admin"), "admin")
    assert code_of(await name(bank, admin, admin.member_id, "deputy")) == "not_yourself"
    assert code_of(await name(bank, bank.coordinator, bank.participant.member_id, "deputy")) == "not_allowed"
    assert isinstance(await name(bank, admin, bank.participant.member_id, "deputy"), Recorded)
    assert any("deputy" in text for text in await messages_to(bank, bank.participant.member_id))
    assert any("Demo participant is now deputy" in text for text in await messages_to(bank, lead.member_id))
    assert await may_see(bank, bank.participant)
    assert not await may_see(bank, admin)
    assert not await may_see(bank, bank.coordinator)


async def test_no_role_makes_a_way_to_sign_in_as_a_reader(bank: Bank, lead: Actor, client) -> None:
    admin = actor(
        bank, await bank.member("Admin", "admin", "finance", "coordinator"), "admin", "finance", "coordinator"
    )
    before = await create_link(bank.db, admin, bank.participant.member_id, now=NOW)
    for who in (admin, bank.coordinator):
        for make in (create_link, issue_card):
            with pytest.raises(NotAllowed):
                await make(bank.db, who, lead.member_id, now=NOW)
    assert isinstance(await name(bank, lead, bank.participant.member_id, "deputy"), Recorded)
    assert (await client().post(before, data={})).status_code != 303, "what was made before opens nothing either"
    # A coordinator who reads the same may help them in.
    await name(bank, lead, bank.coordinator.member_id, "deputy")
    assert await create_link(bank.db, bank.coordinator, bank.participant.member_id, now=NOW)


async def test_there_is_one_lead_and_the_one_before_is_a_deputy(bank: Bank, lead: Actor) -> None:
    assert isinstance(await name(bank, lead, bank.participant.member_id, "lead"), Recorded)
    async with bank.db.reading(bank.id) as connection:
        people = await safeguarding.people(connection, bank.id)
        assert await safeguarding.lead(connection, bank.id) == bank.participant.member_id
    assert [(each.display_name, each.part) for each in people] == [
        ("Demo participant", "lead"),
        ("Lina Lead", "deputy"),
    ]
    assert code_of(await name(bank, bank.participant, bank.participant.member_id, "")) == "lead_needed"


async def test_a_younger_member_waits_for_a_guardian(bank: Bank, lead: Actor) -> None:
    child = actor(bank, await bank.member("Child"))
    await give_hours(bank, child.member_id, 60)
    thing = await offer(bank)
    command = RecordAge(member_id=child.member_id, born_on=CHILD_BORN)
    await guardians.record_age(bank.db, bank.coordinator, command, key=key(), now=NOW)
    async with bank.db.reading(bank.id) as connection:
        refusal = await safeguarding.may_take_part(connection, bank.id, child.member_id, TODAY)
        there = await pausing.status_of(connection, bank.id, child.member_id)
    assert refusal is not None
    assert refusal.code == "guardian_consent_missing"
    assert there == pausing.Status(status="paused", why="consent")
    assert isinstance(await book(bank, thing, child), list)
    back = pausing.ComeBack(member_id=child.member_id)
    assert code_of(await pausing.come_back(bank.db, child, back, key=key(), now=NOW)) == "paused_for_another_reason"
    consent = RecordConsent(
        member_id=child.member_id, guardian_name="Pat", guardian_contact="01632 960 005", how="phone", given_on=TODAY
    )
    assert isinstance(await guardians.record_consent(bank.db, bank.coordinator, consent, key=key(), now=NOW), Recorded)
    assert not isinstance(await book(bank, thing, child), list)
    withdrawn = WithdrawConsent(member_id=child.member_id)
    await guardians.withdraw_consent(bank.db, bank.coordinator, withdrawn, key=key(), now=NOW)
    async with bank.db.reading(bank.id) as connection:
        assert (await pausing.status_of(connection, bank.id, child.member_id)).why == "consent"


async def test_who_comes_of_age_is_free_and_the_day_of_birth_goes(bank: Bank) -> None:
    child = await bank.member("Child")
    command = RecordAge(member_id=child, born_on=CHILD_BORN)
    await guardians.record_age(bank.db, bank.coordinator, command, key=key(), now=NOW)
    consent = RecordConsent(
        member_id=child, guardian_name="Pat", guardian_contact="01632 960 005", how="phone", given_on=TODAY
    )
    await guardians.record_consent(bank.db, bank.coordinator, consent, key=key(), now=NOW)
    await guardians.withdraw_consent(bank.db, bank.coordinator, WithdrawConsent(member_id=child), key=key(), now=NOW)
    day_before = NOW.replace(year=2028, month=4, day=29)
    await checks.keep_watch(bank.db, bank.id, day_before)
    async with bank.db.reading(bank.id) as connection:
        assert (await pausing.status_of(connection, bank.id, child)).status == "paused"
    await checks.keep_watch(bank.db, bank.id, NOW.replace(year=2028, month=5, day=1))
    async with bank.db.reading(bank.id) as connection:
        assert (await pausing.status_of(connection, bank.id, child)).status == "active"
        age = await guardians.age_of(connection, bank.id, child)
        kept = await connection.fetchval("select count(*) from guardian_consent where member_id = $1", child)
    assert age == guardians.Age(is_recorded=True)
    assert kept == 0, "nor who the guardian was"


async def test_the_day_of_birth_of_an_adult_is_not_kept(bank: Bank) -> None:
    command = RecordAge(member_id=bank.participant.member_id, born_on=date(1980, 1, 1))
    await guardians.record_age(bank.db, bank.coordinator, command, key=key(), now=NOW)
    async with bank.db.reading(bank.id) as connection:
        assert (await guardians.age_of(connection, bank.id, bank.participant.member_id)).born_on is None


@pytest.mark.parametrize(
    ("born", "on", "expected"),
    [
        (date(2008, 3, 10), date(2026, 3, 9), False),
        (date(2008, 3, 10), date(2026, 3, 10), True),
        (date(2008, 2, 29), date(2026, 2, 28), False),
        (date(2008, 2, 29), date(2026, 3, 1), True),
    ],
)
def test_birthdays(born: date, on: date, expected: bool) -> None:
    assert is_of_age(born, 18, on) is expected


async def test_a_check_counts_on_its_days_only(bank: Bank, lead: Actor) -> None:
    me = bank.participant.member_id
    command = AddCheck(member_id=me, kind="criminal_record", number="X-1", issued_on=TODAY)
    made = await add_check(bank.db, lead, command, key=key(), now=NOW)
    assert isinstance(made, Recorded), made

    async def counts(on: date, kind: str = "criminal_record") -> bool:
        async with bank.db.reading(bank.id) as connection:
            return await safeguarding.has_valid_check(connection, bank.id, me, kind, on)

    assert await counts(TODAY)
    assert await counts(date(2029, 3, 10)), "36 months by the rules"
    assert not await counts(date(2029, 3, 11))
    assert not await counts(TODAY - timedelta(days=1))
    assert not await counts(TODAY, "reference")
    await end_check(bank.db, lead, EndCheck(member_id=me, check_id=made.id), key=key(), now=NOW)
    assert not await counts(TODAY)


async def test_only_lead_and_deputies_write_checks(bank: Bank, lead: Actor) -> None:
    command = AddCheck(member_id=bank.participant.member_id, kind="reference", issued_on=TODAY)
    for who in (bank.coordinator, bank.finance, bank.participant):
        assert code_of(await add_check(bank.db, who, command, key=key(), now=NOW)) == "not_allowed"
    own = AddCheck(member_id=lead.member_id, kind="reference", issued_on=TODAY)
    assert code_of(await add_check(bank.db, lead, own, key=key(), now=NOW)) == "not_yourself"


async def test_the_lead_is_warned_once_and_the_message_names_nobody(bank: Bank, lead: Actor) -> None:
    command = AddCheck(
        member_id=bank.participant.member_id, kind="reference", issued_on=date(2025, 1, 1), expires_on=date(2026, 4, 1)
    )
    await add_check(bank.db, lead, command, key=key(), now=NOW)
    for _ in range(3):
        assert await checks.keep_watch(bank.db, bank.id, NOW) == 1
    warnings = [text for text in await messages_to(bank, lead.member_id) if "check ends" in text]
    assert len(warnings) == 1
    assert "Demo participant" not in warnings[0]
    newer = AddCheck(member_id=bank.participant.member_id, kind="reference", issued_on=TODAY)
    await add_check(bank.db, lead, newer, key=key(), now=NOW)
    assert await checks.keep_watch(bank.db, bank.id, NOW) == 0, "a newer one replaces it"


async def test_pages_show_checks_to_few_and_note_the_look(bank: Bank, lead: Actor, client) -> None:
    me = bank.participant.member_id
    command = AddCheck(member_id=me, kind="criminal_record", number="SECRET-77", issued_on=TODAY)
    await add_check(bank.db, lead, command, key=key(), now=NOW)
    coordinator, few = client(), client()
    await coordinator.sign_in(bank.db, bank.coordinator)
    await few.sign_in(bank.db, lead)
    address = f"/safeguarding/members/{me}"
    assert (await coordinator.get(address)).status_code == 403
    assert "SECRET-77" not in (await coordinator.get(f"/members/{me}")).text
    assert "SECRET-77" in (await few.get(address)).text
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    looks = (await browser.get("/me/looks")).text
    assert "looked at your checks" in looks
    assert "Lina Lead" in looks


async def test_forms_of_age_keep_what_was_typed(bank: Bank, client) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    me = bank.participant.member_id
    wrong = await browser.submit(
        f"/members/{me}/age", {"age": "younger", "born_on-day": "31", "born_on-month": "2", "born_on-year": "2012"}
    )
    assert wrong.status_code == 422
    assert 'value="31"' in wrong.text
    done = await browser.submit(
        f"/members/{me}/age", {"age": "younger", "born_on-day": "3", "born_on-month": "2", "born_on-year": "2012"}
    )
    assert done.status_code == 303
    page = await browser.get(f"/members/{me}/age")
    assert "A parent or guardian has to agree first" in page.text
    assert "2012" not in page.text, "who wrote it down need not read it"
