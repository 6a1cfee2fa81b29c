"""The costs of a claim: added to the member's open draft one at a time, changed and taken out until it is sent."""

from datetime import date, datetime

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import Rules, TimeBankFacts
from timebank.claims import occasions, queries, receipts, rules
from timebank.claims.rules import ClaimFacts, NewLine, UnknownClaim
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.ids import reference as new_reference
from timebank.kit.money import in_words
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.rates.queries import rate_on

# One statement for both: an address that is taken only makes the next attempt necessary.
OPEN_DRAFT = """
insert into claim (timebank_id, reference, member_id, state, made_by, made_at, changed_at)
values ($1, $2, $3, 'draft', $4, $5, $5)
on conflict do nothing
"""
IS_MEMBER = "select true from member where timebank_id = $1 and id = $2 and status <> 'left'"
DRAFT = "select reference from claim where timebank_id = $1 and member_id = $2 and state = 'draft'"
REFERENCE_ATTEMPTS = 5
ADD = """
insert into claim_line (timebank_id, claim_id, n, kind, day, what_for, session_id, tenths_of_mile, minutes, rate_pence,
                        rate_id, pence, receipt_id, no_receipt_why, duplicate_reason, contribution_id, added_by,
                        added_at)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
  from claim_line where timebank_id = $1 and claim_id = $2
returning n
"""
CHANGE = """
update claim_line
   set kind = $4, day = $5, what_for = $6, session_id = $7, tenths_of_mile = $8, minutes = $9, rate_pence = $10,
       rate_id = $11, pence = $12, receipt_id = $13, no_receipt_why = $14, duplicate_reason = $15,
       contribution_id = $16, added_by = $17, added_at = $18
 where timebank_id = $1 and claim_id = $2 and n = $3
returning n
"""
REMOVE = "delete from claim_line where timebank_id = $1 and claim_id = $2 and n = $3 returning n"
TOUCH = "update claim set changed_at = $3 where timebank_id = $1 and id = $2"


class AddLine(msgspec.Struct, frozen=True, kw_only=True):
    """One more cost for the subject's open draft, which begins with it if there is none."""

    line: NewLine


class ChangeLine(msgspec.Struct, frozen=True, kw_only=True):
    """Put another cost in the place of cost ``n``."""

    reference: str
    n: int
    line: NewLine


