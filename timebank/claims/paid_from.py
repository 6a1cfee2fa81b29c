"""Which budget pays for costs: the one that somebody chooses, or that of the group whose sessions they were for."""

from collections.abc import Iterable
from datetime import date

from timebank.budgets import choosing
from timebank.budgets import queries as budgets
from timebank.budgets import service as holding
from timebank.db import Connection
from timebank.kit.money import in_words

OF_SESSIONS = """
select distinct a.budget_id
  from session s join activity a on a.timebank_id = s.timebank_id and a.id = s.activity_id
 where s.timebank_id = $1 and s.id = any($2::bigint[]) and a.budget_id is not null
 limit 2
"""
FIELD = "budget_id"


async def usual(connection: Connection, timebank_id: int, session_ids: Iterable[int | None]) -> int | None:
    """The budget of the groups of these sessions, when they have one and the same; else None."""
    wanted = sorted({one for one in session_ids if one is not None})
    rows = await connection.fetch(OF_SESSIONS, timebank_id, wanted) if wanted else []
    return rows[0]["budget_id"] if len(rows) == 1 else None


async def chosen(
    connection: Connection, timebank_id: int, budget_id: int | None, session_ids: Iterable[int | None]
) -> int | None:
    """The budget that pays, locked: call this before the ledger, and :func:`check` after all is written down."""
    found = budget_id if budget_id is not None else await usual(connection, timebank_id, session_ids)
    await holding.lock(connection, timebank_id, found)
    return found


async def check(connection: Connection, timebank_id: int, budget_id: int | None, pence: int, day: date | None) -> None:
    """Go on only when the budget bears ``pence`` more; ``day`` None for what was promised before.

    Raises:
        Rollback: those of ``budgets.service.check``, with the field :data:`FIELD`.
    """
    await holding.check(connection, timebank_id, budget_id, pence=pence, day=day, field=FIELD)


async def choices(
    connection: Connection, timebank_id: int, currency: str, *, session_ids: Iterable[int | None], day: date | None
) -> choosing.Choices:
    """What a form offers for costs of sessions that are known."""
    own = await usual(connection, timebank_id, session_ids)
    budget = None if own is None else await budgets.budget(connection, timebank_id, own)
    none = "No budget"
    if budget is not None:
        none = f"The group’s own: {budget.name} ({in_words(max(0, budget.left_pence), currency)} left)"
    return await choosing.budgets(connection, timebank_id, currency, day=day, none=none)
