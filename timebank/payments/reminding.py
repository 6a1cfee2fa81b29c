"""How much waits in payments for somebody's hand: for finance's reminder and for the line on their first page."""

from collections.abc import Sequence

from timebank.db import Connection

# What each of these people may approve: not what they submitted, asked for, or are paid by.
TO_APPROVE = """
select d.id, count(*) as payables
  from unnest($2::bigint[]) as d (id)
  join payable p on p.timebank_id = $1 and p.state = 'submitted' and p.submitted_by is distinct from d.id
                and not (p.kind in ('expense', 'access') and p.created_by = d.id)
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id and y.member_id is distinct from d.id
 group by d.id
"""
WITHOUT_ACCOUNT = """
select count(distinct p.payee_id)
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id and y.pay_by = 'bank'
 where p.timebank_id = $1 and p.state = any('{draft,submitted,approved,rejected,returned}')
   and not exists (select from bank_account a
                    where a.timebank_id = p.timebank_id and a.payee_id = p.payee_id and a.state = 'in_use')
"""


async def to_approve(connection: Connection, timebank_id: int, member_ids: Sequence[int]) -> dict[int, int]:
    """How many payables each of these people may approve now; who has none is left out."""
    rows = await connection.fetch(TO_APPROVE, timebank_id, list(member_ids))
    return {row["id"]: row["payables"] for row in rows}


async def without_account(connection: Connection, timebank_id: int) -> int:
    """How many payees, open or closed, are owed money by bank and have no account that it could go to."""
    return int(await connection.fetchval(WITHOUT_ACCOUNT, timebank_id))
