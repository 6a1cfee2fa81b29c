"""Seeing a code: every look is written down, for the owner to read. A new code ends the old one; a slip goes on paper.

Showing an uploaded code is the moment at which it counts as used: until then the booking can be cancelled. A voucher of
ours can be shown as often as needed, because only its supplier uses it.
"""

from datetime import date, datetime

import msgspec

from timebank import languages
from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import COORDINATOR, Actor, system
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing, vault
from timebank.kit.words import say
from timebank.redemptions import codes_file, rules, steps
from timebank.redemptions import queries as bookings
from timebank.redemptions import voucher_queries as queries
from timebank.redemptions import voucher_rules as vr
from timebank.redemptions.situation import Situation, situation_of
from timebank.redemptions.vouchers import new_code, no_key

SCREEN, SLIP, PROGRAM = "screen", "slip", "program"

NEW_VIEW = """
insert into code_view (timebank_id, redemption_id, seen_by, at, how) values ($1, $2, $3, $4, $5) returning id
"""
USED = """
update pool_code set state = 'used', changed_at = $3 where timebank_id = $1 and redemption_id = $2 and state = 'shown'
returning id
"""
ASK_FOR_SLIP = """
update voucher set slip_asked_at = coalesce(slip_asked_at, $3), changed_at = $3
 where timebank_id = $1 and redemption_id = $2 and state = 'live'
returning id
"""
SLIP_PRINTED = "update voucher set slip_asked_at = null, changed_at = $3 where timebank_id = $1 and redemption_id = $2"
# The supplier of the day on which a voucher of ours was asked for: nobody else can confirm it.
OWNER = """
select m.language,
       coalesce((select p.name from payee p
                  where p.timebank_id = r.timebank_id and p.id = coalesce(v.payee_id, o.payee_id)), '') as supplier
  from redemption r
  join member m on m.timebank_id = r.timebank_id and m.id = r.member_id
  join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
  left join voucher v on v.timebank_id = r.timebank_id and v.redemption_id = r.id
 where r.timebank_id = $1 and r.id = $2
"""
SLIP_WAITS = "select slip_asked_at is not null from voucher where timebank_id = $1 and redemption_id = $2"
CODES_MADE = "select count(*) from voucher_code where timebank_id = $1 and voucher_id = $2"

NOT_NOW = Refusal("no_code", say("There is no code for this just now. Look at the booking to see why."))
CODE_ENDED = Refusal("code_ended", say("This code has ended. Please talk to us."))


class ShowCode(msgspec.Struct, frozen=True, kw_only=True):
    """Look at the code of a booking; ``how`` is ``screen``, ``slip`` or ``program``."""

    reference: str
    how: str = SCREEN


class ShownCode(msgspec.Struct, frozen=True, kw_only=True):
    """The note that somebody looks at a code, which opens its page for ten minutes."""

    reference: str
    view_id: int


class ChangeCode(msgspec.Struct, frozen=True, kw_only=True):
    """Do something with the code of a booking."""

    reference: str


class ChangedCode(msgspec.Struct, frozen=True, kw_only=True):
    """It was done."""

    reference: str


class OpenedCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code in the open, for its owner: what to say at the till, and until when.

    ``kind`` is ``pool`` or ``ours``; ``state`` is the voucher's or the code's. ``language`` is the owner's, for paper.
    """

    reference: str
    title: str
    kind: str
    state: str
    code: str
    pin: str
    last_day: date | None
    returns_hours: bool
    allows_parts: bool
    left_pence: int
    is_part_used: bool
    supplier: str
    language: str = languages.SOURCE

    @property
    def shown(self) -> str:
        """The code as people read it."""
        return vr.spaced(self.code) if self.kind == vr.OURS else self.code

    @property
    def is_good(self) -> bool:
        """True while it can still be used."""
        return self.state in (vr.LIVE, vr.SHOWN)


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a booking says about its voucher. ``views`` tells the owner who looked."""

    kind: str
    state: str
    last_day: date | None
    returns_hours: bool
    allows_parts: bool
    slip_waits: bool
    uses: tuple[vr.UseFacts, ...]
    views: tuple[queries.View, ...]

    @property
    def can_show(self) -> bool:
        """True when there is a code to look at."""
        return self.state in (vr.LIVE, vr.GIVEN, vr.SHOWN)


async def show(db: Database, actor: Actor, command: ShowCode, *, key: str, now: datetime) -> ShownCode | list[Refusal]:
    """Write down that the actor looks at a code, which lets them open it.

    Looking at an uploaded code for the first time uses it: its hours are spent.
    Refusals: ``no_code``, ``code_ended``, ``not_allowed``, and those of fulfilling a booking.

    Raises:
        LookupError: there is no such booking for this actor.
    """

    async def work(connection: Connection) -> ShownCode:
        return await show_within(connection, actor, command, now)

    return await once(db, actor, "show_code", key, command, ShownCode, work)


