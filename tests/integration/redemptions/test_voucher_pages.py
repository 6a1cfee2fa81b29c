"""Pages of vouchers: the member's code, the till, uploads, posters and statements."""

import re

import pytest

from tests.integration.redemptions.spending import actor
from tests.integration.redemptions.vouchering import code_of, ours, payables, pool, spend, till, token
from tests.people import Bank
from timebank.redemptions.voucher_rules import new_code, spaced


def path_of(answer) -> str:
    return str(answer.headers["location"])


async def at_the_till(bank: Bank, client, payee_id: int):
    await till(bank, payee_id)
    browser = client()
    opened = await browser.get(f"/till/open/{await token(bank, payee_id)}")
    assert (opened.status_code, path_of(opened)) == (303, "/till")
    assert opened.headers["referrer-policy"] == "no-referrer"
    return browser


async def test_a_member_shows_and_a_supplier_confirms(bank: Bank, client) -> None:
    offer_id, payee_id = await ours(bank)
    reference = await spend(bank, offer_id)
    member = client()
    await member.sign_in(bank.db, bank.participant)
    page = await member.get(f"/bookings/{reference}")
    assert "Show my voucher" in page.text
    looked = await member.submit(f"/bookings/{reference}/code", {})
    assert looked.status_code == 303
    shown = await member.get(path_of(looked))
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"
    code = re.search(r"[1-9A-Z]{5}-[1-9A-Z]{5}", shown.text)[0]
    assert "£" not in shown.text

    supplier = await at_the_till(bank, client, payee_id)
    brought = await supplier.get(f"/till/use/{code.replace('-', '')}")
    assert path_of(brought) == "/till"
    page = await supplier.get("/till")
    assert f'value="{code}"' in page.text
    assert "Corner Café" in page.text
    checked = await supplier.submit("/till/check", {"code": code})
    assert checked.status_code == 200
    assert "It belongs to Demo." in checked.text
    assert "Demo participant" not in checked.text
    assert "£5.00" in checked.text
    assert await payables(bank) == []
    done = await supplier.submit("/till/confirm", {"code": code})
    assert done.status_code == 303
    page = await supplier.get(path_of(done))
    assert "Done at 2:30pm" in page.text
    again = await supplier.submit("/till/check", {"code": code})
    assert again.status_code == 422
    assert "already used at 2:30pm" in again.text
    assert len(await payables(bank)) == 1
    assert (await supplier.get(f"/till/done/{reference}")).status_code == 404
    statement = await supplier.get("/till/statement")
    assert "£5.00" in statement.text
    assert "A voucher, booking" in (await supplier.get("/till/statement.csv")).text
    for address in ("/till/statement.pdf", "/till/tally.pdf"):
        assert (await supplier.get(address)).content.startswith(b"%PDF")
    left = await supplier.submit("/till/leave", {})
    assert path_of(left) == "/till"
    assert (await supplier.get("/till")).status_code == 410


async def test_wrong_codes_say_what_to_do_and_pause(bank: Bank, client) -> None:
    _, payee_id = await ours(bank)
    supplier = await at_the_till(bank, client, payee_id)
    mistyped = await supplier.submit("/till/check", {"code": "B7K2M"})
    assert mistyped.status_code == 422
    assert "A letter is wrong or missing" in mistyped.text
    assert 'value="B7K2M"' in mistyped.text
    for _ in range(10):
        wrong = await supplier.submit("/till/check", {"code": new_code()})
        assert wrong.status_code == 422
        assert "We do not know this code" in wrong.text
    paused = await supplier.submit("/till/check", {"code": new_code()})
    assert paused.status_code == 429
    assert "Wait 15 minutes" in paused.text


@pytest.mark.parametrize("address", ["/till", "/till/tally", "/till/statement", "/till/open/unknown", "/till/done/X"])
async def test_without_a_link_every_page_says_how_to_begin(bank: Bank, client, address: str) -> None:
    answer = await client().get(address)
    assert answer.status_code == 410
    assert "poster" in answer.text


async def test_a_tally_is_taken_line_by_line(bank: Bank, client) -> None:
    offer_id, payee_id = await ours(bank)
    supplier = await at_the_till(bank, client, payee_id)
    other = actor(bank, await bank.member("Other Person"))
    one, two = (
        await code_of(bank, await spend(bank, offer_id)),
        await code_of(bank, await spend(bank, offer_id, other), other),
    )
    fields = {
        "code-1": spaced(one), "day-1": "9/3/2026", "amount-1": "",
        "code-2": spaced(one), "day-2": "", "amount-2": "",
        "code-3": two, "day-3": "11/3/2026", "amount-3": "",
        "code-4": "nonsense", "day-4": "", "amount-4": "",
    }  # fmt: skip
    answer = await supplier.submit("/till/tally", fields)
    assert answer.status_code == 422
    assert answer.text.count("Done:") == 1
    assert "already used" in answer.text
    assert "This day is still to come" in answer.text
    assert 'value="nonsense"' in answer.text
    assert len(await payables(bank)) == 1


