"""Nobody approves what goes to their own account, under whatever name its payee stands."""

from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments.rules import PayableFacts

OWN_MARK = """
select a.mark from bank_account a
  join payee y on y.timebank_id = a.timebank_id and y.id = a.payee_id
 where a.timebank_id = $1 and y.member_id = $2 and a.state = 'in_use'
"""


async def own_mark(connection: Connection, actor: Actor) -> bytes | None:
    """The mark of the account in use that the actor is paid to, None when there is none."""
    mark: bytes | None = await connection.fetchval(OWN_MARK, actor.timebank_id, actor.member_id)
    return mark


def refuse_own_account(payable: PayableFacts, own_mark: bytes | None) -> list[Refusal]:
    """Refusal ``pays_yourself`` when a payable goes to this account, whoever its payee is said to be."""
    if own_mark is None or payable.account_mark != own_mark:
        return []
    text = "This payment goes to the account where you are paid. Ask someone else in finance to approve it."
    return [Refusal("pays_yourself", text)]
