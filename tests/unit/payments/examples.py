"""A payment run as formats are given it, to change one thing at a time."""

from datetime import UTC, date, datetime
from typing import Any

from timebank.payees.model import Account
from timebank.payments.formats import Batch, Item, Payment

# Account numbers that pass the published modulus checks of these sort codes; nobody's.
CAFE = Account(holder="Corner Cafe Ltd", sort_code="089999", number="66374958")
OURS = Account(holder="Riverside Time Bank", sort_code="107999", number="88837491")


def item(**changed: Any) -> Item:
    """Two lunches for 12.50."""
    fields = {
        "reference": "V7K2-M9QX",
        "kind": "voucher",
        "description": "2 lunch vouchers",
        "pence": 1250,
        "earned_on": date(2026, 3, 4),
        "due_on": date(2026, 4, 3),
        "invoice_number": "INV 17",
    }
    return Item(**fields | changed)


def payment(*items: Item, **changed: Any) -> Payment:
    """What the bank pays to the Corner Café: these items, or two lunches."""
    held = items or (item(pence=changed.get("pence", 1250)),)
    fields = {
        "line": 1,
        "reference": "B7K2-M9QX",
        "payee_id": 4,
        "payee_name": "Corner Café",
        "supplier_reference": "SUP-004",
        "pence": sum(one.pence for one in held) - changed.get("credited_pence", 0),
        "account": CAFE,
        "town": "Bristol",
        "items": held,
    }
    return Payment(**fields | changed)


def batch(*payments: Payment, **changed: Any) -> Batch:
    """Payment run 12 with these payments."""
    fields = {
        "number": 12,
        "created_at": datetime(2026, 3, 10, 9, 30, tzinfo=UTC),
        "processing_on": date(2026, 3, 11),
        "currency": "GBP",
        "slug": "riverside",
        "payer": "Riverside Time Bank",
        "account": OURS,
        "service_user_number": "123456",
        "payments": payments,
    }
    return Batch(**fields | changed)
