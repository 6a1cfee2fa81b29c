"""A change of the demo's rules that has been decided and starts soon."""

from datetime import datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused
from timebank.governance.service import ChangeRules, change_rules
from timebank.kit.actor import Actor
from timebank.kit.clock import today

DECIDED_AGO = timedelta(days=12)
NOTICE = timedelta(days=30)


async def add_governance(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime) -> None:
    """Write the second version of the rules; every member is told."""
    decided_at = anchor - DECIDED_AGO
    command = ChangeRules(
        base_version=1,
        boxes={
            "self_log_approved_up_to_minutes": "2 hours",
            "answer_days": "5",
        },
        decided_by="the members’ meeting (demo)",
        starts_on=today(decided_at, facts.time_zone) + NOTICE,
        note="We trust each other with short entries, and want answers sooner.",
    )
    done = await change_rules(db, actors[people.ADMINISTRATOR], command, key="demo-rules-2", now=decided_at)
    if isinstance(done, list):
        raise Refused(done)
