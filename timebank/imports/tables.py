"""Piccolo’s view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import JSONB, BigInt, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class ImportRun(Table, tablename="import_run", db=ENGINE):
    """A file that was brought, and how far it was imported."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    format = Text(null=False, default=None)
    source = Text(null=False, default=None)
    file_name = Text(null=False, default=None)
    size_bytes = Integer(null=False, default=0)
    sha256 = Bytea(null=True, default=None)
    state = Text(null=False, default=None)
    answers = JSONB(null=False, default="{}")
    uploaded_by = BigInt(null=True, default=None)
    created_at = Timestamptz(null=False, default=None)
    started_by = BigInt(null=True, default=None)
    started_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    steps = Integer(null=False, default=0)
    position = Integer(null=False, default=0)
    forced = Integer(null=False, default=0)


class ImportPiece(Table, tablename="import_piece", db=ENGINE):
    """A piece of a file, kept until its import has ended."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    import_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    content = Bytea(null=False, default=None)


class ImportLine(Table, tablename="import_line", db=ENGINE):
    """What a line of a file asks for, and what became of it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    import_id = BigInt(null=False, default=None)
    line = Integer(null=False, default=None)
    part = Integer(null=False, default=None)
    step = Integer(null=True, default=None)
    kind = Text(null=False, default=None)
    key = Bytea(null=False, default=None)
    state = Text(null=False, default=None)
    why = Text(null=False, default="")
    who = Text(null=False, default="")
    person = Text(null=False, default="")
    details = JSONB(null=True, default=None)
    payer = Text(null=False, default="")
    payee = Text(null=False, default="")
    minutes = Integer(null=True, default=None)
    rounded = Text(null=False, default="")
    happened_on = Date(null=True, default=None)
    words = Text(null=False, default="")
    member_id = BigInt(null=True, default=None)


class ImportPerson(Table, tablename="import_person", db=ENGINE):
    """Who somebody is here, by what they are called in the program they come from."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    source = Text(null=False, default=None)
    code = Text(null=False, default=None)
    member_id = BigInt(null=False, default=None)
