"""Which members take part now."""

from collections.abc import Sequence

from timebank.db import Connection

STATUSES = "select id, status from member where timebank_id = $1 and id = any($2::bigint[])"
# Rows that refer to a member lock them so in any case; here it comes before the ledger's locks, as it does for a member
# who leaves, so that the two wait for each other in one order.
STAYING = STATUSES + " order by id for key share"


async def statuses(
    connection: Connection, timebank_id: int, member_ids: Sequence[int], *, lock: bool = False
) -> dict[int, str]:
    """``active``, ``paused`` or ``left`` for each of these members; those that do not exist are not in it.

    ``lock`` waits for whoever is leaving at this moment, and keeps others from leaving until the transaction ends.
    """
    query = STAYING if lock else STATUSES
    return {row["id"]: row["status"] for row in await connection.fetch(query, timebank_id, list(member_ids))}
