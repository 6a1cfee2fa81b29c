"""Tell someone else: who reads it, who never does, and what is kept of who told it."""

import logging
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from tests.integration.redemptions.spending import actor
from tests.people import NOW, Bank
from timebank.confidence import queries, rules, service
from timebank.confidence.service import TakeStep, TellSomeone, Told, tell
from timebank.kit.actor import Actor, system
from timebank.kit.ids import sha256
from timebank.members.safeguarding import NamePerson, Recorded, name_person

SECRET = "Zebrafinch took my purse"


def key() -> str:
    return uuid4().hex


async def name(bank: Bank, display_name: str, part: str, *roles: str) -> Actor:
    who = actor(bank, await bank.member(display_name, *roles), *roles)
    naming = NamePerson(member_id=who.member_id, part=part)
    assert isinstance(await name_person(bank.db, system(bank.id), naming, key=key(), now=NOW), Recorded)
    return who


@pytest.fixture
async def people(bank: Bank) -> dict[str, Actor]:
    return {
        "lead": await name(bank, "Ruth Goldberg", "lead"),
        "deputy": await name(bank, "Samir Haddad", "deputy"),
        "independent": await name(bank, "Inge Olsen", "independent"),
    }


async def told(bank: Bank, who: Actor | None = None, **more: object) -> Told:
    network = str(more.pop("network", "192.0.2.7"))
    made = await tell(
        bank.db,
        who or Actor(timebank_id=bank.id, member_id=None),
        TellSomeone(**{"happened": SECRET, **more}),  # type: ignore[arg-type]
        network=network,
        key=key(),
        now=NOW,
    )
    assert isinstance(made, Told), made
    return made


async def reads(bank: Bank, who: Actor, reference: str) -> bool:
    async with bank.db.reading(bank.id) as connection:
        listed = {each.reference for each in await queries.reports(connection, who)}
        found = await queries.report(connection, who, reference)
    assert (found is not None) == (reference in listed)
    return found is not None


async def test_it_reaches_the_readers_and_nobody_else(bank: Bank, people) -> None:
    made = await told(bank)
    for who in people.values():
        assert await reads(bank, who, made.reference)
    admin = actor(
        bank, await bank.member("Admin", "admin", "finance", "coordinator"), "admin", "finance", "coordinator"
    )
    for who in (admin, bank.coordinator, bank.finance, bank.participant, system(bank.id)):
        assert not await reads(bank, who, made.reference)
    acting = Actor(timebank_id=bank.id, member_id=people["lead"].member_id, on_behalf_of=bank.participant.member_id)
    assert not await reads(bank, acting, made.reference), "not while acting for somebody"
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select member_id, body, subject, is_urgent from message where kind = 'confidence'"
        )
    assert {row["member_id"] for row in rows} == {who.member_id for who in people.values()}
    assert all(row["is_urgent"] and SECRET not in row["body"] + row["subject"] for row in rows)


async def test_raw_ids_open_nothing(bank: Bank, people, client) -> None:
    made = await told(bank)
    for who in (actor(bank, await bank.member("Admin", "admin"), "admin"), bank.coordinator, bank.participant):
        browser = client()
        await browser.sign_in(bank.db, who)
        for path in ("/confidence", f"/confidence/{made.reference}"):
            page = await browser.get(path)
            assert page.status_code == 403
            assert SECRET not in page.text
        step = await browser.submit(f"/confidence/{made.reference}", {"what": "closed"})
        assert step.status_code == 403
        asked = await service.take_step(
            bank.db, who, TakeStep(reference=made.reference, what="closed"), key=key(), now=NOW
        )
        assert isinstance(asked, list)
        assert asked[0].code == "unknown_report"


@pytest.mark.parametrize(
    "more",
    [{"about": "Ruth"}, {"about": "it was RUTH G."}, {"about": "Mrs Góldberg from the office"}, {"not_for": True}],
)
async def test_the_person_it_is_about_never_reads_it(bank: Bank, people, client, more) -> None:
    lead = people["lead"]
    if more.get("not_for"):
        more = {"not_for": (lead.member_id,)}
    made = await told(bank, **more)
    assert not await reads(bank, lead, made.reference)
    assert await reads(bank, people["deputy"], made.reference)
    browser = client()
    await browser.sign_in(bank.db, lead)
    assert (await browser.get("/confidence")).status_code == 200
    assert made.reference not in (await browser.get("/confidence")).text
    assert (await browser.get(f"/confidence/{made.reference}")).status_code == 404
    assert (await browser.submit(f"/confidence/{made.reference}", {"what": "closed"})).status_code == 404
    async with bank.db.writing(bank.id) as connection:
        told_of_it = await connection.fetchval(
            "select count(*) from message where member_id = $1 and kind = 'confidence'", lead.member_id
        )
        assert told_of_it == 0
        # Another name does not open it.
        await connection.execute("update member set display_name = 'Somebody New' where id = $1", lead.member_id)
    assert not await reads(bank, lead, made.reference)


