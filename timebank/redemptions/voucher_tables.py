"""Piccolo's view of the tables of vouchers; ``tables.py`` re-exports them."""

from piccolo.columns import BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class VoucherTerms(Table, tablename="voucher_terms", db=ENGINE):
    """How the vouchers of an offer work; without a row staff hand them over."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    offer_id = BigInt(null=False, default=None)
    source = Text(null=False, default=None)
    gives_at_once = Boolean(null=False, default=False)
    allows_parts = Boolean(null=False, default=False)
    valid_days = Integer(null=True, default=None)
    expiry_returns_hours = Boolean(null=False, default=True)
    low_stock = Integer(null=False, default=5)
    low_told_at = Timestamptz(null=True, default=None)


class CodeBatch(Table, tablename="code_batch", db=ENGINE):
    """One upload of codes, and what each of them cost, if they were bought."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    offer_id = BigInt(null=False, default=None)
    payee_id = BigInt(null=True, default=None)
    pence_each = BigInt(null=True, default=None)
    code_count = Integer(null=False, default=None)
    uploaded_by = BigInt(null=False, default=None)
    uploaded_at = Timestamptz(null=False, default=None)
    withdrawn_at = Timestamptz(null=True, default=None)
    withdrawn_by = BigInt(null=True, default=None)


class PoolCode(Table, tablename="pool_code", db=ENGINE):
    """One uploaded code: locked, and found by a keyed hash."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    batch_id = BigInt(null=False, default=None)
    offer_id = BigInt(null=False, default=None)
    code_hash = Bytea(null=False, default=None)
    sealed = Bytea(null=False, default=None)
    expires_on = Date(null=True, default=None)
    state = Text(null=False, default="free")
    redemption_id = BigInt(null=True, default=None)
    changed_at = Timestamptz(null=False, default=None)


class Voucher(Table, tablename="voucher", db=ENGINE):
    """A voucher of our own, for one booking."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    redemption_id = BigInt(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    value_pence = BigInt(null=False, default=None)
    spent_pence = BigInt(null=False, default=0)
    allows_parts = Boolean(null=False, default=None)
    valid_days = Integer(null=True, default=None)
    returns_hours = Boolean(null=False, default=None)
    state = Text(null=False, default=None)
    made_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    reminded_at = Timestamptz(null=True, default=None)
    slip_asked_at = Timestamptz(null=True, default=None)
    changed_at = Timestamptz(null=False, default=None)


class VoucherCode(Table, tablename="voucher_code", db=ENGINE):
    """A code of a voucher; a new one ends the one before."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    voucher_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    code_hash = Bytea(null=False, default=None)
    sealed = Bytea(null=False, default=None)
    made_by = BigInt(null=True, default=None)
    made_at = Timestamptz(null=False, default=None)
    ended_at = Timestamptz(null=True, default=None)


class VoucherUse(Table, tablename="voucher_use", db=ENGINE):
    """One confirmation by a supplier: of all of a voucher, or of a part."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    voucher_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    pence = BigInt(null=False, default=None)
    used_on = Date(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    confirmed_by = BigInt(null=True, default=None)


class CodeView(Table, tablename="code_view", db=ENGINE):
    """Who saw a code, when and how."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    redemption_id = BigInt(null=False, default=None)
    seen_by = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    how = Text(null=False, default=None)


class SupplierLink(Table, tablename="supplier_link", db=ENGINE):
    """The link behind a supplier's poster."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    mark = Bytea(null=False, default=None)
    token_sha256 = Bytea(null=False, default=None)
    made_by = BigInt(null=True, default=None)
    made_at = Timestamptz(null=False, default=None)
    expires_at = Timestamptz(null=False, default=None)
    ended_at = Timestamptz(null=True, default=None)
    ended_by = BigInt(null=True, default=None)


class VoucherAttempt(Table, tablename="voucher_attempt", db=ENGINE):
    """A wrong code, for the limits. It belongs to no time bank."""

    id = BigInt(null=False, default=None, primary_key=True)
    link_id = BigInt(null=False, default=None)
    network = Text(null=False, default=None)
    at = Timestamptz(null=False, default=None)
