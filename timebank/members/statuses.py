"""Which members take part now."""

from collections.abc import Sequence

from timebank.db import Connection

STATUSES = "select id, status from member where timebank_id = $1 and id = any($2::bigint[])"


async def statuses(connection: Connection, timebank_id: int, member_ids: Sequence[int]) -> dict[int, str]:
    """``active``, ``paused`` or ``left`` for each of these members; those that do not exist are not in it."""
    return {row["id"]: row["status"] for row in await connection.fetch(STATUSES, timebank_id, list(member_ids))}