async def test_somebody_named_later_does_not_read_about_themselves(bank: Bank, people) -> None:
    made = await told(bank, about="Viktor Blum")
    later = await name(bank, "Viktor Blum", "deputy")
    assert not await reads(bank, later, made.reference)
    other = await name(bank, "Wanda Rein", "deputy")
    assert await reads(bank, other, made.reference)


async def test_when_it_is_about_all_of_them_nothing_is_kept_and_the_page_keeps_the_words(bank, people, client) -> None:
    browser = client()
    ticked = [str(who.member_id) for who in people.values()]
    page = await browser.post(
        f"/tell/{bank.facts.slug}", data={"csrf": "", "key": key(), "happened": SECRET, "not_for": ticked}
    )
    assert page.status_code == 422
    assert "Nobody here may read this" in page.text
    assert SECRET in page.text
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from confidence_report") == 0


async def test_who_stays_anonymous_leaves_no_trace(bank: Bank, people, client, admin_url: str) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    page = await browser.submit(f"/tell/{bank.facts.slug}", {"happened": SECRET})
    assert page.status_code == 200
    assert "We do not keep your name." in page.text
    connection = await asyncpg.connect(admin_url)
    try:
        row = await connection.fetchrow("select * from confidence_report where timebank_id = $1", bank.id)
        assert row["from_member_id"] is None
        scopes = await connection.fetch("select scope, response::text from idempotency where timebank_id = $1", bank.id)
        assert f"tell:member/{bank.participant.member_id}" not in {scope["scope"] for scope in scopes}
        steps = await connection.fetch("select actor_id from confidence_step where timebank_id = $1", bank.id)
        assert [step["actor_id"] for step in steps] == [None]
        # The words are in one place.
        tables = await connection.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        )
        for table in {each["relname"] for each in tables} - {"confidence_report"}:
            found = await connection.fetchval(f'select count(*) from "{table}" t where t::text like $1', f"%{SECRET}%")
            assert found == 0, table
    finally:
        await connection.close()


