"""Who may hand out a way to sign in as somebody."""

from timebank.db import Connection
from timebank.identity import queries
from timebank.identity.rules import NotAllowed, may_sign_in_for
from timebank.kit.actor import Actor

READS_MORE = """
select exists (select from safeguarding_person where timebank_id = $1 and member_id = $2)
   and not exists (select from safeguarding_person where timebank_id = $1 and member_id = $3)
"""


async def require_may_sign_in_for(connection: Connection, actor: Actor, member_id: int) -> None:
    """Check, inside the open transaction, that the actor may hand out a way to sign in as this member.

    Raises:
        LookupError: the time bank has no such member, or they have left. Who is paused can sign in.
        NotAllowed: the member has a role that the actor has not, or reads what is told in confidence and the actor
            does not: no role of the time bank leads there, not by a link to sign in as its reader either.
    """
    is_there = await connection.fetchval(
        "select status <> 'left' from member where timebank_id = $1 and id = $2", actor.timebank_id, member_id
    )
    if not is_there:
        raise LookupError(f"no member {member_id} who could sign in")
    subject_roles = await queries.roles_of(connection, actor.timebank_id, member_id)
    if not may_sign_in_for(actor.roles, subject_roles, is_self=actor.member_id == member_id):
        raise NotAllowed
    if actor.member_id not in (None, member_id) and await connection.fetchval(
        READS_MORE, actor.timebank_id, member_id, actor.member_id
    ):
        raise NotAllowed
