"""Fees on pages and by the API: whose they are, what finance sees, races, clocks and messages about the money."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from tests.contributed import codes
from tests.integration.fees.feeing import (
    assert_sound,
    charity,
    chose,
    fee_of,
    gave,
    key,
    payables,
    paying_group,
    set_rate,
    try_choose,
)
from tests.people import NOW, Bank, Browser
from timebank.fees import queries, service
from timebank.fees.service import ChooseFee, ChosenFee, tell_due
from timebank.identity.service import create_token
from timebank.kit.actor import Actor
from timebank.payments.batches import ExportBatch, Exported, export
from timebank.payments.outcomes import RecordOutcome, Settled, record_outcome
from timebank.payments.run_queries import payments_of_batch
from timebank.payments.service import Approve, Changed, approve

Open = Callable[[], Browser]


async def bearer(bank: Bank, actor: Actor, *scopes: str) -> dict[str, str]:
    token = await create_token(
        bank.db, actor, actor.member_id or 0, "Program", scopes, now=NOW, valid_for=timedelta(days=1)
    )
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": key()}


async def paid_run(bank: Bank, reference: str) -> int:
    """Approve one payment and let it leave; the number of its run."""
    done = await approve(bank.db, bank.finance, Approve(reference=reference), key=key(), now=NOW)
    assert isinstance(done, Changed), done
    run = await export(bank.db, bank.finance, ExportBatch(), key=key(), now=NOW)
    assert isinstance(run, Exported), run
    return run.number


async def settle(bank: Bank, number: int, *outcomes: str) -> None:
    async with bank.db.reading(bank.id) as connection:
        sent = await payments_of_batch(connection, bank.id, number)
    for payment in sent:
        for outcome in outcomes:
            command = RecordOutcome(
                reference=payment.reference, outcome=outcome, on=NOW.date(), reason="The bank says so"
            )
            assert isinstance(await record_outcome(bank.db, bank.finance, command, key=key(), now=NOW), Settled)


async def test_a_fee_is_its_members_and_no_others(client: Open, bank: Bank) -> None:
    await set_rate(bank, 1250)
    fee = await gave(bank, await paying_group(bank), bank.participant.member_id or 0, 85)
    browser, stranger = client(), client()
    await browser.sign_in(bank.db, bank.participant)
    await stranger.sign_in(bank.db, Actor(timebank_id=bank.id, member_id=await bank.member()))
    page = (await browser.get(f"/me/fees/{fee.reference}")).text
    assert "You can have £17.71" in page
    assert "We round to the nearest penny." in page
    assert "It can change some benefits." in page
    assert (await stranger.get(f"/me/fees/{fee.reference}")).status_code == 404
    refused = await stranger.post(
        f"/me/fees/{fee.reference}", data={"csrf": stranger.csrf, "key": key(), "how": "all", "seen_pence": "1771"}
    )
    assert refused.status_code == 404
    sent = {"csrf": browser.csrf, "key": key(), "how": "all", "seen_pence": "1771"}
    for _ in range(2):  # a double tap
        assert (await browser.post(f"/me/fees/{fee.reference}", data=sent)).status_code == 303
    assert [row["pence"] for row in await payables(bank)] == [1771]


async def test_finance_sees_numbers_of_those_who_took_nothing_and_no_names(client: Open, bank: Bank) -> None:
    await set_rate(bank)
    activity, shy = await paying_group(bank), await bank.member("Quintilla Shy")
    await chose(bank, await gave(bank, activity, shy), "none")
    await chose(bank, await gave(bank, activity, await bank.member("Tess Takes")), "part", pence=500)
    browser = client()
    await browser.sign_in(bank.db, bank.finance)
    page = (await browser.get("/payments/fees?month=2026-03")).text
    assert "Quintilla" not in page
    assert "Tess Takes" in page
    assert "1 took nothing, 1 took a part" in page
    assert "£19.00" in page  # 12.00 and 7.00 declined
    assert (await browser.get("/payments/fees?month=2026-13")).status_code == 404
    headers = await bearer(bank, bank.finance, "payables:read")
    answer = (await client().get("/api/v1/fees?month=2026-03-10", headers=headers)).json()
    assert answer["counts"] == {"none": 1, "part": 1}
    assert answer["sums"] == {"offered": 2400, "taken": 500, "declined": 1900}


async def test_a_program_chooses_for_its_member(client: Open, bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), bank.participant.member_id or 0)
    headers = await bearer(bank, bank.participant, "hours:read", "hours:write")
    browser, path = client(), f"/api/v1/fees/{fee.reference}"
    shown = (await browser.get(path, headers=headers)).json()
    assert (shown["offered_pence"], shown["can_choose"], shown["how"]) == (1200, True, None)
    sent = {"how": "part", "pence": 700, "seen_pence": shown["offered_pence"]}
    done = await browser.post(f"{path}/choice", json=sent, headers=headers)
    assert done.status_code == 201, done.text
    assert (await browser.post(f"{path}/choice", json=sent, headers=headers)).json() == done.json()
    mine = (await browser.get(f"/api/v1/members/{fee.member_id}/fees", headers=headers)).json()
    assert mine["fees"][0]["payable_state"] == "submitted"
    other = await bearer(bank, Actor(timebank_id=bank.id, member_id=await bank.member()), "hours:read", "hours:write")
    assert (await browser.get(path, headers=other)).status_code == 404
    assert (await browser.get(f"/api/v1/members/{fee.member_id}/fees", headers=other)).status_code == 403


async def test_twenty_choices_at_once_owe_one_of_them(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    giver, member = await charity(bank), Actor(timebank_id=bank.id, member_id=fee.member_id)
    ways: list[dict[str, Any]] = [{"how": "all"}, {"how": "none"}, {"how": "charity", "payee_id": giver}]
    answers = await asyncio.gather(
        *(
            service.choose(bank.db, member, ChooseFee(reference=fee.reference, **ways[n % 3]), key=key(), now=NOW)
            for n in range(20)
        )
    )
    assert all(isinstance(one, ChosenFee) for one in answers)
    standing = [row for row in await payables(bank) if row["state"] != "cancelled"]
    assert len(standing) <= 1
    assert sum(row["pence"] for row in standing) == ((await fee_of(bank, fee.reference)).choice_pence or 0)
    await assert_sound(bank)


async def test_messages_follow_the_money(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    number = await paid_run(bank, (await chose(bank, fee, "all")).payable_reference)
    assert await tell_due(bank.db, bank.id, NOW) == 1
    assert await tell_due(bank.db, bank.id, NOW) == 0
    await settle(bank, number, "paid")
    assert await tell_due(bank.db, bank.id, NOW) == 1
    await settle(bank, number, "returned")
    assert await tell_due(bank.db, bank.id, NOW) == 1
    async with bank.db.reading(bank.id) as connection:
        told = await connection.fetch(
            "select subject, body from message where timebank_id = $1 and member_id = $2 and kind = 'fee' order by id",
            bank.id,
            fee.member_id,
        )
    assert [row["subject"] for row in told] == [
        "A fee waits for your choice",
        "Money is on its way",
        "We have made a payment",
        "A payment came back",
    ]
    assert told[2]["body"].startswith("We paid you £12.00.\n\nIt is for your time on ")


async def test_tax_years_count_money_when_it_was_paid(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    number = await paid_run(bank, (await chose(bank, fee, "all")).payable_reference)
    await settle(bank, number, "paid")
    async with bank.db.reading(bank.id) as connection:
        [total] = await queries.totals_by_tax_year(connection, bank.id)
        assert await queries.totals_by_tax_year(connection, bank.id, member_id=fee.member_id) == [total]
    assert (total.year, total.last_day) == (date(2025, 4, 6), date(2026, 4, 5))
    assert (total.fees_pence, total.expenses_pence) == (1200, 0)
    await settle(bank, number, "returned")
    async with bank.db.reading(bank.id) as connection:
        assert await queries.totals_by_tax_year(connection, bank.id) == []


async def test_the_clock_runs_from_when_the_message_arrived(bank: Bank) -> None:
    await set_rate(bank)
    fee = await gave(bank, await paying_group(bank), await bank.member())
    async with bank.db.writing(bank.id) as connection:
        assert await queries.choose_until(connection, bank.id, fee) is None
        # As packing leaves it for somebody who gets no messages: it was on their page from then on.
        await _on_the_page(connection, bank.id, fee.id)
        until = await queries.choose_until(connection, bank.id, fee)
    assert until is not None
    assert until >= NOW.date() + timedelta(days=90)
    late = NOW + timedelta(days=200)
    assert codes(await try_choose(bank, fee, "all", now=late)) == ["too_late"]
    assert await payables(bank) == []
    await chose(bank, fee, "all", bank.coordinator, how_agreed="By phone", now=late)


async def _on_the_page(connection: Any, timebank_id: int, fee_id: int) -> None:
    await connection.execute(
        "update message set state = 'kept' where timebank_id = $1 and dedupe = $2",
        timebank_id,
        queries.offer_dedupe(fee_id, 1),
    )
