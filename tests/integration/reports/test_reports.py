"""Reports read the same rows as the work itself, and a trace walks from a bank payment to a session and back."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pypdf import PdfReader

from tests.contributed import group, line, save
from tests.integration.payments.helpers import call, last_payment, run
from tests.integration.redemptions.spending import actor, booked, offer, payee, step
from tests.integration.redemptions.vouchering import code_of, confirm, ours, pool, spend, till
from tests.people import Bank, Browser
from timebank.payments import queries as payments
from timebank.payments import service
from timebank.payments.outcomes import RecordOutcome, Settled, record_outcome
from timebank.payments.rules import PayableFacts
from timebank.payments.service import Approve
from timebank.reports import making, queries, trace
from timebank.reports.asked import Asked, asked

Open = Callable[[], Browser]


async def paid_lunch(bank: Bank, member_id: int, *, pence: int = 1000, price: int = 60) -> str:
    """A booking of lunch that is used, approved, exported and paid; its reference."""
    cafe = await payee(bank, f"Café {uuid4().hex[:6]}")
    lunch = await offer(bank, "voucher", payee_id=cafe, value_pence=pence, price_minutes=price)
    reference = await booked(bank, lunch, actor(bank, member_id))
    await step(bank, "fulfil", reference)
    payable = await payable_of(bank, reference)
    await service.approve(bank.db, bank.finance, Approve(reference=payable.reference), **call())
    await run(bank)
    payment = await last_payment(bank.db, bank.id, payable.reference)
    outcome = RecordOutcome(reference=payment.reference, outcome="paid", on=bank.now.date())
    assert isinstance(await record_outcome(bank.db, bank.finance, outcome, **call()), Settled)
    return reference


async def payable_of(bank: Bank, reference: str) -> PayableFacts:
    """What the booking with this reference owes its supplier."""
    async with bank.db.reading(bank.id) as connection:
        booking = await connection.fetchval("select id from redemption where reference = $1", reference)
        found = await payments.by_source(connection, bank.id, "redemption", booking)
    assert found is not None
    return found


async def traced(bank: Bank, reference: str, *, forward: bool = False) -> list[trace.Traced]:
    async with bank.db.reading(bank.id) as connection:
        way = trace.trace_register if forward else trace.trace
        return await way(connection, bank.id, reference)


async def test_from_the_bank_payment_to_the_session_and_back(bank: Bank) -> None:
    lunch_club, walkers, ann = await group(bank), await group(bank, name="Walkers"), await bank.member("Ann")
    first = await save(bank, lunch_club, line(ann, 45))
    second = await save(bank, walkers, line(ann, 60))
    booking = await paid_lunch(bank, ann)
    payable = await payable_of(bank, booking)
    payment = await last_payment(bank.db, bank.id, payable.reference)
    for reference in (payment.reference, payable.reference, booking):
        [found] = await traced(bank, reference)
        assert (found.reference, found.pence, found.state) == (payable.reference, 1000, "paid")
        [attempt] = found.attempts
        assert (attempt.reference, attempt.batch_number, attempt.state) == (payment.reference, 1, "paid")
        source = found.source
        assert (source.kind, source.reference, source.minutes, source.member_id) == ("booking", booking, 60, ann)
        assert [(one.minutes, one.register) for one in source.sessions] == [
            (45, first.reference),
            (15, second.reference),
        ]
        assert source.other_minutes == 0
    for register in (first.reference, second.reference):
        assert [one.reference for one in await traced(bank, register, forward=True)] == [payable.reference]
    unused = await save(bank, walkers, line(ann, 30))
    assert await traced(bank, unused.reference, forward=True) == []


async def test_another_time_bank_traces_nothing(bank: Bank, other_bank: Bank) -> None:
    lunch_club, ann = await group(bank), await bank.member("Ann")
    saved = await save(bank, lunch_club, line(ann, 60))
    booking = await paid_lunch(bank, ann)
    async with bank.db.reading(other_bank.id) as connection:
        assert await trace.trace(connection, bank.id, booking) == []
        assert await trace.trace_register(connection, bank.id, saved.reference) == []


async def test_a_report_adds_up(bank: Bank) -> None:
    lunch_club, ann, ben = await group(bank), await bank.member("Ann"), await bank.member("Ben")
    await save(bank, lunch_club, line(ann, 90), line(ben, 30), line(ben, 40, kind="staff"))
    await paid_lunch(bank, ann)
    day = bank.now.date()
    wanted = Asked(first=day.replace(day=1) - timedelta(days=1), last=day)
    async with bank.db.reading(bank.id) as connection:
        report = await making.make(connection, bank.id, wanted, currency="GBP", now=bank.now)
    assert (report.minutes, report.staff_minutes, report.people, report.pence) == (120, 40, 2, 1000)
    assert report.by_kind == [("voucher", 1, 1000, 1000)]
    assert [month for month, _, _ in report.by_month] == [day.replace(day=1) - timedelta(days=28), day.replace(day=1)]
    assert sum(minutes for _, minutes, _ in report.by_month) == 120
    assert report.outstanding == 60
    assert [(one.kind, one.minutes, one.pence) for one in report.exposures] == [("voucher", 60, 1000)]
    [days] = report.days_to_pay
    assert (days.payables, days.days, days.late) == (1, 0, 0)
    lines = list(csv.DictReader(io.StringIO(making.as_csv(report))))
    assert sum(int(one["Minutes"] or 0) for one in lines) == 120
    assert {one["People"] for one in lines if one["What"] == "Time given"} == {"fewer than 10"}


async def test_the_look_ahead_knows_what_vouchers_cost_however_they_are_paid(bank: Bank) -> None:
    supplier = await payee(bank, "Market Hall")
    own, _ = await ours(bank, pence=500, supplier=supplier, allows_parts=True)
    bought, _ = await pool(bank, "ABCD-1", pence_each=300)
    reference = await spend(bank, own)
    at, code = await till(bank, supplier), await code_of(bank, reference)
    for part in (200, 300):
        await confirm(bank, at, code, pence=part)
    await step(bank, "fulfil", await spend(bank, bought))
    async with bank.db.reading(bank.id) as connection:
        used = await queries.used_since(connection, bank.id, bank.now - timedelta(days=1))
    assert [(one.kind, one.minutes, one.pence) for one in used] == [("voucher", 120, 800)]


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        ("soon", "", "date_unreadable"),
        ("2026-03-01", "2026-02-01", "days_backwards"),
        ("2012-01-01", "", "too_many_days"),
    ],
)
def test_days_that_cannot_be(first: str, last: str, code: str) -> None:
    found: Any = asked(first, last, "", today=date(2026, 3, 10), month=4, day=6)
    assert [refusal.code for refusal in found] == [code]


async def test_pages(client: Open, bank: Bank) -> None:
    lunch_club, ann = await group(bank), await bank.member("Ann")
    saved = await save(bank, lunch_club, line(ann, 60))
    booking = await paid_lunch(bank, ann)
    browser = client()
    await browser.sign_in(bank.db, bank.finance)
    page = await browser.get("/reports")
    assert page.status_code == 200
    assert "£10.00" in page.text
    assert '<rect width="1000"' in page.text
    wrong = await browser.get("/reports?first=soon")
    assert wrong.status_code == 422
    assert 'href="#first"' in wrong.text
    table = await browser.get("/reports/csv?first=2026-03-01&last=2026-03-10")
    assert table.headers["content-disposition"].endswith('report-2026-03-01-to-2026-03-10.csv"')
    pack = await browser.get("/reports/pack")
    reader = PdfReader(io.BytesIO(pack.content))
    text = "".join(each.extract_text() for each in reader.pages)
    assert "fewer than 10" in text
    assert "Hours are never valued in money" in text
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index]
    for typed in (booking, booking.replace("-", " ").lower()):
        assert saved.reference in (await browser.get(f"/reports/trace?q={typed}")).text
    forward = await browser.get(f"/reports/trace?q={saved.reference}")
    assert "have paid for these since" in forward.text
    assert "This is not a reference" in (await browser.get("/reports/trace?q=hello")).text
    assert "Nothing has this reference" in (await browser.get("/reports/trace?q=00000000")).text
    assert "£10.00" in (await browser.get("/reports/tax-years")).text
    assert (await browser.get("/reports/tax-years?begins=1066-01-01")).status_code == 404


@pytest.mark.parametrize("path", ["/reports", "/reports/csv", "/reports/pack", "/reports/trace", "/reports/tax-years"])
async def test_others_may_not_look(client: Open, bank: Bank, path: str) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    assert (await browser.get(path)).status_code == 403
