"""A training that is full, with people who wait for it, and one place that was freed and is offered."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.offers import COURSE
from timebank.demo.steps import Refused, Step
from timebank.kit.actor import Actor, system
from timebank.redemptions import service as redemptions
from timebank.redemptions.service import AddOffer, ChangeBooking, JoinWaiting, RequestRedemption

SEWING = "Mend and make: sewing for beginners"
TAKE_PART = ("Idris Walker", "Lena Björk", "Peter Quill-Hughes")
GIVES_UP = "Lena Björk"
WAIT = (people.PARTICIPANT, "Tess Whitlock", "Samir Haddad")


async def add_waiting(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Make the training; return the step in which it fills up, people go on the list and a place gets free."""
    fields = {name: value for name, value in COURSE.items() if name != "payee"}
    offer = AddOffer(
        **fields,
        title=SEWING,
        summary="Bring something that needs mending.",
        price_minutes=60,
        places=len(TAKE_PART),
        starts_at=anchor + timedelta(days=24) - timedelta(hours=8),
        place="Riverside College, room 2",
        access_notes="Lift. Good light. Tables of two heights.",
        no_show="used",
    )
    made = await redemptions.add_offer(db, system(facts.id), offer, key="demo-sewing", now=anchor)
    offer_id = _accepted(made).offer_id

    async def fill() -> None:
        references = {}
        for name in TAKE_PART:
            command = RequestRedemption(offer_id=offer_id, member_id=actors[name].member_id or 0)
            booked = await redemptions.request(db, actors[name], command, key=f"demo-sewing-{name}", now=anchor)
            references[name] = _accepted(booked).reference
        for name in WAIT:
            wish = JoinWaiting(offer_id=offer_id, member_id=actors[name].member_id or 0)
            _accepted(await redemptions.join(db, actors[name], wish, key=f"demo-sewing-wait-{name}", now=anchor))
        change = ChangeBooking(reference=references[GIVES_UP])
        _accepted(await redemptions.cancel(db, actors[GIVES_UP], change, key="demo-sewing-cancel", now=anchor))

    say(f"{facts.name}: a training that {len(WAIT)} people wait for")
    return [Step(anchor, fill)]


def _accepted(outcome: Any) -> Any:
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
