"""Supporters: somebody whom a member lets act for them, for what was agreed, until either ends it.

Whoever acts for a member cannot gain from it: each room refuses what would come to them (``nobody_gains_for_another``).
"""

from datetime import date, datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.identity.acting import end_acting_for
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import Words, joined, mark, say
from timebank.members import queries
from timebank.members.access import note_within
from timebank.members.consents import HOW
from timebank.members.details import locked
from timebank.members.rules import EARLIEST_JOINED
from timebank.messages.service import Message, send

SEE_HOURS, BOOK, LOG_TIME, MESSAGES = "see_hours", "book", "log_time", "messages"
SCOPES = {
    SEE_HOURS: mark("See the hours"),
    BOOK: mark("Use hours and make bookings"),
    LOG_TIME: mark("Log time given"),
    MESSAGES: mark("Read the messages"),
}
MAX_NAME = 100
MAX_CONTACT = 200
MAX_SUPPORTERS = 20

COLUMNS = """
select s.id, s.member_id, m.display_name as member_name, s.supporter_member_id,
       coalesce(by.display_name, s.outside_name) as supporter_name, s.outside_contact, s.scope, s.starts_on, s.ends_on,
       s.agreed_how, s.agreed_on, s.ended_at
  from supporter s
  join member m on m.timebank_id = s.timebank_id and m.id = s.member_id
  left join member by on by.timebank_id = s.timebank_id and by.id = s.supporter_member_id
"""
OF_MEMBER = (
    COLUMNS + " where s.timebank_id = $1 and s.member_id = $2 order by s.ended_at nulls first, s.id desc limit $3"
)
SUPPORTED_BY = (
    COLUMNS
    + " where s.timebank_id = $1 and s.supporter_member_id = $2 and s.ended_at is null and m.status <> 'left'"
    + " order by m.name_key, s.id limit $3"
)
LOCK = (
    "select id, member_id, supporter_member_id, ended_at from supporter where timebank_id = $1 and id = $2 for update"
)
ADD = """
insert into supporter (timebank_id, member_id, supporter_member_id, outside_name, outside_contact, scope, starts_on,
                       ends_on, agreed_how, agreed_on, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id
"""
END = "update supporter set ended_at = $3, ended_by = $4 where timebank_id = $1 and id = $2"
MAY_ACT = """
select exists (
    select from supporter s
      join member m on m.timebank_id = s.timebank_id and m.id = s.member_id
      join member by on by.timebank_id = s.timebank_id and by.id = s.supporter_member_id
     where s.timebank_id = $1 and s.supporter_member_id = $2 and s.member_id = $3 and $4 = any(s.scope)
       and s.ended_at is null and $5 >= s.starts_on and (s.ends_on is null or $5 <= s.ends_on)
       and m.status = 'active' and by.status = 'active')
"""
# A day on which the old agreement ran out: a new one between the same two people may follow it.
CLOSE_RUN_OUT = """
update supporter set ended_at = $4
 where timebank_id = $1 and member_id = $2 and supporter_member_id = $3 and ended_at is null and ends_on < $5
"""
OPEN = """
select count(*) as open, count(*) filter (where supporter_member_id = $3) as same
  from supporter where timebank_id = $1 and member_id = $2 and ended_at is null
"""


