"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class PaymentSettings(Table, tablename="payment_settings", db=ENGINE):
    """How a time bank pays."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    format = Text(null=False, default="payments-csv")
    service_user_number = Text(null=False, default="")
    days_ahead = Integer(null=False, default=1)
    tax_year_month = Integer(null=False, default=4)
    tax_year_day = Integer(null=False, default=6)


class PaymentSettingsChange(Table, tablename="payment_settings_change", db=ENGINE):
    """One changed setting of how a time bank pays. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    field = Text(null=False, default=None)
    before = Text(null=False, default=None)
    after = Text(null=False, default=None)
    by_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)


class PeriodClose(Table, tablename="period_close", db=ENGINE):
    """A month closed or opened again. Never changed: the last row of a month counts."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    month = Date(null=False, default=None)
    is_closed = Boolean(null=False, default=None)
    by_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    why = Text(null=False, default="")


class PaymentProfile(Table, tablename="payment_profile", db=ENGINE):
    """One version of a time bank's own columns for payment files. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = Integer(null=False, default=None)
    version = Integer(null=False, default=None)
    name = Text(null=False, default=None)
    note = Text(null=False, default="")
    columns = JSONB(null=False, default=None)
    is_open = Boolean(null=False, default=None)
    by_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)


class PaymentBatch(Table, tablename="payment_batch", db=ENGINE):
    """Payables exported together. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    number = Integer(null=False, default=None)
    format = Text(null=False, default=None)
    line_count = Integer(null=False, default=None)
    total_pence = BigInt(null=False, default=None)
    currency = Text(null=False, default=None)
    created_by = BigInt(null=False, default=None)
    created_at = Timestamptz(null=False, default=None)
    entry_ids = Array(base_column=UUID(), null=False, default=None)
    processing_on = Date(null=False, default=None)
    payer = Text(null=False, default="")
    payer_sealed = Bytea(null=True, default=None)


class PaymentFileTaken(Table, tablename="payment_file_taken", db=ENGINE):
    """Somebody took a file of a payment run. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    batch_number = Integer(null=False, default=None)
    what = Text(null=False, default=None)
    taken_by = BigInt(null=False, default=None)
    taken_at = Timestamptz(null=False, default=None)


class PaymentBatchVoid(Table, tablename="payment_batch_void", db=ENGINE):
    """A payment run taken back as a whole. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    batch_number = Integer(null=False, default=None)
    by_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    why = Text(null=False, default=None)
    entry_ids = Array(base_column=UUID(), null=False, default=None)


class PaymentFile(Table, tablename="payment_file", db=ENGINE):
    """The bytes of a payment run in one format. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    batch_number = Integer(null=False, default=None)
    format = Text(null=False, default=None)
    file_name = Text(null=False, default=None)
    content = Bytea(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    made_by = BigInt(null=False, default=None)
    made_at = Timestamptz(null=False, default=None)


class Payment(Table, tablename="payment", db=ENGINE):
    """One line of a payment run: what the bank is asked to pay to one payee, with the payee as they were that day."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    batch_number = Integer(null=False, default=None)
    line = Integer(null=False, default=None)
    reference = Text(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    payee_name = Text(null=False, default=None)
    supplier_reference = Text(null=False, default="")
    town = Text(null=False, default="")
    country = Text(null=False, default="GB")
    pence = BigInt(null=False, default=None)
    credited_pence = BigInt(null=False, default=0)
    sealed = Bytea(null=True, default=None)
    state = Text(null=False, default=None)
    settled_on = Date(null=True, default=None)
    changed_at = Timestamptz(null=False, default=None)


class PaymentAttempt(Table, tablename="payment_attempt", db=ENGINE):
    """One attempt to pay one payable, wholly or in part. At most one is live."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    payable_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    batch_number = Integer(null=False, default=None)
    line = Integer(null=False, default=None)
    pence = BigInt(null=False, default=None)
    is_live = Boolean(null=False, default=None)
    owed_pence = BigInt(null=False, default=None)
    due_on = Date(null=False, default=None)
    invoice_number = Text(null=False, default="")
    tax_pence = BigInt(null=False, default=0)
    tax_code = Text(null=False, default="")
    nominal_code = Text(null=False, default="")
    order_number = Text(null=False, default="")
    cost_centre = Text(null=False, default="")
    fund = Text(null=False, default="")


class Payable(Table, tablename="payable", db=ENGINE):
    """One amount owed to one payee."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    kind = Text(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    pence = BigInt(null=False, default=None)
    currency = Text(null=False, default=None)
    description = Text(null=False, default=None)
    invoice_number = Text(null=False, default="")
    due_on = Date(null=False, default=None)
    state = Text(null=False, default=None)
    source_kind = Text(null=False, default=None)
    source_id = BigInt(null=False, default=None)
    earned_on = Date(null=False, default=None)
    entry_id = UUID(null=False, default=None)
    created_by = BigInt(null=True, default=None)
    created_at = Timestamptz(null=False, default=None)
    submitted_by = BigInt(null=True, default=None)
    approved_by = BigInt(null=True, default=None)
    approved_digest = Bytea(null=True, default=None)
    batch_number = Integer(null=True, default=None)
    settled_on = Date(null=True, default=None)
    reason = Text(null=False, default="")
    changed_at = Timestamptz(null=False, default=None)
    tax_pence = BigInt(null=False, default=0)
    tax_code = Text(null=False, default="")
    nominal_code = Text(null=False, default="")
    order_number = Text(null=False, default="")
    budget_id = BigInt(null=True, default=None)
    settled_pence = BigInt(null=False, default=0)
    part_pence = BigInt(null=True, default=None)
    content_digest = Bytea(null=False, default=None)  # the database makes it, and the next one
    search_text = Text(null=False, default=None)


class PayableEvent(Table, tablename="payable_event", db=ENGINE):
    """One step in the life of a payable: who, when, why, and the ledger entry it made."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    payable_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    state = Text(null=False, default=None)
    actor_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)
    reason = Text(null=False, default="")
    entry_id = UUID(null=True, default=None)


