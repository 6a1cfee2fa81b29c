"""Waiting lists: a place that gets free goes to whoever has waited longest."""

from datetime import datetime

from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.redemptions.situation import Situation


async def after_step(connection: Connection, actor: Actor, situation: Situation, state: str, now: datetime) -> None:
    """Follow a booking that is now in ``state``."""
