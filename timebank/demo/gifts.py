"""Gifts with a note, somebody who asks the community pot, and a member who lets others check their statements."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused, Step
from timebank.hours import service as hours
from timebank.kit.actor import Actor
from timebank.members.statement_checks import SetChecks, set_checks

GIFTS = (
    ("Chidi Okafor", people.PARTICIPANT, 45, "Thank you for teaching me to knit."),
    (people.PARTICIPANT, None, 30, "For whoever needs it."),
    ("Lena Björk", None, 90, ""),
    (people.PARTICIPANT, "Hana Nováková", 60, "For your lift to the clinic."),
)
ASKS = ("Gwen Thomas", 60, "A lift to see my sister in hospital.")
HELPED = ("Idris Walker", 30, "You were ill and could not come. Get well soon.")


async def add_gifts(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Return the steps: gifts two days ago, then what the pot does with them."""

    async def give() -> None:
        for n, (giver, receiver, minutes, note) in enumerate(GIFTS):
            to = _id(actors[receiver]) if receiver else None
            gift = hours.Give(from_member_id=_id(actors[giver]), to_member_id=to, minutes=minutes, note=note)
            moment = anchor - timedelta(days=2, minutes=-n)
            _accepted(await hours.give(db, actors[giver], gift, key=f"demo-gift-note-{n}", now=moment))

    async def help_out() -> None:
        name, minutes, why = HELPED
        keeper, moment = actors[people.COORDINATOR], anchor - timedelta(days=1)
        helped = hours.GivePotHours(member_id=_id(actors[name]), minutes=minutes, reason=why)
        _accepted(await hours.give_from_pot(db, keeper, helped, key="demo-pot-help", now=moment))
        name, minutes, what_for = ASKS
        asked = hours.AskPot(member_id=_id(actors[name]), minutes=minutes, what_for=what_for)
        _accepted(await hours.ask(db, actors[name], asked, key="demo-pot-ask", now=anchor))
        checks = SetChecks(member_id=_id(actors[people.PARTICIPANT]), is_on=True)
        _accepted(await set_checks(db, actors[people.PARTICIPANT], checks, key="demo-checks", now=anchor))

    say(f"{facts.name}: {len(GIFTS)} gifts with a note, the community pot")
    return [Step(anchor - timedelta(days=2), give), Step(anchor - timedelta(hours=1), help_out)]


def _id(actor: Actor) -> int:
    if actor.member_id is None:
        raise Refused(["the system has no member id"])
    return actor.member_id


def _accepted(outcome: Any) -> Any:
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
