"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import UUID, Array, BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
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
    no_show = Text(null=False, default="free")
    called_off_at = Timestamptz(null=True, default=None)
    called_off_reason = Text(null=False, default="")
    access = Array(base_column=Text(), null=False, default=list)
    is_for_groups = Boolean(null=False, default=False)
    shown_from = Date(null=True, default=None)
    shown_until = Date(null=True, default=None)
    monthly_pence = BigInt(null=True, default=None)
    search_key = Text(null=False, default="")
    revision = Integer(null=False, default=1)
    changed_by = BigInt(null=True, default=None)
    changed_at = Timestamptz(null=True, default=None)
    budget_id = BigInt(null=True, default=None)
    order_id = BigInt(null=True, default=None)


class OfferGroup(Table, tablename="offer_group", db=ENGINE):
    """A group whose members may use an offer that is not for everybody."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    offer_id = BigInt(null=False, default=None)
    group_id = BigInt(null=False, default=None)


class OfferPhoto(Table, tablename="offer_photo", db=ENGINE):
    """The picture of an offer, in three sizes."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    offer_id = BigInt(null=False, default=None)
    words = Text(null=False, default=None)
    width = Integer(null=False, default=None)
    height = Integer(null=False, default=None)
    small = Bytea(null=False, default=None)
    medium = Bytea(null=False, default=None)
    content = Bytea(null=False, default=None)
    mark = Text(null=False, default=None)
    added_by = BigInt(null=True, default=None)
    added_at = Timestamptz(null=False, default=None)


class SavedOffer(Table, tablename="saved_offer", db=ENGINE):
    """An offer that a member wants to find again. Nobody else sees it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    member_id = BigInt(null=False, default=None)
    offer_id = BigInt(null=False, default=None)
    saved_at = Timestamptz(null=False, default=None)


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
    committed_pence = BigInt(null=True, default=None)
    no_show = Text(null=False, default="free")
    came = Boolean(null=True, default=None)
    refunded_minutes = Integer(null=True, default=None)
    reminded_at = Timestamptz(null=True, default=None)
    reminded_until = Timestamptz(null=True, default=None)
    changed_at = Timestamptz(null=False, default=None)
    ask = Text(null=False, default="")


class RedemptionEvent(Table, tablename="redemption_event", db=ENGINE):
    """One step in the life of a booking: who, when and why. No actor means the service itself."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    redemption_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    state = Text(null=False, default=None)
    actor_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)
    reason = Text(null=False, default="")
    payee_id = BigInt(null=True, default=None)
