"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class StatementCode(Table, tablename="statement_code", db=ENGINE):
    """What a printed statement says, under the code at its foot."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    code = Text(null=False, default=None)
    code_sha256 = Bytea(null=False, default=None)
    display_name = Text(null=False, default=None)
    first_on = Date(null=False, default=None)
    last_on = Date(null=False, default=None)
    opening_minutes = BigInt(null=False, default=None)
    came_minutes = BigInt(null=False, default=None)
    went_minutes = BigInt(null=False, default=None)
    closing_minutes = BigInt(null=False, default=None)
    entries = Integer(null=False, default=None)
    made_on = Date(null=False, default=None)
    made_by = BigInt(null=False, default=None)
    made_at = Timestamptz(null=False, default=None)
    round = Integer(null=False, default=None)


class StatementLook(Table, tablename="statement_look", db=ENGINE):
    """Somebody checked a paper; who, nobody knows."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    code_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)


class StatementTry(Table, tablename="statement_try", db=ENGINE):
    """How many codes were tried from one network in one hour. Belongs to no time bank."""

    mark = Bytea(null=False, default=None, primary_key=True)
    hour = Timestamptz(null=False, default=None)
    times = Integer(null=False, default=None)
