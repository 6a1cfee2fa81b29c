"""Finance's pages as a browser gets them."""

import base64
import hashlib
import re
from collections.abc import Callable

import pytest

from tests.integration.payments.helpers import add_payee, approved, facts, last_payment, new_key, owe, run
from tests.people import Bank, Browser

Open = Callable[[], Browser]


async def signed_in(client: Open, bank: Bank, who: str = "finance") -> Browser:
    browser = client()
    await browser.sign_in(bank.db, getattr(bank, who))
    return browser


async def test_the_first_page_shows_what_is_ready_by_kind_and_what_waits(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "O’Neill & <Sons>")
    await approved(bank, payee, pence=1250)
    await approved(bank, payee, kind="training", pence=9900)
    await owe(bank.db, bank.coordinator, payee, pence=701)
    await owe(bank.db, bank.coordinator, payee, kind="training", pence=302)
    page = (await (await signed_in(client, bank)).get("/payments")).text
    assert "Export 2 payments, £111.50" in page
    assert re.search(r"Vouchers: 1 payment, <strong>£12.50", page)
    assert re.search(r"Training places: 1 payment, <strong>£99.00", page)
    assert "Waiting for approval (1)" in page
    assert "£7.01" in page
    assert "Needs an invoice number (1)" in page
    assert "£3.02" in page
    assert "O’Neill &amp; &lt;Sons&gt;" in page


async def test_approve_then_export_then_download_the_same_bytes_twice(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee)
    browser = await signed_in(client, bank)
    answer = await browser.submit(f"/payments/{reference}/approve")
    assert (answer.status_code, answer.headers["location"]) == (303, "/payments")
    form = {"expected_count": "1", "expected_pence": "1250", "key": new_key()}
    answers = [await browser.submit("/payments/export", form) for _ in range(2)]
    assert [(one.status_code, one.headers["location"]) for one in answers] == [(303, "/payments/batches/1")] * 2
    page = await browser.get("/payments/batches/1")
    assert page.status_code == 200
    assert "1 payment, £12.50" in page.text
    files = [await browser.get("/payments/batches/1/file") for _ in range(2)]
    assert files[0].content == files[1].content
    digest = hashlib.sha256(files[0].content).digest()
    assert files[0].headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert files[0].headers["content-type"].startswith("text/csv")
    assert files[0].headers["content-type"].count("charset") == 1
    assert files[0].headers["content-disposition"].startswith('attachment; filename="bank-')
    assert (await last_payment(bank.db, bank.id, reference)).reference in files[0].text
    assert digest.hex() in page.text.replace("<wbr>", "").replace("\n", "")


async def test_a_file_is_never_compressed_so_that_its_digest_is_of_the_bytes_that_arrive(
    client: Open, bank: Bank
) -> None:
    for _ in range(12):
        await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    browser = await signed_in(client, bank)
    page = await browser.get("/payments/batches/1", headers={"Accept-Encoding": "br, gzip"})
    assert page.headers["content-encoding"] == "br"
    file = await browser.get("/payments/batches/1/file", headers={"Accept-Encoding": "br, gzip"})
    assert len(file.content) > 1000
    assert "content-encoding" not in file.headers
    assert file.headers["content-length"] == str(len(file.content))


async def test_nothing_ready_is_said_on_the_page(client: Open, bank: Bank) -> None:
    browser = await signed_in(client, bank)
    assert "Nothing is ready to pay" in (await browser.get("/payments")).text
    answer = await browser.submit("/payments/export", {})
    assert answer.status_code == 422
    assert "No payment is ready to export" in answer.text


async def test_a_missing_invoice_number_keeps_the_page_and_links_to_the_field(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, kind="training")
    browser = await signed_in(client, bank)
    answer = await browser.submit(f"/payments/{reference}/submit", {"invoice_number": "I" * 36})
    assert answer.status_code == 422
    assert 'href="#invoice_number"' in answer.text
    assert "I" * 36 in answer.text
    answer = await browser.submit(f"/payments/{reference}/submit", {"invoice_number": "INV-7"})
    assert answer.status_code == 303
    page = await browser.get(f"/payments/{reference}")
    assert "You confirmed it. Someone else approves." in page.text
    refused = await browser.submit(f"/payments/{reference}/approve")
    assert refused.status_code == 422
    assert "Ask someone else in finance" in refused.text


