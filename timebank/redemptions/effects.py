"""What else happens when a booking takes a step, in the same transaction and without the ledger."""

from datetime import datetime

from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.redemptions import vouchers, waiting
from timebank.redemptions.situation import Situation


async def after_step(connection: Connection, actor: Actor, situation: Situation, state: str, now: datetime) -> None:
    """Let everything follow that hangs on a booking. ``state`` is where it is now; ``situation`` is how it was before.

    Called once for each step of a booking, and with "requested" when it has just been made. Whatever is wrong may
    raise ``Rollback``: then the step does not happen either.
    """
    await vouchers.after_step(connection, actor, situation, state, now)
    await waiting.after_step(connection, actor, situation, state, now)


async def money_of(connection: Connection, actor: Actor, situation: Situation, pence: int | None) -> vouchers.Money:
    """What else fulfilling a booking does to money, decided before its one ledger call. ``pence`` is what was asked for
    to be owed; None for what the offer says.
    """
    return await vouchers.money_of(connection, actor, situation, pence)
