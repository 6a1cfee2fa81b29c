"""What I can offer, and what I would like: in own words, with a category, rough times and ways."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members.checks import CHECK_KINDS
from timebank.peers import cards, rules
from timebank.peers.meeting import here, require_on
from timebank.peers.rules import HOLD_DAYS, Offered
from timebank.peers.words import is_category
from timebank.redemptions import skills
from timebank.redemptions.people import require_active

KEEP_SKILL = """
insert into peer_skill (timebank_id, offer_id, category, times, hows, is_shown, changed_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (timebank_id, offer_id) do update
   set category = excluded.category, times = excluded.times, hows = excluded.hows, is_shown = excluded.is_shown,
       changed_at = excluded.changed_at
"""
ADD_WISH = """
insert into peer_wish (timebank_id, member_id, title, category, minutes, details, times, hows, is_shown, created_at,
                       changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
returning id
"""
CHANGE_WISH = """
update peer_wish
   set title = $4, category = $5, minutes = $6, details = $7, times = $8, hows = $9, is_shown = $10, changed_at = $11
 where timebank_id = $1 and member_id = $2 and id = $3
returning id
"""
LOCK = "select pg_advisory_xact_lock(hashtextextended('peers.mine/' || $1::text || '/' || $2::text, 0))"
SET_CATEGORY = """
insert into peer_category_check (timebank_id, category, check_kind, set_by, set_at) values ($1, $2, $3, $4, $5)
on conflict (timebank_id, category) do update
   set check_kind = excluded.check_kind, set_by = excluded.set_by, set_at = excluded.set_at
"""
SET_OFFER = "update peer_skill set check_kind = $3 where timebank_id = $1 and offer_id = $2 returning true"


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """Keep an offer or a wish: a new one, or another version of ``id``. ``is_shown`` False puts it away."""

    offered: Offered
    id: int | None = None
    is_shown: bool = True


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The id of the offer or wish."""

    id: int


class NeedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Helpers of a category, or of one offer, need a check of this kind; empty: none."""

    check_kind: str
    category: str = ""
    offer_id: int | None = None


async def keep_offer(db: Database, actor: Actor, command: Keep, *, key: str, now: datetime) -> Kept | list[Refusal]:
    """Keep what a member offers: a new offer, other words, or put away. For whom one acts for too.

    Refusals: those of ``rules.check_offered``, ``peer_support_off``, ``too_many``, ``unknown_member``, ``paused``.

    Raises:
        LookupError: it is not an offer of this member in their own words.
    """

    async def work(connection: Connection) -> Kept:
        member_id = await _begin(connection, actor, command, now)
        offered = command.offered
        own, _ = await cards.mine(connection, actor.timebank_id, member_id)
        shown = [each for each in own if each.is_shown and each.is_skill and each.id != command.id]
        _require_room(command, len(shown))
        skill = skills.Skill(
            title=tidy(offered.title), summary=tidy(offered.details), minutes=offered.minutes, hold_days=HOLD_DAYS
        )
        if command.id is None:
            offer_id = await skills.add_skill(connection, actor.timebank_id, member_id, skill)
        elif any(each.id == command.id and each.is_skill for each in own):
            offer_id = command.id
            await skills.change_skill(connection, actor.timebank_id, member_id, offer_id, skill)
        else:
            raise LookupError(f"no offer {command.id}")
        await connection.execute(
            KEEP_SKILL, actor.timebank_id, offer_id, offered.category, sorted(set(offered.times)),
            sorted(set(offered.hows)), command.is_shown, now,
        )  # fmt: skip
        return Kept(id=offer_id)

    return await once(db, actor, "peers_offer", key, command, Kept, work)


async def keep_wish(db: Database, actor: Actor, command: Keep, *, key: str, now: datetime) -> Kept | list[Refusal]:
    """Keep what a member would like. Refusals and errors as for :func:`keep_offer`."""

    async def work(connection: Connection) -> Kept:
        member_id = await _begin(connection, actor, command, now)
        offered = command.offered
        _, own = await cards.mine(connection, actor.timebank_id, member_id)
        _require_room(command, len([each for each in own if each.is_shown and each.id != command.id]))
        values = (
            tidy(offered.title), offered.category, offered.minutes, tidy(offered.details), sorted(set(offered.times)),
            sorted(set(offered.hows)), command.is_shown, now,
        )  # fmt: skip
        if command.id is None:
            wish_id = await connection.fetchval(ADD_WISH, actor.timebank_id, member_id, *values)
        else:
            wish_id = await connection.fetchval(CHANGE_WISH, actor.timebank_id, member_id, command.id, *values)
        if wish_id is None:
            raise LookupError(f"no wish {command.id}")
        return Kept(id=wish_id)

    return await once(db, actor, "peers_wish", key, command, Kept, work)


async def _begin(connection: Connection, actor: Actor, command: Keep, now: datetime) -> int:
    timebank_id, member_id = actor.timebank_id, actor.subject_id
    if member_id is None:
        raise LookupError("whose")
    require_on(await here(connection, timebank_id, now))
    await require_active(connection, timebank_id, member_id, "member_id")
    private = await cards.private_lines(connection, timebank_id, member_id)
    if refusals := rules.check_offered(command.offered, private=private):
        raise Rollback(refusals)
    await connection.execute(LOCK, str(timebank_id), str(member_id))
    return member_id


def _require_room(command: Keep, shown: int) -> None:
    if command.is_shown and shown >= rules.MAX_MINE:
        raise Rollback([Refusal("too_many", say("You have {n} here already. Put one away first.", n=rules.MAX_MINE))])


async def need_check(
    db: Database, actor: Actor, command: NeedCheck, *, key: str, now: datetime
) -> Kept | list[Refusal]:
    """Say which check helpers of a category, or of one offer, need. For coordinators. Agreed meetings stay.

    Refusals: ``not_allowed``, ``unknown_check``, ``unknown_category``.

    Raises:
        LookupError: there is no such offer.
    """
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", "Only a coordinator can do this. Please ask one.")]
    if command.check_kind and command.check_kind not in CHECK_KINDS:
        return [Refusal("unknown_check", "Choose a check from the list.", "check_kind")]
    if command.offer_id is None and not is_category(command.category):
        return [Refusal("unknown_category", "Choose a category from the list.", "category")]

    async def work(connection: Connection) -> Kept:
        timebank_id = actor.timebank_id
        if command.offer_id is not None:
            if not await connection.fetchval(SET_OFFER, timebank_id, command.offer_id, command.check_kind):
                raise LookupError(f"no offer {command.offer_id}")
        elif command.check_kind:
            await connection.execute(
                SET_CATEGORY, timebank_id, command.category, command.check_kind, actor.member_id, now
            )
        else:
            await connection.execute(
                "delete from peer_category_check where timebank_id = $1 and category = $2",
                timebank_id,
                command.category,
            )
        return Kept(id=command.offer_id or 0)

    return await once(db, actor, "peers_need_check", key, command, Kept, work)
