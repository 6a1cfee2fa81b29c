"""Tokens for programs: scopes, expiry, revocation, and the words of a refusal."""

from datetime import timedelta

import pytest

from timebank.identity import service
from timebank.identity.rules import SCOPES
from timebank.kit.refusal import Refusal

PATH = "/api/v1/members"


async def token(bank, actor=None, scopes=("members:read",), **more) -> str:
    actor = actor or bank.coordinator
    made = await service.create_token(bank.db, actor, actor.member_id, "A robot", scopes, now=bank.now, **more)
    assert isinstance(made, str)
    return made


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


async def test_a_token_with_the_scope_opens_the_door(bank, client) -> None:
    answer = await client().get(PATH, headers=bearer(await token(bank)))
    assert answer.status_code == 200
    assert {member["display_name"] for member in answer.json()["items"]} >= {"Demo participant"}


async def test_without_a_token_that_works_nothing_opens(bank, client, clock) -> None:
    short, revoked = await token(bank, valid_for=timedelta(minutes=1)), await token(bank)
    assert await service.revoke_token(bank.db, bank.coordinator, revoked, now=bank.now)
    assert not await service.revoke_token(bank.db, bank.coordinator, revoked, now=bank.now)
    clock.advance(timedelta(minutes=1))
    browser = client()
    bodies = []
    for value in (short, revoked, "tb_unknown", "x" * 5000, "é"):
        answer = await browser.get(PATH, headers={"Authorization": f"Bearer {value}".encode()})
        assert answer.status_code == 401, value
        assert answer.headers["www-authenticate"].startswith('Bearer realm="timebank"')
        assert answer.headers["content-type"] == "application/problem+json"
        bodies.append(answer.text)
    assert len(set(bodies)) == 1
    assert answer.json()["code"] == "not_authenticated"
    plain = await browser.get(PATH)
    assert plain.status_code == 401
    assert plain.headers["www-authenticate"] == 'Bearer realm="timebank"'
    assert (await browser.get(PATH, headers={"Authorization": "Basic abc"})).status_code == 401


async def test_a_session_cookie_opens_nothing_in_the_api(bank, client) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    assert (await browser.get(PATH)).status_code == 401


async def test_another_scope_does_not_do(bank, client) -> None:
    value = await token(bank, scopes=[scope for scope in SCOPES if scope != "members:read"])
    answer = await client().get(PATH, headers=bearer(value))
    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_missing"
    assert 'error="insufficient_scope", scope="members:read"' in answer.headers["www-authenticate"]


async def test_a_scope_gives_no_role(bank, client) -> None:
    answer = await client().get(PATH, headers=bearer(await token(bank, bank.participant)))
    assert answer.status_code == 403
    assert answer.json()["code"] == "role_missing"


async def test_a_token_sees_its_own_time_bank_only(bank, other_bank, client) -> None:
    await other_bank.member("Somebody over there")
    answer = await client().get(PATH, headers=bearer(await token(bank)), params={"limit": "200"})
    assert "Somebody over there" not in answer.text


async def test_another_time_banks_token_cannot_be_revoked(bank, other_bank) -> None:
    value = await token(bank)
    assert not await service.revoke_token(bank.db, other_bank.coordinator, value, now=bank.now)
    assert await service.revoke_token(bank.db, bank.coordinator, value, now=bank.now)


async def test_what_a_token_may_be_is_refused_in_words(bank) -> None:
    made = await service.create_token(
        bank.db, bank.coordinator, bank.coordinator.member_id, "", ["everything"], now=bank.now
    )
    assert [refusal.code for refusal in made] == ["bad_name", "unknown_scope"]
    assert all(isinstance(refusal, Refusal) for refusal in made)


async def test_a_handler_that_asks_for_an_unknown_scope_is_a_bug() -> None:
    from timebank.identity.api_auth import token_actor

    with pytest.raises(ValueError, match="unknown scope"):
        await token_actor(None, "everything")
