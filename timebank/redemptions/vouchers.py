"""Vouchers: what happens to the code of a booking when the booking takes a step."""

from datetime import datetime

from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.redemptions.situation import Situation


async def after_step(connection: Connection, actor: Actor, situation: Situation, state: str, now: datetime) -> None:
    """Follow a booking that is now in ``state``."""
