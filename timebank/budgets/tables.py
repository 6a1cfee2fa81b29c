"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import BigInt, Boolean, Date, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class Fund(Table, tablename="fund", db=ENGINE):
    """A grant: who gives how much, from when until when."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    name = Text(null=False, default=None)
    funder = Text(null=False, default=None)
    starts_on = Date(null=False, default=None)
    ends_on = Date(null=False, default=None)
    pence = BigInt(null=False, default=None)
    is_open = Boolean(null=False, default=True)
    changed_by = BigInt(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class FinanceCode(Table, tablename="finance_code", db=ENGINE):
    """A cost centre or a nominal code of the accounting package."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    kind = Text(null=False, default=None)
    code = Text(null=False, default=None)
    name = Text(null=False, default=None)
    is_open = Boolean(null=False, default=True)
    changed_by = BigInt(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class Budget(Table, tablename="budget", db=ENGINE):
    """A part of a fund for one thing; ``pence`` is its limit."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    name = Text(null=False, default=None)
    fund_id = BigInt(null=False, default=None)
    cost_centre_id = BigInt(null=True, default=None)
    nominal_code_id = BigInt(null=True, default=None)
    starts_on = Date(null=False, default=None)
    ends_on = Date(null=False, default=None)
    pence = BigInt(null=False, default=None)
    is_open = Boolean(null=False, default=True)
    changed_by = BigInt(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class PurchaseOrder(Table, tablename="purchase_order", db=ENGINE):
    """A part of a budget that is ordered from one supplier, or from any."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    number = Text(null=False, default=None)
    payee_id = BigInt(null=True, default=None)
    budget_id = BigInt(null=False, default=None)
    what_for = Text(null=False, default="")
    pence = BigInt(null=False, default=None)
    is_open = Boolean(null=False, default=True)
    changed_by = BigInt(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class BudgetEvent(Table, tablename="budget_event", db=ENGINE):
    """What was changed in a fund, a code, a budget or an order. Never changed."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    subject = Text(null=False, default=None)
    subject_id = BigInt(null=False, default=None)
    actor_id = BigInt(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    what = Text(null=False, default=None)
    why = Text(null=False, default="")
