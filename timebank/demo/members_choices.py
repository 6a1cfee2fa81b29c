"""Choices of the demo's members: who pauses, leaves or gives hours on, who leads safeguarding, what they were told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from timebank.banks.rules import TimeBankFacts
from timebank.confidence import service as confidence
from timebank.db import Database
from timebank.demo.steps import Refused, Step
from timebank.kit.actor import Actor, system
from timebank.members import checks, guardians, leaving, pausing, safeguarding, standing

LEAD, DEPUTY, INDEPENDENT = "Ruth Goldberg", "Samir Haddad", "Joan D’Arcy"
PARTS = ((LEAD, "lead"), (DEPUTY, "deputy"), (INDEPENDENT, "independent"))
CHOICES = (("Kofi Mensah", "pot", None), ("Callum Fraser", "member", "Gwen Thomas"), ("Nora Kelly", "nothing", None))
PAUSED, LEAVING = "Zofia Nowak", "Isla Campbell"
YOUNG_WITH, YOUNG_WITHOUT = "Elif Demir", "Mina Soltani"
CHECKS = (("Tess Whitlock", "criminal_record", 6), ("Peter Quill-Hughes", "reference", 35))
TOLD = "On Tuesday somebody spoke to me in a way that made me feel small. I do not want them to know that I said so."


async def add_choices(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """One step, at the very end: whoever pauses or leaves took part in everything before."""

    async def choose() -> None:
        await _safeguard(db, facts, actors, anchor)
        await _choose(db, actors, anchor)

    say(f"{facts.name}: choices, a pause, a departure, safeguarding")
    return [Step(anchor, choose)]


async def _safeguard(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], anchor: datetime) -> None:
    keeper, lead = system(facts.id), actors[LEAD]
    for name, part in PARTS:
        naming = safeguarding.NamePerson(member_id=_id(actors[name]), part=part)
        _accepted(await safeguarding.name_person(db, keeper, naming, key=f"demo-part-{part}", now=anchor))
    day = anchor.date()
    for n, (name, kind, months) in enumerate(CHECKS):
        seen = checks.AddCheck(
            member_id=_id(actors[name]), kind=kind, number=f"DEMO-{n + 1}", issued_on=day - relativedelta(months=months)
        )
        _accepted(await checks.add_check(db, lead, seen, key=f"demo-check-{n}", now=anchor))
    born_on = day - relativedelta(years=16, months=3)
    for name in (YOUNG_WITH, YOUNG_WITHOUT):
        age = guardians.RecordAge(member_id=_id(actors[name]), born_on=born_on)
        _accepted(await guardians.record_age(db, lead, age, key=f"demo-age-{name}", now=anchor))
    consent = guardians.RecordConsent(
        member_id=_id(actors[YOUNG_WITH]),
        guardian_name="Demo Guardian",
        guardian_contact="01632 960 177",
        how="in_person",
        given_on=day,
    )
    _accepted(await guardians.record_consent(db, lead, consent, key="demo-consent", now=anchor))
    told = confidence.TellSomeone(happened=TOLD)
    nobody = Actor(timebank_id=facts.id, member_id=None)
    _accepted(await confidence.tell(db, nobody, told, network="", key="demo-told", now=anchor))


async def _choose(db: Database, actors: dict[str, Actor], anchor: datetime) -> None:
    for name, choice, to in CHOICES:
        command = standing.Choose(
            member_id=_id(actors[name]), choice=choice, to_member_id=_id(actors[to]) if to else None
        )
        _accepted(await standing.choose(db, actors[name], command, key=f"demo-choice-{name}", now=anchor))
    away = pausing.AskPause(member_id=_id(actors[PAUSED]), until_on=anchor.date() + timedelta(days=60))
    _accepted(await pausing.pause(db, actors[PAUSED], away, key="demo-pause", now=anchor))
    goes = leaving.AskToLeave(member_id=_id(actors[LEAVING]))
    _accepted(await leaving.ask_to_leave(db, actors[LEAVING], goes, key="demo-leave", now=anchor))


def _id(actor: Actor) -> int:
    if actor.member_id is None:
        raise Refused(["the system has no member id"])
    return actor.member_id


def _accepted(outcome: Any) -> Any:
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