async def test_the_words_are_in_no_log(bank: Bank, people, client, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    browser = client()
    await browser.post(f"/tell/{bank.facts.slug}", data={"csrf": "", "key": key(), "happened": SECRET})
    assert SECRET not in caplog.text


async def test_a_double_tap_tells_once_and_shows_the_same_code(bank: Bank, people, client) -> None:
    browser, sent = client(), {"csrf": "", "key": key(), "happened": SECRET}
    first = await browser.post(f"/tell/{bank.facts.slug}", data=sent)
    second = await browser.post(f"/tell/{bank.facts.slug}", data=sent)
    code = rules.code_of(sent["key"])
    assert code in first.text
    assert code in second.text
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from confidence_report") == 1


async def test_the_answer_is_read_with_the_code_without_signing_in(bank: Bank, people, client) -> None:
    browser, mine = client(), key()
    await browser.post(f"/tell/{bank.facts.slug}", data={"csrf": "", "key": mine, "happened": SECRET})
    code = rules.code_of(mine)
    address = f"/tell/{bank.facts.slug}/answer"
    waiting = await browser.post(address, data={"csrf": "", "key": key(), "code": code.lower().replace("-", " ")})
    assert "Somebody reads it by Wednesday 11 March 2026" in waiting.text
    lead = client()
    await lead.sign_in(bank.db, people["lead"])
    listed = (await lead.get("/confidence")).text
    async with bank.db.reading(bank.id) as connection:
        reference = await connection.fetchval("select reference from confidence_report")
    assert reference in listed
    assert SECRET in (await lead.get(f"/confidence/{reference}")).text
    nothing = await lead.submit(f"/confidence/{reference}", {"what": "answered", "words": " "})
    assert nothing.status_code == 422
    done = await lead.submit(f"/confidence/{reference}", {"what": "answered", "words": "We have spoken to them."})
    assert done.status_code == 303
    answer = await browser.post(address, data={"csrf": "", "key": key(), "code": code})
    assert "We have spoken to them." in answer.text
    assert SECRET not in answer.text
    history = (await lead.get(f"/confidence/{reference}")).text
    for word in ("Told", "Read", "Answered", "Ruth Goldberg"):
        assert word in history
    wrong = await browser.post(address, data={"csrf": "", "key": key(), "code": "AAAA-BBBB-CCCC-DDDD"})
    assert wrong.status_code == 422


async def test_one_who_gave_their_name_is_told_of_the_answer(bank: Bank, people, client) -> None:
    made = await told(bank, bank.participant, says_who=True)
    step = TakeStep(reference=made.reference, what="answered", words="Thank you.")
    await service.take_step(bank.db, people["lead"], step, key=key(), now=NOW)
    async with bank.db.reading(bank.id) as connection:
        body = await connection.fetchval(
            "select subject || body from message where member_id = $1", bank.participant.member_id
        )
    assert "answer" in body
    assert "Thank you." not in body
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    assert "Thank you." in (await browser.get(f"/tell/{bank.facts.slug}/answer")).text


async def test_one_network_cannot_flood_and_others_are_not_shut_out(bank: Bank, people) -> None:
    for _ in range(rules.MAX_PER_HOUR):
        await told(bank, network="198.51.100.4")
    again = await tell(
        bank.db,
        Actor(timebank_id=bank.id, member_id=None),
        TellSomeone(happened="more"),
        network="198.51.100.4",
        key=key(),
        now=NOW,
    )
    assert isinstance(again, list)
    assert again[0].code == "too_many"
    await told(bank, network="203.0.113.9")
    later = await tell(
        bank.db,
        Actor(timebank_id=bank.id, member_id=None),
        TellSomeone(happened="more"),
        network="198.51.100.4",
        key=key(),
        now=NOW + timedelta(hours=1),
    )
    assert isinstance(later, Told)


async def test_codes_cannot_be_guessed_for_long(bank: Bank, people) -> None:
    for _ in range(rules.MAX_CODES_PER_HOUR):
        wrong = await service.read_answer(bank.db, bank.id, "AAAABBBBCCCCDDDD", network="198.51.100.5", now=NOW)
        assert isinstance(wrong, list)
        assert wrong[0].code == "code_unknown"
    blocked = await service.read_answer(bank.db, bank.id, "AAAABBBBCCCCDDDD", network="198.51.100.5", now=NOW)
    assert isinstance(blocked, list)
    assert blocked[0].code == "too_many"


async def test_what_nobody_reads_is_brought_up_again_once(bank: Bank, people) -> None:
    made = await told(bank, about="Ruth")
    assert made.due_on == NOW.date() + timedelta(days=1)
    assert await service.remind_readers(bank.db, bank.id, NOW + timedelta(days=1)) == 0
    for _ in range(2):
        assert await service.remind_readers(bank.db, bank.id, NOW + timedelta(days=2)) == 1
    async with bank.db.reading(bank.id) as connection:
        late = await connection.fetch("select member_id from message where subject like 'Nobody has read%'")
    assert {row["member_id"] for row in late} == {people["deputy"].member_id, people["independent"].member_id}
    assert len(late) == 2
    await service.open_report(bank.db, people["deputy"], made.reference, now=NOW)
    assert await service.remind_readers(bank.db, bank.id, NOW + timedelta(days=3)) == 0


async def test_steps_are_kept_for_ever(bank: Bank, people) -> None:
    await told(bank)
    async with bank.db.writing(bank.id) as connection:
        for statement in ("update confidence_step set words = 'x'", "delete from confidence_step"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute(statement)


async def test_a_reader_writes_down_what_was_said_and_others_cannot(bank: Bank, people, client) -> None:
    browser = client()
    await browser.sign_in(bank.db, people["independent"])
    done = await browser.submit("/confidence/new", {"how": "phone", "happened": SECRET})
    assert done.status_code == 303
    assert "By phone" in (await browser.get("/confidence")).text
    command = TellSomeone(happened=SECRET, how="phone")
    refused = await tell(bank.db, bank.coordinator, command, network="", key=key(), now=NOW)
    assert isinstance(refused, list)
    assert refused[0].code == "not_allowed"


async def test_without_readers_the_page_points_to_phone_and_paper(db, client) -> None:
    from tests.people import make_bank

    bank = await make_bank(
        db,
        safeguarding_lead="",
        independent_person="Ivy Long, 01632 960 044",
        outside_body="The council, 01632 960 055",
    )
    browser = client()
    page = await browser.get(f"/tell/{bank.facts.slug}")
    assert "Ivy Long, 01632 960 044" in page.text
    assert "The council" in page.text
    assert "<textarea" not in page.text
    assert "Ivy Long" in (await browser.get(f"/tell/{bank.facts.slug}/paper")).text
    sent = await browser.post(f"/tell/{bank.facts.slug}", data={"csrf": "", "key": key(), "happened": SECRET})
    assert sent.status_code == 422


async def test_another_time_bank_reads_nothing(bank: Bank, other_bank: Bank, people, client) -> None:
    made = await told(bank)
    stranger = await name(other_bank, "Other Lead", "lead")
    browser = client()
    await browser.sign_in(other_bank.db, stranger)
    assert (await browser.get(f"/confidence/{made.reference}")).status_code == 404
    # Somebody signed in elsewhere tells this time bank as anybody would.
    page = await browser.submit(f"/tell/{bank.facts.slug}", {"happened": SECRET, "says_who": "yes"})
    assert page.status_code == 200
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from confidence_report where from_member_id is not null") == 0


def test_a_code_follows_from_the_key_only() -> None:
    code = rules.code_of("some-key")
    assert rules.code_of("some-key") == code
    assert rules.code_of("other-key") != code
    assert rules.normalise_code(code.lower().replace("-", " ")) == code
    assert rules.normalise_code(code[:-1]) is None
    assert len(sha256(code)) == 32