async def show_within(connection: Connection, actor: Actor, command: ShowCode, now: datetime) -> ShownCode:
    """Do :func:`show` inside an open transaction. Refusals are raised as ``Rollback``."""
    timebank_id = actor.timebank_id
    situation = await _mine(connection, actor, command.reference, now)
    booking = situation.booking
    voucher = await queries.voucher_of(connection, timebank_id, booking.id, lock=True)
    if voucher is None:
        await _open_pool_code(connection, actor, booking, now)
    elif voucher.state != vr.LIVE:
        raise Rollback([NOT_NOW])
    view_id = await connection.fetchval(NEW_VIEW, timebank_id, booking.id, actor.member_id, now, command.how)
    return ShownCode(reference=booking.reference, view_id=view_id)


async def opened(
    connection: Connection, actor: Actor, reference: str, view_id: int, *, now: datetime
) -> OpenedCode | None:
    """The code that the actor asked to see a moment ago; None when that is over, or was somebody else.

    Raises:
        KeyMissing: the key that it was locked with is not here.
    """
    timebank_id = actor.timebank_id
    booking = await bookings.booking(connection, timebank_id, reference)
    view = await connection.fetchrow(queries.ONE_VIEW, timebank_id, view_id)
    if booking is None or view is None or view["redemption_id"] != booking.id:
        return None
    if (
        view["seen_by"] != actor.member_id
        or now - view["at"] > vr.SHOWN_FOR
        or not rules.may_see(actor, booking.member_id)
    ):
        return None
    return await _opened(connection, timebank_id, booking)


async def views_of(connection: Connection, timebank_id: int, reference: str) -> list[queries.View]:
    """Who looked at the code of a booking, newest first; nobody for one that does not exist."""
    booking = await bookings.booking(connection, timebank_id, reference)
    return [] if booking is None else await queries.views(connection, timebank_id, booking.id)


async def panel(connection: Connection, actor: Actor, booking: bookings.Booking) -> Panel | None:
    """What the page of a booking says about its voucher; None when it has none."""
    timebank_id = actor.timebank_id
    if booking.kind != "voucher":
        return None
    zone = (await banks.by_id(connection, timebank_id)).time_zone
    seen = tuple(await queries.views(connection, timebank_id, booking.id))
    voucher = await queries.voucher_of(connection, timebank_id, booking.id)
    if voucher is not None:
        return Panel(
            kind=vr.OURS,
            state=voucher.state,
            last_day=vr.last_day(voucher.expires_at, zone),
            returns_hours=voucher.returns_hours,
            allows_parts=voucher.allows_parts,
            slip_waits=await _slip_waits(connection, timebank_id, booking.id),
            uses=tuple(await queries.uses(connection, timebank_id, voucher.id)),
            views=seen,
        )
    code = await queries.pool_code_of(connection, timebank_id, booking.id)
    if code is None:
        return None
    return Panel(
        kind=vr.POOL,
        state=code.state,
        last_day=code.expires_on,
        returns_hours=True,
        allows_parts=False,
        slip_waits=False,
        uses=(),
        views=seen,
    )


async def say_used(
    db: Database, actor: Actor, command: ChangeCode, *, key: str, now: datetime
) -> ChangedCode | list[Refusal]:
    """The owner has used an uploaded code: it is not shown again. Refusals: ``no_code``. Raises LookupError."""

    async def work(connection: Connection) -> ChangedCode:
        situation = await _mine(connection, actor, command.reference, now)
        if await connection.fetchval(USED, actor.timebank_id, situation.booking.id, now) is None:
            raise Rollback([NOT_NOW])
        return ChangedCode(reference=situation.booking.reference)

    return await once(db, actor, "say_code_used", key, command, ChangedCode, work)


async def replace(
    db: Database, actor: Actor, command: ChangeCode, *, key: str, now: datetime
) -> ChangedCode | list[Refusal]:
    """Make a new code for a voucher of ours; the old one stops working. Its owner may, and whoever coordinates.

    Refusals: ``no_code``, ``too_many_codes``, ``no_data_key``. Raises LookupError.
    """

    async def work(connection: Connection) -> ChangedCode:
        situation = await _mine(connection, actor, command.reference, now)
        voucher = await queries.voucher_of(connection, actor.timebank_id, situation.booking.id, lock=True)
        if voucher is None or voucher.state != vr.LIVE:
            raise Rollback([NOT_NOW])
        if await connection.fetchval(CODES_MADE, actor.timebank_id, voucher.id) >= vr.MAX_CODES_OF_VOUCHER:
            raise Rollback([Refusal("too_many_codes", say("This had many new codes already. Please talk to us."))])
        await new_code(connection, actor, voucher.id, now)
        return ChangedCode(reference=situation.booking.reference)

    return await once(db, actor, "replace_code", key, command, ChangedCode, work)


