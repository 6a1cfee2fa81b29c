"""Reading questions about entries: what an entry was and who had a hand in it, one question, and lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

import ledger
from ledger import Entry
from timebank.concerns.rules import ANSWERERS, Candidate, State, first_name
from timebank.contributions import about as contributions_about
from timebank.contributions import queries as contributions
from timebank.contributions.about import ContributionFacts
from timebank.db import Connection
from timebank.hours import queries as hours
from timebank.hours.rules import account_of, member_in
from timebank.kit.words import say
from timebank.members import queries as members
from timebank.redemptions import about as redemptions_about
from timebank.redemptions import queries as redemptions

MAX_ID = 2**63 - 1
MAX_TITLE = 300
PAGE = 20
MAX_OVERDUE = 200
Show = Literal["mine", "open", "overdue", "answered"]
SHOWS: tuple[Show, ...] = ("mine", "open", "overdue", "answered")

CANDIDATES = """
select m.id as member_id,
       (select count(*) from concern c
         where c.timebank_id = m.timebank_id and c.owner_id = m.id and c.state = 'open') as open_count,
       (select max(s.at) from concern_step s
         where s.timebank_id = m.timebank_id and s.owner_id = m.id and s.what = 'given') as last_given_at
  from member m
 where m.timebank_id = $1 and m.status = 'active'
   and exists (select from member_role r
                where r.timebank_id = m.timebank_id and r.member_id = m.id and r.role = any($2::text[]))
 order by m.id
"""
EARLIER = """
select id, state, owner_id, answered_by, round from concern
 where timebank_id = $1 and member_id = $2 and about = $3
 order by round
"""
CONCERN = """
select c.id, c.member_id, c.about, c.entry_id, c.contribution_id, c.title, c.entry_minutes, c.happened_on, c.round,
       c.asked, c.asked_by, c.asked_at, c.due_on, c.owner_id, c.state, c.answer, c.answered_by, c.answered_at,
       c.spoken_by, c.changed_minutes, c.rules_version
  from concern c
"""
ONE = CONCERN + " where c.timebank_id = $1 and c.id = $2"
OF_MEMBER = (
    CONCERN + " where c.timebank_id = $1 and c.member_id = $2 and ($3::bigint is null or c.id < $3)"
    " order by c.id desc limit $4"
)
OPEN_ONES = """
 where c.timebank_id = $1 and c.state = 'open'
   and exists (select from member m where m.timebank_id = c.timebank_id and m.id = c.member_id and m.status <> 'left')
   and ($2::bigint is null or c.owner_id = $2)
   and ($3::date is null or c.due_on < $3)
   and ($4::bigint is null or (c.due_on, c.id) >
        (select p.due_on, p.id from concern p where p.timebank_id = $1 and p.id = $4))
 order by c.due_on, c.id
 limit $5
"""
OPEN = CONCERN + OPEN_ONES
ANSWERED_ONES = """
 where c.timebank_id = $1 and c.state <> 'open' and ($2::bigint is null or c.id < $2)
   and ($3::bigint is null or c.answered_by = $3)
 order by c.id desc
 limit $4
"""
ANSWERED = CONCERN + ANSWERED_ONES
STEPS = """
select s.n, s.what, s.actor_id, s.owner_id, s.at, s.reason
  from concern_step s
 where s.timebank_id = $1 and s.concern_id = $2
 order by s.n
"""
COUNTS = """
select count(*) filter (where c.owner_id = $2) as mine, count(*) as open,
       count(*) filter (where c.due_on < $3) as overdue
  from concern c
  join member m on m.timebank_id = c.timebank_id and m.id = c.member_id and m.status <> 'left'
 where c.timebank_id = $1 and c.state = 'open'
"""


OF_ENTRIES = """
select c.correction_entry_id, c.title, c.answered_by
  from concern c
 where c.timebank_id = $1 and c.correction_entry_id = any($2::uuid[])
