"""The demo's account codes: made-up ones, where a small charity would have them."""

from datetime import datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused
from timebank.kit.actor import Actor
from timebank.payments.codes import SetCodes, set_codes

CODES = {
    "voucher": "7500",
    "training": "7510",
    "fee": "7520",
    "expense": "7400",
    "access": "7410",
    "other": "7900",
    "bank": "1250",
    "credit": "1105",
}


async def add_codes(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime) -> None:
    """Choose a code for each kind of cost."""
    moment = anchor - timedelta(days=30)
    done = await set_codes(db, actors[people.FINANCE], SetCodes(codes=CODES), key="demo-account-codes", now=moment)
    if isinstance(done, list):
        raise Refused(done)
