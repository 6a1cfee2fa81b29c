"""Waiting lists: a place that gets free is offered to whoever has waited longest, and kept while they answer.

The offer is locked before its list, so that two places freed at once go to two people. The hours are checked when
somebody takes the place, in ``requests``; waiting itself sets nothing aside.
"""

from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.budgets import service as budgets
from timebank.db import Connection, Database, Rollback, once, retrying
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import queries as members
from timebank.messages import queries as messages
from timebank.messages.service import send
from timebank.redemptions import offer_queries, offer_rules, rules, waiting_queries, waiting_rules, waiting_telling
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_rules import OfferFacts
from timebank.redemptions.people import require_active
from timebank.redemptions.situation import Situation
from timebank.redemptions.waiting_rules import WaitingFacts

FREES_A_PLACE = (rules.CANCELLED, rules.DECLINED, rules.TIMED_OUT, rules.MISSED, rules.REFUNDED)

NO_MONEY = ("no_more_this_month", "no_budget_left")

INSERT = """
insert into waiting (timebank_id, offer_id, member_id, state, joined_at, added_by, how_agreed, changed_at)
values ($1, $2, $3, 'waiting', $4, $5, $6, $4)
returning id
"""
OFFER_PLACE = """
update waiting set state = 'offered', offered_at = $3, answer_until = $4, changed_at = $3
 where timebank_id = $1 and id = $2
"""
LONGER = "update waiting set answer_until = $3 where timebank_id = $1 and id = $2"
END = """
update waiting set state = $3, changed_at = $4, redemption_id = $5 where timebank_id = $1 and id = $2
"""


class JoinWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """Put a member on the waiting list of an offer; ``how_agreed`` when somebody else does it for them."""

    offer_id: int
    member_id: int
    how_agreed: str = ""


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """A turn on a waiting list and the state it is in."""

    waiting_id: int
    state: str


class ChangeWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """The turn with this id."""

    waiting_id: int


async def join(db: Database, actor: Actor, command: JoinWaiting, *, key: str, now: datetime) -> Waits | list[Refusal]:
    """Put a member at the end of a waiting list; no hours are set aside. Who is on it already stays where they are.

    A participant for themselves, a coordinator for anyone. Refusals: those of ``waiting_rules.check_join``, and
    ``unknown_offer``, ``unknown_member``, ``paused``, ``reason_too_long``, and what ``offer_rules`` says of the offer.

    Raises:
        ValueError: the actor is not a person.
    """
    if actor.member_id is None:
        raise ValueError("a person goes on a waiting list")
    refusals = rules.check_reason(command.how_agreed)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Waits:
        return await _join(connection, actor, command, now)

    return await once(db, actor, "join_waiting_list", key, command, Waits, work)


async def _join(connection: Connection, actor: Actor, command: JoinWaiting, now: datetime) -> Waits:
    timebank_id, member_id = actor.timebank_id, command.member_id
    if not rules.may_see(actor, member_id):
        raise Rollback([Refusal("not_yours", say("You can only do this for yourself."), "member_id")])
    offer = await offer_queries.offer_facts(connection, timebank_id, command.offer_id, lock=True)
    if offer is None:
        raise Rollback([Refusal("unknown_offer", say("Choose an offer of this time bank."), "offer_id")])
    await require_active(connection, timebank_id, member_id, "member_id")
    bank = await banks.by_id(connection, timebank_id)
    standing = await offer_queries.standing(
        connection, timebank_id, offer.id, member_id, today=today(now, bank.time_zone), time_zone=bank.time_zone
    )
    # Money is looked at when a place gets free: it comes free with it.
    if refusals := [one for one in offer_rules.check_offered(offer, standing, None) if one.code not in NO_MONEY]:
        raise Rollback(refusals)
    already = await waiting_queries.live(connection, timebank_id, offer.id, member_id)
    if already is not None:
        return Waits(waiting_id=already.id, state=already.state)
    counts = await waiting_queries.counts(connection, timebank_id, offer.id, member_id)
    refusals = waiting_rules.check_join(
        actor,
        offer,
        member_id=member_id,
        gone=counts.gone,
        has_booked=counts.has_booked,
        length=counts.waiting + counts.offered,
        lists=counts.lists,
        now=now,
    )
    if refusals:
        raise Rollback(refusals)
    how_agreed = command.how_agreed.strip()
    waiting_id = await connection.fetchval(INSERT, timebank_id, offer.id, member_id, now, actor.member_id, how_agreed)
    turn = await waiting_queries.by_id(connection, timebank_id, waiting_id)
    assert turn is not None
    if member_id != actor.member_id:
        (by_whom,) = (await members.names(connection, timebank_id, [actor.member_id or 0])).values()
        message = waiting_telling.of_adding(turn, offer, by_whom, how_agreed)
        await send(connection, timebank_id, [message], now=now)
    return Waits(waiting_id=waiting_id, state=turn.state)


