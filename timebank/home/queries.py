"""Read models that span rooms: entries in words, the first page, a member's record."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from timebank.activities import queries as activities
from timebank.concerns import queries as concerns
from timebank.concerns.entry_kinds import PUT_RIGHT
from timebank.contributions import queries as contributions
from timebank.contributions.entry_kinds import OPENING
from timebank.contributions.queries import Group
from timebank.contributions.words import SOMETHING_ELSE
from timebank.db import Connection
from timebank.home import rules
from timebank.home.rules import GaveAndUsed
from timebank.hours import pot_queries
from timebank.hours import queries as hours
from timebank.hours.pot_rules import may_decide
from timebank.hours.queries import EntryWords, HoursLine, HoursNow
from timebank.hours.rules import GIFT, POT_HELP
from timebank.identity import queries as identity
from timebank.imports import queries as imports
from timebank.imports.entry_kinds import OF_IMPORTS
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.words import Words, say
from timebank.members import queries as members
from timebank.members import safeguarding
from timebank.members.about import About, about
from timebank.members.queries import AccessLine, MemberRecord
from timebank.messages import queries as messages
from timebank.peers.glance import Glance, glance
from timebank.redemptions import queries as redemptions
from timebank.redemptions import voucher_queries, waiting_queries
from timebank.redemptions.entry_kinds import OF_BOOKINGS
from timebank.redemptions.queries import Booking
from timebank.redemptions.waiting_queries import Turn

# What a member is asked about their money, in one question: every first page asks it.
ASKED = """
select (select count(*) from fee f where f.timebank_id = $1 and f.member_id = $2 and f.state = 'waiting') as fees,
       (select c.reference from claim c
         where c.timebank_id = $1 and c.member_id = $2 and c.state = 'asked' order by c.id limit 1) as claim
"""
LAST_ENTRIES = 5
RECORD_ENTRIES = 10
RECORD_BOOKINGS = 10
OPEN_BOOKINGS = 10
LOG_AGAIN = 3
LOOK_BACK_DAYS = 365


class EntryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry in words: what it was, when, who recorded it, and what it did to the hours. Pages say the words in
    their reader's language (``|said``).
    """

    seq: int
    title: str
    detail: str
    made_by: str
    happened_on: date
    recorded_at: datetime
    minutes: int
    change: str
    balance_after: int
    entry_id: UUID
    agreed: str
    """Why somebody did this for the member and how that was agreed; empty when nobody acted for them."""

    @property
    def came(self) -> bool:
        """True when hours came to the member."""
        return self.minutes > 0


class FirstPage(msgspec.Struct, frozen=True, kw_only=True):
    """A participant's first page."""

    today: date
    hours_now: HoursNow
    hours_shown: str
    """``have``: what they have comes first; ``gave_and_used``: what they gave and used."""
    places: tuple[Turn, ...]
    """Places on waiting lists that are kept for them until they answer."""
    helping: Glance
    """Who waits for their word, and one good match."""
    next_booking: Booking | None
    """The booking that comes next, if one has a day and a time."""
    open_bookings: int
    waiting_minutes: int
    """Time they gave that nobody has decided about yet."""
    entries: tuple[EntryRow, ...]
    has_more: bool
    last_year: GaveAndUsed
    leads: int
    """How many groups they lead now."""
    sees_safeguarding: bool
    reads_reports: bool
    """What is told in confidence reaches them."""
    fees_waiting: int
    """Fees that wait for their choice."""
    claim_asked: str | None
    """The reference of a claim about which they are asked something."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for somebody's hand: how many of each."""

    decisions: int
    questions: int
    overdue_questions: int
    letters: int
    calls: int
    pot_asks: int
    vouchers: int
    """Slips to print, and vouchers of which codes run out."""
    log_again: tuple[Group, ...]
    """The groups that are most likely logged today: one tap to a register that is filled in."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A member's record as a coordinator sees it."""

    member: MemberRecord
    hours_now: HoursNow
    entries: tuple[EntryRow, ...]
    open_bookings: tuple[Booking, ...]
    past_bookings: tuple[Booking, ...]
    looks: tuple[AccessLine, ...]
    about: About


