"""Who may take part in a booking."""

from timebank.db import Connection, Rollback
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import queries as members


async def require_active(connection: Connection, timebank_id: int, member_id: int, field: str) -> None:
    """Raise ``Rollback`` with ``paused`` or ``unknown_member`` unless this is an active member."""
    member = await members.by_id(connection, timebank_id, member_id)
    if member is not None and member.status == "paused":
        raise Rollback([Refusal("paused", say("You are paused. Come back first, under “About me”."), field)])
    if member is None or member.status != "active":
        raise Rollback([Refusal("unknown_member", say("Choose a member of this time bank."), field)])
