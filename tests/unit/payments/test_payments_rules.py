"""What may happen to a payable, as tables."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ledger.model import Leg
from timebank.kit.actor import Actor, system
from timebank.payments import rules, words
from timebank.payments.rules import NewPayable, PayableFacts

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
        (FINANCE, payable(state="approved"), "", "x" * 500, []),
        (FINANCE, payable(state="approved"), "", "x" * 501, ["reason_too_long"]),
        (COORDINATOR, payable(state="draft"), "INV-1", "", ["not_finance"]),
        *[
            (FINANCE, payable(state=state), "INV-1", "why", ["wrong_state"])
            for state in rules.STATES
            if state not in ("draft", "approved")
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
    ],
)
def test_cancelling(actor: Actor, facts: PayableFacts, reason: str, expected: list[str]) -> None:
    assert codes(rules.check_cancel(actor, facts, reason=reason)) == expected


EXPORTED = payable(state="exported", batch_number=1)
PAID = payable(state="paid", batch_number=1, settled_on=date(2026, 3, 5))


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
        (payable(state="approved"), "paid", TODAY, "", ["wrong_state"]),
        (payable(state="cancelled"), "paid", TODAY, "", ["wrong_state"]),
        (EXPORTED, "lost", TODAY, "", ["unknown_outcome"]),
    ],
)
def test_outcomes(facts: PayableFacts, outcome: str, on: date, reason: str, expected: list[str]) -> None:
    found = rules.check_outcome(
        FINANCE, facts, outcome=outcome, on=on, reason=reason, exported_on=date(2026, 3, 4), today=TODAY
    )
    assert codes(found) == expected


READY = payable(state="approved")


@pytest.mark.parametrize(
    ("actor", "payables", "count", "pence", "expected"),
    [
        (FINANCE, [READY], None, None, []),
        (FINANCE_TWO, [READY], 1, 1250, []),
        (FINANCE, [], None, None, ["nothing_ready"]),
        (FINANCE, [READY], 2, 1250, ["ready_changed"]),
        (FINANCE, [READY], 1, 1251, ["ready_changed"]),
        (ADMIN, [READY], None, None, ["not_finance"]),
        (FINANCE, [msgspec.structs.replace(READY, pence=1251)], None, None, ["approval_void"]),
        (FINANCE, [msgspec.structs.replace(READY, submitted_by=2)], None, None, ["approval_void"]),
        (FINANCE, [READY, payable(state="submitted")], None, None, ["approval_void"]),
        (FINANCE, [READY, payable(state="approved", currency="EUR")], None, None, ["mixed_currencies"]),
    ],
)
def test_exporting(
    actor: Actor, payables: list[PayableFacts], count: int | None, pence: int | None, expected: list[str]
) -> None:
    assert codes(rules.check_export(actor, payables, expected_count=count, expected_pence=pence)) == expected


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
    entry = rules.expense_entry(new, key="fulfil:77:2", actor=COORDINATOR, effective_on=TODAY)
    assert entry.legs == (Leg(account="expense/training", amount=-9900), Leg(account="payable/5", amount=9900))
    assert (entry.unit, entry.kind, entry.actor, entry.reference) == (
        "GBP",
        "payable_owed",
        "member/1",
        "redemption/77",
    )


def test_a_batch_posts_one_leg_per_payee_and_the_sum_in_transit() -> None:
    batch = [payable(payee_id=7, pence=100), payable(payee_id=5, pence=30), payable(payee_id=7, pence=20)]
    entry = rules.export_entry(batch, number=3, key="export_batch:3:1", actor=FINANCE, effective_on=TODAY)
    assert {leg.account: leg.amount for leg in entry.legs} == {"payable/5": -30, "payable/7": -120, "in-transit": 150}
    assert entry.reference == "batch/3"


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("paid", {"in-transit": -1250, "bank": 1250}),
        ("rejected", {"in-transit": -1250, "payable/5": 1250}),
        ("returned", {"bank": -1250, "payable/5": 1250}),
    ],
)
def test_what_the_bank_did_moves_the_money(outcome: str, expected: dict[str, int]) -> None:
    entry = rules.outcome_entry(payable(), outcome, key="k", actor=FINANCE, effective_on=TODAY)
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
    assert codes(rules.check_new_payee(name, supplier_reference)) == expected


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