async def first_page(
    connection: Connection,
    actor: Actor,
    member_id: int,
    *,
    on: date,
    now: datetime,
    books: bool = True,
    sees_money: bool = True,
) -> FirstPage:
    """The hours a member has, their last entries, what they gave and used in the year up to ``on``, what waits for
    their answer, and the work that only few have. While somebody acts for the member, that work is nobody's; ``books``
    is false for a supporter who may not book for them: then no answer is asked for. ``sees_money`` is false for every
    supporter.
    """
    timebank_id = actor.timebank_id
    is_own = actor.on_behalf_of is None
    part = await safeguarding.part_of(connection, timebank_id, actor.member_id) if is_own else ""
    hours_now = await hours.balance(connection, timebank_id, member_id)
    entries = await entries_of(connection, timebank_id, member_id, limit=LAST_ENTRIES + 1)
    moved = await hours.moved_since(connection, timebank_id, member_id, on - timedelta(days=LOOK_BACK_DAYS))
    open_bookings = await redemptions.open_bookings_of(connection, timebank_id, member_id, limit=OPEN_BOOKINGS)
    coming = [each for each in open_bookings if each.starts_at is not None and each.starts_at > now]
    asked = await connection.fetchrow(ASKED, timebank_id, member_id) if sees_money else None
    return FirstPage(
        today=on,
        hours_now=hours_now,
        hours_shown=await members.hours_shown(connection, timebank_id, member_id),
        places=tuple(await waiting_queries.kept_for(connection, timebank_id, member_id)) if books else (),
        helping=await glance(connection, timebank_id, member_id, on=on, now=now) if books else Glance(),
        next_booking=min(coming, key=lambda each: each.starts_at or now, default=None),
        open_bookings=len(open_bookings),
        waiting_minutes=await contributions.waiting_minutes(connection, timebank_id, member_id),
        entries=tuple(entries[:LAST_ENTRIES]),
        has_more=len(entries) > LAST_ENTRIES,
        sees_safeguarding=part in (safeguarding.LEAD, safeguarding.DEPUTY),
        reads_reports=bool(part),
        leads=len(await activities.led_by(connection, timebank_id, member_id, on=on)),
        fees_waiting=asked["fees"] if asked else 0,
        claim_asked=asked["claim"] if asked else None,
        last_year=rules.gave_and_used((kind, each.came, each.went) for kind, each in moved.items()),
    )


async def work(connection: Connection, actor: Actor, *, on: date) -> Work:
    """How much waits for this coordinator or approver. Overdue questions are everybody's, the rest their own."""
    questions = await concerns.counts(connection, actor.timebank_id, actor.member_id, on=on)
    waiting = await messages.waiting(connection, actor.timebank_id)
    pot_asks = 0
    if may_decide(actor):
        pot_asks = await pot_queries.how_many_wait(connection, actor.timebank_id, actor.member_id or 0)
    return Work(
        decisions=await contributions.waiting_for(connection, actor),
        questions=questions.mine,
        overdue_questions=questions.overdue,
        letters=waiting.letters,
        calls=len(await messages.calls(connection, actor.timebank_id)),
        pot_asks=pot_asks,
        vouchers=await voucher_queries.to_do(connection, actor.timebank_id, on),
        log_again=await _log_again(connection, actor.timebank_id, on) if actor.has(COORDINATOR) else (),
    )


async def _log_again(connection: Connection, timebank_id: int, on: date) -> tuple[Group, ...]:
    met = {
        one.id: one
        for one in await contributions.groups(connection, timebank_id)
        if one.last_on is not None and one.name_key != names.key(SOMETHING_ELSE)  # nobody meets there
    }
    last_met = {one.id: one.last_on for one in met.values() if one.last_on is not None}
    return tuple(met[n] for n in rules.likely_to_be_logged(last_met, on, most=LOG_AGAIN))


