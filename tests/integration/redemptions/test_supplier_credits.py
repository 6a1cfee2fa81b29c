"""A supplier's page, statement, spreadsheet and paper say what they owe us, and so do programs."""

import io
from collections.abc import Callable
from datetime import timedelta

from pypdf import PdfReader

from tests.integration.payments.crediting import credit
from tests.integration.payments.helpers import add_payee, approved, call, new_key, owe, run
from tests.people import NOW, Bank, Browser
from timebank.identity.service import create_token
from timebank.payments import taking_back
from timebank.payments.service import Approve, approve, post
from timebank.redemptions.suppliers_statement import as_csv, statement

Open = Callable[[], Browser]


async def owing(bank: Bank) -> tuple[int, str, str]:
    """A supplier who owes us a credit note and what was given back after it was paid; the references of the two."""
    payee = await add_payee(bank.db, bank.finance)
    note = await credit(bank, payee, 300, "CN-7")
    paid = await owe(bank.db, bank.coordinator, payee, source_id=4711)
    await approve(bank.db, bank.finance, Approve(reference=paid), **call())
    await run(bank)  # keeps the first credit back
    async with bank.db.writing(bank.id) as connection:
        back = await taking_back.plan(
            connection, bank.coordinator, "redemption", 4711, pence=250, key="back:1", effective_on=NOW.date()
        )
        assert isinstance(back, taking_back.Smaller), back
        ids = await post(connection, bank.coordinator, back.items)
        refund = await taking_back.record(connection, bank.coordinator, back, ids, reason="About Ann", now=NOW)
    return payee, await credit(bank, payee, 200, "CN-8"), refund if note else ""


async def test_what_they_owe_us_stands_on_the_statement_until_it_is_kept_back(bank: Bank) -> None:
    payee, note, refund = await owing(bank)
    month = NOW.date().replace(day=1)
    async with bank.db.reading(bank.id) as connection:
        shown = await statement(connection, bank.id, payee, month, on=NOW.date())
    assert [(one.reference, one.what, one.pence) for one in shown.owed_to_us] == [
        (refund, "Lunch voucher", 1000),
        (note, "Credit note CN-8", 200),
    ]
    assert shown.owed_to_us_pence == 1200
    content = as_csv(shown, "GBP")
    assert f"{NOW.date()},{refund},Lunch voucher,-10.00,GBP,You owe us" in content
    assert "Ann" not in content
    await approved(bank, payee, pence=5000)
    await run(bank)
    async with bank.db.reading(bank.id) as connection:
        assert (await statement(connection, bank.id, payee, month, on=NOW.date())).owed_to_us == ()


async def test_staff_and_programs_see_it_too(client: Open, bank: Bank) -> None:
    payee, note, refund = await owing(bank)
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    assert "They owe us £12.00." in (await browser.get(f"/suppliers/{payee}")).text
    page = (await browser.get(f"/suppliers/{payee}/statement?month=2026-03")).text
    assert "Credit note CN-8" in page
    assert "The next payment to them keeps it back." in page
    for size in ("", "&size=large"):
        paper = (await browser.get(f"/suppliers/{payee}/statement.pdf?month=2026-03{size}")).content
        text = "".join(one.extract_text() for one in PdfReader(io.BytesIO(paper)).pages)
        assert "You owe us" in text
        assert "£10.00" in text
    finance = bank.finance
    assert finance.member_id is not None
    token = await create_token(
        bank.db, finance, finance.member_id, "Till", ("redemptions:write",), now=bank.now,
        valid_for=timedelta(days=1),
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_key()}
    read = (await client().get(f"/api/v1/suppliers/{payee}/statement?month=2026-03", headers=headers)).json()
    assert [one["reference"] for one in read["owed_to_us"]] == [refund, note]
