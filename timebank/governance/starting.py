"""Making a time bank on its first day: a link for the first one, a draft that keeps what was typed, one transaction.

Who may: an administrator of a time bank of this server, or whoever holds the set-up link that ``timebank serve`` prints
while there is none. What is filled in is kept in a draft behind a secret of the browser's, so the way can be left and
taken up again for a week; the time bank is made at the end, all of it or nothing.
"""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec

from timebank.activities.service import AddActivity, make_activity
from timebank.banks.rules import TimeBankFacts
from timebank.banks.service import CreateTimeBank, create_within
from timebank.db import Connection, Database, Rollback, retrying
from timebank.governance import queries, start_rules
from timebank.governance.start_rules import PersonLine
from timebank.governance.templates_of_rules import template
from timebank.identity.rules import MAX_SECRET_CHARACTERS, Device
from timebank.identity.service import SignedIn, create_link, sign_in_by_link
from timebank.kit import durations, names
from timebank.kit.actor import ADMIN, COORDINATOR, Actor, system
from timebank.kit.clock import today
from timebank.kit.ids import secret_token, sha256
from timebank.kit.refusal import Refusal
from timebank.members.adding import ONE_AT_A_TIME, AddMember, insert_members

LINK_VALID_FOR = timedelta(days=1)
ENTER_WITHIN = timedelta(minutes=5)
DRAFT_VALID_FOR = timedelta(days=7)
MAX_SLUG_TRIES = 20
SECRET = re.compile(r"[A-Za-z0-9_-]{20,100}")
"""A secret that a browser may hold. What programs began has a colon in it, so that no browser can take it up."""
STEPS = ("bank", "rules", "group", "people")

END_OLD_LINKS = "delete from setup_link"
END_OLD_DRAFTS = "delete from setup_draft where expires_at < $1"
NEW_LINK = "insert into setup_link (token_sha256, created_at, expires_at) values ($1, $2, $3)"
USE_LINK = """
update setup_link set used_at = $2 where token_sha256 = $1 and used_at is null and expires_at > $2 returning true
"""
NEW_DRAFT = "insert into setup_draft (token_sha256, answers, created_at, expires_at) values ($1, $2, $3, $4)"
ANSWER = """
update setup_draft set answers = answers || $2::jsonb
 where token_sha256 = $1 and timebank_id is null and expires_at > $3
returning true
"""
LOCK_DRAFT = """
select answers, timebank_id, member_id, group_id from setup_draft where token_sha256 = $1 and expires_at > $2
   for update
"""
MADE = "update setup_draft set timebank_id = $2, member_id = $3, group_id = $4 where token_sha256 = $1"
END_DRAFT = """
update setup_draft set expires_at = $2
 where token_sha256 = $1 and timebank_id is not null and expires_at > $2
returning timebank_id, member_id, group_id
"""
SLUGS = "select slug from timebank where slug = any($1::text[])"


