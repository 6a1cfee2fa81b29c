"""What may happen to a payable, as tables."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger.model import Leg
from timebank.kit.actor import Actor, system
from timebank.payees import rules as payee_rules
from timebank.payments import entries, rules, run_rules, words
from timebank.payments.rules import NewPayable, PayableFacts, PaymentFacts

TODAY = date(2026, 3, 10)
COORDINATOR = Actor(timebank_id=1, member_id=1, roles=frozenset({"coordinator"}))
FINANCE = Actor(timebank_id=1, member_id=2, roles=frozenset({"finance"}))
FINANCE_TWO = Actor(timebank_id=1, member_id=3, roles=frozenset({"finance", "coordinator"}))
ADMIN = Actor(timebank_id=1, member_id=4, roles=frozenset({"admin"}))


def payable(**changes: Any) -> PayableFacts:
    """A voucher that waits for approval, confirmed by the coordinator; ``approved`` ones carry a good approval."""
    facts = PayableFacts(
        id=10,
        reference="B7K2-M9QX",
        kind="voucher",
        payee_id=5,
        payee_name="The Corner Café",
        supplier_reference="SUP-5",
        payee_member_id=None,
        pay_by="bank",
        account_mark=b"\1" * 32,
        pence=1250,
        currency="GBP",
        description="Lunch voucher",
        invoice_number="",
        earned_on=date(2026, 3, 1),
        due_on=date(2026, 3, 31),
        state="submitted",
        entry_id=UUID(int=1),
        created_by=1,
        submitted_by=1,
        approved_by=None,
        approved_digest=None,
        batch_number=None,
        settled_on=None,
        settled_pence=0,
        part_pence=None,
        tax_pence=0,
        tax_code="",
        nominal_code="",
        order_number="",
        budget_id=None,
    )
    facts = msgspec.structs.replace(facts, **changes)
    if facts.state == "approved" and facts.approved_digest is None:
        facts = msgspec.structs.replace(
            facts, approved_by=changes.get("approved_by", 2), approved_digest=rules.digest(facts)
        )
    return facts


def codes(refusals: list[Any]) -> list[str]:
    return [refusal.code for refusal in refusals]


@pytest.mark.parametrize(
    ("actor", "facts", "seen", "expected"),
    [
        (FINANCE, payable(), "", []),
        (FINANCE, payable(), rules.digest(payable()).hex(), []),
        (FINANCE, payable(), rules.digest(payable(pence=1)).hex(), ["changed_since_shown"]),
        (FINANCE, payable(submitted_by=2), "", ["own_submission"]),
        (FINANCE, payable(payee_member_id=2), "", ["pays_yourself"]),
        (FINANCE, payable(submitted_by=2, payee_member_id=2), "", ["own_submission", "pays_yourself"]),
        (COORDINATOR, payable(submitted_by=9), "", ["not_finance"]),
        (COORDINATOR, payable(), "", ["not_finance", "own_submission"]),
        (ADMIN, payable(), "", ["not_finance"]),
        (system(1), payable(submitted_by=None), "", ["not_finance"]),
        *[(FINANCE, payable(state=state), "", ["wrong_state"]) for state in rules.STATES if state != "submitted"],
    ],
)
def test_approving(actor: Actor, facts: PayableFacts, seen: str, expected: list[str]) -> None:
    assert codes(rules.check_approve(actor, facts, seen_digest=seen)) == expected


@pytest.mark.parametrize(
    ("actor", "facts", "invoice", "reason", "expected"),
    [
        (FINANCE, payable(state="draft", kind="training"), "INV-1", "", []),
        (FINANCE, payable(state="draft", kind="training"), "", "", ["invoice_number_missing"]),
        (FINANCE, payable(state="draft"), "I" * 35, "", []),
        (FINANCE, payable(state="draft"), "I" * 36, "", ["invoice_number_too_long"]),
        (FINANCE, payable(state="approved"), "", "The amount is wrong", []),
        (FINANCE, payable(state="approved"), "", "", ["reason_missing"]),
        (FINANCE, payable(state="returned"), "", "New account, checked by phone", []),
        (FINANCE, payable(state="rejected"), "", "", ["reason_missing"]),
        (FINANCE, payable(state="approved"), "", "x" * 500, []),
        (FINANCE, payable(state="approved"), "", "x" * 501, ["reason_too_long"]),
        (COORDINATOR, payable(state="draft"), "INV-1", "", ["not_finance"]),
        *[
            (FINANCE, payable(state=state), "INV-1", "why", ["wrong_state"])
            for state in rules.STATES
            if state not in ("draft", "approved", "rejected", "returned")
        ],
    ],
)
def test_submitting(actor: Actor, facts: PayableFacts, invoice: str, reason: str, expected: list[str]) -> None:
    assert codes(rules.check_submit(actor, facts, invoice_number=invoice, reason=reason)) == expected


@pytest.mark.parametrize(
    ("actor", "facts", "reason", "expected"),
    [
        *[(FINANCE, payable(state=state), "Ordered twice", []) for state in rules.BEFORE_EXPORT],
        *[
            (FINANCE, payable(state=state), "Ordered twice", ["wrong_state"])
            for state in rules.STATES
            if state not in rules.BEFORE_EXPORT
        ],
        (FINANCE, payable(), "", ["reason_missing"]),
        (FINANCE, payable(), "x" * 501, ["reason_too_long"]),
        (COORDINATOR, payable(), "why", ["not_finance"]),
        (FINANCE, payable(settled_pence=1), "why", ["partly_paid"]),
    ],
)
def test_cancelling(actor: Actor, facts: PayableFacts, reason: str, expected: list[str]) -> None:
    assert codes(rules.check_cancel(actor, facts, reason=reason)) == expected


def payment(state: str = "exported", **changes: Any) -> PaymentFacts:
    """The first payment of run 1, to payee 5."""
    facts = PaymentFacts(
        batch_number=1,
        line=1,
        reference="C7K2-M9QX",
        payee_id=5,
        payee_name="The Corner Café",
        pence=1250,
        credited_pence=0,
        currency="GBP",
        state=state,
        settled_on=None,
    )
    return msgspec.structs.replace(facts, **changes)


EXPORTED = payment()
PAID = payment("paid", settled_on=date(2026, 3, 5))


@pytest.mark.parametrize(
    ("facts", "outcome", "on", "reason", "expected"),
    [
        (EXPORTED, "paid", TODAY, "", []),
        (EXPORTED, "paid", date(2026, 3, 4), "", []),
        (EXPORTED, "paid", date(2026, 3, 3), "", ["date_too_early"]),
        (EXPORTED, "paid", date(2026, 3, 11), "", ["date_in_future"]),
        (EXPORTED, "rejected", TODAY, "Account closed", []),
        (EXPORTED, "rejected", TODAY, "", ["reason_missing"]),
        (EXPORTED, "returned", TODAY, "Account closed", ["wrong_state"]),
        (PAID, "returned", TODAY, "Account closed", []),
        (PAID, "returned", date(2026, 3, 4), "Account closed", ["date_too_early"]),
        (PAID, "returned", TODAY, "", ["reason_missing"]),
        (PAID, "paid", TODAY, "", ["wrong_state"]),
        (PAID, "rejected", TODAY, "why", ["wrong_state"]),
        (payment("void"), "paid", TODAY, "", ["wrong_state"]),
        (payment("rejected"), "paid", TODAY, "", ["wrong_state"]),
        (EXPORTED, "lost", TODAY, "", ["unknown_outcome"]),
    ],
)
def test_outcomes(facts: PaymentFacts, outcome: str, on: date, reason: str, expected: list[str]) -> None:
    found = run_rules.check_outcome(
        FINANCE, facts, outcome=outcome, on=on, reason=reason, exported_on=date(2026, 3, 4), today=TODAY
    )
    assert codes(found) == expected


READY = payable(state="approved")


@pytest.mark.parametrize(
    ("payables", "spoiled", "count", "pence", "expected"),
    [
        ([READY], [], None, None, []),
        ([READY], [], 1, 1250, []),
        ([msgspec.structs.replace(READY, settled_pence=250)], [], 1, 1000, []),
        ([], [], None, None, ["nothing_ready"]),
        ([READY], [], 2, 1250, ["ready_changed"]),
        ([READY], [], 1, 1251, ["ready_changed"]),
        ([READY], [READY], 1, 1250, []),
        ([], [READY, READY], None, None, ["approval_void", "approval_void"]),
        ([READY, payable(state="approved", currency="EUR")], [], None, None, ["mixed_currencies"]),
    ],
)
def test_exporting(
    payables: list[PayableFacts],
    spoiled: list[PayableFacts],
    count: int | None,
    pence: int | None,
    expected: list[str],
) -> None:
    assert codes(run_rules.check_export(payables, spoiled, expected_count=count, expected_pence=pence)) == expected


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (TODAY, []),
        (date(2026, 3, 9), ["processing_in_past"]),
        (date(2026, 3, 14), ["not_a_working_day"]),  # a Saturday
        (date(2026, 4, 3), ["not_a_working_day"]),  # Good Friday
        (date(2026, 4, 10), []),
        (date(2026, 4, 13), ["processing_too_far"]),
    ],
)
def test_days_on_which_banks_move_money(on: date, expected: list[str]) -> None:
    assert codes(run_rules.check_processing(on, today=TODAY, region="GB-ENG")) == expected


@pytest.mark.parametrize(
    ("actor", "states", "is_void", "reason", "expected"),
    [
        (FINANCE, ["exported", "exported"], False, "Wrong account", []),
        (FINANCE, ["exported", "paid"], False, "Wrong account", ["bank_has_answered"]),
        (FINANCE, ["void"], True, "Again", ["already_void"]),
        (FINANCE, ["exported"], False, "", ["reason_missing"]),
        (ADMIN, ["exported"], False, "Wrong account", ["not_finance"]),
    ],
)
def test_taking_a_run_back(actor: Actor, states: list[str], is_void: bool, reason: str, expected: list[str]) -> None:
    assert codes(run_rules.check_void(actor, states, is_void, reason)) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"pence": 1251},
        {"currency": "EUR"},
        {"payee_id": 6},
        {"payee_name": "Another café"},
        {"supplier_reference": "SUP-6"},
        {"description": "Dinner voucher"},
        {"invoice_number": "INV-9"},
        {"kind": "training"},
        {"reference": "B7K2-M9QY"},
        {"account_mark": b"\2" * 32},
        {"account_mark": None},
        {"pay_by": "cash"},
        {"part_pence": 1000},
        {"tax_pence": 200},
        {"tax_code": "T1"},
        {"nominal_code": "7500"},
        {"order_number": "PO-1"},
        {"budget_id": 3},
        {"submitted_by": 2},
    ],
)
def test_every_change_of_what_was_approved_voids_the_approval(change: dict[str, Any]) -> None:
    approved = payable(state="approved")
    assert rules.is_approval_good(approved)
    assert not rules.is_approval_good(msgspec.structs.replace(approved, **change))


def test_an_approval_by_its_own_submitter_or_payee_is_no_approval() -> None:
    assert not rules.is_approval_good(payable(state="approved", submitted_by=2))
    assert not rules.is_approval_good(payable(state="approved", payee_member_id=2))
    assert not rules.is_approval_good(msgspec.structs.replace(payable(state="approved"), approved_by=None))


def test_texts_that_run_together_have_different_digests() -> None:
    assert rules.digest(payable(payee_name="AB", supplier_reference="C")) != rules.digest(
        payable(payee_name="A", supplier_reference="BC")
    )


def test_the_expense_entry_owes_the_payee() -> None:
    new = NewPayable(
        kind="training",
        payee_id=5,
        pence=9900,
        currency="GBP",
        description="First aid",
        source_kind="redemption",
        source_id=77,
        earned_on=TODAY,
        due_on=TODAY,
    )
    entry = entries.expense_entry(new, key="fulfil:77:2", actor=COORDINATOR, effective_on=TODAY)
    assert entry.legs == (Leg(account="expense/training", amount=-9900), Leg(account="payable/5", amount=9900))
    assert (entry.unit, entry.kind, entry.actor, entry.reference) == (
        "GBP",
        "payable_owed",
        "member/1",
        "redemption/77",
    )


def test_a_batch_posts_one_leg_per_payee_and_the_sum_in_transit() -> None:
    batch = [payment(payee_id=5, pence=30), payment(payee_id=7, pence=100, credited_pence=20)]
    [entry] = entries.export_entries(batch, number=3, key="export_batch:3", actor=FINANCE, effective_on=TODAY)
    assert {leg.account: leg.amount for leg in entry.legs} == {
        "payable/5": -30,
        "payable/7": -120,
        "credit/7": 20,
        "in-transit": 130,
    }
    assert entry.reference == "batch/3"


def test_many_payees_take_several_entries() -> None:
    batch = [payment(payee_id=n, line=n, pence=n) for n in range(1, 1101)]
    items = entries.export_entries(batch, number=3, key="export_batch:3", actor=FINANCE, effective_on=TODAY)
    assert [item.key for item in items] == ["export_batch:3:1", "export_batch:3:2", "export_batch:3:3"]
    assert sum(item.legs[-1].amount for item in items) == sum(range(1101))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("paid", {"in-transit": -1250, "bank": 1250}),
        ("rejected", {"in-transit": -1250, "payable/5": 1250}),
        ("returned", {"bank": -1250, "payable/5": 1250}),
    ],
)
def test_what_the_bank_did_moves_the_money(outcome: str, expected: dict[str, int]) -> None:
    entry = entries.outcome_entry(payment(), outcome, key="k", actor=FINANCE, effective_on=TODAY)
    assert {leg.account: leg.amount for leg in entry.legs} == expected
    assert entry.kind == f"payment_{outcome}"


@pytest.mark.parametrize(
    ("name", "supplier_reference", "expected"),
    [
        ("The Corner Café", "SUP-1", []),
        ("", "", ["payee_name_missing"]),
        ("x" * 140, "y" * 35, []),
        ("x" * 141, "y" * 36, ["payee_name_too_long", "supplier_reference_too_long"]),
    ],
)
def test_new_payees(name: str, supplier_reference: str, expected: list[str]) -> None:
    assert codes(payee_rules.check_add(FINANCE, name, supplier_reference)) == expected


def test_a_voucher_is_complete_and_a_training_place_waits_for_its_invoice() -> None:
    assert rules.first_state("voucher") == "submitted"
    assert rules.first_state("training") == "draft"


def test_who_may_look() -> None:
    assert [rules.may_read(actor) for actor in (COORDINATOR, FINANCE, FINANCE_TWO, ADMIN)] == [False, True, True, True]


@pytest.mark.parametrize("state", rules.STATES)
def test_every_state_has_words(state: str) -> None:
    facts = payable(state=state)
    assert words.STATE_NAMES[state]
    assert words.EVENT_NAMES[state]
    assert state in words.STATE_TAGS
    assert "{" not in words.what_next(facts)


def test_the_page_says_why_somebody_else_approves() -> None:
    assert "confirmed" in words.why_not_approve(1, payable())
    assert "pays you" in words.why_not_approve(2, payable(payee_member_id=2))
    assert words.why_not_approve(2, payable()) == ""
