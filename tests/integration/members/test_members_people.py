"""What is known of people and agreed with them: changed by two at once, told by the old way, ended at once."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from timebank.kit.actor import Actor
from timebank.members import consents, details, groups, queries, roles, service, supporters
from timebank.members.consents import AddTopic, Decide
from timebank.members.details import ChangeDetails
from timebank.members.groups import JoinGroup, LeaveGroup, SetContact
from timebank.members.queries import Filters
from timebank.members.roles import SetRoles
from timebank.members.service import Added, AddMember, add
from timebank.members.supporters import AddSupporter

DAY = date(2026, 3, 10)


def key() -> str:
    return uuid4().hex


async def member(bank, name: str, **more) -> int:
    command = AddMember(display_name=name, joined_on=DAY - timedelta(days=30), **more)
    added = await add(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert isinstance(added, Added), added
    return added.member_id


async def record(bank, member_id: int):
    async with bank.db.reading(bank.id) as connection:
        return await queries.by_id(connection, bank.id, member_id)


async def change(bank, member_id: int, revision: int, *, actor=None, **changes):
    command = ChangeDetails(member_id=member_id, revision=revision, changes=changes)
    return await details.change(bank.db, actor or bank.coordinator, command, key=key(), now=bank.now)


async def messages(bank, member_id: int) -> list[dict]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select subject, body, only_route, only_address from message"
            " where timebank_id = $1 and member_id = $2 order by id",
            bank.id,
            member_id,
        )
    return [dict(row) for row in rows]


def codes(refusals) -> list[str]:
    assert isinstance(refusals, list), refusals
    return [refusal.code for refusal in refusals]


def as_member(bank, member_id: int, *held: str) -> Actor:
    return Actor(timebank_id=bank.id, member_id=member_id, roles=frozenset(held))


async def find(bank, wanted: str, **filters) -> list[str]:
    async with bank.db.reading(bank.id) as connection:
        page = await queries.search(connection, bank.id, wanted, filters=Filters(**filters), after=None, limit=50)
    return [one.display_name for one in page.items]


# Finding ------------------------------------------------------------------------------------------------------------


async def test_people_are_found_by_phone_address_and_what_they_need(bank) -> None:
    await member(bank, "Zoë Ångström-Day", phone="+44 7700 900123", email="Zoe@Example.org", access_needs="step-free")
    await member(bank, "Garden Club", kind="group", phone="٠٧٧٠٠ ٩٠٠٤٥٦")
    for wanted in ("07700 900 123", "900123", "+44 7700 900123", "0044 7700 900123", "zoe@ex", "angstrom day", "ÅNG"):
        assert await find(bank, wanted) == ["Zoë Ångström-Day"], wanted
    assert await find(bank, "07700900456") == ["Garden Club"]
    assert await find(bank, "12") == []
    assert await find(bank, "🌻") == []
    assert await find(bank, "", has_access_needs=True) == ["Zoë Ångström-Day"]
    assert await find(bank, "", kind="group") == ["Garden Club"]
    assert await find(bank, "", role="finance") == ["Demo finance", "Demo finance two"]
    assert await find(bank, "", role="participant") == ["Demo participant", "Zoë Ångström-Day"]
    assert await find(bank, "", status="paused") == []
    assert await find(bank, "", status="nonsense", role="nonsense") == []
    assert len(await find(bank, "", has_no_route=True)) == 7


# Details ------------------------------------------------------------------------------------------------------------


async def test_two_who_change_at_once_notice_each_other(bank) -> None:
    ann = await member(bank, "Ann", phone="01632 960 001")
    answers = await asyncio.gather(
        change(bank, ann, 1, can_offer="baking"),
        change(bank, ann, 1, can_offer="singing", actor=bank.coordinator_two),
    )
    refused = [answer for answer in answers if isinstance(answer, list)]
    assert [codes(answer) for answer in refused] == [["changed_meanwhile"]]
    kept = await record(bank, ann)
    assert kept.revision == 2
    async with bank.db.reading(bank.id) as connection:
        assert (await details.last_change(connection, bank.id, ann)).by_whom.startswith("Demo coordinator")
    # What is so already is no change, whatever was seen before.
    same = await change(bank, ann, 1, can_offer=kept.can_offer)
    assert (same.revision, same.changed) == (2, ())


async def test_a_retry_changes_and_tells_once(bank) -> None:
    ann = await member(bank, "Ann")
    command = ChangeDetails(member_id=ann, revision=1, changes={"access_needs": " a quiet room "})
    once = key()
    for _ in range(3):
        done = await details.change(bank.db, bank.coordinator, command, key=once, now=bank.now)
        assert (done.revision, done.changed) == (2, ("access_needs",))
    assert (await record(bank, ann)).access_needs == "a quiet room"
    assert len(await messages(bank, ann)) == 1


async def test_changed_contact_details_are_told_by_the_old_way_too(bank) -> None:
    ann = await member(bank, "Ann", email="old@example.org", contact_route="email")
    await change(bank, ann, 1, actor=as_member(bank, ann), email="new@example.org")
    told = await messages(bank, ann)
    assert [(one["only_route"], one["only_address"]) for one in told] == [("", ""), ("email", "old@example.org")]
    assert not any("new@example.org" in one["body"] for one in told)
    await change(bank, ann, 2, actor=as_member(bank, ann), contact_route="letter", postal_address="1 The Row")
    assert [one["only_route"] for one in await messages(bank, ann)][2:] == ["", "email"]
    # What somebody changes of their own that is no address needs no message.
    await change(bank, ann, 3, actor=as_member(bank, ann), can_offer="baking")
    assert len(await messages(bank, ann)) == 4


async def test_members_change_their_own_all_but_the_name(bank) -> None:
    me = bank.participant.member_id
    assert codes(await change(bank, me, 1, actor=bank.participant, display_name="Somebody")) == ["field_unknown"]
    assert codes(await change(bank, me, 1, actor=bank.participant, roles="admin")) == ["field_unknown"]
    other = await member(bank, "Bo")
    assert codes(await change(bank, other, 1, actor=bank.participant, can_offer="x")) == ["not_allowed"]
    acting = replace(bank.coordinator, roles=frozenset(), on_behalf_of=me)
    assert codes(await change(bank, me, 1, actor=acting, email="x@y.org")) == ["not_allowed"]


async def test_a_coordinator_does_not_change_the_address_of_somebody_with_more_rights(bank) -> None:
    refused = await change(bank, bank.finance.member_id, 1, email="mine@example.org", contact_route="email")
    assert codes(refused) == ["not_allowed"]
    assert (await record(bank, bank.finance.member_id)).email == ""


async def test_bad_details_are_refused_all_at_once_and_ids_from_elsewhere_are_nobody(bank, other_bank) -> None:
    ann = await member(bank, "Ann")
    refused = await change(
        bank, ann, 1, email="x", access_needs="x" * 1001, language="xx", format_preference="", emergency_phone="ring"
    )
    assert codes(refused) == [
        "email_unreadable", "language_unknown", "format_unknown", "access_needs_too_long", "emergency_phone_unreadable",
    ]  # fmt: skip
    for nobody in (other_bank.participant.member_id, 0, 2**63):
        with pytest.raises(LookupError):
            await change(bank, nobody, 1, can_offer="x")


# Consents -----------------------------------------------------------------------------------------------------------


async def decide(bank, member_id, topic, is_given, *, actor=None, on=DAY, how="phone"):
    command = Decide(member_id=member_id, topic=topic, is_given=is_given, decided_on=on, how=how)
    return await consents.decide(bank.db, actor or bank.coordinator, command, key=key(), now=bank.now)


async def test_consents_are_kept_with_their_history_and_the_latest_day_holds(bank) -> None:
    ann = await member(bank, "Ann")
    assert (await decide(bank, ann, "photos", True, on=DAY - timedelta(days=5))).is_new
    assert not (await decide(bank, ann, "photos", True, on=DAY - timedelta(days=5))).is_new
    assert (await decide(bank, ann, "photos", False, actor=as_member(bank, ann), how="online")).is_new
    # A paper form of last week, typed in today, is older than what they said today.
    assert (await decide(bank, ann, "photos", True, on=DAY - timedelta(days=7), how="letter")).is_new
    async with bank.db.reading(bank.id) as connection:
        found = await consents.consents(connection, bank.id, ann)
        assert await consents.gave_consent(connection, bank.id, "photos", [ann]) == frozenset()
    photos = next(one for one in found.standing if one.topic.code == "photos")
    assert not photos.is_given
    assert [(one.is_given, one.how, one.recorded_by) for one in found.history] == [
        (False, "online", "Ann"),
        (True, "phone", "Demo coordinator"),
        (True, "letter", "Demo coordinator"),
    ]
    assert [one["subject"] for one in await messages(bank, ann)] == ["We wrote down your choice: Photos of me"] * 2


async def test_a_partner_by_name_is_asked_about(bank, other_bank) -> None:
    ann = await member(bank, "Ann")
    command = AddTopic(kind="partner", title="The Hospital")
    made = [await consents.add_topic(bank.db, bank.coordinator, command, key=key(), now=bank.now) for _ in range(2)]
    assert made[0] == made[1]
    assert (await decide(bank, ann, made[0].code, True)).is_new
    async with bank.db.reading(bank.id) as connection:
        assert await consents.gave_consent(connection, bank.id, made[0].code, [ann]) == frozenset({ann})
        titles = [topic.title for topic in await consents.topics(connection, bank.id)]
    assert titles == ["Photos of me", "The newsletter", "Sharing with The Hospital"]
    stranger = await decide(other_bank, other_bank.participant.member_id, made[0].code, True)
    assert codes(stranger) == ["topic_unknown"]


async def test_consents_that_cannot_be(bank) -> None:
    me = bank.participant.member_id
    refused = await decide(bank, me, "rockets", True, on=DAY + timedelta(days=1), how="dream")
    assert codes(refused) == ["topic_unknown", "how_missing", "day_in_future"]
    assert codes(await decide(bank, bank.coordinator.member_id, "photos", True, actor=bank.participant)) == [
        "not_allowed"
    ]
    acting = replace(bank.coordinator, on_behalf_of=me)
    assert codes(await decide(bank, me, "photos", True, actor=acting)) == ["not_allowed"]


# Supporters ---------------------------------------------------------------------------------------------------------


async def support(bank, member_id, supporter_id, *, actor=None, scope=("see_hours", "book"), **more):
    command = AddSupporter(
        member_id=member_id,
        supporter_member_id=supporter_id,
        scope=scope,
        **{"starts_on": DAY, "agreed_how": "in_person", "agreed_on": DAY, **more},
    )
    return await supporters.add_supporter(bank.db, actor or bank.coordinator, command, key=key(), now=bank.now)


async def may(bank, supporter_id, member_id, scope="book", on=DAY) -> bool:
    async with bank.db.reading(bank.id) as connection:
        return await supporters.may_act_for(connection, bank.id, supporter_id, member_id, scope, on)


async def end(bank, supporter_id, actor):
    return await supporters.end_supporter(bank.db, actor, supporter_id, key=key(), now=bank.now)


async def test_a_supporter_may_do_what_was_agreed_and_no_more(bank) -> None:
    ann, sue = await member(bank, "Ann"), await member(bank, "Sue")
    agreed = await support(bank, ann, sue, starts_on=DAY, ends_on=DAY + timedelta(days=7))
    assert await may(bank, sue, ann)
    assert not await may(bank, sue, ann, "log_time")
    assert not await may(bank, ann, sue)
    assert not await may(bank, sue, ann, on=DAY - timedelta(days=1))
    assert await may(bank, sue, ann, on=DAY + timedelta(days=7))
    assert not await may(bank, sue, ann, on=DAY + timedelta(days=8))
    assert codes(await support(bank, ann, sue)) == ["supporter_already"]
    assert [one["subject"] for one in await messages(bank, ann)] == ["Sue may act for you"]
    assert [one["subject"] for one in await messages(bank, sue)] == ["You may act for Ann"]
    for status in ("paused", "left"):
        for who in (ann, sue):
            async with bank.db.writing(bank.id) as connection:
                await connection.execute("update member set status = $2 where id = $1", who, status)
            assert not await may(bank, sue, ann)
            async with bank.db.writing(bank.id) as connection:
                await connection.execute("update member set status = 'active' where id = $1", who)
    assert (await end(bank, agreed.id, as_member(bank, ann))).is_new
    assert not await may(bank, sue, ann)
    assert not (await end(bank, agreed.id, bank.coordinator)).is_new
    assert [one["subject"] for one in await messages(bank, sue)][1:] == ["You no longer act for Ann"]


@pytest.mark.parametrize("who", ["member", "supporter", "coordinator"])
async def test_either_of_them_ends_it_at_once(bank, who: str) -> None:
    ann, sue = await member(bank, "Ann"), await member(bank, "Sue")
    agreed = await support(bank, ann, sue, actor=as_member(bank, ann), agreed_how="online")
    actors = {"member": as_member(bank, ann), "supporter": as_member(bank, sue), "coordinator": bank.coordinator}
    assert codes(await end(bank, agreed.id, bank.participant)) == ["not_allowed"]
    assert await may(bank, sue, ann)
    assert (await end(bank, agreed.id, actors[who])).is_new
    assert not await may(bank, sue, ann)
    assert not isinstance(await support(bank, ann, sue), list)


async def test_agreements_that_cannot_be(bank, other_bank) -> None:
    ann = await member(bank, "Ann")
    club = await member(bank, "Club", kind="group")
    me = bank.coordinator.member_id
    assert codes(await support(bank, ann, me)) == ["supporter_self_made"]
    assert codes(await support(bank, ann, club)) == ["supporter_unknown"]
    assert codes(await support(bank, ann, other_bank.participant.member_id)) == ["supporter_unknown"]
    assert codes(await support(bank, ann, None)) == ["supporter_missing"]
    assert "supporter_is_member" in codes(await support(bank, ann, ann))
    assert codes(await support(bank, ann, None, outside_name="Jo")) == ["contact_missing"]
    bad = await support(
        bank, ann, bank.participant.member_id, scope=("fly",), agreed_how="", ends_on=DAY - timedelta(days=1)
    )
    assert codes(bad) == ["scope_missing", "how_missing", "ends_before_start"]
    someone = await support(bank, ann, bank.participant.member_id, actor=bank.participant)
    assert codes(someone) == ["not_allowed"]
    outside = await support(bank, ann, None, outside_name="Jo Care", outside_contact="01632 960 009")
    assert not isinstance(outside, list)
    with pytest.raises(LookupError):
        await end(other_bank, outside.id, other_bank.coordinator)


# Groups and roles ---------------------------------------------------------------------------------------------------


async def test_people_belong_to_a_group_from_a_day_until_a_day(bank) -> None:
    club, ann = await member(bank, "Club", kind="group"), await member(bank, "Ann")
    joins = JoinGroup(group_id=club, member_id=ann, from_on=DAY - timedelta(days=3))
    first = await groups.join_group(bank.db, bank.coordinator, joins, key=key(), now=bank.now)
    again = await groups.join_group(bank.db, bank.coordinator, joins, key=key(), now=bank.now)
    assert (first.is_new, again.is_new) == (True, False)
    assert await find(bank, "", group_id=club) == ["Ann"]
    async with bank.db.reading(bank.id) as connection:
        (belongs,) = await groups.people_in(connection, bank.id, club)
    too_early = LeaveGroup(group_id=club, belonging_id=belongs.id, until_on=DAY - timedelta(days=4))
    refused = await groups.leave_group(bank.db, bank.coordinator, too_early, key=key(), now=bank.now)
    assert codes(refused) == ["ends_before_start"]
    leaves = LeaveGroup(group_id=club, belonging_id=belongs.id, until_on=DAY)
    assert (await groups.leave_group(bank.db, bank.coordinator, leaves, key=key(), now=bank.now)).is_new
    assert await find(bank, "", group_id=club) == []
    not_a_group = JoinGroup(group_id=ann, member_id=bank.participant.member_id, from_on=DAY)
    assert codes(await groups.join_group(bank.db, bank.coordinator, not_a_group, key=key(), now=bank.now)) == [
        "not_a_group"
    ]
    in_itself = JoinGroup(group_id=club, member_id=club, from_on=DAY)
    assert codes(await groups.join_group(bank.db, bank.coordinator, in_itself, key=key(), now=bank.now)) == [
        "person_unknown"
    ]


async def test_a_group_has_an_account_and_a_contact_but_no_way_to_sign_in(bank) -> None:
    club = await member(bank, "Club", kind="group", contact_member_id=bank.participant.member_id)
    async with bank.db.reading(bank.id) as connection:
        has_account = "select exists (select from ledger.account where book_id = $1 and code = $2)"
        assert await connection.fetchval(has_account, bank.id, f"member/{club}")
    assert (await record(bank, club)).contact_member_id == bank.participant.member_id
    with pytest.raises(LookupError):
        await service.make_link(bank.db, bank.coordinator, club, now=bank.now)
    with pytest.raises(LookupError):
        await service.issue_card(bank.db, bank.coordinator, club, pin="", replaces="", base_url="", now=bank.now)
    nobody = SetContact(group_id=club, member_id=None)
    assert (await groups.set_contact(bank.db, bank.coordinator, nobody, key=key(), now=bank.now)).is_new
    wrong = AddMember(display_name="Club 2", kind="group", joined_on=DAY, contact_member_id=club, roles=())
    assert codes(await add(bank.db, bank.coordinator, wrong, key=key(), now=bank.now)) == ["contact_unknown"]


async def test_roles_are_given_and_taken_never_the_last_administrators(bank) -> None:
    chief = await bank.member("Chief", "admin")
    admin = as_member(bank, chief, "admin")
    ann = await member(bank, "Ann")

    async def set_roles(member_id, *held, actor=admin):
        command = SetRoles(member_id=member_id, roles=held)
        return await roles.set_roles(bank.db, actor, command, key=key(), now=bank.now)

    assert codes(await set_roles(ann, "finance", actor=bank.coordinator)) == ["not_allowed"]
    assert codes(await set_roles(ann, "emperor")) == ["role_unknown"]
    assert (await set_roles(ann, "approver", "finance")).roles == ("finance", "approver")
    assert not (await set_roles(ann, "finance", "approver")).is_changed
    assert (await record(bank, ann)).roles == ("approver", "finance")
    assert codes(await set_roles(chief)) == ["last_admin"]
    assert (await set_roles(ann, "admin")).is_changed
    assert (await set_roles(chief)).is_changed
    assert [one["subject"] for one in await messages(bank, ann)] == [
        "You take part as: Finance and Approver",
        "You take part as: Administrator",
    ]


async def test_two_administrators_cannot_leave_the_time_bank_without_one(bank) -> None:
    one, two = await bank.member("One", "admin"), await bank.member("Two", "admin")

    async def take(actor_id, member_id):
        command = SetRoles(member_id=member_id, roles=())
        return await roles.set_roles(bank.db, as_member(bank, actor_id, "admin"), command, key=key(), now=bank.now)

    answers = await asyncio.gather(take(one, two), take(two, one))
    assert sum(isinstance(answer, list) for answer in answers) == 1
    assert len(await find(bank, "", role="admin")) == 1


async def test_a_change_of_roles_ends_their_sessions(bank, client) -> None:
    chief = as_member(bank, await bank.member("Chief", "admin"), "admin")
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    assert (await browser.get("/me")).status_code == 200
    command = SetRoles(member_id=bank.participant.member_id, roles=("coordinator",))
    await roles.set_roles(bank.db, chief, command, key=key(), now=bank.now)
    assert (await browser.get("/me")).status_code == 303
