"""Which budget pays for costs: the one that somebody chooses, or that of the group that they were for."""

from collections.abc import Iterable
from datetime import date

from timebank.budgets import choosing
from timebank.budgets import queries as budgets
from timebank.budgets import service as holding
from timebank.db import Connection
from timebank.kit.money import in_words

OF_GROUPS = """
select distinct a.budget_id
  from activity a
 where a.timebank_id = $1 and a.budget_id is not null
   and a.id in (select s.activity_id from session s where s.timebank_id = $1 and s.id = any($2::bigint[])
                 union all
                select c.activity_id from contribution c where c.timebank_id = $1 and c.id = any($3::bigint[]))
 limit 2
"""
FIELD = "budget_id"


async def usual(
    connection: Connection,
    timebank_id: int,
    session_ids: Iterable[int | None],
    contribution_ids: Iterable[int | None] = (),
) -> int | None:
    """The budget of the groups of these sessions and of this time given, when it is one and the same; else None."""
    wanted = [sorted({one for one in ids if one is not None}) for ids in (session_ids, contribution_ids)]
    rows = await connection.fetch(OF_GROUPS, timebank_id, *wanted) if any(wanted) else []
    return rows[0]["budget_id"] if len(rows) == 1 else None


async def chosen(
    connection: Connection,
    timebank_id: int,
    budget_id: int | None,
    session_ids: Iterable[int | None],
    contribution_ids: Iterable[int | None] = (),
) -> int | None:
    """The budget that pays, locked: call this before the ledger, and :func:`check` after all is written down."""
    found = budget_id
    if found is None:
        found = await usual(connection, timebank_id, session_ids, contribution_ids)
    await holding.lock(connection, timebank_id, found)
    return found


async def check(connection: Connection, timebank_id: int, budget_id: int | None, pence: int, day: date | None) -> None:
    """Go on only when the budget bears ``pence`` more; ``day`` None for what was promised before.

    Raises:
        Rollback: those of ``budgets.service.check``, with the field :data:`FIELD`.
    """
    await holding.check(connection, timebank_id, budget_id, pence=pence, day=day, field=FIELD)


async def choices(
    connection: Connection,
    timebank_id: int,
    currency: str,
    *,
    session_ids: Iterable[int | None],
    contribution_ids: Iterable[int | None] = (),
    day: date | None,
) -> choosing.Choices:
    """What a form offers for costs whose sessions and time given are known."""
    own = await usual(connection, timebank_id, session_ids, contribution_ids)
    budget = None if own is None else await budgets.budget(connection, timebank_id, own)
    none = "No budget"
    if budget is not None:
        none = f"The group’s own: {budget.name} ({in_words(max(0, budget.left_pence), currency)} left)"
    return await choosing.budgets(connection, timebank_id, currency, day=day, none=none)
