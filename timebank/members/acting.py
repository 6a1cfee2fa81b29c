"""Acting for a member: who may, why, how they agreed; and the member is told."""

from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.identity.acting import HOW_AGREED, begin_acting
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import joined, say
from timebank.members import queries, supporters
from timebank.members.access import note_within
from timebank.messages.service import Message, send

MAX_REASON = 200
STANDING = "standing"


class ActFor(msgspec.Struct, frozen=True, kw_only=True):
    """Do for a member what they asked for. ``how_agreed`` is one of ``in_person``, ``phone``, ``letter``.

    A supporter says ``standing``: what they agreed with the member holds.
    """

    member_id: int
    reason: str
    how_agreed: str


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """The browser acts for the member until the hour is over or somebody stops it."""

    acting_id: int
    display_name: str


def check(command: ActFor) -> list[Refusal]:
    """What is missing before acting for somebody: ``reason_missing``, ``reason_too_long``, ``how_agreed_missing``."""
    refusals = []
    if not names.tidy(command.reason):
        refusals.append(Refusal("reason_missing", say("Say in a few words what they asked you to do."), "reason"))
    elif len(names.tidy(command.reason)) > MAX_REASON:
        refusals.append(
            Refusal("reason_too_long", say("Say it in up to {max_reason} letters.", max_reason=MAX_REASON), "reason")
        )
    if command.how_agreed not in HOW_AGREED:
        refusals.append(Refusal("how_agreed_missing", say("Say how they agreed to this."), "how_agreed"))
    return refusals


async def act_for(
    db: Database, actor: Actor, command: ActFor, *, token: str, key: str, now: datetime
) -> Acting | list[Refusal]:
    """Let the browser with this session act for a member, for an hour: their pages, their hours, no role of one's own.

    For coordinators, and for supporters by a standing agreement, within its scope. The member can read who, when and
    why in their access log, and is told by their own channel. Refusals: ``not_allowed``, ``yourself``,
    ``session_ended`` and those of :func:`check`.

    Raises:
        LookupError: this time bank has no such member.
    """
    if actor.member_id is None or not (actor.has(COORDINATOR) or command.how_agreed == STANDING):
        return [Refusal("not_allowed", say("Only a coordinator can act for a member."))]
    if command.member_id == actor.member_id:
        return [Refusal("yourself", say("This is you. Your own pages are under “My hours”."))]
    if refusals := check(command):
        return refusals

    async def work(connection: Connection) -> Acting:
        return await _begin(connection, actor, command, token, now)

    return await once(db, actor, "act_for", key, command, Acting, work)


async def _begin(connection: Connection, actor: Actor, command: ActFor, token: str, now: datetime) -> Acting:
    timebank_id = actor.timebank_id
    member = await queries.by_id(connection, timebank_id, command.member_id)
    if member is None or member.status == "left":
        raise LookupError(f"no member {command.member_id}")
    if command.how_agreed == STANDING:
        bank = await banks.by_id(connection, timebank_id)
        agreed = await supporters.supported_by(connection, timebank_id, actor.member_id or 0)
        if not any(each.member_id == member.id and each.holds_on(today(now, bank.time_zone)) for each in agreed):
            raise Rollback([Refusal("not_allowed", say("You have no agreement to act for them now. Ask them first."))])
    reason = names.tidy(command.reason)
    acting_id = await begin_acting(
        connection, actor, member.id, token=token, reason=reason, how_agreed=command.how_agreed, now=now
    )
    if acting_id is None:
        raise Rollback([Refusal("session_ended", say("You are not signed in any more. Sign in and try again."))])
    how = HOW_AGREED[command.how_agreed]
    await note_within(connection, actor, member.id, f"acted for you (agreed {how})", now=now)
    (by_whom,) = (await queries.names(connection, timebank_id, [actor.member_id or 0])).values()
    await send(
        connection,
        timebank_id,
        [
            Message(
                member_id=member.id,
                kind="acted_for_you",
                subject=say("{name} did something for you", name=by_whom),
                body=joined(
                    say("{name} used your pages for you.", name=by_whom),
                    say("Why: {reason}", reason=reason),
                    say("You agreed {how}.", how=say(how)),
                    say("Look at your hours to see what changed. If you did not agree, tell us."),
                    by="\n",
                ),
                dedupe=f"acting:{acting_id}",
                path="/hours",
            )
        ],
        now=now,
    )
    return Acting(acting_id=acting_id, display_name=member.display_name)
