"""A practice time bank: made-up people, a group that met last week, and nothing that is real.

Each coordinator has one of their own, and can begin afresh. Its short name says that it is for practice, which is what
the banner and the messages look at: nothing is ever sent from it.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from timebank.activities.service import AddActivity, make_activity
from timebank.banks import queries as banks
from timebank.banks.rules import MAX_NAME, PRACTICE_PREFIX, TimeBankFacts, is_practice
from timebank.banks.service import CreateTimeBank, create_within
from timebank.contributions.rules import Line
from timebank.contributions.service import SaveRegister, save_register
from timebank.db import Connection, Database, Rollback, retrying
from timebank.identity.service import create_link
from timebank.kit.actor import ADMIN, COORDINATOR, Actor, system
from timebank.kit.clock import today
from timebank.kit.ids import sha256
from timebank.kit.refusal import Refusal
from timebank.members.adding import ONE_AT_A_TIME, AddMember, insert_members

MAX_PRACTICE_BANKS = 20  # for each coordinator; ledger entries can never be deleted
LINK_VALID_FOR = timedelta(minutes=5)
BACK_WITHIN = timedelta(hours=12)
PEOPLE = (
    "Anna Practice", "Ben Practice", "Carlos Practice", "Daisy Practice", "Emre Practice", "Farah Practice",
    "George Practice", "Hetty Practice", "Ivan Practice", "Jo Practice", "Kemi Practice", "Luc Practice",
)  # fmt: skip
CAME_LAST_TIME = 9
GROUP, PLACE, GROUP_MINUTES = "Practice lunch club", "The practice room", 120

ONE_AT_ONCE = "select pg_advisory_xact_lock(hashtextextended('practice ' || $1::text, 0))"
THERE = "select id, slug from timebank where slug like $1 || '%' order by id"
COORDINATOR_OF = "select min(member_id) from member_role where timebank_id = $1 and role = 'coordinator'"


class Practice(msgspec.Struct, frozen=True, kw_only=True):
    """A practice time bank and the member that its coordinator is there."""

    timebank_id: int
    member_id: int


async def open_practice(
    db: Database, actor: Actor, display_name: str, *, afresh: bool = False, now: datetime
) -> Practice | list[Refusal]:
    """The coordinator's practice time bank, made when there is none yet or ``afresh``.

    Refusals: ``not_allowed``; ``in_practice`` inside a practice time bank; ``too_many`` after MAX_PRACTICE_BANKS.
    """
    if actor.member_id is None or not actor.has(COORDINATOR):
        return [Refusal("not_allowed", "Only a coordinator can practise. Ask a coordinator of your time bank.")]

    async def attempt() -> tuple[Practice, int | None]:
        async with db.globally() as connection:
            return await _open(connection, actor, display_name, afresh=afresh, now=now)

    try:
        practice, group_id = await retrying(attempt)
    except Rollback as rollback:
        return rollback.refusals
    await _log_last_week(db, practice, group_id, now)
    return practice


async def way_in(db: Database, practice: Practice, *, now: datetime) -> str:
    """The secret of a one-time link that signs the coordinator in there."""
    path = await create_link(db, system(practice.timebank_id), practice.member_id, now=now, valid_for=LINK_VALID_FOR)
    return path.rpartition("/")[2]


async def way_back(db: Database, actor: Actor, *, now: datetime) -> str:
    """The secret of a one-time link back to where the coordinator came from; it works for half a day."""
    if actor.member_id is None:
        raise LookupError("nobody")
    path = await create_link(db, actor, actor.member_id, now=now, valid_for=BACK_WITHIN)
    return path.rpartition("/")[2]


async def _open(
    connection: Connection, actor: Actor, display_name: str, *, afresh: bool, now: datetime
) -> tuple[Practice, int | None]:
    home = await banks.by_id(connection, actor.timebank_id)
    if is_practice(home.slug):
        raise Rollback([Refusal("in_practice", "You are in a practice time bank already.")])
    stem = f"{PRACTICE_PREFIX}{actor.timebank_id}-{actor.member_id}-"
    await connection.execute(ONE_AT_ONCE, stem)
    there = await connection.fetch(THERE, stem)
    if there and not afresh:
        newest = there[-1]["id"]
        await connection.execute("select set_config('ledger.book', $1, true)", str(newest))
        member_id = await connection.fetchval(COORDINATOR_OF, newest)
        group_id = await connection.fetchval("select min(id) from activity where timebank_id = $1", newest)
        return Practice(timebank_id=newest, member_id=member_id), group_id
    if len(there) >= MAX_PRACTICE_BANKS:
        raise Rollback([Refusal("too_many", "You began afresh often enough. Go on in the practice you have.")])
    bank = await create_within(
        connection,
        CreateTimeBank(
            slug=f"{stem}{len(there) + 1}",
            name=f"Practice for {home.name}"[:MAX_NAME],
            time_zone=home.time_zone,
            currency=home.currency,
            holiday_region=home.holiday_region,
            help_contact=home.help_contact,
            for_practice=True,
            decided_by="nobody: this is practice",
        ),
    )
    return await _fill(connection, bank, display_name, now)


async def _fill(connection: Connection, bank: TimeBankFacts, display_name: str, now: datetime) -> tuple[Practice, int]:
    day = today(now, bank.time_zone)
    joined_on = day - timedelta(days=60)
    members = [AddMember(display_name=display_name, joined_on=joined_on, roles=(ADMIN, COORDINATOR))]
    members += [AddMember(display_name=name, joined_on=joined_on) for name in PEOPLE]
    await connection.execute(ONE_AT_A_TIME, bank.id)
    added = await insert_members(connection, system(bank.id), members, day=day, now=now)
    coordinator = Actor(timebank_id=bank.id, member_id=added[0].member_id, roles=frozenset({ADMIN, COORDINATOR}))
    group_id = await make_activity(
        connection, coordinator, AddActivity(name=GROUP, place=PLACE, default_minutes=GROUP_MINUTES)
    )
    return Practice(timebank_id=bank.id, member_id=added[0].member_id), group_id


async def _log_last_week(db: Database, practice: Practice, group_id: int | None, now: datetime) -> None:
    """Save last week's register, so that “Log again” has somebody to tick. Safe to repeat."""
    if group_id is None:
        return
    coordinator = Actor(
        timebank_id=practice.timebank_id, member_id=practice.member_id, roles=frozenset({ADMIN, COORDINATOR})
    )
    async with db.reading(practice.timebank_id) as connection:
        bank = await banks.by_id(connection, practice.timebank_id)
        if await connection.fetchval("select exists (select from register where timebank_id = $1)", bank.id):
            return
        people = await connection.fetch(
            "select id from member where timebank_id = $1 and id <> $2 order by id limit $3",
            bank.id,
            practice.member_id,
            CAME_LAST_TIME,
        )
    day = today(now, bank.time_zone) - timedelta(days=7)
    moment = min(datetime.combine(day, time(14), ZoneInfo(bank.time_zone)), now)
    lines = tuple(
        Line(member_id=row["id"], held_on=day, minutes=GROUP_MINUTES, what="Cooked and served lunch") for row in people
    )
    saved = await save_register(
        db,
        coordinator,
        SaveRegister(activity_id=group_id, lines=lines),
        key=f"practice-{sha256(str(bank.id)).hex()[:16]}",
        now=moment,
    )
    if isinstance(saved, list):
        raise RuntimeError(f"the practice register was refused: {saved}")
