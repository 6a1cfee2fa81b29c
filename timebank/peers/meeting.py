"""Whether two members may help each other today, and what is written down and told about it."""

from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from timebank.banks import queries as banks
from timebank.banks.rules import Rules, TimeBankFacts
from timebank.db import Connection, Rollback
from timebank.hours import queries as hours
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import Clock, FullDay, Words, joined, say
from timebank.kit.working_days import next_working_day
from timebank.members import blocking, safeguarding
from timebank.members import queries as members
from timebank.messages.service import Message, send
from timebank.peers import cards, queries, rules
from timebank.peers.queries import AskLine

EVENT = """
insert into peer_ask_event (timebank_id, ask_id, n, what, minutes, starts_at, words, actor_id, at)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7, $8
  from peer_ask_event where timebank_id = $1 and ask_id = $2
returning n
"""


class Here(NamedTuple):
    """The time bank, its rules and its day at a moment."""

    bank: TimeBankFacts
    rules: Rules
    today: date
    now: datetime


async def here(connection: Connection, timebank_id: int, now: datetime) -> Here:
    """Where and when we are."""
    bank = await banks.by_id(connection, timebank_id)
    day = today(now, bank.time_zone)
    _, document = await banks.rules_in_force(connection, timebank_id, day)
    return Here(bank, document, day, now)


async def is_on(connection: Connection, timebank_id: int, now: datetime) -> bool:
    """True once the time bank has named who leads on safeguarding."""
    return bool((await here(connection, timebank_id, now)).rules.safeguarding_lead)


def require_on(where: Here) -> None:
    """Raise ``Rollback`` with ``peer_support_off`` while nobody leads on safeguarding."""
    if not where.rules.safeguarding_lead:
        raise Rollback([rules.peer_support_off()])


async def require_free_to_meet(
    connection: Connection, actor: Actor, where: Here, *, receiver_id: int, helper_id: int, category: str, needs: str
) -> None:
    """Raise ``Rollback`` when these two may not help each other today. ``needs`` is the check that the offer asks for.

    Refusals: ``peer_support_off``, ``nobody_gains_for_another``, ``away``, ``guardian_consent_missing``,
    ``check_missing``. Raises LookupError when one blocked the other: that looks as if there were nothing.
    """
    require_on(where)
    timebank_id = actor.timebank_id
    if actor.member_id != actor.subject_id and actor.member_id in (receiver_id, helper_id):
        raise Rollback([rules.nobody_gains()])
    if helper_id in await blocking.around(connection, timebank_id, receiver_id):
        raise LookupError("they do not meet")
    for member_id in (receiver_id, helper_id):
        member = await members.by_id(connection, timebank_id, member_id)
        if member is None or member.status != "active":
            raise Rollback([Refusal("away", say("One of you is away just now. Try again later."))])
        if await safeguarding.may_take_part(connection, timebank_id, member_id, where.today) is not None:
            words = say("A parent or guardian has to agree first. Talk to us.")
            raise Rollback([Refusal("guardian_consent_missing", words)])
    wanted = {needs, (await cards.category_checks(connection, timebank_id)).get(category, "")} - {""}
    for kind in sorted(wanted):
        if not await safeguarding.has_valid_check(connection, timebank_id, helper_id, kind, where.today):
            words = say("This help needs a safety check first. Please talk to us.")
            raise Rollback([Refusal("check_missing", words)])


async def add_event(
    connection: Connection,
    actor: Actor,
    ask_id: int,
    what: str,
    now: datetime,
    *,
    minutes: int | None = None,
    starts_at: datetime | None = None,
    words: str = "",
) -> int:
    """Write one thing into the history of an ask; its number."""
    n: int = await connection.fetchval(
        EVENT, actor.timebank_id, ask_id, what, minutes, starts_at, words, actor.member_id, now
    )
    return n


async def tell(
    connection: Connection,
    timebank_id: int,
    ask_reference: str,
    member_id: int,
    dedupe: str,
    subject: Words,
    *body: str,
    now: datetime,
) -> None:
    """Tell one of the two, by their own channel; the message leads to the ask."""
    message = Message(
        member_id=member_id,
        kind="peers",
        subject=subject,
        body=joined(*body),
        path=f"/share/asks/{ask_reference}",
        dedupe=f"peers:{dedupe}",
    )
    await send(connection, timebank_id, [message], now=now)


def when_words(starts_at: datetime | None, time_zone: str) -> Words:
    """``Tuesday 3 March 2026, 2:30pm``, or that the day is not agreed yet."""
    if starts_at is None:
        return say("The day is still open.")
    there = starts_at.astimezone(ZoneInfo(time_zone))
    return say("{day}, {time}.", day=FullDay(there.date()), time=Clock(there.time().replace(second=0, microsecond=0)))


async def locked(connection: Connection, timebank_id: int, reference: str) -> AskLine:
    """An ask, locked.

    Raises:
        LookupError: there is none.
    """
    found = await queries.ask(connection, timebank_id, reference, lock=True)
    if found is None:
        raise LookupError(f"no ask {reference}")
    return found


async def mine(connection: Connection, actor: Actor, reference: str) -> tuple[AskLine, int]:
    """An ask of the actor's (or of whom they act for), locked, and whose it is.

    Raises:
        LookupError: there is none, or it is of others.
        Rollback: ``nobody_gains_for_another`` when the actor acts for one of the two and is the other.
    """
    found = await locked(connection, actor.timebank_id, reference)
    subject_id = actor.subject_id
    if subject_id is None or not found.is_party(subject_id):
        raise LookupError(f"no ask {reference}")
    if actor.member_id != subject_id and found.is_party(actor.member_id):
        raise Rollback([rules.nobody_gains()])
    return found, subject_id


async def require_hours(connection: Connection, timebank_id: int, member_id: int, minutes: int) -> None:
    """Raise ``Rollback`` with ``not_enough_hours`` when a member has fewer than these minutes free."""
    have = await hours.balance(connection, timebank_id, member_id)
    if have.available < minutes:
        raise Rollback([rules.not_enough(have.available, minutes)])


def answer_by(where: Here) -> date:
    """The last day for an answer to what is asked today."""
    return next_working_day(where.today + timedelta(days=rules.UNANSWERED_DAYS), where.bank.holiday_region)


async def name_of(connection: Connection, timebank_id: int, member_id: int) -> str:
    """A member's name."""
    return (await members.names(connection, timebank_id, [member_id]))[member_id]