class SupporterShown(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement as its page shows it. ``supporter_member_id`` is None for somebody from outside."""

    id: int
    member_id: int
    member_name: str
    supporter_member_id: int | None
    supporter_name: str
    outside_contact: str
    scope: tuple[str, ...]
    starts_on: date
    ends_on: date | None
    agreed_how: str
    agreed_on: date
    ended_at: datetime | None

    @property
    def scope_words(self) -> Words:
        """What they may do, as people read it."""
        return joined(*(say(words) for scope, words in SCOPES.items() if scope in self.scope), by=", ")

    @property
    def how_words(self) -> Words:
        """How the member agreed, as people read it."""
        return say(HOW[self.agreed_how])

    def holds_on(self, day: date) -> bool:
        """True when the agreement is in force on a day."""
        return self.ended_at is None and self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)


class AddSupporter(msgspec.Struct, frozen=True, kw_only=True):
    """Let somebody act for a member: another member, or a person from outside by name and contact."""

    member_id: int
    supporter_member_id: int | None = None
    outside_name: str = ""
    outside_contact: str = ""
    scope: tuple[str, ...]
    starts_on: date
    ends_on: date | None = None
    agreed_how: str
    agreed_on: date


class SupporterAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The agreement is kept."""

    id: int


class SupporterEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The agreement is over. ``is_new`` is False when it had ended before."""

    member_id: int
    is_new: bool


async def may_act_for(
    connection: Connection, timebank_id: int, supporter_member_id: int, member_id: int, scope: str, on: date
) -> bool:
    """True when a member may act for another on a day: they agreed to it for that ``scope``, and both are active."""
    return bool(await connection.fetchval(MAY_ACT, timebank_id, supporter_member_id, member_id, scope, on))


async def supporters_of(connection: Connection, timebank_id: int, member_id: int) -> list[SupporterShown]:
    """A member's supporters, those of now first; the ended ones stay to be read."""
    rows = await connection.fetch(OF_MEMBER, timebank_id, member_id, 5 * MAX_SUPPORTERS)
    return [msgspec.convert(dict(row), SupporterShown) for row in rows]


async def supported_by(connection: Connection, timebank_id: int, member_id: int) -> list[SupporterShown]:
    """Whom a member supports now or from a later day on."""
    rows = await connection.fetch(SUPPORTED_BY, timebank_id, member_id, 5 * MAX_SUPPORTERS)
    return [msgspec.convert(dict(row), SupporterShown) for row in rows]


async def add_supporter(
    db: Database, actor: Actor, command: AddSupporter, *, key: str, now: datetime
) -> SupporterAdded | list[Refusal]:
    """Keep that a member lets somebody act for them. Members say so themselves, or a coordinator writes it down.

    A coordinator cannot write down that they are somebody's supporter themselves: another one has to. Both people are
    told. Refusals: ``not_allowed``, ``supporter_self_made`` and those of :func:`check`; ``supporter_unknown``,
    ``supporter_already``, ``too_many_supporters``.

    Raises:
        LookupError: this time bank has no such member, or they have left.
    """
    is_self = actor.member_id == command.member_id
    if actor.on_behalf_of is not None or not (is_self or actor.has(COORDINATOR)):
        return [Refusal("not_allowed", say("Only the member or a coordinator can add a supporter."))]
    if command.supporter_member_id is not None and command.supporter_member_id == actor.member_id and not is_self:
        message = "You cannot write down that you act for somebody. Ask another coordinator."
        return [Refusal("supporter_self_made", message, "supporter")]

    async def work(connection: Connection) -> SupporterAdded:
        timebank_id = actor.timebank_id
        member = await locked(connection, timebank_id, command.member_id)
        bank = await banks.by_id(connection, timebank_id)
        day = today(now, bank.time_zone)
        if refusals := [*check(command, day), *await _refusals(connection, actor, command, day, now)]:
            raise Rollback(refusals)
        new_id: int = await connection.fetchval(
            ADD,
            timebank_id,
            member.id,
            command.supporter_member_id,
            names.tidy(command.outside_name),
            command.outside_contact.strip(),
            sorted(set(command.scope)),
            command.starts_on,
            command.ends_on,
            command.agreed_how,
            command.agreed_on,
            actor.member_id,
            now,
        )
        await note_within(connection, actor, member.id, mark("wrote down a supporter for you"), now=now)
        shown = next(one for one in await supporters_of(connection, timebank_id, member.id) if one.id == new_id)
        await send(connection, timebank_id, _began(shown, is_self=is_self), now=now)
        return SupporterAdded(id=new_id)

    return await once(db, actor, "add_supporter", key, command, SupporterAdded, work)


async def end_supporter(
    db: Database, actor: Actor, supporter_id: int, *, key: str, now: datetime
) -> SupporterEnded | list[Refusal]:
    """End an agreement at once: by the member, by the supporter, or by a coordinator whom one of them asked.

    Whoever was just acting for the member stops in the middle. Both are told. Refusals: ``not_allowed``.

    Raises:
        LookupError: this time bank has no such agreement.
    """
    if not 0 < supporter_id <= MAX_KEY:
        raise LookupError(f"no supporter {supporter_id}")

    async def work(connection: Connection) -> SupporterEnded:
        timebank_id = actor.timebank_id
        row = await connection.fetchrow(LOCK, timebank_id, supporter_id)
        if row is None:
            raise LookupError(f"no supporter {supporter_id}")
        is_theirs = actor.member_id in (row["member_id"], row["supporter_member_id"])
        # Acting for somebody is no way to keep others from doing so.
        if actor.on_behalf_of is not None or not (is_theirs or actor.has(COORDINATOR)):
            raise Rollback([Refusal("not_allowed", say("Only the two of them or a coordinator can end this."))])
        if row["ended_at"] is not None:
            return SupporterEnded(member_id=row["member_id"], is_new=False)
        await connection.execute(END, timebank_id, supporter_id, now, actor.member_id)
        if row["supporter_member_id"] is not None:
            await end_acting_for(
                connection, timebank_id, row["member_id"], actor_id=row["supporter_member_id"], now=now
            )
        await note_within(connection, actor, row["member_id"], mark("ended what you agreed with a supporter"), now=now)
        shown = await supporters_of(connection, timebank_id, row["member_id"])
        ended = next((one for one in shown if one.id == supporter_id), None)
        if ended is not None:
            await send(connection, timebank_id, _ended(ended, actor), now=now)
        return SupporterEnded(member_id=row["member_id"], is_new=True)

    return await once(db, actor, "end_supporter", key, supporter_id, SupporterEnded, work)


def check(command: AddSupporter, day: date) -> list[Refusal]:
    """What is wrong with an agreement by itself: ``supporter_missing``, ``supporter_is_member``, ``scope_missing``,
    ``how_missing``, ``agreed_in_future``, ``agreed_too_early``, ``ends_before_start``, ``ends_in_past`` and texts that
    are too long.
    """
    outside = names.tidy(command.outside_name)
    found = []
    if (command.supporter_member_id is None) == (not outside):
        found.append(
            Refusal("supporter_missing", say("Choose a member, or give the name of somebody else."), "supporter")
        )
    if command.supporter_member_id == command.member_id:
        found.append(Refusal("supporter_is_member", say("Choose somebody else: this is the member."), "supporter"))
    if len(outside) > MAX_NAME:
        found.append(
            Refusal(
                "outside_name_too_long",
                say("Enter a name of up to {max_name} letters.", max_name=MAX_NAME),
                "outside_name",
            )
        )
    if outside and not command.outside_contact.strip():
        found.append(Refusal("contact_missing", say("Say how to reach them."), "outside_contact"))
    if len(command.outside_contact.strip()) > MAX_CONTACT:
        found.append(
            Refusal(
                "contact_too_long",
                say("Say it in up to {max_contact} letters.", max_contact=MAX_CONTACT),
                "outside_contact",
            )
        )
    if not command.scope or any(scope not in SCOPES for scope in command.scope):
        found.append(Refusal("scope_missing", say("Choose what they may do."), "scope"))
    if command.agreed_how not in HOW:
        found.append(Refusal("how_missing", say("Say how the member agreed."), "agreed_how"))
    if command.agreed_on > day:
        found.append(Refusal("agreed_in_future", say("Enter today or an earlier day."), "agreed_on"))
    if command.agreed_on < EARLIEST_JOINED:
        found.append(
            Refusal("agreed_too_early", say("Enter a day after {value}.", value=EARLIEST_JOINED.year - 1), "agreed_on")
        )
    if command.ends_on is not None and command.ends_on < command.starts_on:
        found.append(Refusal("ends_before_start", say("The last day comes before the first. Change one."), "ends_on"))
    elif command.ends_on is not None and command.ends_on < day:
        found.append(
            Refusal("ends_in_past", say("The last day is over. Enter a later day, or leave it empty."), "ends_on")
        )
    return found


async def _refusals(
    connection: Connection, actor: Actor, command: AddSupporter, day: date, now: datetime
) -> list[Refusal]:
    by = command.supporter_member_id
    if by is not None:
        supporter = await queries.by_id(connection, actor.timebank_id, by)
        if supporter is None or supporter.status != "active" or supporter.kind != "person":
            return [Refusal("supporter_unknown", say("Choose somebody who is a member now."), "supporter")]
        await connection.execute(CLOSE_RUN_OUT, actor.timebank_id, command.member_id, by, now, day)
    counted = await connection.fetchrow(OPEN, actor.timebank_id, command.member_id, by)
    if counted["same"]:
        return [Refusal("supporter_already", say("They support this member already. End that first."), "supporter")]
    if counted["open"] >= MAX_SUPPORTERS:
        return [
            Refusal(
                "too_many_supporters",
                say("A member can have up to {max_supporters} supporters.", max_supporters=MAX_SUPPORTERS),
                "supporter",
            )
        ]
    return []


def _began(shown: SupporterShown, *, is_self: bool) -> list[Message]:
    told = [
        Message(
            member_id=shown.member_id,
            kind="supporter_added",
            subject=say("{name} may act for you", name=shown.supporter_name),
            body=joined(
                say("{name} may do this for you: {what}.", name=shown.supporter_name, what=shown.scope_words),
                say("You agreed {how}.", how=shown.how_words),
                say("You can end this at any time."),
                by="\n",
            ),
            path="/me",
            dedupe=f"supporter:{shown.id}:member",
            is_urgent=not is_self,
        )
    ]
    if shown.supporter_member_id is not None:
        told.append(
            Message(
                member_id=shown.supporter_member_id,
                kind="supporter_added",
                subject=say("You may act for {name}", name=shown.member_name),
                body=joined(
                    say("{name} lets you do this: {what}.", name=shown.member_name, what=shown.scope_words),
                    say("You can end this at any time."),
                    by="\n",
                ),
                path="/me",
                dedupe=f"supporter:{shown.id}:supporter",
            )
        )
    return told


def _ended(shown: SupporterShown, actor: Actor) -> list[Message]:
    told = []
    pairs = (
        (shown.member_id, "member", say("{name} no longer acts for you", name=shown.supporter_name)),
        (shown.supporter_member_id, "supporter", say("You no longer act for {name}", name=shown.member_name)),
    )
    for member_id, who, subject in pairs:
        if member_id is None or member_id == actor.member_id:
            continue
        told.append(
            Message(
                member_id=member_id,
                kind="supporter_ended",
                subject=subject,
                body=joined(subject, say("This holds from now on."), by=".\n"),
                path="/me",
                dedupe=f"supporter:{shown.id}:ended:{who}",
            )
        )
    return told
