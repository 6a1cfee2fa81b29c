"""Thanks, keeping apart, reports, who may see whom, checks, and good matches."""

from datetime import timedelta

import pytest

from tests.integration.peers.helping import agreed, ask_of, asked, asks, codes, key, offers, person, says, wishes, yes
from tests.integration.redemptions.spending import book, hours, offer
from tests.people import Bank
from timebank.kit.actor import Actor, system
from timebank.members.checks import AddCheck, add_check
from timebank.members.safeguarding import NamePerson, name_person
from timebank.peers import cards, queries, reporting, service
from timebank.peers.cards import Filters
from timebank.peers.service import Done, Keep, NeedCheck, Offered, Person, TellLead, Thank


async def seen_by(bank: Bank, who: Actor, **filters: str) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        return [each.title for each in await cards.offers(connection, who, Filters(**filters))]


async def told(bank: Bank, who: Actor) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select subject from message where timebank_id = $1 and member_id = $2 order by id", bank.id, who.member_id
        )
    return [row["subject"] for row in rows]


async def blocks(bank: Bank, who: Actor, other: Actor) -> object:
    return await service.keep_apart(bank.db, who, Person(member_id=other.member_id or 0), key=key(), now=bank.now)


async def set_column(bank: Bank, who: Actor, column: str, value: str) -> None:
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            f"update member set {column} = $3 where timebank_id = $1 and id = $2", bank.id, who.member_id, value
        )