async def leave(
    db: Database, actor: Actor, command: ChangeWaiting, *, key: str, now: datetime
) -> Waits | list[Refusal]:
    """Leave a waiting list, or say no to the place that is kept; then the next person is asked.

    A participant for themselves, a coordinator for anyone. Refusals: those of ``waiting_rules.check_change``.

    Raises:
        LookupError: there is no such turn.
    """

    async def work(connection: Connection) -> Waits:
        turn, offer = await _locked(connection, actor.timebank_id, command.waiting_id)
        if refusals := waiting_rules.check_change(actor, turn):
            raise Rollback(refusals)
        state = waiting_rules.DECLINED if turn.state == waiting_rules.OFFERED else waiting_rules.LEFT
        await connection.execute(END, actor.timebank_id, turn.id, state, now, None)
        if turn.member_id != actor.member_id:
            await send(connection, actor.timebank_id, [waiting_telling.of_removal(turn, offer)], now=now)
        await fill(connection, await banks.by_id(connection, actor.timebank_id), offer, now)
        return Waits(waiting_id=turn.id, state=state)

    return await once(db, actor, "leave_waiting_list", key, command, Waits, work)


async def pass_on(
    db: Database, actor: Actor, command: ChangeWaiting, *, key: str, now: datetime
) -> Waits | list[Refusal]:
    """Ask the next person now instead of waiting for this one's answer; they are told kindly. For coordinators.

    Refusals: those of ``waiting_rules.check_pass_on``.

    Raises:
        LookupError: there is no such turn.
    """

    async def work(connection: Connection) -> Waits:
        turn, offer = await _locked(connection, actor.timebank_id, command.waiting_id)
        if refusals := waiting_rules.check_pass_on(actor, turn):
            raise Rollback(refusals)
        await _pass(connection, actor.timebank_id, turn, offer, now)
        await fill(connection, await banks.by_id(connection, actor.timebank_id), offer, now)
        return Waits(waiting_id=turn.id, state=waiting_rules.PASSED)

    return await once(db, actor, "pass_on_place", key, command, Waits, work)


async def _locked(connection: Connection, timebank_id: int, waiting_id: int) -> tuple[WaitingFacts, OfferFacts]:
    seen = await waiting_queries.by_id(connection, timebank_id, waiting_id)
    if seen is None:
        raise LookupError(f"no turn {waiting_id}")
    offer = await offer_queries.offer_facts(connection, timebank_id, seen.offer_id, lock=True)
    turn = await waiting_queries.by_id(connection, timebank_id, waiting_id, lock=True)
    if offer is None or turn is None:
        raise LookupError(f"no turn {waiting_id}")
    return turn, offer


# Inside other use cases ---------------------------------------------------------------------------------------------


async def after_step(connection: Connection, actor: Actor, situation: Situation, state: str, now: datetime) -> None:
    """Offer the place that a booking has freed. The offer is locked already."""
    del actor
    offer = situation.offer
    if state in FREES_A_PLACE and offer.places is not None and kind_of(offer.kind).has_waiting_list:
        await fill(connection, situation.bank, offer, now)


async def take_turn(
    connection: Connection, timebank_id: int, offer_id: int, member_id: int, booking_id: int, now: datetime
) -> None:
    """A booking was made: if its member waited for it, their turn ends. The offer is locked already."""
    turn = await waiting_queries.live(connection, timebank_id, offer_id, member_id, lock=True)
    if turn is not None:
        await connection.execute(END, timebank_id, turn.id, waiting_rules.TAKEN, now, booking_id)


