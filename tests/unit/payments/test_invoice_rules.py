"""Matching an invoice with payables, for any amounts: to the penny, and never guessed."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from timebank.payments import invoice_rules
from timebank.payments.invoice_rules import Coverable, Plan
from timebank.payments.rules import PayableFacts

DAY = date(2026, 3, 1)
AMOUNTS = st.lists(st.integers(1, 100_000), min_size=1, max_size=12)


def there(n: int, pence: int, *, open_pence: int | None = None, state: str = "submitted", days: int = 0) -> Coverable:
    payable = PayableFacts(
        id=n, reference=f"AAAA-{n:04d}", kind="voucher", payee_id=1, payee_name="Café", supplier_reference="",
        payee_member_id=None, pay_by="bank", account_mark=None, pence=pence, currency="GBP", description="Lunch",
        invoice_number="", earned_on=DAY + timedelta(days=days), due_on=DAY, state=state, entry_id=UUID(int=n),
        created_by=1, submitted_by=1, approved_by=None, approved_digest=None, batch_number=None, settled_on=None,
        settled_pence=0, part_pence=None, tax_pence=0, tax_code="", nominal_code="", order_number="", budget_id=None,
    )  # fmt: skip
    return Coverable(
        payable=payable, source_kind="redemption", source_id=n, open_pence=pence if open_pence is None else open_pence
    )


def some(amounts: list[int]) -> list[Coverable]:
    return [there(n, pence) for n, pence in enumerate(amounts, start=1)]


@given(AMOUNTS, st.integers(0, 200_000), st.data())
def test_what_is_covered_and_what_is_open_add_up_to_the_invoice(amounts, more, data) -> None:
    gross = sum(amounts) + more
    tax = data.draw(st.integers(0, gross))
    plan = invoice_rules.plan(gross, tax, some(amounts), currency="GBP")
    assert isinstance(plan, Plan)
    covered = sum(item.pence for item in plan.items)
    assert covered == sum(amounts)
    assert plan.state == ("disputed" if more else "settled")
    assert all(0 <= item.tax_pence <= item.pence for item in plan.items)
    taxes = sum(item.tax_pence for item in plan.items)
    assert taxes <= tax
    if not more:
        assert taxes == tax


@given(AMOUNTS, st.sampled_from(["correct", "leave"]), st.data())
def test_a_lower_invoice_touches_the_last_only(amounts, how, data) -> None:
    short = data.draw(st.integers(1, 200_000))
    found = invoice_rules.plan(
        sum(amounts) - short, 0, some(amounts), when_lower=how, reason="A discount", currency="GBP"
    )
    if short >= amounts[-1]:
        assert isinstance(found, list)
        assert [one.code for one in found] == ["far_too_low"]
        return
    assert isinstance(found, Plan)
    assert sum(item.pence for item in found.items) == sum(amounts) - short
    assert all(item.corrected_pence is None and not item.is_part for item in found.items[:-1])
    last = found.items[-1]
    assert (last.corrected_pence is not None, last.is_part) == (how == "correct", how == "leave")
    if how == "correct":
        assert last.corrected_pence == amounts[-1] - short


@given(AMOUNTS, st.data())
def test_a_suggestion_adds_up_exactly_or_there_is_none(amounts, data) -> None:
    gross = data.draw(st.one_of(st.just(sum(amounts)), st.sampled_from(amounts), st.integers(1, 300_000)))
    found = invoice_rules.suggest(gross, some(amounts), invoiced_on=DAY)
    pence = {one.payable.reference: one.open_pence for one in some(amounts)}
    assert len(set(found)) == len(found)
    assert not found or sum(pence[one] for one in found) == gross
    if gross == sum(amounts) or gross in amounts:
        assert found


def test_nothing_earned_after_the_invoice_is_suggested() -> None:
    assert invoice_rules.suggest(100, [there(1, 100, days=1)], invoiced_on=DAY) == []


def test_what_is_covered_or_has_left_is_refused() -> None:
    covered = invoice_rules.plan(100, 0, [there(1, 100, open_pence=0)], currency="GBP")
    assert [one.code for one in covered] == ["covered_before"]
    gone = invoice_rules.plan(50, 0, [there(1, 100, state="paid")], when_lower="correct", reason="Why", currency="GBP")
    assert [one.code for one in gone] == ["not_correctable"]


def test_numbers_that_people_take_for_the_same_are_the_same() -> None:
    keys = {invoice_rules.number_key(text) for text in ("INV-17", "inv 17", "Inv/17.", "  INV17")}
    assert keys == {"inv17"}
    assert invoice_rules.number_key("INV-18") != "inv17"
