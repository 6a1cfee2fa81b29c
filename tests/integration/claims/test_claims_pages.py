"""The pages of claims: nothing typed is lost, the photo stays through errors, and each sees what is theirs."""

import re
from collections.abc import Callable
from datetime import timedelta

from tests.integration.claims.claiming import bus, call, decided, given, picture, read, sent
from tests.people import NOW, Bank, Browser
from timebank.claims import service
from timebank.kit.clock import FixedClock
from timebank.members.supporters import SCOPES
from timebank.members.web_acting import SCOPE_OF
from timebank.payments import service as payments

Browsers = Callable[[], Browser]
FIELDS = {"kind": "taxi", "amount": "13.50", "day": "today", "what_for": "The bus did not come"}


async def signed_in(browsers: Browsers, bank: Bank, name: str = "participant") -> Browser:
    browser = browsers()
    await browser.sign_in(bank.db, getattr(bank, name), NOW)
    return browser


async def test_a_cost_with_a_photo_that_stays_through_an_error(client: Browsers, bank: Bank) -> None:
    browser = await signed_in(client, bank)
    assert (await browser.get("/me/claims")).status_code == 200
    assert "Taxi" in (await browser.get("/me/claims/new")).text
    photo = {"photo": ("r.jpg", picture(), "image/jpeg")}
    wrong = await browser.submit("/me/claims/new", {**FIELDS, "amount": "lots"}, files=photo)
    assert wrong.status_code == 422
    assert "The bus did not come" in wrong.text
    receipt = re.search(r'name="receipt_id" value="(\d+)"', wrong.text)
    assert receipt
    assert (await browser.get(f"/me/claims/photos/{receipt[1]}")).headers["content-type"] == "image/jpeg"
    kept = await browser.submit("/me/claims/new", {**FIELDS, "receipt_id": receipt[1]})
    assert kept.status_code == 303, kept.text
    reference = kept.headers["location"].rsplit("/", 1)[1]
    page = await browser.get(f"/me/claims/{reference}")
    assert "Send: <bdi>£13.50</bdi>" in page.text
    assert "With a receipt" in page.text
    again = await browser.submit("/me/claims/new", {**FIELDS, "receipt_id": receipt[1]})
    assert again.status_code == 422
    assert "Why is it there twice?" in again.text
    change = await browser.submit(f"/me/claims/{reference}/lines/1", {**FIELDS, "amount": "12", "no_photo": "yes"})
    assert change.status_code == 422  # over the limit without a receipt
    change = await browser.submit(
        f"/me/claims/{reference}/lines/1", {**FIELDS, "amount": "8", "no_receipt_why": "Lost", "no_photo": "yes"}
    )
    assert change.status_code == 303
    assert (await browser.submit(f"/me/claims/{reference}/send")).headers["location"].endswith("?new=yes")
    [line] = (await read(bank, reference)).lines
    assert (line.pence, line.receipt_id, line.no_receipt_why) == (800, None, "Lost")


async def test_three_taps_for_the_usual_fare(client: Browsers, bank: Bank) -> None:
    await sent(bank, bus(420))
    browser = await signed_in(client, bank)
    assert "Same as last time: Bus, £4.20" in (await browser.get("/me/claims")).text
    same = await browser.submit("/me/claims/same")
    assert same.status_code == 422  # it is there for today already, so it asks why
    assert "Why is it there twice?" in same.text
    form = {"kind": "bus", "amount": "4.20", "day": "today", "no_receipt_why": "None given", "again": "The way back"}
    assert (await browser.submit("/me/claims/new", form)).status_code == 303


async def test_the_day_and_words_that_are_wrong_are_all_said_at_once(client: Browsers, bank: Bank) -> None:
    browser = await signed_in(client, bank)
    fields = {"kind": "other", "amount": "", "on-day": "31", "on-month": "2", "on-year": "2026"}
    answer = await browser.submit("/me/claims/new", fields)
    assert answer.status_code == 422
    for field in ("amount", "on", "what_for"):
        assert f'href="#{field}"' in answer.text, field
    miles = await browser.submit("/me/claims/new", {"kind": "mileage", "miles": "12.55", "day": "today"})
    assert "one digit after the point" in miles.text
    nothing = await browser.submit("/me/claims/new", {"kind": "yacht"})
    assert "What did you pay for?" in nothing.text