async def entries_of(
    connection: Connection, timebank_id: int, member_id: int, *, before: int | None = None, limit: int
) -> list[EntryRow]:
    """A member's entries in words, newest first; ``before`` is the ``seq`` of the last one seen."""
    lines = await hours.statement(connection, timebank_id, member_id, before, limit)
    return await in_words(connection, timebank_id, lines, reader_id=member_id)


async def in_words(
    connection: Connection, timebank_id: int, lines: Sequence[HoursLine], *, reader_id: int
) -> list[EntryRow]:
    """Entries in words, in the order given."""
    words = await describe(connection, timebank_id, lines, reader_id=reader_id)
    acting_ids = {line.acting_id for line in lines if line.acting_id}
    agreed = await identity.actings(connection, timebank_id, acting_ids) if acting_ids else {}
    return [
        EntryRow(
            seq=line.seq,
            title=words[line.entry_id].title,
            detail=words[line.entry_id].detail,
            made_by=words[line.entry_id].made_by,
            happened_on=line.happened_on,
            recorded_at=line.recorded_at,
            minutes=line.minutes,
            change=rules.change_words(line.kind, line.minutes),
            balance_after=line.balance_after,
            entry_id=line.entry_id,
            agreed=agreed.get(line.acting_id or 0, ""),
        )
        for line in lines
    ]


async def describe(
    connection: Connection, timebank_id: int, lines: Sequence[HoursLine], *, reader_id: int
) -> dict[UUID, EntryWords]:
    """Words for every entry; each room is asked only when an entry could be its own."""
    spent = [line.entry_id for line in lines if line.kind in OF_BOOKINGS]
    gifts = [line.entry_id for line in lines if line.kind == GIFT]
    brought = [line.entry_id for line in lines if line.kind in OF_IMPORTS]
    answered = [line.entry_id for line in lines if line.kind == PUT_RIGHT]
    helped = [line.entry_id for line in lines if line.kind == POT_HELP]
    known = OF_BOOKINGS | OF_IMPORTS | {GIFT, POT_HELP, PUT_RIGHT}
    others = [line.entry_id for line in lines if line.kind not in known]
    words = {line.entry_id: EntryWords(title=_plain_title(line.kind)) for line in lines}
    if others:
        words |= await contributions.describe_entries(connection, timebank_id, others)
    if spent:
        words |= await redemptions.describe_entries(connection, timebank_id, spent, reader_id=reader_id)
    if answered:
        words |= await concerns.describe_entries(connection, timebank_id, answered)
    if brought:
        words |= await imports.describe_entries(connection, timebank_id, brought)
    if gifts:
        words |= await hours.describe_entries(connection, timebank_id, gifts, reader_id=reader_id)
    if helped:
        words |= await hours.describe_pot_help(connection, timebank_id, helped)
    return words


def _plain_title(kind: str) -> Words:
    """For an entry that no room knows more about."""
    return say("Hours brought forward") if kind == OPENING else say("Hours put right")


async def record(connection: Connection, timebank_id: int, member_id: int) -> Record | None:
    """A member's record, or None when this time bank has no such member."""
    member = await members.by_id(connection, timebank_id, member_id)
    if member is None:
        return None
    open_bookings, past_bookings = await redemptions.bookings_of(
        connection, timebank_id, member_id, limit=RECORD_BOOKINGS
    )
    return Record(
        member=member,
        hours_now=await hours.balance(connection, timebank_id, member_id),
        entries=tuple(await entries_of(connection, timebank_id, member_id, limit=RECORD_ENTRIES)),
        open_bookings=tuple(open_bookings),
        past_bookings=tuple(past_bookings),
        looks=tuple(await members.access_lines(connection, timebank_id, member_id)),
        about=await about(connection, timebank_id, member),
    )
