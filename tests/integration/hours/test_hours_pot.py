"""The community pot: asking, deciding, giving; the pages and the API over the same use cases."""

import asyncio
import re
from datetime import timedelta

import pytest

from tests.contributed import codes, hours, messages
from tests.integration.redemptions.spending import actor, give_hours, key
from tests.people import make_bank
from timebank.hours import pot_queries, service
from timebank.hours.service import AskPot, DecidePotAsk, Give, GivePotHours, PotAskNow, WithdrawPotAsk
from timebank.kit.actor import Actor


async def fill(bank, minutes: int) -> None:
    """Somebody gives hours to the pot."""
    giver = await bank.member()
    await give_hours(bank, giver, minutes)
    gift = Give(from_member_id=giver, to_member_id=None, minutes=minutes)
    assert not isinstance(await service.give(bank.db, actor(bank, giver), gift, key=key(), now=bank.now), list)


async def ask(bank, who: Actor, minutes: int = 60, *, at=None, what_for: str = ""):
    command = AskPot(member_id=who.subject_id, minutes=minutes, what_for=what_for)
    return await service.ask(bank.db, who, command, key=key(), now=at or bank.now)


async def decide(bank, who: Actor, asked: PotAskNow, minutes: int, reason: str = ""):
    command = DecidePotAsk(ask_id=asked.ask_id, minutes=minutes, reason=reason)
    return await service.decide(bank.db, who, command, key=key(), now=bank.now)


async def test_asking_and_being_given(bank) -> None:
    me = bank.participant.member_id
    await fill(bank, 120)
    asked = await ask(bank, bank.participant, 90, what_for="A lift to hospital")
    assert asked.state == "waiting"
    told = await messages(bank, bank.coordinator.member_id)
    assert [kind for kind, _, _ in told] == ["pot_ask"]
    assert "hospital" not in told[0][2]
    done = await decide(bank, bank.coordinator, asked, 60, "There is not more just now.")
    assert (done.state, done.given_minutes) == ("given", 60)
    assert await hours(bank, me, "pot") == [60, 60]
    kind, subject, body = (await messages(bank, me))[-1]
    assert (kind, subject) == ("pot_answer", "The community pot gave you 1 hour")
    assert "You asked for 1 hour 30 minutes. You have 1 hour of it now." in body
    assert "Why: There is not more just now." in body
    assert codes(await decide(bank, bank.coordinator_two, asked, 30, "Again")) == ["ask_decided"]
    assert await hours(bank, me, "pot") == [60, 60]


async def test_a_no_says_why_and_moves_nothing(bank) -> None:
    await fill(bank, 120)
    asked = await ask(bank, bank.participant)
    assert codes(await decide(bank, bank.coordinator, asked, 0)) == ["reason_missing"]
    done = await decide(bank, bank.coordinator, asked, 0, "Please call us.")
    assert done.state == "declined"
    assert await hours(bank, bank.participant.member_id, "pot") == [0, 120]
    assert "It is not possible just now" in (await messages(bank, bank.participant.member_id))[-1][2]


async def test_the_pot_never_gives_more_than_it_has(bank) -> None:
    await fill(bank, 50)
    asked = await ask(bank, bank.participant)
    refusals = await decide(bank, bank.coordinator, asked, 60)
    assert codes(refusals) == ["pot_not_enough"]
    assert "50 minutes" in refusals[0].message
    given = GivePotHours(member_id=await bank.member(), minutes=51, reason="Ill")
    refused = await service.give_from_pot(bank.db, bank.coordinator, given, key=key(), now=bank.now)
    assert codes(refused) == ["pot_not_enough"]
    async with bank.db.reading(bank.id) as connection:
        assert len(await pot_queries.waiting(connection, bank.id)) == 1
        assert await pot_queries.in_the_pot(connection, bank.id) == 50


async def test_two_who_decide_at_once_give_once(bank) -> None:
    await fill(bank, 300)
    asked = await ask(bank, bank.participant)
    done = await asyncio.gather(
        decide(bank, bank.coordinator, asked, 60), decide(bank, bank.coordinator_two, asked, 60)
    )
    assert sorted(isinstance(one, list) for one in done) == [False, True]
    assert await hours(bank, bank.participant.member_id, "pot") == [60, 240]


async def test_two_phones_ask_once(bank) -> None:
    asked = await asyncio.gather(*(ask(bank, bank.participant) for _ in range(4)))
    assert sum(isinstance(one, PotAskNow) for one in asked) == 1
    assert {one[0].code for one in asked if isinstance(one, list)} == {"ask_waiting"}


async def test_asking_has_a_limit_in_a_year_and_what_was_taken_back_does_not_count(db) -> None:
    bank = await make_bank(db, max_pot_asks_per_year=2)
    first = await ask(bank, bank.participant, at=bank.now - timedelta(days=366))
    assert isinstance(await decide(bank, bank.coordinator, first, 0, "Later"), PotAskNow)
    back = await ask(bank, bank.participant)
    command = WithdrawPotAsk(ask_id=back.ask_id)
    taken = await service.withdraw(bank.db, bank.participant, command, key=key(), now=bank.now)
    assert taken.state == "withdrawn"
    for _ in range(2):
        asked = await ask(bank, bank.participant)
        assert isinstance(await decide(bank, bank.coordinator, asked, 0, "No"), PotAskNow)
    assert codes(await ask(bank, bank.participant)) == ["asked_often"]
    assert codes(await service.withdraw(bank.db, bank.participant, WithdrawPotAsk(ask_id=asked.ask_id),
                                        key=key(), now=bank.now)) == ["ask_decided"]  # fmt: skip
    with pytest.raises(LookupError):
        await service.withdraw(bank.db, bank.finance, command, key=key(), now=bank.now)


