"""What the demo knows of its people: what helps them, what they agreed to, who acts for whom, their groups."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo.people import COORDINATOR, PARTICIPANT, SECOND_COORDINATOR
from timebank.demo.steps import Refused
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.members import consents, details, groups, supporters
from timebank.members.consents import AddTopic, Decide
from timebank.members.details import ChangeDetails
from timebank.members.groups import JoinGroup
from timebank.members.service import AddMember, add
from timebank.members.supporters import AddSupporter

Done = TypeVar("Done")

HOSPITAL = "Riverside Hospital (demo partner)"
CLUB = "Garden club (demo group)"
CHARITY = "Open Door Advice (demo organisation)"
DETAILS: Mapping[str, Mapping[str, str]] = {
    PARTICIPANT: {
        "access_needs": "I use a wheelchair. I need a quiet place to sit down halfway.",
        "emergency_name": "Her sister (demo)",
        "emergency_phone": "01632 960 777",
    },
    "Hana Nováková": {"access_needs": "I lip-read. Please face me when you speak.", "format_preference": "large_print"},
    "Maryam al-Hashimi": {"language": "ar"},
    "Chidi Okafor": {"format_preference": "easy_read", "access_needs": "Tell me the plan the day before."},
}
ANSWERS = (
    (PARTICIPANT, "photos", True, "in_person"),
    (PARTICIPANT, "newsletter", True, "in_person"),
    ("Hana Nováková", "newsletter", True, "letter"),
    ("Chidi Okafor", "photos", False, "phone"),
)


async def add_details(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime) -> None:
    """Write down what is known of some members, by the same use cases as on the pages. Repeating it changes nothing."""
    staff, then = actors[COORDINATOR], anchor - timedelta(days=90)
    for name, changes in DETAILS.items():
        member_id = actors[name].member_id or 0
        command = ChangeDetails(member_id=member_id, revision=1, changes=changes)
        _done(await details.change(db, staff, command, key=f"demo-details-{member_id}", now=then))
    topic = AddTopic(kind="partner", title=HOSPITAL, explanation="We give the hospital my name when I advise them.")
    _done(await consents.add_topic(db, staff, topic, key="demo-topic", now=then))
    for name, code, is_given, how in ANSWERS:
        member_id = actors[name].member_id or 0
        answer = Decide(member_id=member_id, topic=code, is_given=is_given, decided_on=then.date(), how=how)
        _done(await consents.decide(db, staff, answer, key=f"demo-consent-{member_id}-{code}", now=then))
    supporter = AddSupporter(
        member_id=actors["Dorothy Akintola"].member_id or 0,
        supporter_member_id=actors["Grace Adeyemi"].member_id,
        scope=(supporters.SEE_HOURS, supporters.BOOK),
        starts_on=then.date(),
        agreed_how="in_person",
        agreed_on=then.date(),
    )
    _done(await supporters.add_supporter(db, staff, supporter, key="demo-supporter", now=then))
    await _add_groups(db, facts, actors, then)


async def _add_groups(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], then: datetime) -> None:
    staff = actors[COORDINATOR]
    for name, kind, contact in (
        (CLUB, "group", actors[SECOND_COORDINATOR]),
        (CHARITY, "organisation", actors[COORDINATOR]),
    ):
        command = AddMember(
            display_name=name,
            kind=kind,
            joined_on=(then - timedelta(days=30)).date(),
            contact_member_id=contact.member_id,
            can_offer="Raised beds and tools" if kind == "group" else "A room for forty",
        )
        added = _done(await add(db, staff, command, key=f"demo-{kind}", now=then))
        for person in ("Lena Björk", "Kofi Mensah") if kind == "group" else ():
            joins = JoinGroup(
                group_id=added.member_id, member_id=actors[person].member_id or 0, from_on=command.joined_on
            )
            _done(await groups.join_group(db, staff, joins, key=f"demo-joins-{joins.member_id}", now=then))


def _done(answer: Done | list[Refusal]) -> Done:
    if isinstance(answer, list):
        raise Refused(answer)
    return answer
