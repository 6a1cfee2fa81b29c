"""What the form of a voucher asks besides what every offer has: read, and shown again (``_voucher_fields.html``)."""

from timebank.db import Connection
from timebank.kit.refusal import Refusal
from timebank.redemptions import voucher_queries
from timebank.redemptions.voucher_rules import HAND
from timebank.redemptions.voucher_terms import VoucherTerms
from timebank.web.forms import Form

MAX_TYPED_NUMBER = 9


def read(form: Form) -> VoucherTerms | list[Refusal] | None:
    """What was typed; None when there is nothing to keep.

    Refusals: ``bad_valid_days`` and ``bad_low_stock`` for what is no number.
    """
    if not form.has("source"):
        return None
    refusals = []
    valid_days = _number(form.text("valid_days"))
    if isinstance(valid_days, bool):
        refusals.append(Refusal("bad_valid_days", "Enter a number of days, or leave it empty.", "valid_days"))
    low_stock = _number(form.text("low_stock") or "5")
    if isinstance(low_stock, bool) or low_stock is None:
        refusals.append(Refusal("bad_low_stock", "Enter a number, like 5.", "low_stock"))
    if refusals or isinstance(valid_days, bool) or isinstance(low_stock, bool) or low_stock is None:
        return refusals
    return VoucherTerms(
        source=form.text("source") or HAND,
        gives_at_once=form.has("gives_at_once"),
        allows_parts=form.has("allows_parts"),
        valid_days=valid_days,
        expiry_returns_hours=form.text("expiry_returns_hours") != "no",
        low_stock=low_stock,
    )


async def filled(connection: Connection, timebank_id: int, offer_id: int) -> dict[str, str]:
    """What the fields of this offer's form hold, to be given to ``Form.blank``."""
    terms = await voucher_queries.terms(connection, timebank_id, offer_id)
    values = {
        "source": terms.source,
        "valid_days": "" if terms.valid_days is None else str(terms.valid_days),
        "expiry_returns_hours": "yes" if terms.expiry_returns_hours else "no",
        "low_stock": str(terms.low_stock),
    }
    if terms.gives_at_once:
        values["gives_at_once"] = "yes"
    if terms.allows_parts:
        values["allows_parts"] = "yes"
    return values


def _number(typed: str) -> int | bool | None:
    """The number typed, None for nothing, False for what is none."""
    if not typed:
        return None
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= MAX_TYPED_NUMBER else False
