"""Cards and PINs: signing in, pausing after wrong PINs, and giving nothing away."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from timebank.identity import cards, rules
from timebank.identity.cards import PAUSED, WRONG, issue_card, revoke_card, sign_in_by_card
from timebank.identity.session_store import SignedIn, current_session

COOKIE = "timebank"
RIGHT = "5207"


def phone(name: str, network: str) -> rules.Device:
    return rules.device(network, name)


@pytest.fixture
def network() -> str:
    """Attempts are counted over all time banks, so each test comes from a network of its own."""
    from uuid import uuid4

    return f"net-{uuid4().hex[:12]}"


async def card_of(bank, actor=None, pin: str | None = RIGHT) -> str:
    actor = actor or bank.participant
    card = await issue_card(bank.db, bank.coordinator, actor.member_id, pin=pin, now=bank.now)
    return card.path.rsplit("/", 1)[1]


async def try_pin(bank, token: str, pin: str, device: rules.Device, after: timedelta = timedelta(0)):
    return await sign_in_by_card(bank.db, token, pin, device, is_remembered=True, replaces="", now=bank.now + after)


async def test_card_and_pin_sign_in(bank, network) -> None:
    token = await card_of(bank)
    signed_in = await try_pin(bank, token, " 5 2 0 7 ", phone("A", network))
    assert isinstance(signed_in, SignedIn)
    found = await current_session(bank.db, signed_in.token, now=bank.now)
    assert (found.timebank_id, found.member_id) == (bank.id, bank.participant.member_id)


async def test_a_new_card_ends_the_old_one_at_once(bank, network) -> None:
    old, new = await card_of(bank), await card_of(bank)
    assert await try_pin(bank, old, RIGHT, phone("A", network)) == [WRONG]
    assert isinstance(await try_pin(bank, new, RIGHT, phone("A", network)), SignedIn)
    assert await revoke_card(bank.db, bank.coordinator, bank.participant.member_id, now=bank.now)
    assert not await revoke_card(bank.db, bank.coordinator, bank.participant.member_id, now=bank.now)
    assert await try_pin(bank, new, RIGHT, phone("A", network)) == [WRONG]


async def test_two_cards_made_at_once_leave_one_that_works(bank, network) -> None:
    made = await asyncio.gather(*(card_of(bank) for _ in range(4)))
    answers = [await try_pin(bank, token, RIGHT, phone("A", network)) for token in made]
    assert sum(isinstance(answer, SignedIn) for answer in answers) == 1


async def test_a_random_pin_is_never_easy_and_an_easy_one_is_not_taken(bank) -> None:
    for _ in range(300):
        assert rules.check_pin(cards.random_pin()) == []
    with pytest.raises(ValueError, match="easy"):
        await card_of(bank, pin="1234")
    card = await issue_card(bank.db, bank.coordinator, bank.participant.member_id, now=bank.now)
    assert rules.check_pin(card.pin) == []
    assert len(card.path.rsplit("/", 1)[1]) * 6 >= 128
    assert card.svg.startswith("<svg")


async def test_the_stored_hash_is_of_no_use_without_the_card(bank) -> None:
    await card_of(bank)
    async with bank.db.globally() as connection:
        pin_hash = await connection.fetchval("select pin_hash from card where timebank_id = $1", bank.id)
    assert pin_hash.startswith("$argon2id$")
    assert not cards._matches(pin_hash, RIGHT)
    assert not cards._matches(pin_hash, f"{RIGHT}:")


async def test_five_wrong_pins_pause_this_phone_and_not_the_card(bank, network) -> None:
    token = await card_of(bank)
    here, elsewhere = phone("A", network), phone("A", network + "-2")
    for second in range(5):
        assert await try_pin(bank, token, "9999", here, timedelta(seconds=second)) == [WRONG]
    last = timedelta(seconds=4)
    assert await try_pin(bank, token, RIGHT, here, last) == [PAUSED]
    assert isinstance(await try_pin(bank, token, RIGHT, elsewhere, last), SignedIn)
    almost = last + rules.PAUSE - timedelta(seconds=1)
    assert await try_pin(bank, token, RIGHT, here, almost) == [PAUSED]
    assert isinstance(await try_pin(bank, token, RIGHT, here, last + rules.PAUSE), SignedIn)


async def test_another_phone_on_the_same_network_is_not_paused(bank, network) -> None:
    """A group shares one wireless network: one person's wrong PINs do not shut out the room."""
    token = await card_of(bank)
    for _ in range(5):
        await try_pin(bank, token, "9999", phone("A", network))
    assert await try_pin(bank, token, RIGHT, phone("A", network)) == [PAUSED]
    assert isinstance(await try_pin(bank, token, RIGHT, phone("B", network)), SignedIn)


