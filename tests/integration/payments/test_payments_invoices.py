"""Suppliers' invoices: one settles many payables, what differs stays open, the same number is entered once."""

import asyncio
import hashlib
from datetime import date, timedelta
from typing import Any

from tests.integration.budgets.funding import call
from tests.integration.payments.helpers import TODAY, add_payee, approved, codes, facts, money, owe, run
from tests.people import Bank
from timebank.payments import invoice_queries, invoices
from timebank.payments.documents import MAX_BYTES, ReadPaper, read_paper
from timebank.payments.invoice_papers import add_paper
from timebank.payments.invoice_rules import EnterInvoice
from timebank.payments.invoices import CoverMore, Entered, Explain, Withdraw
from timebank.payments.rules import is_approval_good
from timebank.payments.service import Approve, approve

PDF = b"%PDF-1.4\n% a paper\n%%EOF\n"


async def entered(bank: Bank, payee_id: int, *references: str, gross: int, tax: int = 0, who: Any = None, **more: Any):
    fields = {"number": "INV-17", "invoiced_on": TODAY, "due_on": TODAY + timedelta(days=14)} | more
    command = EnterInvoice(
        payee_id=payee_id,
        net_pence=gross - tax,
        tax_pence=tax,
        gross_pence=gross,
        references=tuple(references),
        **fields,
    )
    return await invoices.enter(bank.db, who or bank.finance, command, **call(bank))


async def good(answer: Any) -> int:
    found = await answer
    assert isinstance(found, Entered), found
    return found.invoice_id


async def invoice(bank: Bank, invoice_id: int):
    async with bank.db.reading(bank.id) as connection:
        return await invoice_queries.invoice(connection, bank.id, invoice_id)


async def test_one_invoice_settles_many_and_somebody_else_approves_them(bank) -> None:
    to = await add_payee(bank.db, bank.coordinator)
    owed = [await owe(bank.db, bank.coordinator, to, kind="training", pence=pence) for pence in (1000, 2000, 333)]
    invoice_id = await good(entered(bank, to, *owed, gross=3333, tax=555))
    found = await invoice(bank, invoice_id)
    assert (found.state, found.covered_pence, found.open_pence, found.payables) == ("settled", 3333, 0, 3)
    after = [await facts(bank.db, bank.id, one) for one in owed]
    assert {(one.state, one.invoice_number, one.due_on) for one in after} == {
        ("submitted", "INV-17", TODAY + timedelta(days=14))
    }
    assert sum(one.tax_pence for one in after) == 555
    assert codes(await approve(bank.db, bank.finance, Approve(reference=owed[0]), **call(bank))) == ["own_submission"]
    for one in owed:
        assert not isinstance(await approve(bank.db, bank.finance_two, Approve(reference=one), **call(bank)), list)
    assert (await run(bank)).total_pence == 3333


async def test_the_same_number_is_entered_once_also_when_written_otherwise_and_at_once(bank) -> None:
    to = await add_payee(bank.db, bank.coordinator)
    owed = [await owe(bank.db, bank.coordinator, to, kind="training", pence=1000) for _ in range(6)]
    answers = await asyncio.gather(*(entered(bank, to, one, gross=1000, number="INV-17") for one in owed[:5]))
    assert sum(isinstance(answer, Entered) for answer in answers) == 1
    again = await entered(bank, to, owed[5], gross=1000, number="inv 17")
    assert codes(again) == ["invoice_known"]
    assert "/payments/invoices/" in again[0].message
    # Another supplier may use the same number.
    other = await add_payee(bank.db, bank.coordinator, "Other")
    theirs = await owe(bank.db, bank.coordinator, other, kind="training", pence=1000)
    assert isinstance(await entered(bank, other, theirs, gross=1000), Entered)


