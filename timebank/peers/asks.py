"""Asking another member for what they offer, or offering help with what they would like."""

from datetime import datetime, timedelta

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit import ids
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, say
from timebank.peers import cards, queries, rules
from timebank.peers.cards import Card
from timebank.peers.meeting import (
    Here,
    add_event,
    answer_by,
    here,
    name_of,
    require_free_to_meet,
    require_hours,
    tell,
    when_words,
)

REFERENCE_ATTEMPTS = 5

INSERT = """
insert into peer_ask (timebank_id, reference, offer_id, wish_id, receiver_id, helper_id, started_by, asked_by, category,
                      title, note, state, waits_for, minutes, starts_at, how, place, answer_by, receiver_reach,
                      helper_reach, created_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'asked', $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)
on conflict (timebank_id, reference) do nothing
returning id
"""


class AskFor(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for an offer (``offer_id``), or offer help with a wish (``wish_id``). ``starts_at`` None: let us agree.

    ``reach`` is how the other can reach one; they see it only once both have agreed, and only until it is over.
    """

    minutes: int
    offer_id: int | None = None
    wish_id: int | None = None
    starts_at: datetime | None = None
    how: str = "in_person"
    place: str = ""
    note: str = ""
    reach: str = ""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Where an ask stands now. ``waits_for`` is the member who answers next, if anybody does."""

    reference: str
    state: str
    waits_for: int | None = None


async def ask(db: Database, actor: Actor, command: AskFor, *, key: str, now: datetime) -> Asked | list[Refusal]:
    """Ask a member for what they offer, or offer help with their wish. They are told by their own channel.

    Refusals: those of ``rules.check_minutes``, ``check_when``, ``check_meeting``, ``meeting.require_free_to_meet``, and
    ``own_offer``, ``too_many_asks``, ``not_enough_hours``, ``asked_already``.

    Raises:
        LookupError: there is no such offer or wish for the actor.
    """
    refusals = [
        *rules.check_minutes(command.minutes),
        *rules.check_when(command.starts_at, now),
        *rules.check_meeting(how=command.how, place=command.place, reach=command.reach, note=command.note),
    ]
    if refusals:
        return refusals

    async def work(connection: Connection) -> Asked:
        return await _ask(connection, actor, command, now)

    return await once(db, actor, "peers_ask", key, command, Asked, work)


async def _ask(connection: Connection, actor: Actor, command: AskFor, now: datetime) -> Asked:
    card, receiver_id, helper_id = await _what(connection, actor, command)
    subject_id = actor.subject_id or 0
    where = await here(connection, actor.timebank_id, now)
    await require_free_to_meet(
        connection,
        actor,
        where,
        receiver_id=receiver_id,
        helper_id=helper_id,
        category=card.category,
        needs=card.check_kind,
    )
    await _require_room(connection, actor, command, card, now)
    if receiver_id == subject_id:
        await require_hours(connection, actor.timebank_id, subject_id, command.minutes)
    other_id = helper_id if subject_id == receiver_id else receiver_id
    ask_id, reference = await _insert(connection, actor, command, card, receiver_id, helper_id, where)
    await add_event(
        connection, actor, ask_id, "asked", now, minutes=command.minutes, starts_at=command.starts_at,
        words=command.note.strip(),
    )  # fmt: skip
    name = await name_of(connection, actor.timebank_id, subject_id)
    if receiver_id == subject_id:
        subject = say("{name} asks you for help", name=name)
    else:
        subject = say("{name} can help you", name=name)
    await tell(
        connection, actor.timebank_id, reference, other_id, f"{ask_id}:asked", subject,
        say("What: {title}", title=card.title), when_words(command.starts_at, where.bank.time_zone),
        say("How long: {length}", length=Minutes(command.minutes)), say("You can say yes or no. You need no reason."),
        now=now,
    )  # fmt: skip
    return Asked(reference=reference, state=rules.ASKED, waits_for=other_id)


async def _what(connection: Connection, actor: Actor, command: AskFor) -> tuple[Card, int, int]:
    """What is asked for, who gets the help and who gives it."""
    subject_id = actor.subject_id
    if subject_id is None or (command.offer_id is None) == (command.wish_id is None):
        raise LookupError("one offer, or one wish")
    if command.offer_id is not None:
        card = await cards.offer(connection, actor, command.offer_id)
    else:
        card = await cards.wish(connection, actor, command.wish_id or 0)
    if card is None or not card.is_shown:
        raise LookupError("nothing like this")
    if card.member_id == subject_id:
        raise Rollback([Refusal("own_offer", say("This is your own. Choose something else."))])
    if command.offer_id is not None:
        return card, subject_id, card.member_id
    return card, card.member_id, subject_id


async def _require_room(connection: Connection, actor: Actor, command: AskFor, card: Card, now: datetime) -> None:
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended('peers.asks/' || $1::text || '/' || $2::text, 0))",
        str(actor.timebank_id),
        str(actor.subject_id),
    )
    if await queries.started(connection, actor.timebank_id, actor.subject_id or 0) >= rules.MAX_OPEN_ASKS:
        words = say("You wait for {n} answers already. Wait for one first.", n=rules.MAX_OPEN_ASKS)
        raise Rollback([Refusal("too_many_asks", words)])
    for known in await queries.open_between(connection, actor.timebank_id, actor.subject_id or 0, card.member_id):
        same = known.wish_id == command.wish_id if command.wish_id else known.offer_id == command.offer_id
        if same and known.state == rules.ASKED:
            words = say("You have asked this already. They have not answered yet.")
            raise Rollback([Refusal("asked_already", words)])
    # The hours stay set aside for the offer's number of days: a day after that could not be settled any more.
    if command.starts_at and card.hold_days and command.starts_at > now + _room(card.hold_days):
        raise Rollback([Refusal("too_far_ahead", say("Choose an earlier day."), "day")])


def _room(hold_days: int) -> timedelta:
    return timedelta(days=max(hold_days - 14, hold_days // 2))


async def _insert(
    connection: Connection, actor: Actor, command: AskFor, card: Card, receiver_id: int, helper_id: int, where: Here
) -> tuple[int, str]:
    subject_id = actor.subject_id
    reach = command.reach.strip()
    for _ in range(REFERENCE_ATTEMPTS):
        reference = ids.reference()
        ask_id = await connection.fetchval(
            INSERT,
            actor.timebank_id,
            reference,
            command.offer_id,
            command.wish_id,
            receiver_id,
            helper_id,
            subject_id,
            actor.member_id,
            card.category,
            card.title,
            command.note.strip(),
            helper_id if subject_id == receiver_id else receiver_id,
            command.minutes,
            command.starts_at,
            command.how,
            command.place.strip(),
            answer_by(where),
            reach if subject_id == receiver_id else "",
            reach if subject_id == helper_id else "",
            where.now,
        )
        if ask_id is not None:
            return ask_id, reference
    raise RuntimeError(f"no free reference in {REFERENCE_ATTEMPTS} attempts")