async def test_changing_phones_does_not_get_round_the_network(bank, network, monkeypatch) -> None:
    monkeypatch.setattr(cards, "MAX_WRONG_PINS_PER_NETWORK", 7)
    mine, other = (
        await card_of(bank),
        await card_of(
            bank,
            bank.finance_two.__class__(
                timebank_id=bank.id, member_id=await bank.member("Somebody else"), roles=frozenset()
            ),
        ),
    )
    for number in range(7):
        token = mine if number % 2 else other
        assert await try_pin(bank, token, "9999", phone(f"P{number}", network)) == [WRONG]
    assert await try_pin(bank, mine, RIGHT, phone("new", network)) == [PAUSED]
    assert isinstance(await try_pin(bank, mine, RIGHT, phone("new", network + "-2")), SignedIn)


async def test_a_card_has_a_limit_a_day_wherever_the_tries_come_from(bank, network, monkeypatch) -> None:
    monkeypatch.setattr(cards, "MAX_WRONG_PINS_PER_CARD", 6)
    token = await card_of(bank)
    for number in range(6):
        assert await try_pin(bank, token, "9999", phone("A", f"{network}{number}")) == [WRONG]
    assert await try_pin(bank, token, RIGHT, phone("A", network)) == [PAUSED]
    later = rules.CARD_WINDOW + timedelta(seconds=1)
    assert isinstance(await try_pin(bank, token, RIGHT, phone("A", network), later), SignedIn)


async def test_many_guesses_at_once_count_one_by_one(bank, network) -> None:
    token = await card_of(bank)
    answers = await asyncio.gather(
        *(try_pin(bank, token, f"{9000 + number}", phone("A", network)) for number in range(12))
    )
    assert answers.count([WRONG]) == 5
    assert answers.count([PAUSED]) == 7


async def test_the_right_pin_does_not_count_as_wrong(bank, network) -> None:
    token = await card_of(bank)
    for _ in range(8):
        assert isinstance(await try_pin(bank, token, RIGHT, phone("A", network)), SignedIn)


async def test_unknown_and_wrong_are_answered_alike_also_when_paused(bank, client) -> None:
    token = await card_of(bank)
    unknown = "x" * len(token)

    def browser(network: str):
        opened = client()
        opened._transport.client = (network, 1)
        return opened

    known_page, unknown_page = (
        await browser("a").get(f"/sign-in/card/{token}"),
        await browser("a").get(f"/sign-in/card/{unknown}"),
    )
    assert known_page.status_code == unknown_page.status_code == 200
    assert bank.facts.name not in known_page.text

    def plain(answer, secret: str) -> str:
        import re

        return re.sub(r'name="key" value="[^"]+"', "", answer.text.replace(secret, "SECRET"))

    assert plain(known_page, token) == plain(unknown_page, unknown)
    from uuid import uuid4

    one, two = browser(uuid4().hex), browser(uuid4().hex)
    for number in range(6):
        right = await one.post("/sign-in/card", data={"token": token, "pin": "9999"})
        wrong = await two.post("/sign-in/card", data={"token": unknown, "pin": "9999"})
        assert right.status_code == wrong.status_code == (422 if number < 5 else 429)
        assert plain(right, token) == plain(wrong, unknown)
        assert "9999" not in right.text
    assert "Wait 15 minutes" in right.text
    assert COOKIE not in one.cookies


async def test_an_unknown_card_costs_as_much_work(bank, network, monkeypatch) -> None:
    """Not timed, which would be noise: the same hashing is done whether or not the card exists."""
    worked = []
    real = cards._matches
    monkeypatch.setattr(cards, "_matches", lambda pin_hash, secret: worked.append(pin_hash) or real(pin_hash, secret))
    await try_pin(bank, await card_of(bank), "9999", phone("A", network))
    await try_pin(bank, "x" * 32, "9999", phone("A", network))
    await try_pin(bank, "x" * 5000, "9999", phone("A", network))
    assert len(worked) == 3
    parameters = {pin_hash.rsplit("$", 2)[0] for pin_hash in worked}
    assert len(parameters) == 1


async def test_the_whole_way_in_a_browser(bank, client) -> None:
    from uuid import uuid4

    card = await issue_card(bank.db, bank.coordinator, bank.participant.member_id, pin=RIGHT, now=bank.now)
    browser = client()
    browser._transport.client = (uuid4().hex, 1)
    page = await browser.get(card.path)
    token = card.path.rsplit("/", 1)[1]
    assert f'name="token" value="{token}"' in page.text
    wrong = await browser.post("/sign-in/card", data={"token": token, "pin": "1379", "borrowed": "yes"})
    assert wrong.status_code == 422
    assert 'href="#pin"' in wrong.text
    assert f'name="token" value="{token}"' in wrong.text
    assert 'value="yes" checked' in wrong.text
    answer = await browser.post("/sign-in/card", data={"token": token, "pin": RIGHT, "next": "/offers"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/offers"
    assert token not in answer.headers["location"]
    # The card in the hand is a way in again and again: on this phone without the PIN.
    assert (await browser.get(card.path)).headers["location"] == "/"
    assert (await browser.get("/sign-in/card")).headers["location"] == "/"[:1] + "sign-in"
    someone = replace(bank.participant, member_id=await bank.member("Somebody"))
    assert (await browser.get(f"/sign-in/card/{await card_of(bank, someone)}")).status_code == 200