async def test_staff_upload_codes_and_see_every_line(bank: Bank, client) -> None:
    offer_id, _ = await pool(bank, "KNOWN")
    staff = client()
    await staff.sign_in(bank.db, bank.coordinator)
    preview = await staff.submit(
        f"/vouchers/offers/{offer_id}/codes", {"pasted": "Code,PIN\nNEW-1,12\nKNOWN,1\n,5\nNEW-2,13"}
    )
    assert preview.status_code == 200
    assert "2 codes are good" in preview.text
    assert "We have this code already." in preview.text
    lines = re.search(r'name="lines" value="([^"]*)"', preview.text, re.DOTALL)[1]
    saved = await staff.submit(
        f"/vouchers/offers/{offer_id}/codes/save", {"lines": lines, "paid": "yes", "price": "4.50"}
    )
    assert saved.status_code == 303
    (owed,) = await payables(bank)
    assert owed["pence"] == 900
    page = await staff.get(path_of(saved))
    assert "3 codes are left" in page.text
    wrong = await staff.submit(f"/vouchers/offers/{offer_id}/codes/save", {"lines": "X1", "paid": "yes", "price": "x"})
    assert wrong.status_code == 422
    nothing = await staff.submit(f"/vouchers/offers/{offer_id}/codes", {"pasted": ""})
    assert nothing.status_code == 422


async def test_a_code_that_was_bought_is_shown_once_it_is_asked_for(bank: Bank, client) -> None:
    offer_id, _ = await pool(bank, "GIFT-77,4242")
    reference = await spend(bank, offer_id)
    member = client()
    await member.sign_in(bank.db, bank.participant)
    page = await member.get(f"/bookings/{reference}")
    assert "GIFT-77" not in page.text
    assert "Until then you can cancel." in page.text
    looked = await member.submit(f"/bookings/{reference}/code", {})
    shown = await member.get(path_of(looked))
    assert "GIFT-77" in shown.text
    assert "4242" in shown.text
    used = await member.submit(f"/bookings/{reference}/code/used", {})
    assert "marked as used" in (await member.get(path_of(used))).text
    assert "Who looked at the code" in (await member.get(f"/bookings/{reference}")).text


async def test_staff_make_print_and_end_a_poster(bank: Bank, client) -> None:
    _, payee_id = await ours(bank)
    staff = client()
    await staff.sign_in(bank.db, bank.finance)
    assert "no poster yet" in (await staff.get(f"/suppliers/{payee_id}")).text
    await staff.submit(f"/suppliers/{payee_id}/link", {})
    page = await staff.get(f"/suppliers/{payee_id}")
    assert f"/till/open/{await token(bank, payee_id)}" in page.text
    assert (await staff.get(f"/suppliers/{payee_id}/poster.pdf")).content.startswith(b"%PDF")
    assert "Corner Café" in (await staff.get("/suppliers")).text
    await staff.submit(f"/suppliers/{payee_id}/link/end", {})
    assert (await staff.get(f"/suppliers/{payee_id}/poster.pdf")).status_code == 404


async def test_slips_are_printed_from_the_queue(bank: Bank, client) -> None:
    offer_id, _ = await ours(bank)
    reference = await spend(bank, offer_id)
    member, staff = client(), client()
    await member.sign_in(bank.db, bank.participant)
    await staff.sign_in(bank.db, bank.coordinator)
    assert "slips to print" not in (await staff.get("/")).text
    await member.submit(f"/bookings/{reference}/slip/post", {})
    assert "slips to print" in (await staff.get("/")).text
    assert "Print 1 slip" in (await staff.get("/vouchers")).text
    printed = await staff.submit("/vouchers/slips", {})
    assert printed.content.startswith(b"%PDF")
    assert "Print 1 slip" not in (await staff.get("/vouchers")).text
    assert (await member.submit(f"/bookings/{reference}/slip", {})).content.startswith(b"%PDF")
    assert "on paper" in (await staff.get(f"/bookings/{reference}")).text


async def test_codes_that_run_out_are_on_the_first_page_of_coordinators(bank: Bank, client) -> None:
    offer_id, _ = await pool(bank, "A1", "A2", low_stock=1)
    staff, finance = client(), client()
    await staff.sign_in(bank.db, bank.coordinator)
    await finance.sign_in(bank.db, bank.finance)
    assert "Codes that run out" not in (await staff.get("/")).text
    await spend(bank, offer_id)
    assert "Codes that run out" in (await staff.get("/")).text
    assert "Codes that run out" not in (await finance.get("/")).text
    for address, browser in (("/more", staff), ("/payments", finance), ("/offers/manage", staff)):
        page = (await browser.get(address)).text
        assert 'href="/vouchers"' in page
        assert 'href="/suppliers"' in page


async def test_how_vouchers_work_is_changed_or_refused(bank: Bank, client) -> None:
    offer_id, _ = await ours(bank)
    staff = client()
    await staff.sign_in(bank.db, bank.coordinator)
    address = f"/vouchers/offers/{offer_id}/terms"
    wrong = await staff.submit(address, {"source": "ours", "valid_days": "99", "low_stock": "5"})
    assert wrong.status_code == 422
    assert "Choose from 1 to" in wrong.text
    fine = await staff.submit(address, {"source": "ours", "valid_days": "10", "low_stock": "5"})
    assert fine.status_code == 303