async def test_what_changed_while_it_was_shown_is_not_approved(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee)
    browser = await signed_in(client, bank)
    page = (await browser.get(f"/payments/{reference}")).text
    [seen] = re.findall(r'name="seen_digest" value="([0-9a-f]+)"', page)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payable set pence = 1 where timebank_id = $1", bank.id)
    answer = await browser.submit(f"/payments/{reference}/approve", {"seen_digest": seen})
    assert answer.status_code == 422
    assert "changed while you were looking" in answer.text
    assert (await facts(bank.db, bank.id, reference)).state == "submitted"


@pytest.mark.parametrize(
    ("fields", "message", "link"),
    [
        ({"outcome": "paid"}, "Enter the day", "#on"),
        ({"outcome": "paid", "on-day": "11", "on-month": "3", "on-year": "2026"}, "today or earlier", "#on"),
        (
            {"outcome": "rejected", "on-day": "10", "on-month": "3", "on-year": "2026"},
            "reason the bank gave",
            "#reason",
        ),
        ({"outcome": "", "on-day": "10", "on-month": "3", "on-year": "2026"}, "Choose paid", "#outcome"),
    ],
)
async def test_a_bank_answer_that_cannot_be_right(
    client: Open, bank: Bank, fields: dict[str, str], message: str, link: str
) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    browser = await signed_in(client, bank)
    before = await browser.get("/payments/batches/1/lines/1")
    assert 'value="paid" checked' not in before.text, "a careless press would say that the bank paid"
    answer = await browser.submit("/payments/batches/1/lines/1", fields)
    assert answer.status_code == 422
    assert message in answer.text
    assert f'href="{link}"' in answer.text
    assert (await facts(bank.db, bank.id, reference)).state == "exported"


async def test_paid_from_the_payment_run_leads_back_to_it_and_a_return_is_recorded(client: Open, bank: Bank) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    browser = await signed_in(client, bank)
    day = {"on-day": "10", "on-month": "3", "on-year": "2026"}
    answer = await browser.submit("/payments/batches/1/lines/1", {"outcome": "paid", **day})
    assert (answer.status_code, answer.headers["location"]) == (303, "/payments/batches/1")
    returned = {"outcome": "returned", "reason": "Account closed", **day}
    answer = await browser.submit("/payments/batches/1/lines/1", returned)
    assert answer.headers["location"] == "/payments/batches/1"
    page = (await browser.get(f"/payments/{reference}")).text
    assert "Came back from the bank" in page
    assert "Account closed" in page
    assert "send it again" in page
    assert "Stuck, and why" in (await browser.get("/payments")).text


async def test_a_spoiled_approval_is_shown_and_put_back(client: Open, bank: Bank) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payable set description = 'Other' where timebank_id = $1", bank.id)
    browser = await signed_in(client, bank)
    page = (await browser.get("/payments")).text
    assert "Changed after approval" in page
    assert "/payments/export" not in page
    assert (await browser.submit("/payments/export", {})).status_code == 422
    answer = await browser.submit(f"/payments/{reference}/submit", {"again_reason": ""})
    assert answer.status_code == 422
    assert 'href="#again_reason"' in answer.text
    answer = await browser.submit(f"/payments/{reference}/submit", {"again_reason": "Description corrected"})
    assert answer.status_code == 303
    assert (await facts(bank.db, bank.id, reference)).state == "submitted"


async def test_cancelling_asks_why(client: Open, bank: Bank) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    browser = await signed_in(client, bank)
    answer = await browser.submit(f"/payments/{reference}/cancel", {"cancel_reason": ""})
    assert answer.status_code == 422
    assert 'href="#cancel_reason"' in answer.text
    assert (await browser.submit(f"/payments/{reference}/cancel", {"cancel_reason": "Twice"})).status_code == 303
    assert "Twice" in (await browser.get(f"/payments/{reference}")).text