async def test_one_payable_is_not_on_two_invoices_at_once(bank) -> None:
    to = await add_payee(bank.db, bank.coordinator)
    owed = await owe(bank.db, bank.coordinator, to, kind="training", pence=1000)
    answers = await asyncio.gather(*(entered(bank, to, owed, gross=1000, number=f"INV-{n}") for n in range(5)))
    assert sum(isinstance(answer, Entered) for answer in answers) == 1
    assert {answer[0].code for answer in answers if isinstance(answer, list)} == {"covered_before"}


async def test_a_higher_invoice_stays_disputed_until_matched_or_explained(bank) -> None:
    to = await add_payee(bank.db, bank.coordinator)
    owed = [await owe(bank.db, bank.coordinator, to, kind="training", pence=1000) for _ in range(2)]
    invoice_id = await good(entered(bank, to, owed[0], gross=2500, tax=500))
    assert (await invoice(bank, invoice_id)).state == "disputed"
    more = CoverMore(invoice_id=invoice_id, references=(owed[1],))
    assert (await invoices.cover_more(bank.db, bank.finance, more, **call(bank))).state == "disputed"
    assert (await invoice(bank, invoice_id)).open_pence == 500
    unsaid = Explain(invoice_id=invoice_id, reason=" ", is_owed=True)
    assert codes(await invoices.explain(bank.db, bank.finance, unsaid, **call(bank))) == ["reason_missing"]
    said = Explain(invoice_id=invoice_id, reason="Two more guests", is_owed=True)
    same = call(bank)
    for _ in range(2):  # a double click is one payment
        answer = await invoices.explain(bank.db, bank.finance, said, **same)
        assert answer == Entered(invoice_id=invoice_id, state="explained")
    found = await invoice(bank, invoice_id)
    assert (found.covered_pence, found.open_pence, found.payables) == (2500, 0, 3)
    assert await money(bank.db, bank.id, f"payable/{to}") == [2500]
    async with bank.db.reading(bank.id) as connection:
        items = await invoice_queries.items(connection, bank.id, invoice_id)
    assert sum(item.tax_pence for item in items) == 500
    rest = await facts(bank.db, bank.id, next(item.reference for item in items if item.reference not in owed))
    assert (rest.state, rest.pence, rest.invoice_number) == ("submitted", 500, "INV-17")
    assert codes(await invoices.explain(bank.db, bank.finance, said, **call(bank))) == ["nothing_disputed"]


async def test_a_lower_invoice_makes_the_last_smaller_or_leaves_a_part(bank) -> None:
    to = await add_payee(bank.db, bank.coordinator)
    owed = [await owe(bank.db, bank.coordinator, to, kind="training", pence=1000) for _ in range(3)]
    assert codes(await entered(bank, to, *owed[:2], gross=1700)) == ["lower_undecided", "reason_missing"]
    assert codes(await entered(bank, to, *owed[:2], gross=900)) == ["far_too_low"]
    why = {"reason": "A discount"}
    await good(entered(bank, to, *owed[:2], gross=1700, when_lower="correct", **why))
    assert [(await facts(bank.db, bank.id, one)).pence for one in owed] == [1000, 700, 1000]
    assert await money(bank.db, bank.id, f"payable/{to}") == [2700]
    await good(entered(bank, to, owed[2], gross=400, number="INV-18", when_lower="leave", **why))
    part = await facts(bank.db, bank.id, owed[2])
    assert (part.pence, part.part_pence, part.next_pence) == (1000, 400, 400)
    # The rest comes with another invoice.
    await good(entered(bank, to, owed[2], gross=600, number="INV-19"))
    whole = await facts(bank.db, bank.id, owed[2])
    assert (whole.part_pence, whole.next_pence, whole.invoice_number) == (None, 1000, "INV-19")


async def test_what_was_approved_needs_a_new_approval_and_what_has_left_stays(bank) -> None:
    to = await add_payee(bank.db, bank.coordinator)
    gone = await approved(bank, to, pence=1000)
    await run(bank)
    ready = await approved(bank, to, pence=1000)
    invoice_id = await good(entered(bank, to, gone, ready, gross=2000))
    left, again = await facts(bank.db, bank.id, gone), await facts(bank.db, bank.id, ready)
    assert (left.state, left.invoice_number) == ("exported", "")
    assert again.state == "submitted"
    assert not is_approval_good(again)
    command = Withdraw(invoice_id=invoice_id, reason="Wrong supplier")
    assert codes(await invoices.withdraw(bank.db, bank.finance, command, **call(bank))) == ["has_left"]


