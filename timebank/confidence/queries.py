"""Reading what was told in confidence. Everything here asks first who reads: see :func:`report`."""

from datetime import date, datetime

import msgspec

from timebank.confidence import rules
from timebank.db import Connection
from timebank.kit.actor import Actor
from timebank.members import safeguarding
from timebank.members.safeguarding import Person

MAX_SHOWN = 200

REPORT = """
select r.id, r.reference, r.how, r.happened, r.about, r.reach, r.from_member_id, r.told_at, r.due_on, r.state, r.answer,
       coalesce(m.display_name, '') as from_name, coalesce(t.display_name, '') as taken_by,
       array(select e.member_id from confidence_excluded e
              where e.timebank_id = r.timebank_id and e.report_id = r.id) as excluded
  from confidence_report r
  left join member m on m.timebank_id = r.timebank_id and m.id = r.from_member_id
  left join member t on t.timebank_id = r.timebank_id and t.id = r.taken_by
 where r.timebank_id = $1
"""
ONE = REPORT + " and r.reference = $2"
ALL = REPORT + " order by r.state = 'closed', r.due_on, r.id limit $2"
STEPS = """
select s.what, s.words, s.at, coalesce(m.display_name, '') as by_whom
  from confidence_step s
  left join member m on m.timebank_id = s.timebank_id and m.id = s.actor_id
 where s.timebank_id = $1 and s.report_id = $2
 order by s.n
"""
BY_CODE = "select state, answer, told_at, due_on from confidence_report where timebank_id = $1 and code_sha256 = $2"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody told, for those who may read it. ``from_name`` is empty when they did not say who they are."""

    id: int
    reference: str
    how: str
    happened: str
    about: str
    reach: str
    from_member_id: int | None
    from_name: str
    taken_by: str
    told_at: datetime
    due_on: date
    state: str
    answer: str
    excluded: tuple[int, ...]

    @property
    def state_words(self) -> str:
        """The state as people read it."""
        return rules.STATE_WORDS[self.state]

    @property
    def how_words(self) -> str:
        """How it came, as people read it."""
        return rules.HOW_WORDS[self.how]


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done with a report."""

    what: str
    words: str
    at: datetime
    by_whom: str

    @property
    def what_words(self) -> str:
        """The step as people read it."""
        return rules.STEP_WORDS[self.what]


class AnswerNow(msgspec.Struct, frozen=True, kw_only=True):
    """What the one who told may see: whether somebody looks into it, and the answer."""

    state: str
    answer: str
    told_at: datetime
    due_on: date


async def reader(connection: Connection, actor: Actor) -> Person | None:
    """The actor as somebody with a part in safeguarding; None for everybody else, and while they act for another."""
    if actor.on_behalf_of is not None:
        return None
    people = await safeguarding.people(connection, actor.timebank_id)
    return next((person for person in people if person.member_id == actor.member_id), None)


async def report(connection: Connection, actor: Actor, reference: str, *, lock: bool = False) -> Report | None:
    """A report that the actor may read; None when there is none, or it is not for them: nobody learns which."""
    person = await reader(connection, actor)
    if person is None:
        return None
    row = await connection.fetchrow(ONE + (" for update of r" if lock else ""), actor.timebank_id, reference)
    found = msgspec.convert(dict(row), Report) if row else None
    return found if found is not None and _is_for(person, found) else None


async def reports(connection: Connection, actor: Actor) -> list[Report]:
    """Every report that the actor may read: open ones first, the most urgent on top."""
    person = await reader(connection, actor)
    if person is None:
        return []
    found = [msgspec.convert(dict(row), Report) for row in await connection.fetch(ALL, actor.timebank_id, MAX_SHOWN)]
    return [each for each in found if _is_for(person, each)]


async def steps(connection: Connection, timebank_id: int, report_id: int) -> list[StepLine]:
    """What was done with a report, in order; whoever asks has got the report from :func:`report`."""
    rows = await connection.fetch(STEPS, timebank_id, report_id)
    return [msgspec.convert(dict(row), StepLine) for row in rows]


async def answer_of(connection: Connection, timebank_id: int, code_sha256: bytes) -> AnswerNow | None:
    """What the holder of a code may see; None for a code that was never given."""
    row = await connection.fetchrow(BY_CODE, timebank_id, code_sha256)
    return msgspec.convert(dict(row), AnswerNow) if row else None


async def readers_of(connection: Connection, timebank_id: int, found: Report) -> list[Person]:
    """Everybody who may read a report now."""
    return [each for each in await safeguarding.people(connection, timebank_id) if _is_for(each, found)]


def _is_for(person: Person, found: Report) -> bool:
    return rules.may_read(person.member_id, person.display_name, about=found.about, excluded=found.excluded)