async def ask_for_slip(
    db: Database, actor: Actor, command: ChangeCode, *, key: str, now: datetime
) -> ChangedCode | list[Refusal]:
    """Put a slip with the code in the queue to be printed and posted. Refusals: ``no_code``. Raises LookupError."""

    async def work(connection: Connection) -> ChangedCode:
        situation = await _mine(connection, actor, command.reference, now)
        if await connection.fetchval(ASK_FOR_SLIP, actor.timebank_id, situation.booking.id, now) is None:
            raise Rollback([NOT_NOW])
        return ChangedCode(reference=situation.booking.reference)

    return await once(db, actor, "ask_for_slip", key, command, ChangedCode, work)


async def print_slips(
    db: Database, actor: Actor, references: tuple[str, ...], *, now: datetime
) -> list[OpenedCode] | list[Refusal]:
    """The codes of these bookings for their slips; each look is written down, and the slip leaves the queue.

    What has no code any more is left out. Printing again is harmless, and noted again.
    Refusals: ``nothing_to_print``, ``no_data_key``.
    """
    found = []
    try:
        async with db.writing(actor.timebank_id) as connection:
            for reference in references:
                try:
                    await _mine(connection, actor, reference, now)
                except LookupError:
                    continue
                booking = await bookings.booking(connection, actor.timebank_id, reference)
                assert booking is not None
                code = await _opened(connection, actor.timebank_id, booking)
                if code is None or code.kind != vr.OURS or not code.is_good:
                    continue
                await connection.execute(NEW_VIEW, actor.timebank_id, booking.id, actor.member_id, now, SLIP)
                await connection.execute(SLIP_PRINTED, actor.timebank_id, booking.id, now)
                found.append(code)
    except KeyMissing as error:
        return [no_key(error)]
    if not found:
        return [Refusal("nothing_to_print", say("There is no slip to print. The voucher is used, or has ended."))]
    return found


async def _mine(connection: Connection, actor: Actor, reference: str, now: datetime) -> Situation:
    """The locked booking, for its member, who acts for them, or a coordinator; nobody else learns that it is there."""
    situation = await situation_of(connection, actor.timebank_id, reference, now)
    if actor.member_id is None or not rules.may_see(actor, situation.booking.member_id):
        raise LookupError(reference)
    return situation


async def _open_pool_code(connection: Connection, actor: Actor, booking: rules.BookingFacts, now: datetime) -> None:
    timebank_id = actor.timebank_id
    code = await queries.pool_code_of(connection, timebank_id, booking.id)
    if code is None or code.state not in (vr.GIVEN, vr.SHOWN):
        raise Rollback([NOT_NOW])
    bank = await banks.by_id(connection, timebank_id)
    if code.expires_on is not None and code.expires_on < today(now, bank.time_zone):
        raise Rollback([CODE_ENDED])
    if code.state == vr.GIVEN:
        if booking.member_id != actor.subject_id and not actor.has(COORDINATOR):
            raise Rollback([NOT_NOW])
        # Nobody decides here: whoever presses "Show my code" was told that this is the moment.
        await steps.fulfil_within(connection, system(timebank_id), booking.reference, now=now)


async def _opened(connection: Connection, timebank_id: int, booking: bookings.Booking) -> OpenedCode | None:
    bank = await banks.by_id(connection, timebank_id)
    owner = await connection.fetchrow(OWNER, timebank_id, booking.id)
    voucher = await queries.voucher_of(connection, timebank_id, booking.id)
    if voucher is not None:
        row = await connection.fetchrow(queries.CODE_IN_USE, timebank_id, voucher.id)
        if row is None:
            return None
        return OpenedCode(
            reference=booking.reference,
            title=booking.title,
            kind=vr.OURS,
            state=voucher.state,
            code=vault().unseal(row["sealed"]),
            pin="",
            last_day=vr.last_day(voucher.expires_at, bank.time_zone),
            returns_hours=voucher.returns_hours,
            allows_parts=voucher.allows_parts,
            left_pence=voucher.left_pence,
            is_part_used=voucher.spent_pence > 0,
            supplier=owner["supplier"],
            language=owner["language"],
        )
    found = await queries.pool_code_of(connection, timebank_id, booking.id)
    if found is None or found.state != vr.SHOWN:
        return None
    code, pin = codes_file.opened(vault().unseal(found.sealed))
    return OpenedCode(
        reference=booking.reference,
        title=booking.title,
        kind=vr.POOL,
        state=found.state,
        code=code,
        pin=pin,
        last_day=found.expires_on,
        returns_hours=False,
        allows_parts=False,
        left_pence=0,
        is_part_used=False,
        supplier=owner["supplier"],
        language=owner["language"],
    )


async def _slip_waits(connection: Connection, timebank_id: int, redemption_id: int) -> bool:
    return bool(await connection.fetchval(SLIP_WAITS, timebank_id, redemption_id))