async def test_asked_answered_and_where_the_money_is(client: Browsers, bank: Bank) -> None:
    reference = await sent(bank, bus(420), bus(300, kind="train"))
    staff, member = await signed_in(client, bank, "coordinator"), await signed_in(client, bank)
    assert "To look at" in (await staff.get("/claims")).text
    assert (await staff.submit(f"/claims/{reference}/ask", {"question": "Which bus?"})).status_code == 303
    assert "Which bus?" in (await member.get(f"/me/claims/{reference}")).text
    assert (await member.submit(f"/me/claims/{reference}/answer", {"answer": "The 42"})).status_code == 303
    assert "The 42" in (await staff.get(f"/claims/{reference}")).text
    no_reason = await staff.submit(f"/claims/{reference}/decide", {"declined": "2"})
    assert no_reason.status_code == 422
    assert 'href="#reason-2"' in no_reason.text
    done = await staff.submit(f"/claims/{reference}/decide", {"declined": "2", "reason-2": "By bus, please"})
    assert done.status_code == 303
    page = (await member.get(f"/me/claims/{reference}")).text
    assert "Finance checks it" in page
    assert "By bus, please" in page
    assert "We do not know yet where to pay it." in page
    again = await member.submit(f"/me/claims/{reference}/again", {"words": "There is no bus"})
    assert again.status_code == 303
    assert "There is no bus" in (await staff.get(again.headers["location"].replace("/me", "").split("?")[0])).text


async def test_late_money_says_why(client: Browsers, bank: Bank, clock: FixedClock) -> None:
    moved = await decided(bank, await sent(bank))
    await payments.approve(bank.db, bank.finance, payments.Approve(reference=moved.payment), **call())
    member = await signed_in(client, bank)
    assert "You have it by" in (await member.get(f"/me/claims/{moved.reference}")).text
    clock.set(NOW + timedelta(days=32))
    member = client()
    await member.sign_in(bank.db, bank.participant, NOW + timedelta(days=32))
    assert "It is late" in (await member.get(f"/me/claims/{moved.reference}")).text


async def test_the_claim_of_another_is_not_there(client: Browsers, bank: Bank) -> None:
    reference = await sent(bank)
    other = await signed_in(client, bank, "coordinator_two")
    for path in (f"/me/claims/{reference}", f"/me/claims/{reference}/lines/1"):
        assert (await other.get(path)).status_code == 404
    draft = await service.add_line(bank.db, bank.participant, service.AddLine(line=bus(100)), **call())
    assert not isinstance(draft, list)
    assert (await other.get(f"/claims/{draft.reference}")).status_code == 404


async def test_money_in_advance_from_the_desk(client: Browsers, bank: Bank) -> None:
    staff, colleague = await signed_in(client, bank, "coordinator"), await signed_in(client, bank, "finance")
    fields = {"to": "Demo participant", "kind": "taxi", "on-day": "11", "on-month": "3", "on-year": "2026"}
    unsigned = await staff.submit("/claims/access/advance", {**fields, "amount": "20"})
    assert unsigned.status_code == 422
    assert 'href="#signed_name"' in unsigned.text
    done = await staff.submit("/claims/access/advance", {**fields, "amount": "20", "signed_name": "D P"})
    assert done.status_code == 303
    path = done.headers["location"]
    photo = {"photo": ("r.jpg", picture("blue"), "image/jpeg")}
    wrong = await staff.submit(f"{path}/receipts", {"what": "", "amount": "12"}, files=photo)
    assert wrong.status_code == 422
    receipt = re.search(r'name="receipt_id" value="(\d+)"', wrong.text)
    assert receipt
    added = await staff.submit(f"{path}/receipts", {"what": "Taxi", "amount": "12", "receipt_id": receipt[1]})
    assert added.status_code == 303, added.text
    assert (await colleague.get(f"{path}/receipts/1/photo")).headers["content-type"] == "image/jpeg"
    assert "A colleague settles it" in (await staff.get("/claims/access/advance")).text
    assert (await colleague.submit(f"{path}/settle", {"returned": "7"})).status_code == 422
    assert (await colleague.submit(f"{path}/settle", {"returned": "8"})).status_code == 303
    assert "Settled" in (await colleague.get(path)).text


async def test_supporters_do_not_reach_claims() -> None:
    [row] = [row for row in SCOPE_OF if row[0] == "/me/claims"]
    assert row[1] not in SCOPES
    assert row[2] not in SCOPES


async def test_members_see_what_is_paid_for_them(client: Browsers, bank: Bank) -> None:
    await given(bank)
    page = (await (await signed_in(client, bank)).get("/me/claims")).text
    assert "You have the money" in page
    assert "£20.00" in page