class PaymentRequest(Table, tablename="payment_request", db=ENGINE):
    """Something to pay that finance typed in. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reason = Text(null=False, default=None)
    evidence = Text(null=False, default=None)
    asked_by = BigInt(null=False, default=None)
    asked_at = Timestamptz(null=False, default=None)


class Credit(Table, tablename="credit", db=ENGINE):
    """What a payee owes back: a refund after payment, or a credit note."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    source = Text(null=False, default=None)
    kind = Text(null=False, default=None)
    payable_id = BigInt(null=True, default=None)
    pence = BigInt(null=False, default=None)
    left_pence = BigInt(null=False, default=None)
    currency = Text(null=False, default=None)
    document_number = Text(null=False, default="")
    reason = Text(null=False, default=None)
    state = Text(null=False, default=None)
    proposed_by = BigInt(null=True, default=None)
    proposed_at = Timestamptz(null=False, default=None)
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    entry_id = UUID(null=True, default=None)


class CreditUse(Table, tablename="credit_use", db=ENGINE):
    """A part of a credit that was used; no longer standing when its payment did not go through."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    credit_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    how = Text(null=False, default=None)
    pence = BigInt(null=False, default=None)
    batch_number = Integer(null=True, default=None)
    line = Integer(null=True, default=None)
    payable_id = BigInt(null=True, default=None)
    used_on = Date(null=False, default=None)
    note = Text(null=False, default="")
    by_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    entry_id = UUID(null=False, default=None)
    is_standing = Boolean(null=False, default=None)
    cash_n = Integer(null=True, default=None)


class CreditPaper(Table, tablename="credit_paper", db=ENGINE):
    """The credit note itself: a PDF as it came, or a photo. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    credit_id = BigInt(null=False, default=None)
    file_name = Text(null=False, default=None)
    media_type = Text(null=False, default=None)
    content = Bytea(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    added_by = BigInt(null=False, default=None)
    added_at = Timestamptz(null=False, default=None)


class CashPayment(Table, tablename="cash_payment", db=ENGINE):
    """Cash that somebody signed for."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    payable_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    pence = BigInt(null=False, default=None)
    receipt_number = Text(null=False, default=None)
    handed_by = Text(null=False, default=None)
    signed_by = Text(null=False, default=None)
    paid_on = Date(null=False, default=None)
    recorded_by = BigInt(null=False, default=None)
    recorded_at = Timestamptz(null=False, default=None)
    entry_id = UUID(null=False, default=None)
    credited_pence = BigInt(null=False, default=0)


class NominalDefault(Table, tablename="nominal_default", db=ENGINE):
    """Where a kind of cost goes in the accounts."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    kind = Text(null=False, default=None)
    code = Text(null=False, default=None)
    set_by = BigInt(null=False, default=None)
    set_at = Timestamptz(null=False, default=None)


class RemittanceSent(Table, tablename="remittance_sent", db=ENGINE):
    """A remittance advice that goes out by e-mail, at most once for each payment."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    batch_number = Integer(null=False, default=None)
    line = Integer(null=False, default=None)
    email = Text(null=False, default=None)
    state = Text(null=False, default="waiting")
    attempts = Integer(null=False, default=0)
    trouble = Text(null=False, default="")
    asked_by = BigInt(null=False, default=None)
    asked_at = Timestamptz(null=False, default=None)
    next_at = Timestamptz(null=False, default=None)
    sent_at = Timestamptz(null=True, default=None)


class SupplierInvoice(Table, tablename="supplier_invoice", db=ENGINE):
    """A supplier's invoice; it settles payables."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    payee_id = BigInt(null=False, default=None)
    number = Text(null=False, default=None)
    number_key = Text(null=False, default=None)
    invoiced_on = Date(null=False, default=None)
    due_on = Date(null=False, default=None)
    net_pence = BigInt(null=False, default=None)
    tax_pence = BigInt(null=False, default=None)
    gross_pence = BigInt(null=False, default=None)
    currency = Text(null=False, default=None)
    state = Text(null=False, default=None)
    reason = Text(null=False, default="")
    entered_by = BigInt(null=False, default=None)
    entered_at = Timestamptz(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class SupplierInvoiceItem(Table, tablename="supplier_invoice_item", db=ENGINE):
    """What an invoice settles of a payable."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    invoice_id = BigInt(null=False, default=None)
    payable_id = BigInt(null=False, default=None)
    pence = BigInt(null=False, default=None)
    tax_pence = BigInt(null=False, default=None)
    is_live = Boolean(null=False, default=True)


class SupplierInvoicePaper(Table, tablename="supplier_invoice_paper", db=ENGINE):
    """The paper of an invoice: a PDF as it came, or a photo. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    invoice_id = BigInt(null=False, default=None)
    file_name = Text(null=False, default=None)
    media_type = Text(null=False, default=None)
    content = Bytea(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    added_by = BigInt(null=False, default=None)
    added_at = Timestamptz(null=False, default=None)


class SupplierInvoiceEvent(Table, tablename="supplier_invoice_event", db=ENGINE):
    """Something that happened to an invoice. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    invoice_id = BigInt(null=False, default=None)
    what = Text(null=False, default=None)
    reason = Text(null=False, default="")
    actor_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)
