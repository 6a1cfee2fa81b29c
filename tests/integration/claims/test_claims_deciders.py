"""Nobody decides about their own claim: in a time bank with one coordinator a deputy or an administrator does."""

from collections.abc import Callable
from datetime import date, timedelta
from uuid import uuid4

import pytest

from tests.contributed import codes
from tests.integration.claims.claiming import TODAY, bus, call, decided, read, sent
from tests.people import NOW, Bank, Browser
from timebank.claims import deciders, service
from timebank.claims.service import Ask, Decide
from timebank.contributions.deputies import Named, NameDeputy, name_deputy
from timebank.home.money import waiting_for
from timebank.identity.service import create_token
from timebank.kit.actor import ADMIN, APPROVER, Actor

Browsers = Callable[[], Browser]


@pytest.fixture
async def alone(bank: Bank) -> Bank:
    """A time bank with one coordinator and nobody else who decides."""
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            """
            delete from member_role where timebank_id = $1 and member_id <> $2
               and role in ('coordinator', 'admin', 'approver')
            """,
            bank.id,
            bank.coordinator.member_id,
        )
    return bank


async def deputise(bank: Bank, member_id: int, by: Actor, first: date = TODAY, last: date = TODAY) -> None:
    command = NameDeputy(deputy_id=member_id, starts_on=first, ends_on=last)
    done = await name_deputy(bank.db, by, command, **call())
    assert isinstance(done, Named), done


async def test_a_deputy_decides_what_the_only_coordinator_claims(alone: Bank) -> None:
    bank = alone
    reference = await sent(bank, bus(), actor=bank.coordinator)
    command = Decide(reference=reference)
    assert codes(await service.decide(bank.db, bank.coordinator, command, **call())) == ["pays_yourself"]
    deputy = Actor(timebank_id=bank.id, member_id=await bank.member("Demo deputy"))
    assert codes(await service.decide(bank.db, deputy, command, **call())) == ["not_allowed"]
    await deputise(bank, deputy.member_id or 0, bank.coordinator)
    own = await sent(bank, bus(510), actor=deputy)
    assert codes(await service.decide(bank.db, deputy, Decide(reference=own), **call())) == ["pays_yourself"]
    tomorrow = {"key": uuid4().hex, "now": NOW + timedelta(days=1)}
    assert codes(await service.decide(bank.db, deputy, command, **tomorrow)) == ["not_allowed"]
    done = await decided(bank, reference, actor=deputy)
    assert done.state == "agreed"
    assert (await read(bank, reference)).decided_by == deputy.member_id


async def test_whoever_stands_in_for_an_approver_does_not_decide_about_money(alone: Bank) -> None:
    bank = alone
    approver = Actor(
        timebank_id=bank.id, member_id=await bank.member("Demo trustee", APPROVER), roles=frozenset({APPROVER})
    )
    deputy = Actor(timebank_id=bank.id, member_id=await bank.member())
    await deputise(bank, deputy.member_id or 0, approver)
    ask = Ask(reference=await sent(bank), question="Which bus?")
    for actor in (approver, deputy):
        assert codes(await service.ask(bank.db, actor, ask, **call())) == ["not_allowed"]


async def test_the_page_says_who_can(alone: Bank, client: Browsers) -> None:
    bank = alone
    reference = await sent(bank, actor=bank.coordinator)
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    page = (await browser.get(f"/claims/{reference}")).text
    assert "This claim pays you. Somebody else decides about it." in page
    assert "Nobody here can just now." in page
    assert 'href="/decisions/deputies"' in page
    assert "Right, unless it is ticked" not in page
    assert "Somebody else decides" in (await browser.get("/claims")).text
    admin = Actor(timebank_id=bank.id, member_id=await bank.member("Demo chair", ADMIN), roles=frozenset({ADMIN}))
    assert "Demo chair" in (await browser.get(f"/claims/{reference}")).text
    assert (await decided(bank, reference, actor=admin)).state == "agreed"


async def test_a_deputy_sees_and_decides_on_pages_and_by_program(alone: Bank, client: Browsers) -> None:
    bank = alone
    reference = await sent(bank, actor=bank.coordinator)
    deputy = Actor(timebank_id=bank.id, member_id=await bank.member("Demo deputy"))
    browser = client()
    await browser.sign_in(bank.db, deputy)
    token = await create_token(
        bank.db, deputy, deputy.member_id or 0, "Program", ("payables:read", "payments:write"),
        now=NOW, valid_for=timedelta(days=1),
    )  # fmt: skip
    bearer = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
    assert (await browser.get("/claims")).status_code == 403
    assert (await browser.get(f"/claims/{reference}")).status_code == 403
    assert (await browser.get("/api/v1/claims", headers=bearer)).status_code == 403
    await deputise(bank, deputy.member_id or 0, bank.coordinator)
    assert "/claims/access" not in (await browser.get("/claims")).text
    assert "Right, unless it is ticked" in (await browser.get(f"/claims/{reference}")).text
    assert (await browser.get("/api/v1/claims", headers=bearer)).json()["items"][0]["reference"] == reference
    decide = await browser.post(f"/api/v1/claims/{reference}/decide", json={}, headers=bearer)
    assert decide.status_code == 200, decide.text
    assert decide.json()["state"] == "agreed"


async def test_who_waits_for_whom(alone: Bank) -> None:
    bank = alone
    await sent(bank, actor=bank.coordinator)
    await sent(bank)
    async with bank.db.reading(bank.id) as connection:
        people = await deciders.able(connection, bank.id, TODAY)
        counts, stuck = await deciders.waiting(connection, bank.id, people)
    assert counts == {bank.coordinator.member_id: 1}
    assert stuck == 1


async def test_who_may_name_a_deputy_hears_of_claims_that_nobody_decides(alone: Bank) -> None:
    bank = alone
    deputy = bank.participant.member_id or 0
    await deputise(bank, deputy, bank.coordinator)
    await sent(bank)  # the deputy's own
    async with bank.db.writing(bank.id) as connection:
        filled_in = "update claim set sent_by = $2 where timebank_id = $1"
        await connection.execute(filled_in, bank.id, bank.coordinator.member_id)
        by_role = await waiting_for(connection, bank.coordinator, TODAY)
        as_deputy = await waiting_for(connection, bank.participant, TODAY)
    assert by_role is not None
    assert as_deputy is not None
    assert (by_role.claims, by_role.stuck, as_deputy.claims, as_deputy.stuck) == (0, 1, 0, 0)
