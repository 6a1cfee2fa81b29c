"""Making a statement ready to print: whose it is, the entries, and the code when others may check it."""

from datetime import date, datetime

from timebank.banks import queries as banks
from timebank.db import Database
from timebank.home.dated import Dated, dated
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members import queries as members
from timebank.members.access import note_daily
from timebank.statements import rules, service
from timebank.statements.paper import Printed, Subject


async def subject_of(db: Database, timebank_id: int, member_id: int, *, now: datetime) -> tuple[Subject, str]:
    """Whose paper it is, and the time bank's contact for questions.

    Raises:
        LookupError: the time bank has no such member.
    """
    async with db.reading(timebank_id) as connection:
        facts = await banks.by_id(connection, timebank_id)
        member = await members.by_id(connection, timebank_id, member_id)
    if member is None:
        raise LookupError(member_id)
    made_on = today(now, facts.time_zone)
    made = Subject(name=member.display_name, number=member.number, timebank=facts.name, made_on=made_on)
    return made, facts.help_contact


async def read(db: Database, timebank_id: int, member_id: int, first: date, last: date) -> Dated | list[Refusal]:
    """A member's entries of these days, to show.

    Refusals: those of ``rules.check_period`` and ``too_many_entries``.
    """
    if refusals := rules.check_period(first, last):
        return refusals
    async with db.reading(timebank_id) as connection:
        found = await dated(connection, timebank_id, member_id, first, last)
    return [rules.too_many_entries()] if found.is_cut else found


async def make(
    db: Database, actor: Actor, member_id: int, first: date, last: date, *, base_url: str, now: datetime
) -> Printed | list[Refusal]:
    """A statement to print. Staff who print it for somebody are noted, once a day.

    Refusals: those of :func:`read`.

    Raises:
        LookupError: the time bank has no such member.
    """
    subject, _ = await subject_of(db, actor.timebank_id, member_id, now=now)
    found = await read(db, actor.timebank_id, member_id, first, last)
    if isinstance(found, list):
        return found
    await note_daily(db, actor, member_id, mark("made a statement of your hours"), now=now)
    code = await service.code_for(db, actor, member_id, subject.name, found, on=subject.made_on, now=now)
    return Printed(subject=subject, dated=found, code=code, base_url=base_url)
