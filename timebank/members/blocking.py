"""Who does not want to meet whom. Neither of the two sees or asks the other, and nobody is told why."""

from datetime import datetime

from timebank.db import Connection

BLOCK = """
insert into member_block (timebank_id, member_id, blocked_id, blocked_at) values ($1, $2, $3, $4)
on conflict do nothing
"""
UNBLOCK = "delete from member_block where timebank_id = $1 and member_id = $2 and blocked_id = $3"
AROUND = """
select blocked_id as id from member_block where timebank_id = $1 and member_id = $2
union
select member_id from member_block where timebank_id = $1 and blocked_id = $2
"""
MINE = """
select b.blocked_id as id, m.display_name as name
  from member_block b
  join member m on m.timebank_id = b.timebank_id and m.id = b.blocked_id
 where b.timebank_id = $1 and b.member_id = $2 and m.status <> 'left'
 order by m.name_key, m.id
"""


async def block(connection: Connection, timebank_id: int, member_id: int, other_id: int, now: datetime) -> None:
    """Keep two members apart from now on. Harmless to repeat."""
    await connection.execute(BLOCK, timebank_id, member_id, other_id, now)


async def unblock(connection: Connection, timebank_id: int, member_id: int, other_id: int) -> None:
    """Take back the member's own block; one that the other made stays."""
    await connection.execute(UNBLOCK, timebank_id, member_id, other_id)


async def around(connection: Connection, timebank_id: int, member_id: int) -> frozenset[int]:
    """Everybody whom the member blocked, or who blocked the member."""
    return frozenset(row["id"] for row in await connection.fetch(AROUND, timebank_id, member_id))


async def blocked_by(connection: Connection, timebank_id: int, member_id: int) -> list[tuple[int, str]]:
    """Whom the member blocked: ids and names. Only the member sees this list."""
    return [(row["id"], row["name"]) for row in await connection.fetch(MINE, timebank_id, member_id)]