class RemoveLine(msgspec.Struct, frozen=True, kw_only=True):
    """Take cost ``n`` out."""

    reference: str
    n: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The claim, the number of the cost, and what it comes to in minor units."""

    reference: str
    n: int
    pence: int = 0


class _Priced(msgspec.Struct, frozen=True, kw_only=True):
    line: NewLine
    pence: int
    rate_pence: int | None
    rate_id: int | None


def for_member(actor: Actor, member_id: int | None) -> Actor:
    """The actor as they act for this member: themselves, or a coordinator for somebody.

    Raises:
        UnknownClaim: somebody else's, and the actor does not coordinate.
    """
    if member_id is None or member_id == actor.subject_id:
        return actor
    if not actor.has(COORDINATOR):
        raise UnknownClaim(str(member_id))
    return Actor(timebank_id=actor.timebank_id, member_id=actor.member_id, roles=actor.roles, on_behalf_of=member_id)


async def add_line(db: Database, actor: Actor, command: AddLine, *, key: str, now: datetime) -> Kept | list[Refusal]:
    """Add a cost to the subject's draft.

    Refusals: those of ``rules.check_line``, ``too_many_lines``, ``photo_gone``, ``unknown_session``, ``unknown_time``,
    ``duplicate``.
    """

    async def work(connection: Connection) -> Kept:
        member_id = _subject(actor)
        claim = await _draft(connection, actor, member_id, now)
        if claim.lines >= rules.MAX_LINES:
            raise Rollback([Refusal("too_many_lines", say("Send these costs first, then begin again."))])
        priced = await _priced(connection, actor, member_id, command.line, now, besides=(claim.reference, 0))
        n = await connection.fetchval(ADD, actor.timebank_id, claim.id, *_values(priced), actor.member_id, now)
        await connection.execute(TOUCH, actor.timebank_id, claim.id, now)
        return Kept(reference=claim.reference, n=n, pence=priced.pence)

    return await once(db, actor, f"add_claim_line:{actor.subject_id}", key, command, Kept, work)


async def change_line(
    db: Database, actor: Actor, command: ChangeLine, *, key: str, now: datetime
) -> Kept | list[Refusal]:
    """Change a cost of a draft. Refusals: as :func:`add_line`, ``wrong_state``. Raises UnknownClaim."""

    async def work(connection: Connection) -> Kept:
        claim = await own_draft(connection, actor, command.reference)
        besides = (claim.reference, command.n)
        priced = await _priced(connection, actor, claim.member_id, command.line, now, besides=besides)
        n = await connection.fetchval(
            CHANGE, actor.timebank_id, claim.id, _number(command.n), *_values(priced), actor.member_id, now
        )
        if n is None:
            raise UnknownClaim(command.reference)
        await connection.execute(TOUCH, actor.timebank_id, claim.id, now)
        return Kept(reference=claim.reference, n=n, pence=priced.pence)

    return await once(db, actor, "change_claim_line", key, command, Kept, work)


async def remove_line(
    db: Database, actor: Actor, command: RemoveLine, *, key: str, now: datetime
) -> Kept | list[Refusal]:
    """Take a cost out of a draft. Refusals: ``wrong_state``. Raises UnknownClaim."""

    async def work(connection: Connection) -> Kept:
        claim = await own_draft(connection, actor, command.reference)
        n = await connection.fetchval(REMOVE, actor.timebank_id, claim.id, _number(command.n))
        if n is None:
            raise UnknownClaim(command.reference)
        await connection.execute(TOUCH, actor.timebank_id, claim.id, now)
        return Kept(reference=claim.reference, n=n)

    return await once(db, actor, "remove_claim_line", key, command, Kept, work)


async def check_cost(
    db: Database, actor: Actor, line: NewLine, *, besides: tuple[str, int], now: datetime
) -> list[Refusal]:
    """What stands in the way of this cost: for a page that shows every complaint at once, before anything is kept."""
    try:
        async with db.reading(actor.timebank_id) as connection:
            await _priced(connection, actor, _subject(actor), line, now, besides=besides, is_check=True)
    except Rollback as rollback:
        return rollback.refusals
    return []


async def own_claim(connection: Connection, actor: Actor, reference: str) -> ClaimFacts:
    """The subject's own claim, locked until the transaction ends. Raises UnknownClaim for anybody else's."""
    claim = await queries.lock(connection, actor.timebank_id, reference)
    if claim is None or claim.member_id != actor.subject_id:
        raise UnknownClaim(reference)
    return claim


async def own_draft(connection: Connection, actor: Actor, reference: str) -> ClaimFacts:
    """The same, of a draft. Raises Rollback with ``wrong_state`` when it is sent."""
    claim = await own_claim(connection, actor, reference)
    if claim.state != rules.DRAFT:
        raise Rollback([Refusal("wrong_state", say("This is sent already. Take it back to change it."))])
    return claim


async def rate_for(connection: Connection, timebank_id: int, kind: str, day: date) -> tuple[int | None, int | None]:
    """The rate of the day for a kind of cost: minor units and its id, None and None when there is none."""
    if kind not in (*rules.RATED, rules.MEAL):
        return None, None
    rate = await rate_on(connection, timebank_id, kind, "", day)
    return (None, None) if rate is None else (rate.pence, rate.id)


async def is_member(connection: Connection, timebank_id: int, member_id: int) -> bool:
    """True for a member of this time bank who has not left."""
    return bool(await connection.fetchval(IS_MEMBER, timebank_id, min(member_id, MAX_KEY)))


def _subject(actor: Actor) -> int:
    if actor.subject_id is None:
        raise Rollback([Refusal("not_allowed", say("Only a member can claim costs."))])
    return actor.subject_id


async def _draft(connection: Connection, actor: Actor, member_id: int, now: datetime) -> ClaimFacts:
    if not await is_member(connection, actor.timebank_id, member_id):
        raise UnknownClaim(str(member_id))
    for _ in range(REFERENCE_ATTEMPTS):
        reference = await connection.fetchval(DRAFT, actor.timebank_id, member_id)
        if reference is None:
            made = new_reference()
            await connection.execute(OPEN_DRAFT, actor.timebank_id, made, member_id, actor.member_id, now)
            continue
        claim = await queries.lock(connection, actor.timebank_id, reference)
        if claim is not None and claim.state == rules.DRAFT:  # it may have been sent while this waited
            return claim
    raise RuntimeError(f"no draft in {REFERENCE_ATTEMPTS} attempts")


async def _priced(
    connection: Connection,
    actor: Actor,
    member_id: int,
    line: NewLine,
    now: datetime,
    *,
    besides: tuple[str, int],
    is_check: bool = False,
) -> _Priced:
    """The cost checked against rules, rates and what is there already. Raises Rollback with what is wrong."""
    timebank_id = actor.timebank_id
    bank, in_force, on = await situation(connection, timebank_id, now)
    tidy = _tidied(line)
    rate_pence, rate_id = await rate_for(connection, timebank_id, tidy.kind, tidy.day)
    refusals = rules.check_line(tidy, in_force, on, rate_pence=rate_pence, currency=bank.currency)
    has_photo = tidy.receipt_id is not None and not is_check
    if has_photo and not await receipts.is_own(connection, timebank_id, member_id, tidy.receipt_id or 0):
        message = say("The photo is not here any more. Choose it again.")
        refusals.append(Refusal("photo_gone", message, "photo"))
    if tidy.session_id is not None:
        is_known = 0 < tidy.session_id <= MAX_KEY and await occasions.is_session(
            connection, timebank_id, tidy.session_id
        )
        if not is_known:
            refusals.append(Refusal("unknown_session", say("Choose the session from the list."), "session"))
    if tidy.contribution_id is not None:
        known = min(tidy.contribution_id, MAX_KEY)
        is_theirs = known > 0 and await occasions.is_time_of(connection, timebank_id, member_id, known)
        if not is_theirs:
            refusals.append(Refusal("unknown_time", say("Choose the session from the list."), "session"))
    if refusals:
        raise Rollback(refusals)
    pence = rules.pence_of(tidy, rate_pence)
    if not tidy.duplicate_reason:
        await _refuse_same(connection, timebank_id, member_id, tidy, pence, bank.currency, besides)
    return _Priced(line=tidy, pence=pence, rate_pence=rate_pence, rate_id=rate_id)


async def _refuse_same(
    connection: Connection,
    timebank_id: int,
    member_id: int,
    line: NewLine,
    pence: int,
    currency: str,
    besides: tuple[str, int],
) -> None:
    found = await queries.own_same(
        connection,
        timebank_id,
        member_id,
        day=line.day,
        pence=pence,
        kind=line.kind,
        receipt_id=line.receipt_id,
        besides=besides,
    )
    if found is None:
        return
    if found.is_same_photo:
        message = say(
            "This photo is with {amount} on {day} already. Is this another cost? Then say so below.",
            amount=in_words(found.pence, currency),
            day=found.day,
        )
    else:
        message = say(
            "You have {amount} on {day} here already. Is this another cost? Then say so below.",
            amount=in_words(found.pence, currency),
            day=found.day,
        )
    raise Rollback([Refusal("duplicate", message, "again")])


def _tidied(line: NewLine) -> NewLine:
    """The line with tidy words, and only the fields that its kind has."""
    return msgspec.structs.replace(
        line,
        what_for=names.tidy(line.what_for),
        no_receipt_why="" if line.receipt_id is not None else names.tidy(line.no_receipt_why),
        duplicate_reason=names.tidy(line.duplicate_reason),
        tenths_of_mile=line.tenths_of_mile if line.kind == rules.MILEAGE else None,
        minutes=line.minutes if line.kind == rules.CARER else None,
        pence=None if line.kind in rules.RATED else line.pence,
    )


async def situation(connection: Connection, timebank_id: int, now: datetime) -> tuple[TimeBankFacts, Rules, date]:
    """The time bank, the rules in force, and its day."""
    bank = await banks.by_id(connection, timebank_id)
    on = today(now, bank.time_zone)
    _, in_force = await banks.rules_in_force(connection, timebank_id, on)
    return bank, in_force, on


def _values(priced: _Priced) -> tuple[object, ...]:
    line = priced.line
    return (
        line.kind,
        line.day,
        line.what_for,
        line.session_id,
        line.tenths_of_mile,
        line.minutes,
        priced.rate_pence,
        priced.rate_id,
        priced.pence,
        line.receipt_id,
        line.no_receipt_why,
        line.duplicate_reason,
        line.contribution_id,
    )


def _number(n: int) -> int:
    return n if 0 < n < 2**31 else 0