async def test_an_invoice_entered_by_mistake_is_withdrawn_and_its_number_is_free(bank) -> None:
    to = await add_payee(bank.db, bank.coordinator)
    owed = await owe(bank.db, bank.coordinator, to, kind="training", pence=1000)
    invoice_id = await good(entered(bank, to, owed, gross=1000, tax=100))
    command = Withdraw(invoice_id=invoice_id, reason="Typed twice")
    answer = await invoices.withdraw(bank.db, bank.finance, command, **call(bank))
    assert answer.state == "withdrawn"
    back = await facts(bank.db, bank.id, owed)
    assert (back.state, back.invoice_number, back.tax_pence, back.submitted_by) == ("draft", "", 0, None)
    assert isinstance(await entered(bank, to, owed, gross=1000), Entered)


async def test_bad_input_is_refused_in_words_and_changes_nothing(bank) -> None:
    to, other = await add_payee(bank.db, bank.coordinator), await add_payee(bank.db, bank.coordinator, "Other")
    owed = await owe(bank.db, bank.coordinator, to, kind="training", pence=1000)
    for expected, fields in (
        ("references_missing", {"gross": 1000, "references": ()}),
        ("unknown_payable", {"gross": 1000, "references": (owed, "AAAA-AAAA")}),
        ("number_missing", {"gross": 1000, "number": " - "}),
        ("number_too_long", {"gross": 1000, "number": "N" * 36}),
        ("date_in_future", {"gross": 1000, "invoiced_on": TODAY + timedelta(days=1)}),
        ("due_out_of_range", {"gross": 1000, "due_on": date(2020, 1, 1)}),
        ("gross_out_of_range", {"gross": 0}),
        ("gross_out_of_range", {"gross": 10**19}),
        ("not_finance", {"gross": 1000, "who": bank.coordinator}),
    ):
        references = fields.pop("references", (owed,))
        answer = await entered(bank, to, *references, **fields)
        assert expected in codes(answer), (expected, answer)
    assert codes(await entered(bank, other, owed, gross=1000)) == ["unknown_payable"]
    assert codes(await entered(bank, 2**70, owed, gross=1000)) == ["payee_missing"]
    assert (await facts(bank.db, bank.id, owed)).state == "draft"


async def test_a_paper_is_kept_as_it_came_with_its_digest(bank, client) -> None:
    to = await add_payee(bank.db, bank.coordinator)
    owed = await owe(bank.db, bank.coordinator, to, kind="training", pence=1000)
    invoice_id = await good(entered(bank, to, owed, gross=1000))
    paper = await read_paper("../Rechnung März.pdf", PDF)
    assert isinstance(paper, ReadPaper)
    for _ in range(2):  # the same paper twice is one
        await good(add_paper(bank.db, bank.finance, invoice_id, paper, **call(bank)))
    async with bank.db.reading(bank.id) as connection:
        [kept] = await invoice_queries.papers(connection, bank.id, invoice_id)
    assert kept.sha256 == hashlib.sha256(PDF).digest()
    browser = client()
    await browser.sign_in(bank.db, bank.finance)
    answer = await browser.get(f"/payments/invoices/{invoice_id}/papers/{kept.id}")
    assert answer.content == PDF
    assert answer.headers["content-disposition"] == 'attachment; filename="Rechnung M_rz.pdf"'
    too_large = await read_paper("a.pdf", b"%PDF-" + b"0" * MAX_BYTES)
    assert too_large.code == "paper_too_large"
    assert (await read_paper("a.pdf", b"no pdf, no photo")).code == "photo_unreadable"
    assert (await read_paper("a.pdf", b"")).code == "paper_empty"