"""


@dataclass(frozen=True, slots=True)
class About:
    """What a question is about, as the member reads it. ``minutes`` are the time given, or what the entry did to their
    hours. ``involved`` made or approved the entry, or are part of it: none of them may answer.
    """

    key: str
    member_id: int
    entry_id: UUID | None
    contribution: ContributionFacts | None
    title: str
    minutes: int
    happened_on: date
    made_by: str
    involved: frozenset[int]


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """A question as it stands. ``owner_name`` is empty when the independent person answers."""

    id: int
    member_id: int
    member_name: str
    about: str
    entry_id: UUID | None
    contribution_id: int | None
    title: str
    entry_minutes: int
    happened_on: date
    round: int
    asked: str
    asked_by: int
    asked_by_name: str
    asked_at: datetime
    due_on: date
    owner_id: int | None
    owner_name: str
    state: State
    answer: str
    answered_by: int | None
    answered_by_name: str
    answered_at: datetime | None
    spoken_by: str
    changed_minutes: int
    rules_version: int

    @property
    def is_open(self) -> bool:
        """True while there is no answer."""
        return self.state == "open"

    @property
    def owner_first_name(self) -> str:
        """Whom the member waits for."""
        return first_name(self.owner_name)

    def is_overdue(self, on: date) -> bool:
        """True when the last day for the answer has passed."""
        return self.is_open and self.due_on < on


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a question."""

    what: str
    by_whom: str
    owner_name: str
    at: datetime
    reason: str


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many questions wait: for one person, in all, and beyond their day."""

    mine: int
    open: int
    overdue: int


async def about_entry(connection: Connection, timebank_id: int, member_id: int, entry_id: UUID) -> About | None:
    """What an entry was to a member, or None when it did nothing to their hours and is not about time they gave."""
    facts = await contributions_about.facts_of_entry(connection, timebank_id, entry_id)
    try:
        entry = await ledger.entry(connection, timebank_id, entry_id)
    except LookupError:
        return None
    legs = [leg for leg in entry.legs if leg.account == account_of(member_id)]
    if facts is not None and facts.member_id == member_id:
        return await _about_contribution(connection, timebank_id, facts)
    if not legs:
        return None
    words = await _words(connection, timebank_id, entry, member_id)
    parties = {member_in(leg.account) for leg in entry.legs} | {member_in(entry.actor)}
    parties |= await redemptions_about.people_of_entry(connection, timebank_id, entry_id)
    if facts is not None:
        parties |= facts.made_by | facts.parties
    return About(
        key=f"entry:{entry_id}",
        member_id=member_id,
        entry_id=entry_id,
        contribution=facts,
        title=_title(words.title, words.detail),
        minutes=sum(leg.amount for leg in legs),
        happened_on=entry.effective_on,
        made_by=words.made_by,
        involved=frozenset(one for one in parties if one is not None),
    )


async def about_time(connection: Connection, timebank_id: int, member_id: int, contribution_id: int) -> About | None:
    """What time given was to the member who gave it, added or not; None for everybody else."""
    facts = await contributions_about.facts(connection, timebank_id, contribution_id)
    if facts is None or facts.member_id != member_id:
        return None
    return await _about_contribution(connection, timebank_id, facts)


async def about_of(connection: Connection, timebank_id: int, concern: Concern) -> About | None:
    """What a question is about as it stands now: somebody may have changed the entry since it was asked."""
    if concern.contribution_id is not None and concern.about.startswith("time:"):
        return await about_time(connection, timebank_id, concern.member_id, concern.contribution_id)
    if concern.entry_id is not None:
        return await about_entry(connection, timebank_id, concern.member_id, concern.entry_id)
    return None


async def _about_contribution(connection: Connection, timebank_id: int, facts: ContributionFacts) -> About:
    others = facts.made_by - {facts.member_id} or facts.made_by
    name = await members.names(connection, timebank_id, sorted(others))
    return About(
        key=f"time:{facts.id}",
        member_id=facts.member_id or 0,
        entry_id=facts.entry_id,
        contribution=facts,
        title=_title(facts.activity or "Hours brought forward", facts.what),
        minutes=facts.minutes,
        happened_on=facts.held_on,
        made_by=", ".join(sorted(name.values())),
        involved=facts.made_by | facts.parties,
    )


async def rules_of(connection: Connection, timebank_id: int, entry_id: UUID | None) -> int | None:
    """The version of the rules that an entry was made under; None when it cites none, or nothing is entered yet."""
    if entry_id is None:
        return None
    version = (await ledger.entry(connection, timebank_id, entry_id)).meta.get("rules")
    return version if isinstance(version, int) else None


async def _words(connection: Connection, timebank_id: int, entry: Entry, reader_id: int) -> hours.EntryWords:
    entry_id = entry.entry_id
    for found in (
        await contributions.describe_entries(connection, timebank_id, [entry_id]),
        await redemptions.describe_entries(connection, timebank_id, [entry_id], reader_id=reader_id),
        await hours.describe_entries(connection, timebank_id, [entry_id], reader_id=reader_id),
        await hours.describe_pot_help(connection, timebank_id, [entry_id]),
    ):
        if entry_id in found:
            return found[entry_id]
    brought = "import" in entry.meta
    return hours.EntryWords(title=say("Hours brought forward") if brought else say("Hours put right"))


def _title(title: str, detail: str) -> str:
    return ": ".join(part for part in (title, detail) if part)[:MAX_TITLE]


async def candidates(connection: Connection, timebank_id: int) -> list[Candidate]:
    """Every active member who may answer questions."""
    return [Candidate(**row) for row in await connection.fetch(CANDIDATES, timebank_id, list(ANSWERERS))]


async def one(connection: Connection, timebank_id: int, concern_id: int) -> Concern | None:
    """The question with this id, or None."""
    if not 0 < concern_id <= MAX_ID:
        return None
    found = await _shown(connection, timebank_id, await connection.fetch(ONE, timebank_id, concern_id))
    return found[0] if found else None


async def earlier(connection: Connection, timebank_id: int, member_id: int, key: str) -> list[dict[str, Any]]:
    """What a member asked about the same thing before: id, state, owner_id, answered_by, round; oldest first."""
    return [dict(row) for row in await connection.fetch(EARLIER, timebank_id, member_id, key)]


async def of_member(
    connection: Connection, timebank_id: int, member_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[Concern]:
    """A member's questions, newest first."""
    return await _shown(
        connection, timebank_id, await connection.fetch(OF_MEMBER, timebank_id, member_id, before, limit)
    )