async def test_nobody_decides_about_their_own_or_what_they_wrote(bank) -> None:
    await fill(bank, 300)
    own = await ask(bank, bank.coordinator)
    assert codes(await decide(bank, bank.coordinator, own, 60)) == ["own_ask"]
    command = AskPot(member_id=bank.participant.member_id, minutes=60)
    written = await service.ask(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert codes(await decide(bank, bank.coordinator, written, 60)) == ["own_writing"]
    assert codes(await decide(bank, bank.participant, written, 60)) == ["not_allowed"]
    assert (await decide(bank, bank.coordinator_two, written, 60)).state == "given"


async def test_a_coordinator_gives_a_little_alone_and_more_with_somebody(bank) -> None:
    await fill(bank, 600)
    me = bank.participant.member_id
    command = GivePotHours(member_id=me, minutes=240, reason="You were ill.")
    given = await service.give_from_pot(bank.db, bank.coordinator, command, key=key(), now=bank.now)
    assert given.state == "given"
    assert (await messages(bank, me))[-1][1] == "The community pot gave you 4 hours"
    more = GivePotHours(member_id=me, minutes=241, reason="And for the journey.")
    waits = await service.give_from_pot(bank.db, bank.coordinator, more, key=key(), now=bank.now)
    assert waits.state == "waiting"
    assert await hours(bank, me) == [240]
    assert codes(await decide(bank, bank.coordinator, waits, 241)) == ["own_writing"]
    assert (await decide(bank, bank.coordinator_two, waits, 241)).state == "given"
    assert await hours(bank, me, "pot") == [481, 119]
    for command, code in (
        (GivePotHours(member_id=bank.coordinator.member_id, minutes=10, reason="x"), "own_ask"),
        (GivePotHours(member_id=me, minutes=10, reason=" "), "reason_missing"),
        (GivePotHours(member_id=me, minutes=601, reason="x"), "minutes_too_many"),
        (GivePotHours(member_id=10**12, minutes=10, reason="x"), "member_unknown"),
    ):
        refused = await service.give_from_pot(bank.db, bank.coordinator, command, key=key(), now=bank.now)
        assert codes(refused) == [code]


async def test_the_same_decision_sent_twice_is_one(bank) -> None:
    await fill(bank, 300)
    asked = await ask(bank, bank.participant)
    command, same = DecidePotAsk(ask_id=asked.ask_id, minutes=60), key()
    first, second = [await service.decide(bank.db, bank.coordinator, command, key=same, now=bank.now) for _ in range(2)]
    assert first == second
    assert await hours(bank, bank.participant.member_id) == [60]


async def browser_of(client, bank, who):
    browser = client()
    await browser.sign_in(bank.db, who, now=bank.now)
    return browser


async def test_asking_on_the_page(bank, client) -> None:
    await fill(bank, 120)
    browser = await browser_of(client, bank, bank.participant)
    page = await browser.get("/gifts/ask")
    assert "The pot has 2 hours just now." in page.text
    wrong = await browser.submit("/gifts/ask", {"how_long": "soon", "what_for": "My <b>reason</b>"})
    assert wrong.status_code == 422
    assert "My &lt;b&gt;reason&lt;/b&gt;" in wrong.text
    assert 'href="#how_long"' in wrong.text
    sent = await browser.submit("/gifts/ask", {"how_long": "1 hour", "what_for": "A lift"})
    assert sent.status_code == 303
    assert "Somebody looks at it" in (await browser.get(sent.headers["location"])).text
    again = await browser.submit("/gifts/ask", {"how_long": "1 hour"})
    assert again.status_code == 422
    assert "You asked already." in again.text
    staff = await browser_of(client, bank, bank.coordinator)
    pot = (await staff.get("/pot")).text
    assert "A lift" in pot
    assert ">1 waiting<" in (await staff.get("/")).text
    ask_id = re.search(r'action="/pot/asks/(\d+)"', pot)[1]
    missing = await staff.submit(f"/pot/asks/{ask_id}", {"answer": "no"})
    assert missing.status_code == 422
    assert f'href="#reason-{ask_id}"' in missing.text
    done = await staff.submit(f"/pot/asks/{ask_id}", {"answer": "give", f"minutes-{ask_id}": "30 min",
                                                      f"reason-{ask_id}": "Half for now"})  # fmt: skip
    assert done.status_code == 303
    answer = (await browser.get(sent.headers["location"])).text
    assert "The pot gave you 30 minutes" in answer
    assert "Half for now" in answer
    assert "From the community pot" in (await browser.get("/hours")).text


async def test_others_asks_and_gifts_are_nobodys_business(bank, client, other_bank) -> None:
    await fill(bank, 120)
    asked = await ask(bank, bank.participant)
    await give_hours(bank, bank.participant.member_id, 60)
    gift = Give(from_member_id=bank.participant.member_id, to_member_id=None, minutes=10, note="Secret words")
    given = await service.give(bank.db, bank.participant, gift, key=key(), now=bank.now)
    for who in (bank.finance, bank.coordinator, other_bank.coordinator):
        browser = await browser_of(client, bank if who.timebank_id == bank.id else other_bank, who)
        assert (await browser.get(f"/gifts/asks/{asked.ask_id}")).status_code == 404
        assert (await browser.submit(f"/gifts/asks/{asked.ask_id}/withdraw")).status_code == 404
        assert (await browser.get(f"/gifts/{given.gift_id}")).status_code == 404
        if who is other_bank.coordinator:
            assert (await browser.submit(f"/pot/asks/{asked.ask_id}", {"answer": "give"})).status_code == 404
