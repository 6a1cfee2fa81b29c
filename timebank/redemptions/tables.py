"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import UUID, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE
from timebank.redemptions.voucher_tables import (
    CodeBatch,
    CodeView,
    PoolCode,
    SupplierLink,
    Voucher,
    VoucherAttempt,
    VoucherCode,
    VoucherTerms,
    VoucherUse,
)

__all__ = [
    "CodeBatch",
    "CodeView",
    "Offer",
    "PoolCode",
    "Redemption",
    "RedemptionEvent",
    "SupplierLink",
    "Voucher",
    "VoucherAttempt",
    "VoucherCode",
    "VoucherTerms",
    "VoucherUse",
]


class Offer(Table, tablename="offer", db=ENGINE):
    """Something hours can be spent on. ``value_pence`` is what the supplier is paid; participants never see it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    title = Text(null=False, default=None)
    summary = Text(null=False, default="")
    description = Text(null=False, default="")
    price_minutes = Integer(null=False, default=None)
    places = Integer(null=True, default=None)
    starts_at = Timestamptz(null=True, default=None)
    place = Text(null=False, default="")
    access_notes = Text(null=False, default="")
    benefit_label = Text(null=False, default=None)
    cancel_hours = Integer(null=False, default=24)
    hold_days = Integer(null=False, default=28)
    payee_id = BigInt(null=True, default=None)
    value_pence = BigInt(null=True, default=None)
    provider_id = BigInt(null=True, default=None)
    is_open = Boolean(null=False, default=True)


class Redemption(Table, tablename="redemption", db=ENGINE):
    """One member spending hours on one offer, from request to fulfilment."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    offer_id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    minutes = Integer(null=False, default=None)
    state = Text(null=False, default=None)
    hold_id = UUID(null=False, default=None)
    entry_id = UUID(null=True, default=None)
    refund_entry_id = UUID(null=True, default=None)
    benefit_text = Text(null=False, default=None)
    requested_by = BigInt(null=False, default=None)
    requested_at = Timestamptz(null=False, default=None)
    cancel_until = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    rules_version = Integer(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class RedemptionEvent(Table, tablename="redemption_event", db=ENGINE):
    """One step in the life of a booking: who, when and why. No actor means the service itself."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    redemption_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    state = Text(null=False, default=None)
    actor_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)
    reason = Text(null=False, default="")
