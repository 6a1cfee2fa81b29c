"""Passkeys, attacked: a real key signs real answers, and each of them in the wrong place opens nothing."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

from tests.people import Bank
from timebank.identity.rules import Device
from timebank.identity.session_store import SignedIn
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.settings import Settings
from timebank.signin import passkeys

HERE = Settings(database_url="postgresql://unused/", public_url="https://hours.test")
PHONE = Device(network="192.0.2.7", agent="Phone")
PRESENT_AND_VERIFIED, WITH_KEY = 0x05, 0x40


class Key:
    """A passkey as a phone keeps it."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.id = hashlib.sha256(str(id(self.private)).encode()).digest()
        self.count = 0

    def made(self, options: str, origin: str = "https://hours.test", host: str = "hours.test") -> str:
        """The answer to "make a passkey"."""
        numbers = self.private.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        whose = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(public)
        told = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(host, WITH_KEY) + whose})
        return self._answer({"attestationObject": told}, _client("webauthn.create", options, origin))

    def signed(self, options: str, origin: str = "https://hours.test", host: str = "hours.test") -> str:
        """The answer to "sign in with a passkey"."""
        self.count += 1
        client, data = _client("webauthn.get", options, origin), self._data(host)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer({"authenticatorData": data, "signature": signature}, client)

    def _data(self, host: str, flags: int = 0) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([PRESENT_AND_VERIFIED | flags]) + self.count.to_bytes(4)

    def _answer(self, parts: dict[str, bytes], client: bytes) -> str:
        response = {name: bytes_to_base64url(part) for name, part in {**parts, "clientDataJSON": client}.items()}
        name = bytes_to_base64url(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def _client(kind: str, options: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": json.loads(options)["challenge"], "origin": origin}).encode()


async def kept(bank: Bank, who: Actor) -> Key:
    key = Key()
    options = await passkeys.options_to_add(bank.db, HERE, who, "Somebody", now=bank.now)
    assert await passkeys.add(bank.db, HERE, who, key.made(options), PHONE, now=bank.now) == []
    return key


async def asked(bank: Bank) -> str:
    return await passkeys.options_to_sign_in(bank.db, HERE, now=bank.now)


async def enter(bank: Bank, answer: str, **more: Any) -> SignedIn | list[Refusal]:
    call = {"is_remembered": False, "replaces": "", "now": bank.now, **more}
    return await passkeys.sign_in(bank.db, HERE, answer, PHONE, **call)


async def test_a_right_answer_opens_ones_own_pages_once(bank: Bank) -> None:
    key = await kept(bank, bank.participant)
    answer = key.signed(await asked(bank))
    started = await enter(bank, answer)
    assert isinstance(started, SignedIn)
    assert await enter(bank, answer) == [passkeys.NO_KEY], "overheard and played again"


Spoiled = Callable[[Bank, Key], Any]


async def elsewhere(bank: Bank, key: Key) -> str:
    return key.signed(await asked(bank), origin="https://hours.test.evil.test")


async def for_another_host(bank: Bank, key: Key) -> str:
    return key.signed(await asked(bank), host="evil.test")


async def over_http(bank: Bank, key: Key) -> str:
    return key.signed(await asked(bank), origin="http://hours.test")


async def never_asked(bank: Bank, key: Key) -> str:
    return key.signed(json.dumps({"challenge": bytes_to_base64url(bytes(64))}))


async def asked_for_something_else(bank: Bank, key: Key) -> str:
    return key.signed(await passkeys.options_to_add(bank.db, HERE, bank.participant, "Somebody", now=bank.now))


async def by_another_key(bank: Bank, key: Key) -> str:
    other = Key()
    other.id, other.count = key.id, key.count
    return other.signed(await asked(bank))


async def copied_key(bank: Bank, key: Key) -> str:
    assert isinstance(await enter(bank, key.signed(await asked(bank))), SignedIn)
    key.count -= 1
    return key.signed(await asked(bank))


async def deep(bank: Bank, key: Key) -> str:
    return "[" * 19_000


@pytest.mark.parametrize(
    "spoil",
    [
        elsewhere,
        for_another_host,
        over_http,
        never_asked,
        asked_for_something_else,
        by_another_key,
        copied_key,
        deep,
    ],
)
async def test_an_answer_in_the_wrong_place_opens_nothing(bank: Bank, spoil: Spoiled) -> None:
    key = await kept(bank, bank.participant)
    assert await enter(bank, await spoil(bank, key)) == [passkeys.NO_KEY]


async def test_an_answer_comes_within_ten_minutes(bank: Bank) -> None:
    key = await kept(bank, bank.participant)
    answer = key.signed(await asked(bank))
    assert await enter(bank, answer, now=bank.now + passkeys.VALID_FOR + timedelta(seconds=1)) == [passkeys.NO_KEY]


async def test_nobody_says_who_they_are_with_somebody_elses_passkey(bank: Bank) -> None:
    key = await kept(bank, bank.participant)
    options = await asked(bank)
    refused = await passkeys.confirm(bank.db, HERE, bank.coordinator, key.signed(options), "no session", now=bank.now)
    assert refused == [passkeys.NO_KEY]


async def test_a_passkey_is_kept_for_whoever_asked_and_taken_away_by_them_alone(bank: Bank) -> None:
    options = await passkeys.options_to_add(bank.db, HERE, bank.participant, "Somebody", now=bank.now)
    made = Key().made(options)
    assert await passkeys.add(bank.db, HERE, bank.coordinator, made, PHONE, now=bank.now) == [passkeys.NO_KEY]
    key = await kept(bank, bank.participant)
    # The same key for a second membership would let one of them into the other.
    again = await passkeys.options_to_add(bank.db, HERE, bank.coordinator, "Other", now=bank.now)
    await passkeys.add(bank.db, HERE, bank.coordinator, key.made(again), PHONE, now=bank.now)
    assert await passkeys.passkeys_of(bank.db, bank.coordinator) == []
    assert not await passkeys.remove(bank.db, bank.coordinator, key.id.hex())
    started = await enter(bank, key.signed(await asked(bank)))
    assert isinstance(started, SignedIn)
    assert await passkeys.remove(bank.db, bank.participant, key.id.hex())
    assert await enter(bank, key.signed(await asked(bank))) == [passkeys.NO_KEY]