RUN_STEPS = ("batches/1/lines/1", "batches/1/void", "batches/1/file")
PAGES = ("/payments", "/payments?state=all", "/payments/batches", "/payments/batches/1", "/payments/batches/1/file")


@pytest.mark.parametrize("who", ["participant", "coordinator"])
async def test_others_may_not_look_or_act(client: Open, bank: Bank, who: str) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    browser = await signed_in(client, bank, who)
    for path in (*PAGES, f"/payments/{reference}"):
        assert (await browser.get(path)).status_code == 403, path
    for step in (f"{reference}/submit", f"{reference}/approve", f"{reference}/cancel", *RUN_STEPS):
        assert (await browser.submit(f"/payments/{step}")).status_code == 403, step
    assert (await browser.submit("/payments/export")).status_code == 403
    assert (await facts(bank.db, bank.id, reference)).state == "exported"


async def test_who_is_not_signed_in_is_led_to_sign_in(client: Open, bank: Bank) -> None:
    answer = await client().get("/payments", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


async def test_an_administrator_may_look_but_not_act(client: Open, bank: Bank) -> None:
    reference = await owe(bank.db, bank.coordinator, await add_payee(bank.db, bank.finance))
    await approved(bank, await add_payee(bank.db, bank.finance))
    admin = await bank.member("Ada Admin", "admin")
    browser = client()
    await browser.sign_in(bank.db, type(bank.finance)(timebank_id=bank.id, member_id=admin, roles=frozenset({"admin"})))
    page = await browser.get("/payments")
    assert page.status_code == 200
    assert "/payments/export" not in page.text
    assert f"/payments/{reference}/approve" not in page.text
    assert (await browser.submit(f"/payments/{reference}/approve")).status_code == 403


async def test_another_time_banks_payments_are_not_found(client: Open, bank: Bank, other_bank: Bank) -> None:
    reference = await approved(bank, await add_payee(bank.db, bank.finance))
    await run(bank)
    browser = await signed_in(client, other_bank)
    for path in (f"/payments/{reference}", "/payments/batches/1", "/payments/batches/1/file"):
        assert (await browser.get(path)).status_code == 404, path
    for step, fields in (
        (f"{reference}/approve", {}),
        (f"{reference}/submit", {"invoice_number": "1"}),
        (f"{reference}/cancel", {"cancel_reason": "why"}),
        ("batches/1/lines/1", {"outcome": "paid", "on-day": "10", "on-month": "3", "on-year": "2026"}),
        ("batches/1/void", {"reason": "why"}),
        ("batches/1/file", {"format": "payments-csv"}),
    ):
        assert (await browser.submit(f"/payments/{step}", fields)).status_code == 404, step


@pytest.mark.parametrize(
    "path",
    [
        "/payments/NOPE",
        "/payments/0000-0000",
        "/payments/batches/0",
        "/payments/batches/99999999999",
        "/payments/batches/7/file",
        "/payments?state=lost",
        "/payments?state=all&cursor=zzz",
        "/payments/batches?cursor=!",
    ],
)
async def test_addresses_that_lead_nowhere(client: Open, bank: Bank, path: str) -> None:
    assert (await (await signed_in(client, bank)).get(path)).status_code == 404


async def test_lists_are_paged(client: Open, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timebank.payments.web.DEFAULT_PAGE_SIZE", 2)
    payee = await add_payee(bank.db, bank.finance)
    references = [await owe(bank.db, bank.coordinator, payee) for _ in range(3)]
    browser = await signed_in(client, bank)
    first = (await browser.get("/payments?state=submitted")).text
    assert [reference in first for reference in references] == [True, True, False]
    [more] = re.findall(r'href="(/payments\?state=submitted&amp;cursor=[^"]+)"', first)
    second = (await browser.get(more.replace("&amp;", "&"))).text
    assert [reference in second for reference in references] == [False, False, True]
