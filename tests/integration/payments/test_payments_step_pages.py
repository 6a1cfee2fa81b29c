"""Pages and API of what is typed in, parts, cash, credits, many approvals and months."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

from pypdf import PdfReader

from tests.integration.payments.crediting import credit
from tests.integration.payments.helpers import add_payee, approved, facts, money, new_key, owe
from tests.people import NOW, Bank, Browser
from timebank.identity.service import create_token

Open = Callable[[], Browser]
DAY = {"day": "10", "month": "3", "year": "2026"}


async def signed_in(client: Open, bank: Bank, who: str = "finance") -> Browser:
    browser = client()
    await browser.sign_in(bank.db, getattr(bank, who))
    return browser


def day(name: str) -> dict[str, str]:
    return {f"{name}-{part}": value for part, value in DAY.items()}


async def test_paying_something_else_keeps_what_was_typed_and_ends_on_the_payment(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Hall")
    browser = await signed_in(client, bank)
    assert (await browser.get("/payments/new")).status_code == 200
    form = {
        "payee_id": str(payee), "kind": "other", "pence": "19999999999999999999", "tax": "", "description": "Room",
        "reason": "The group meets there", "evidence": "Folder 3", **day("earned_on"), **day("due_on"),
    }  # fmt: skip
    refused = await browser.submit("/payments/new", form)
    assert refused.status_code == 422
    assert 'href="#pence"' in refused.text
    assert "Folder 3" in refused.text
    refused = await browser.submit("/payments/new", form | {"pence": "12.505"})
    assert refused.status_code == 422
    answer = await browser.submit("/payments/new", form | {"pence": "120.00", "invoice_number": "R-1"})
    assert answer.status_code == 303
    page = (await browser.get(answer.headers["location"])).text
    assert "£120.00 to" in page
    assert "The group meets there" in page
    again = await browser.submit("/payments/new", form | {"pence": "120.00", "invoice_number": "R-1"})
    assert again.status_code == 422
    assert 'href="#invoice_number"' in again.text


async def test_everything_that_is_missing_is_said_at_once(client: Open, bank: Bank) -> None:
    browser = await signed_in(client, bank)
    wanted = {
        "/payments/new": ("payee_id", "pence", "earned_on", "due_on", "description", "reason", "evidence"),
        "/payments/credits": ("payee_id", "pence", "document_number", "reason"),
    }
    for place, fields in wanted.items():
        refused = await browser.submit(place, {"kind": "other"})
        assert refused.status_code == 422
        assert [field for field in fields if f'href="#{field}"' not in refused.text] == [], place


async def test_a_part_is_shown_and_several_are_approved_at_once(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    first, second = [await owe(bank.db, bank.coordinator, payee, pence=1250) for _ in range(2)]
    two = await signed_in(client, bank, "finance_two")
    assert (await two.submit(f"/payments/{first}/part", {"part": "99.00"})).status_code == 422
    assert (await two.submit(f"/payments/{first}/part", {"part": "5.00"})).status_code == 303
    browser = await signed_in(client, bank)
    page = (await browser.get("/payments")).text
    assert "£5.00 of £12.50" in page
    ticks = re.findall(r'name="approve" type="checkbox" form="approve-many" value="([^"]+)"', page)
    assert len(ticks) == 2
    changed = [tick if tick.startswith(first) else f"{tick[:-1]}{'0' if tick[-1] != '0' else '1'}" for tick in ticks]
    answer = await browser.submit("/payments/approve", {"approve": changed})  # type: ignore[dict-item]
    assert answer.status_code == 422
    assert "1 payment approved. Not approved:" in answer.text
    assert "changed while you were looking" in answer.text
    assert (await facts(bank.db, bank.id, first)).state == "approved"
    assert (await facts(bank.db, bank.id, second)).state == "submitted"
    page = (await browser.get("/payments")).text
    assert "Export 1 payment, £5.00" in page
    none = await browser.submit("/payments/approve", {})
    assert none.status_code == 422
    assert "Tick the payments" in none.text


async def test_cash_has_a_slip_to_sign_and_ends_as_paid(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Zoë ‘the taxi’ 王")
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payee set pay_by = 'cash' where id = $1", payee)
    reference = await approved(bank, payee, pence=1250)
    browser = await signed_in(client, bank, "finance_two")
    page = (await browser.get("/payments")).text
    assert "To pay in cash, against a signature" in page
    slip = await browser.get(f"/payments/{reference}/receipt.pdf")
    assert slip.headers["content-type"] == "application/pdf"
    assert slip.content.startswith(b"%PDF")
    form = {"pence": "12.50", "receipt_number": "C-1", "handed_by": "Farid", "signed_by": "Zoë", **day("on")}
    own = await (await signed_in(client, bank)).submit(f"/payments/{reference}/cash", form)
    assert own.status_code == 422
    assert "someone else in finance records the cash" in own.text
    for wrong in ({"signed_by": ""}, {"pence": ""}, {"pence": "12.51"}):
        assert (await browser.submit(f"/payments/{reference}/cash", form | wrong)).status_code == 422
    assert (await browser.submit(f"/payments/{reference}/cash", form)).status_code == 303
    page = (await browser.get(f"/payments/{reference}")).text
    assert "signed by <bdi>Zoë</bdi>" in page
    assert (await browser.get(f"/payments/{reference}/receipt.pdf")).content.startswith(b"%PDF")


async def test_cash_less_what_is_owed_back_is_on_the_page_and_on_the_slip(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Zoë")
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payee set pay_by = 'cash' where id = $1", payee)
    reference = await approved(bank, payee, pence=1250)
    await credit(bank, payee, 300)
    browser = await signed_in(client, bank, "finance_two")
    assert "They owe us £3.00, which is kept back" in (await browser.get("/payments")).text
    page = (await browser.get(f"/payments/{reference}")).text
    assert "Pay £9.50 in cash" in page
    assert "They owe us £3.00, which is kept back" in page
    slip = pdf_text((await browser.get(f"/payments/{reference}/receipt.pdf")).content)
    assert "We owe you: £12.50" in slip
    assert "You owe us, so we keep it: £3.00" in slip
    assert "£9.50" in slip
    form = {"pence": "12.50", "receipt_number": "C-1", "handed_by": "Farid", "signed_by": "Zoë", **day("on")}
    refused = await browser.submit(f"/payments/{reference}/cash", form)
    assert refused.status_code == 422
    assert "£9.50 had to be handed over on that day" in refused.text
    assert (await browser.submit(f"/payments/{reference}/cash", form | {"pence": "9.50"})).status_code == 303
    page = (await browser.get(f"/payments/{reference}")).text
    assert "£9.50 in cash" in page
    assert "£3.00 kept back, because they owed us that" in page
    signed = pdf_text((await browser.get(f"/payments/{reference}/receipt.pdf")).content)
    assert "You owe us, so we keep it: £3.00" in signed
    covered = await approved(bank, payee, pence=200)
    await credit(bank, payee, 200, "CN-2")
    page = (await browser.get(f"/payments/{covered}")).text
    assert "No cash is handed over" in page
    assert (await browser.get(f"/payments/{covered}/receipt.pdf")).status_code == 404
    assert "Set the two off: no money moves" in (await browser.get("/payments")).text
    assert (await browser.submit("/payments/credits/set-off", {"payee_id": str(payee)})).status_code == 303
    assert (await facts(bank.db, bank.id, covered)).state == "paid"


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


async def test_a_credit_note_is_checked_shown_and_set_off(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Café")
    await approved(bank, payee, pence=1000)
    browser, other = await signed_in(client, bank), await signed_in(client, bank, "finance_two")
    form = {"payee_id": str(payee), "document_number": "CN-1", "pence": "15.00", "kind": "voucher", "reason": "Two off"}
    assert (await browser.submit("/payments/credits", form | {"pence": "x"})).status_code == 422
    answer = await browser.submit("/payments/credits", form)
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert "someone else in finance checks it" in (await browser.get(place)).text
    assert (await browser.submit(f"{place}/decide", {"decision": "yes"})).status_code == 422
    assert (await other.submit(f"{place}/decide", {"decision": "yes"})).status_code == 303
    page = (await browser.get("/payments")).text
    assert "They owe us £15.00" in page
    assert "Owed to us" in page
    assert (await browser.submit("/payments/credits/set-off", {"payee_id": str(payee)})).status_code == 303
    page = (await browser.get(place)).text
    assert "Set off against payment" in page
    assert "£5.00" in page
    repaid = {"pence": "5.00", **day("on")}
    assert (await browser.submit(f"{place}/repaid", repaid)).status_code == 303
    assert await money(bank.db, bank.id, f"credit/{payee}", f"payable/{payee}", "bank") == [0, 0, -500]
    assert (await browser.get("/payments/credits")).status_code == 200


async def test_an_export_on_a_day_and_in_a_format_that_one_chooses(client: Open, bank: Bank) -> None:
    await approved(bank, await add_payee(bank.db, bank.finance))
    browser = await signed_in(client, bank)
    page = await browser.get("/payments/export")
    assert "Export 1 payment, £12.50" in page.text
    assert (await browser.get("/payments/export?format_code=none-such")).status_code == 404
    form = {"on_page": "yes", "format": "payments-csv", "expected_count": "1", "expected_pence": "1250"}
    sunday = {"processing_on-day": "15", "processing_on-month": "3", "processing_on-year": "2026"}
    refused = await browser.submit("/payments/export", form | sunday)
    assert refused.status_code == 422
    assert "The next working day is 16 March 2026" in refused.text
    answer = await browser.submit("/payments/export", form | sunday | {"processing_on-day": "16"})
    assert answer.status_code == 303
    assert "16 March 2026" in (await browser.get("/payments/batches/1")).text


async def test_a_month_is_closed_and_opened_by_another(client: Open, bank: Bank) -> None:
    await owe(bank.db, bank.coordinator, await add_payee(bank.db, bank.finance), now=NOW - timedelta(days=20))
    browser, other = await signed_in(client, bank), await signed_in(client, bank, "finance_two")
    assert "February 2026" in (await browser.get("/payments/months")).text
    assert (await browser.get("/payments/months/2026-13")).status_code == 404
    assert (await browser.submit("/payments/months/2026-03/close", {})).status_code == 422
    assert (await browser.submit("/payments/months/2026-02/close", {})).status_code == 303
    assert (await browser.submit("/payments/months/2026-02/open", {"why": "Late"})).status_code == 422
    assert (await other.submit("/payments/months/2026-02/open", {"why": ""})).status_code == 422
    assert (await other.submit("/payments/months/2026-02/open", {"why": "Late"})).status_code == 303
    assert "Opened again" in (await other.get("/payments/months/2026-02")).text


async def test_programs_do_every_step(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    browser = client()

    async def sent(who: str) -> dict[str, str]:
        actor = getattr(bank, who)
        token = await create_token(
            bank.db, actor, actor.member_id, "Accounts", ("payables:read", "payments:write"), now=bank.now,
            valid_for=timedelta(days=1),
        )  # fmt: skip
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": new_key()}

    async def step(who: str, path: str, body: dict[str, object], status: int = 200) -> dict[str, object]:
        answer = await browser.post(f"/api/v1/{path}", json=body, headers=await sent(who))
        assert answer.status_code == status, answer.text
        found: dict[str, object] = answer.json()
        return found

    new = {
        "payee_id": payee, "pence": 1250, "description": "Room", "earned_on": "2026-03-01", "due_on": "2026-03-20",
        "reason": "Meeting", "evidence": "Folder",
    }  # fmt: skip
    made = await step("finance", "payables", new, 201)
    reference = made["reference"]
    read = (await browser.get(f"/api/v1/payables/{reference}", headers=await sent("finance"))).json()
    assert (read["state"], read["next_pence"]) == ("submitted", 1250)
    assert (await step("finance", f"payables/{reference}/part", {"pence": 1000}))["state"] == "submitted"
    await step("finance_two", f"payables/{reference}/approve", {"digest": read["digest"]}, 422)
    read = (await browser.get(f"/api/v1/payables/{reference}", headers=await sent("finance"))).json()
    items = [{"reference": reference, "digest": read["digest"]}]
    assert (await step("finance_two", "payables/approve", {"items": items}))["approved"] == [reference]
    batch = await step("finance", "payment-batches", {"expected_count": 1, "expected_pence": 1000}, 201)
    assert (await step("finance", "payment-batches/1/void", {"reason": "Deleted"}))["payable_count"] == 1
    batch = await step("finance", "payment-batches", {}, 201)
    [line] = batch["payments"]  # type: ignore[misc]
    paid = {"outcome": "paid", "on": "2026-03-10"}
    assert (await step("finance", f"payments/{line['reference']}/outcome", paid))["state"] == "paid"  # type: ignore[index]
    read = (await browser.get(f"/api/v1/payables/{reference}", headers=await sent("finance"))).json()
    assert (read["state"], read["settled_pence"]) == ("submitted", 1000)
    await step("finance", f"payables/{reference}/cancel", {"reason": "No"}, 422)
    note = {"payee_id": payee, "pence": 250, "document_number": "CN-1", "reason": "One off"}
    credit = await step("finance", "credits", note)
    assert (await step("finance_two", f"credits/{credit['reference']}/decide", {"accept": True}))["state"] == "open"
    await step("finance_two", f"payables/{reference}/approve", {"digest": read["digest"]})
    assert (await step("finance", "credits/set-off", {"payee_id": payee}))["pence"] == 250
    assert (await browser.get("/api/v1/credits", headers=await sent("finance"))).json() == {"open": [], "proposed": []}
    months = (await browser.get("/api/v1/payment-months", headers=await sent("finance"))).json()
    assert months == {"items": []}
    month = (await browser.get("/api/v1/payment-months/2026-02", headers=await sent("finance"))).json()
    assert [check["code"] for check in month["checks"] if not check["is_good"]] == ["bank_agrees"]
    await step("finance", "payment-months/2026-02/close", {}, 422)
    why = {"why": "The bank’s statement is on its way."}
    assert (await step("finance", "payment-months/2026-02/close", why))["is_closed"] is True
    assert (await step("finance_two", "payment-months/2026-02/open", {"why": "Late"}))["is_closed"] is False
    await step("finance", "payables/ZZZZ-ZZZZ/cancel", {"reason": "No"}, 404)
    await step("coordinator", "payables", new, 422)