async def end_list(connection: Connection, timebank_id: int, offer: OfferFacts, reason: str, now: datetime) -> int:
    """End a waiting list and tell everybody on it; how many there were. The offer is locked already."""
    turns = await waiting_queries.live_of(connection, timebank_id, offer.id)
    for turn in turns:
        await connection.execute(END, timebank_id, turn.id, waiting_rules.ENDED, now, None)
    told = [waiting_telling.of_end(turn, offer, reason) for turn in turns]
    await send(connection, timebank_id, told, now=now)
    return len(turns)


async def fill(connection: Connection, bank: TimeBankFacts, offer: OfferFacts, now: datetime) -> int:
    """Offer every free place that can be paid for to whoever has waited longest and can answer in time; how many were
    asked. Whose turn it would be, were the money there, is told that they keep it.

    The offer is locked already.
    """
    if offer.places is None or waiting_rules.is_over(offer, now):
        return 0
    free = offer.places - await waiting_queries.kept_places(connection, bank.id, offer.id)
    if free <= 0:
        return 0
    await budgets.lock(connection, bank.id, offer.budget_id)
    day = today(now, bank.time_zone)
    paid_for = await waiting_queries.paid_for(connection, bank.id, offer.id, today=day, time_zone=bank.time_zone)
    asked = held_up = 0
    answer_days = await _answer_days(connection, bank, now)
    for each in await waiting_queries.in_order(connection, bank.id, offer.id):
        if asked + held_up == free:
            break
        until = waiting_rules.answer_until(offer, each.route, now, bank, answer_days)
        if until is None:
            continue
        if asked == paid_for:
            await send(connection, bank.id, [waiting_telling.of_no_money(each.turn, offer)], now=now)
            held_up += 1
            continue
        await connection.execute(OFFER_PLACE, bank.id, each.turn.id, now, until)
        await send(connection, bank.id, [waiting_telling.of_place(each.turn, offer, until, bank)], now=now)
        asked += 1
    return asked


async def _answer_days(connection: Connection, bank: TimeBankFacts, now: datetime) -> int:
    _, document = await banks.rules_in_force(connection, bank.id, today(now, bank.time_zone))
    return document.waiting_answer_days


async def _pass(connection: Connection, timebank_id: int, turn: WaitingFacts, offer: OfferFacts, now: datetime) -> None:
    await connection.execute(END, timebank_id, turn.id, waiting_rules.PASSED, now, None)
    await send(connection, timebank_id, [waiting_telling.of_silence(turn, offer)], now=now)


# In the background --------------------------------------------------------------------------------------------------


async def move_on(db: Database, timebank_id: int, now: datetime) -> int:
    """Pass on places that nobody answered for, offer what is free, end lists whose day has come; how many changed.

    Harmless to repeat and to run at the same moment twice: each list is changed under the lock of its offer.
    """
    changed = 0
    async with db.reading(timebank_id) as connection:
        offers = await waiting_queries.offers_with_lists(connection, timebank_id)
    for offer_id in offers:

        async def one(offer_id: int = offer_id) -> int:
            async with db.writing(timebank_id) as connection:
                return await _move_on(connection, timebank_id, offer_id, now)

        changed += await retrying(one)
    return changed


async def _move_on(connection: Connection, timebank_id: int, offer_id: int, now: datetime) -> int:
    offer = await offer_queries.offer_facts(connection, timebank_id, offer_id, lock=True)
    assert offer is not None
    if waiting_rules.is_over(offer, now):
        return await end_list(connection, timebank_id, offer, "", now)
    bank = await banks.by_id(connection, timebank_id)
    changed = 0
    answer_days = await _answer_days(connection, bank, now)
    for turn in await waiting_queries.live_of(connection, timebank_id, offer_id):
        if turn.state != waiting_rules.OFFERED or turn.answer_until is None or turn.answer_until > now:
            continue
        arrived_on = await messages.arrived_on(connection, timebank_id, waiting_telling.place_dedupe(turn))
        until = waiting_rules.longer(turn, offer, arrived_on=arrived_on, now=now, bank=bank, answer_days=answer_days)
        if until is not None:
            await connection.execute(LONGER, timebank_id, turn.id, until)
            continue
        await _pass(connection, timebank_id, turn, offer, now)
        changed += 1
    return changed + await fill(connection, bank, offer, now)
