"""What debts are booked as: what was approved leaves, and files that are made later say it for ever."""

from tests.integration.budgets.funding import FIRST, LAST, budget, call, code, facts
from tests.integration.payments.helpers import add_payee, approved, codes, owe, run, settle
from tests.integration.payments.helpers import facts as payable_facts
from tests.people import Bank
from timebank.budgets import service as budgets
from timebank.budgets.rules import SaveBudget, SaveFund
from timebank.payments import coding
from timebank.payments.batches import ExportBatch, export
from timebank.payments.codes import SetCodes, set_codes
from timebank.payments.coding import Code
from timebank.payments.files import load
from timebank.payments.service import Approve, Submit, approve, submit


async def renamed(bank: Bank, budget_id: int, fund_name: str, **more: int) -> None:
    """The grant gets another name, the budget other codes."""
    one = await facts(bank, budget_id)
    dates = {"starts_on": FIRST, "ends_on": LAST}
    save = SaveFund(id=one.fund_id, name=fund_name, funder=one.funder, pence=1_000_000, **dates)
    assert not isinstance(await budgets.save_fund(bank.db, bank.finance, save, **call(bank)), list)
    change = SaveBudget(id=one.id, name=one.name, fund_id=one.fund_id, pence=one.pence, **dates, **more)
    assert not isinstance(await budgets.save_budget(bank.db, bank.finance, change, **call(bank)), list)


async def shown(bank: Bank, number: int) -> tuple[str, ...]:
    """What the files of a run say about its one payable."""
    async with bank.db.reading(bank.id) as connection:
        batch = await load(connection, bank.id, number)
    assert batch is not None
    [item] = batch.payments[0].items
    return item.fund, item.cost_centre, item.nominal_code, item.order_number, item.tax_code, str(item.tax_pence)


async def test_a_file_made_later_says_what_was_approved(bank) -> None:
    centre, nominal = await code(bank, "cost_centre", "CC1"), await code(bank, "nominal_code", "5010")
    own = await budget(bank, pence=5000, cost_centre_id=centre)
    payee = await add_payee(bank.db, bank.finance)
    reference = await owe(bank.db, bank.coordinator, payee, pence=1200)
    given = Code(reference=reference, budget_id=own, nominal_code="5000", tax_pence=200, tax_code="T1")
    assert not isinstance(await coding.code(bank.db, bank.finance, given, **call(bank)), list)
    assert not isinstance(await approve(bank.db, bank.finance, Approve(reference=reference), **call(bank)), list)
    # A change of what files would show takes the approval away, until somebody has seen it.
    await renamed(bank, own, "Another name", cost_centre_id=centre)
    assert codes(await export(bank.db, bank.finance, ExportBatch(), **call(bank))) == ["approval_void"]
    again = Submit(reference=reference, reason="The grant has another name")
    assert not isinstance(await submit(bank.db, bank.finance_two, again, **call(bank)), list)
    assert not isinstance(await approve(bank.db, bank.finance, Approve(reference=reference), **call(bank)), list)
    exported = await run(bank)
    before = await shown(bank, exported.number)
    assert before == ("Another name", "CC1", "5000", "", "T1", "200")
    # Neither a change of the budget nor coding it anew after it came back changes what left.
    await renamed(bank, own, "A third name", nominal_code_id=nominal)
    await settle(bank, reference, "rejected", reason="Account closed")
    sent = Submit(reference=reference, reason="New account")
    assert not isinstance(await submit(bank.db, bank.finance_two, sent, **call(bank)), list)
    other = Code(reference=reference, tax_pence=0, tax_code="T0")
    assert not isinstance(await coding.code(bank.db, bank.finance, other, **call(bank)), list)
    assert await shown(bank, exported.number) == before


async def test_without_a_code_of_its_own_it_has_the_usual_one_of_its_kind(bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    before = await owe(bank.db, bank.coordinator, payee)
    usual = SetCodes(codes={"voucher": "6000 Lunches and vouchers of all kinds"})
    assert not isinstance(await set_codes(bank.db, bank.finance, usual, **call(bank)), list)
    after = await approved(bank, payee)
    for reference in (before, after):
        found = await payable_facts(bank.db, bank.id, reference)
        assert found.nominal_code == "6000 Lunches and vouchers of all kinds"
    exported = await run(bank)
    other = SetCodes(codes={"voucher": "7000"})
    assert not isinstance(await set_codes(bank.db, bank.finance, other, **call(bank)), list)
    assert (await shown(bank, exported.number))[2] == "6000 Lunches and vouchers of all kinds"