async def test_those_who_keep_apart_neither_see_nor_ask_each_other(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben", 300)
    offer, other = await offers(bank, ben), await offers(bank, ann, "Baking")
    open_ask = await asked(bank, ann, offer_id=offer)
    meeting = await agreed(bank, ben, ann, offer_id=other)
    second = await agreed(bank, ben, ann, offer_id=other)
    assert isinstance(await blocks(bank, ann, ben), Done)
    for reference in (open_ask, meeting, second):
        assert (await ask_of(bank, reference)).state == "ended"
    assert (await hours(bank, ben.member_id)).set_aside == 0
    assert await seen_by(bank, ann) == await seen_by(bank, ben) == []
    for who, wanted in ((ann, offer), (ben, other)):
        with pytest.raises(LookupError):
            await asks(bank, who, offer_id=wanted)
    assert "It will not happen this time" in await told(bank, ben)
    assert not [subject for subject in await told(bank, ben) if "Ann" in subject and "not" in subject]
    ended = await ask_of(bank, meeting)
    async with bank.db.reading(bank.id) as connection:
        history = await queries.events(connection, bank.id, ended.id)
    assert history[-1].by_whom is None, "the history says who blocked"
    await service.let_meet(bank.db, ann, Person(member_id=ben.member_id or 0), key=key(), now=bank.now)
    assert await seen_by(bank, ann) == ["Company on a walk"]


async def test_what_has_begun_is_still_settled(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)
    later = bank.now + timedelta(days=1)
    await service.keep_apart(bank.db, ann, Person(member_id=ben.member_id or 0), key=key(), now=later)
    await says(bank, ann, reference, 60)
    assert (await says(bank, ben, reference, 60)).minutes == 60


async def test_who_may_see_mine(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann"), await person(bank, "Ben")
    offer = await offers(bank, ben)
    for shown_to, to_ann, to_staff in (("members", 1, 1), ("coordinators", 0, 1), ("nobody", 0, 0)):
        await set_column(bank, ben, "skills_shown_to", shown_to)
        assert len(await seen_by(bank, ann)) == to_ann, shown_to
        assert len(await seen_by(bank, bank.coordinator)) == to_staff, shown_to
    with pytest.raises(LookupError):
        await asks(bank, ann, offer_id=offer)
    await set_column(bank, ben, "skills_shown_to", "members")
    await set_column(bank, ben, "status", "paused")
    assert await seen_by(bank, ann) == []


async def test_looking_for_something(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann"), await person(bank, "Ben")
    await offers(bank, ben, "Tomatoes", category="gardening", times=("weekend",), hows=("phone",))
    await offers(bank, ben, "Chess", category="company")
    everything = ["Tomatoes", "Chess"]
    for filters, found in (
        ({}, everything),
        ({"words": "ben"}, everything),
        ({"words": "garden"}, ["Tomatoes"]),
        ({"words": "100%"}, []),
        ({"category": "company"}, ["Chess"]),
        ({"when": "evening"}, ["Chess"]),
        ({"when": "weekend"}, everything),
        ({"how": "online"}, ["Chess"]),
    ):
        assert sorted(await seen_by(bank, ann, **filters)) == sorted(found), filters


async def test_contact_is_shown_only_once_both_agreed(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await asked(bank, ann, offer_id=await offers(bank, ben), reach="01632 960 111")
    await yes(bank, ben, reference, reach="ben@example.org")
    assert (await ask_of(bank, reference)).helper_reach == "ben@example.org"
    await says(bank, ann, reference, 60)
    await says(bank, ben, reference, 60)
    over = await ask_of(bank, reference)
    assert (over.receiver_reach, over.helper_reach) == ("", "")
    refused = await asks(bank, ann, offer_id=over.offer_id, note="Ring 01632 960 111")
    assert codes(refused) == {"contact_inside"}


async def test_an_own_address_is_kept_out(bank: Bank) -> None:
    ben = await person(bank, "Ben")
    await set_column(bank, ben, "postal_address", "7 Harbour Terrace\nRiverside")
    kept = await service.keep_offer(
        bank.db,
        ben,
        Keep(offered=Offered(title="Tea at 7 harbour terrace", category="company")),
        key=key(),
        now=bank.now,
    )
    assert codes(kept) == {"contact_inside"}


async def test_thanks_are_for_the_other_and_can_be_taken_off(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    reference = await agreed(bank, ann, ben)

    async def thanks(words: str) -> object:
        return await service.thank(bank.db, ann, Thank(reference=reference, words=words), key=key(), now=bank.now)

    assert codes(await thanks("Thank you")) == {"too_early"}
    await says(bank, ann, reference, 60)
    await says(bank, ben, reference, 60)
    await thanks("Thank you")
    found = await ask_of(bank, reference)
    async with bank.db.reading(bank.id) as connection:
        assert [each.words for each in await queries.thanks(connection, bank.id, found.id)] == ["Thank you"]
    assert "Ann says thank you" in await told(bank, ben)
    await thanks("")
    async with bank.db.reading(bank.id) as connection:
        assert await queries.thanks(connection, bank.id, found.id) == []


async def test_a_report_reaches_the_lead_and_never_whom_it_is_about(bank: Bank) -> None:
    ann, lead, deputy = await person(bank, "Ann"), await person(bank, "Lead"), await person(bank, "Deputy")
    for who, part in ((lead, "lead"), (deputy, "deputy")):
        await name_person(
            bank.db, system(bank.id), NamePerson(member_id=who.member_id or 0, part=part), key=key(), now=bank.now
        )
    await offers(bank, deputy)
    command = TellLead(member_id=deputy.member_id or 0, words="Not kind")
    assert isinstance(await service.report(bank.db, ann, command, key=key(), now=bank.now), Done)
    assert "Somebody reports something to you" in await told(bank, lead)
    assert "Somebody reports something to you" not in await told(bank, deputy)
    async with bank.db.reading(bank.id) as connection:
        assert await reporting.may_read_reports(connection, deputy)
        assert await queries.reports(connection, bank.id, deputy.member_id) == []
        (report,) = await queries.reports(connection, bank.id, lead.member_id)
    answered = service.Answer(report_id=report.id, words="We talk to them.")
    for nobody in (bank.coordinator, ann):
        assert codes(await service.answer_report(bank.db, nobody, answered, key=key(), now=bank.now)) == {"not_allowed"}
    with pytest.raises(LookupError):
        await service.answer_report(bank.db, deputy, answered, key=key(), now=bank.now)
    assert isinstance(await service.answer_report(bank.db, lead, answered, key=key(), now=bank.now), Done)
    assert "We have read what you told us" in await told(bank, ann)
    stranger = TellLead(member_id=bank.participant.member_id or 0, words="x")
    with pytest.raises(LookupError):
        await service.report(bank.db, ann, stranger, key=key(), now=bank.now)


async def test_a_check_that_helpers_need(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    offer = await offers(bank, ben)
    need = NeedCheck(category="walks", check_kind="reference")
    assert codes(await service.need_check(bank.db, ann, need, key=key(), now=bank.now)) == {"not_allowed"}
    await service.need_check(bank.db, bank.coordinator, need, key=key(), now=bank.now)
    assert codes(await asks(bank, ann, offer_id=offer)) == {"check_missing"}
    seen = AddCheck(member_id=ben.member_id or 0, kind="reference", issued_on=bank.now.date())
    await add_check(bank.db, system(bank.id), seen, key=key(), now=bank.now)
    assert await asked(bank, ann, offer_id=offer)


async def test_good_matches(bank: Bank) -> None:
    ann, maryam = await person(bank, "Ann", 300), await person(bank, "Maryam")
    await wishes(bank, ann, times=("weekend",))
    offer = await offers(bank, maryam, "Pots", category="gardening", times=("weekend", "evening"))
    hidden, away = await person(bank, "Hid"), await person(bank, "Away")
    for who in (hidden, away):
        await offers(bank, who, "Pots", category="gardening")
    await set_column(bank, hidden, "skills_shown_to", "nobody")
    await set_column(bank, away, "status", "paused")

    async def found() -> list[str]:
        async with bank.db.reading(bank.id) as connection:
            matches = await cards.suggestions(connection, bank.id, ann.member_id, bank.now, 5)
        return [each.sentence for each in matches]

    assert await found() == ["Maryam can help with gardening and is free at weekends."]
    await asked(bank, ann, offer_id=offer)
    assert await found() == [], "they have something open already"
    await blocks(bank, ann, maryam)
    assert await found() == []


async def test_who_keeps_apart_is_not_in_the_catalogue_either(bank: Bank) -> None:
    ann, ben = await person(bank, "Ann", 300), await person(bank, "Ben")
    await offers(bank, ben)
    made_by_staff = await offer(bank, "peer_support", provider_id=ben.member_id)
    await blocks(bank, ann, ben)
    assert codes(await book(bank, made_by_staff, ann)) == {"helper_away"}