async def to_answer(
    connection: Connection,
    timebank_id: int,
    member_id: int,
    show: Show,
    *,
    on: date,
    sees_all: bool,
    after: int | None = None,
    limit: int = PAGE,
) -> list[Concern]:
    """Questions for those who answer: the most urgent first, or the answered ones, newest first.

    ``mine`` are those that the member was asked to answer; an approver (``sees_all`` False) sees only these.
    """
    own = member_id if show == "mine" or not sees_all else None
    if show == "answered":
        rows = await connection.fetch(ANSWERED, timebank_id, after, own, limit)
    else:
        rows = await connection.fetch(OPEN, timebank_id, own, on if show == "overdue" else None, after, limit)
    return await _shown(connection, timebank_id, rows)


async def overdue(connection: Connection, timebank_id: int, *, on: date) -> list[Concern]:
    """Open questions whose last day was before ``on``, the oldest first, at most MAX_OVERDUE."""
    rows = await connection.fetch(OPEN, timebank_id, None, on, None, MAX_OVERDUE)
    return await _shown(connection, timebank_id, rows)


async def counts(connection: Connection, timebank_id: int, member_id: int | None, *, on: date) -> Counts:
    """How many questions wait for this member, in all, and beyond their day: for the first page."""
    return Counts(**await connection.fetchrow(COUNTS, timebank_id, member_id, on))


async def steps(connection: Connection, timebank_id: int, concern_id: int) -> list[Step]:
    """Everything that happened to a question, oldest first."""
    rows = await connection.fetch(STEPS, timebank_id, concern_id)
    people = {row[name] for row in rows for name in ("actor_id", "owner_id") if row[name]}
    name = await members.names(connection, timebank_id, sorted(people))
    return [
        Step(
            what=row["what"],
            by_whom=name.get(row["actor_id"], ""),
            owner_name=name.get(row["owner_id"], ""),
            at=row["at"],
            reason=row["reason"],
        )
        for row in rows
    ]


async def counts_as(connection: Connection, timebank_id: int, concern: Concern) -> int | None:
    """The minutes that time given counts for now, 0 when it does not; None when the question is about another entry."""
    if concern.contribution_id is None:
        return None
    facts = await contributions_about.facts(connection, timebank_id, concern.contribution_id)
    return facts.minutes if facts is not None and facts.state in ("approved", "submitted") else 0


async def describe_entries(
    connection: Connection, timebank_id: int, entry_ids: Sequence[UUID]
) -> dict[UUID, hours.EntryWords]:
    """Words for the entries that answers to questions made, among ``entry_ids``; others are left out."""
    if not entry_ids:
        return {}
    rows = await connection.fetch(OF_ENTRIES, timebank_id, list(entry_ids))
    name = await members.names(connection, timebank_id, sorted({row["answered_by"] for row in rows}))
    return {
        row["correction_entry_id"]: hours.EntryWords(
            title=say("Put right"), detail=row["title"], made_by=name.get(row["answered_by"], "")
        )
        for row in rows
    }


async def _shown(connection: Connection, timebank_id: int, rows: list[Any]) -> list[Concern]:
    who = ("member_id", "asked_by", "owner_id", "answered_by")
    name = await members.names(connection, timebank_id, sorted({row[one] for row in rows for one in who if row[one]}))
    return [
        Concern(
            **dict(row),
            member_name=name.get(row["member_id"], ""),
            asked_by_name=name.get(row["asked_by"], ""),
            owner_name=name.get(row["owner_id"], ""),
            answered_by_name=name.get(row["answered_by"], ""),
        )
        for row in rows
    ]