class FirstDay(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that makes a time bank: its name, who makes it, rules to begin with, a group, the first people."""

    name: str
    your_name: str
    template: str
    group_name: str
    time_zone: str = "Europe/London"
    currency: str = "GBP"
    help_contact: str = ""
    group_place: str = ""
    group_minutes: int = 90
    people: tuple[PersonLine, ...] = ()


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """The time bank is there: whoever made it is its administrator and coordinator."""

    timebank_id: int
    member_id: int
    group_id: int


class NoDraft(Exception):
    """Nothing is filled in behind this secret: it is unknown or a week old."""


async def make_setup_link(db: Database, *, now: datetime) -> str | None:
    """The path of a one-time link for the first time bank, ``/start/link/<secret>``; None when there is one already.

    It works for a day. Only the newest link works.
    """
    token = secret_token()
    async with db.globally() as connection:
        if not await queries.is_empty_server(connection):
            return None
        await connection.execute(END_OLD_LINKS)
        await connection.execute(NEW_LINK, sha256(token), now, now + LINK_VALID_FOR)
    return f"/start/link/{token}"


async def begin_by_link(db: Database, token: str, *, now: datetime) -> str | None:
    """Use the set-up link up and begin a draft; return its secret. None for a link that does not work."""
    if len(token) > MAX_SECRET_CHARACTERS or not token.isascii():
        return None
    async with db.globally() as connection:
        if not await connection.fetchval(USE_LINK, sha256(token), now):
            return None
        return await _new_draft(connection, {}, now)


async def begin(db: Database, actor: Actor, your_name: str, *, now: datetime) -> str | list[Refusal]:
    """Begin a draft as an administrator of another time bank; return its secret. Refusals: ``not_allowed``."""
    if refusals := may_start(actor):
        return refusals
    async with db.globally() as connection:
        return await _new_draft(connection, {"your_name": your_name}, now)


def may_start(actor: Actor) -> list[Refusal]:
    """``not_allowed`` for whoever is no administrator."""
    if actor.member_id is not None and actor.has(ADMIN):
        return []
    return [Refusal("not_allowed", "Only an administrator of a time bank can start another one.")]


async def answer(db: Database, secret: str, answers: dict[str, Any], *, now: datetime) -> None:
    """Keep what one step asked.

    Raises:
        NoDraft: there is no such draft, or it has become a time bank.
    """
    async with db.globally() as connection:
        if not await connection.fetchval(ANSWER, sha256(secret), answers, now):
            raise NoDraft


async def draft(db: Database, secret: str, *, now: datetime) -> queries.Draft:
    """What is filled in so far.

    Raises:
        NoDraft: there is no such draft.
    """
    if not SECRET.fullmatch(secret):
        raise NoDraft
    async with db.globally() as connection:
        found = await queries.draft(connection, sha256(secret), now)
    if found is None:
        raise NoDraft
    return found


async def finish(db: Database, secret: str, *, now: datetime) -> Started | list[Refusal]:
    """Make the time bank of a draft. Repeating it returns the same one.

    Refusals: those of :mod:`timebank.governance.start_rules`, of groups and of members; ``step_missing``.

    Raises:
        NoDraft: there is no such draft.
    """

    async def attempt() -> Started:
        async with db.globally() as connection:
            row = await connection.fetchrow(LOCK_DRAFT, sha256(secret), now)
            if row is None:
                raise NoDraft
            if row["timebank_id"] is not None:
                return Started(timebank_id=row["timebank_id"], member_id=row["member_id"], group_id=row["group_id"])
            command = _first_day(row["answers"])
            started = await make(connection, command, now=now)
            # The draft is global; it is written last, while the new time bank is the tenant.
            await connection.execute(MADE, sha256(secret), started.timebank_id, started.member_id, started.group_id)
            return started

    try:
        return await retrying(attempt)
    except Rollback as rollback:
        return rollback.refusals


async def start_at_once(
    db: Database, actor: Actor, command: FirstDay, *, key: str, now: datetime
) -> Started | list[Refusal]:
    """The same without steps, for programs: repeating it with the same key returns the same time bank.

    Refusals: ``not_allowed``, and those of :func:`finish`.
    """
    if refusals := may_start(actor):
        return refusals
    secret = f"{actor.timebank_id}:{actor.name}:{key}"
    async with db.globally() as connection:
        await connection.execute(
            NEW_DRAFT + " on conflict (token_sha256) do nothing",
            sha256(secret),
            _answers(command),
            now,
            now + DRAFT_VALID_FOR,
        )
    return await finish(db, secret, now=now)


async def enter(db: Database, secret: str, device: Device, *, replaces: str, now: datetime) -> SignedIn | None:
    """Sign in whoever made the time bank, once; the draft ends with it. None when there is nothing to enter.

    ``replaces`` is the session cookie that the browser had before, or empty.
    """
    if not SECRET.fullmatch(secret):
        return None
    async with db.globally() as connection:
        row = await connection.fetchrow(END_DRAFT, sha256(secret), now)
    if row is None:
        return None
    path = await create_link(db, system(row["timebank_id"]), row["member_id"], now=now, valid_for=ENTER_WITHIN)
    token = path.rpartition("/")[2]
    return await sign_in_by_link(db, token, device, is_remembered=True, replaces=replaces, now=now)


async def make(connection: Connection, command: FirstDay, *, now: datetime) -> Started:
    """Make a time bank inside an open transaction without a tenant.

    Raises:
        Rollback: with what stands in the way.
    """
    refusals = [
        *start_rules.check_bank(
            name=command.name,
            your_name=command.your_name,
            help_contact=command.help_contact,
            time_zone=command.time_zone,
            currency=command.currency,
        ),
        *start_rules.check_group(command.group_name, command.group_place),
        *start_rules.check_template(command.template),
    ]
    chosen = template(command.template)
    if refusals or chosen is None:
        raise Rollback(refusals)
    bank = await create_within(
        connection,
        CreateTimeBank(
            slug=await _free_slug(connection, command.name),
            name=names.tidy(command.name),
            time_zone=command.time_zone,
            currency=command.currency,
            help_contact=" ".join(command.help_contact.split()),
            holiday_region=start_rules.HOLIDAYS_OF.get(command.time_zone, ""),
            rules=chosen.rules,
            decided_by=f"{names.tidy(command.your_name)}, to begin with",
        ),
    )
    starter = await _add_people(connection, bank, command, now)
    group_id = await make_activity(
        connection,
        Actor(timebank_id=bank.id, member_id=starter, roles=frozenset({ADMIN, COORDINATOR})),
        AddActivity(name=command.group_name, place=command.group_place, default_minutes=command.group_minutes),
    )
    return Started(timebank_id=bank.id, member_id=starter, group_id=group_id)


async def _new_draft(connection: Connection, answers: dict[str, Any], now: datetime) -> str:
    secret = secret_token()
    await connection.execute(END_OLD_DRAFTS, now)
    await connection.execute(NEW_DRAFT, sha256(secret), answers, now, now + DRAFT_VALID_FOR)
    return secret


async def _add_people(connection: Connection, bank: TimeBankFacts, command: FirstDay, now: datetime) -> int:
    """Add whoever starts it, and the first people; return the starter's id."""
    day = today(now, bank.time_zone)
    starter = AddMember(
        display_name=command.your_name,
        joined_on=day,
        roles=(ADMIN, COORDINATOR),
    )
    others = [
        AddMember(
            display_name=person.name,
            phone=person.phone,
            email=person.email,
            contact_route="email" if person.email else "phone" if person.phone else "none",
            joined_on=day,
        )
        for person in command.people
        if names.key(person.name) != names.key(command.your_name)
    ]
    await connection.execute(ONE_AT_A_TIME, bank.id)
    added = await insert_members(connection, system(bank.id), [starter, *others], day=day, now=now)
    return added[0].member_id


async def _free_slug(connection: Connection, name: str) -> str:
    stem = start_rules.slug_stem(name)
    wanted = [stem, *(f"{stem}-{n}" for n in range(2, MAX_SLUG_TRIES))]
    taken = {row["slug"] for row in await connection.fetch(SLUGS, wanted)}
    free = next((slug for slug in wanted if slug not in taken), None)
    return free or f"{stem}-{secrets.token_hex(3)}"


def _answers(command: FirstDay) -> dict[str, Any]:
    return {
        **{name: getattr(command, name) for name in ("name", "your_name", "time_zone", "currency", "help_contact")},
        "template": command.template,
        "group_name": command.group_name,
        "group_place": command.group_place,
        "group_minutes": durations.in_words(command.group_minutes),
        "people": "\n".join(
            ", ".join(part for part in (each.name, each.phone, each.email) if part) for each in command.people
        ),
        "done": list(STEPS),
    }


def _first_day(answers: dict[str, Any]) -> FirstDay:
    """The command that the answers of all steps make.

    Raises:
        Rollback: a step is missing, or the people cannot be read.
    """
    if not set(STEPS) <= set(answers.get("done", [])):
        raise Rollback([Refusal("step_missing", "One of the pages before is not filled in. Go through them again.")])
    minutes = durations.parse(str(answers["group_minutes"]), field="group_minutes")
    people = start_rules.people_in(str(answers["people"]))
    refusals = [each for each in (minutes, *people) if isinstance(each, Refusal)]
    if refusals or isinstance(minutes, Refusal):
        raise Rollback(refusals)
    return FirstDay(
        name=answers["name"],
        your_name=answers["your_name"],
        time_zone=answers["time_zone"],
        currency=answers.get("currency") or "GBP",
        help_contact=answers["help_contact"],
        template=answers["template"],
        group_name=answers["group_name"],
        group_place=answers["group_place"],
        group_minutes=minutes,
        people=tuple(each for each in people if isinstance(each, PersonLine)),
    )
