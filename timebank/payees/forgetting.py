"""Accounts of members who left: gone as soon as nothing is on its way to them.

Payments that were made keep the account they went to, as long as the law asks for payment records.
"""

from datetime import datetime

from timebank.db import Database

# The same statement erases a member's accounts when they leave (members/traces.py), where nothing is owed then.
FORGET = """
update bank_account a
   set sealed = '\\x00', mark = decode(repeat('00', 32), 'hex'), last_four = '0000', why = '',
       state = case a.state when 'in_use' then 'replaced' when 'proposed' then 'withdrawn' else a.state end,
       decided_by = coalesce(a.decided_by, a.proposed_by), decided_at = coalesce(a.decided_at, $2)
  from payee y, member m
 where a.timebank_id = $1 and y.timebank_id = $1 and m.timebank_id = $1
   and y.id = a.payee_id and m.id = y.member_id and m.status = 'left' and a.sealed <> '\\x00'
   and not exists (select from payable p where p.timebank_id = $1 and p.payee_id = y.id
                      and p.state not in ('paid', 'cancelled'))
"""


async def forget_accounts(db: Database, timebank_id: int, now: datetime) -> None:
    """Erase the accounts of members who left and are owed nothing any more."""
    async with db.writing(timebank_id) as connection:
        await connection.execute(FORGET, timebank_id, now)
