"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class BankStatement(Table, tablename="bank_statement", db=ENGINE):
    """One statement file: its bytes, what was answered about it, and what it brought."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    file_name = Text(null=False, default=None)
    format = Text(null=False, default=None)
    content = Bytea(null=False, default=None)
    sha256 = Bytea(null=False, default=None)
    state = Text(null=False, default=None)
    answers = JSONB(null=False, default="{}")
    opening_pence = BigInt(null=True, default=None)
    closing_pence = BigInt(null=True, default=None)
    first_on = Date(null=True, default=None)
    last_on = Date(null=True, default=None)
    last_four = Text(null=False, default="")
    line_count = Integer(null=False, default=0)
    known_count = Integer(null=False, default=0)
    gap_pence = BigInt(null=False, default=0)
    uploaded_by = BigInt(null=False, default=None)
    uploaded_at = Timestamptz(null=False, default=None)
    imported_by = BigInt(null=True, default=None)
    imported_at = Timestamptz(null=True, default=None)


class BankLine(Table, tablename="bank_line", db=ENGINE):
    """One line of a statement, and where it stands."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    statement_id = BigInt(null=False, default=None)
    number = Integer(null=False, default=None)
    booked_on = Date(null=False, default=None)
    pence = BigInt(null=False, default=None)
    text = Text(null=False, default="")
    reference = Text(null=False, default="")
    party = Text(null=False, default="")
    reason = Text(null=False, default="")
    fingerprint = Bytea(null=False, default=None)
    state = Text(null=False, default=None)
    outcome = Text(null=False, default="")
    batch_number = Integer(null=True, default=None)
    payment_line = Integer(null=True, default=None)
    entry_id = UUID(null=True, default=None)
    settled_at = Timestamptz(null=True, default=None)
    part_of = BigInt(null=True, default=None)
    made_by = BigInt(null=True, default=None)


class BankMatch(Table, tablename="bank_match", db=ENGINE):
    """A statement showed that a payment was paid, or came back. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    batch_number = Integer(null=False, default=None)
    payment_line = Integer(null=False, default=None)
    outcome = Text(null=False, default=None)
    line_id = BigInt(null=False, default=None)


class BankExplanation(Table, tablename="bank_explanation", db=ENGINE):
    """What a person says a line is, who agreed, and whether it was undone."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    line_id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    credit_id = BigInt(null=True, default=None)
    note = Text(null=False, default="")
    state = Text(null=False, default=None)
    proposed_by = BigInt(null=False, default=None)
    proposed_at = Timestamptz(null=False, default=None)
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    entry_id = UUID(null=True, default=None)
    undone_by = BigInt(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)
    why = Text(null=False, default="")
    undo_entry_id = UUID(null=True, default=None)


class BankColumns(Table, tablename="bank_columns", db=ENGINE):
    """Which column of a bank's CSV is which."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    headings = Bytea(null=False, default=None)
    columns = JSONB(null=False, default=None)
    changed_by = BigInt(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)
