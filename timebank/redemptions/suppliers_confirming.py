"""A supplier confirms a voucher: at the till, or later from a paper tally. Each confirmation makes exactly one payment.

Wrong codes are counted, by link and by network, in the database: a code is worth as much as its voucher. A code of
another supplier or another time bank gets the same answer as one that never was.
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

import msgspec

from ledger import Posted, Refused, post_batch
from timebank.budgets import service as budgets
from timebank.budgets.queries import coding_of
from timebank.db import Connection, Database, Rollback, once
from timebank.identity.rules import PAUSE, Device, paused_until
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing, vault
from timebank.kit.words import say
from timebank.payees.service import open_payable_account
from timebank.payments import entries as payment_entries
from timebank.payments import service as payments
from timebank.payments.rules import NewPayable
from timebank.redemptions import rules, steps
from timebank.redemptions import voucher_queries as queries
from timebank.redemptions import voucher_rules as vr
from timebank.redemptions.situation import Situation, situation_of
from timebank.redemptions.suppliers import Till, may_arrange
from timebank.redemptions.voucher_rules import VoucherFacts
from timebank.redemptions.vouchers import VOUCHER_CODE, no_key, note_use

Answer = TypeVar("Answer")

SOURCE: Final = "voucher_use"
MAX_WRONG_PER_LINK = 10
MAX_WRONG_PER_NETWORK = 30  # a shopping centre shares one network
KEEP_ATTEMPTS = timedelta(days=30)

PAUSED = Refusal(
    "paused", say("There were too many wrong codes. Wait 15 minutes and try again, or phone the time bank."), "code"
)

LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
TRIES_OF_LINK = "select at from voucher_attempt where link_id = $1 and at > $2 order by at desc limit $3"
TRIES_OF_NETWORK = "select at from voucher_attempt where network = $1 and at > $2 order by at desc limit $3"
NEW_TRY = "insert into voucher_attempt (link_id, network, at) values ($1, $2, $3) returning id"
FORGET_TRY = "delete from voucher_attempt where id = $1"
FORGET_OLD = """
delete from voucher_attempt where id in (select id from voucher_attempt where at < $1 order by id limit 10000)
"""


class LookedAt(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher that can be confirmed, as its supplier sees it. ``first_name`` is all they learn of the member."""

    code: str
    title: str
    first_name: str
    left_pence: int
    value_pence: int
    allows_parts: bool
    last_day: date


class Confirm(msgspec.Struct, frozen=True, kw_only=True):
    """Use a voucher: ``pence`` of it, or all that is left. ``used_on`` is the day on a paper tally, else today."""

    code: str
    pence: int | None = None
    used_on: date | None = None


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """It is confirmed: the reference, what for, how much, what is left, and the payment that it made."""

    reference: str
    title: str
    pence: int
    left_pence: int
    used_on: date
    at: datetime
    payable: str


async def look(db: Database, till: Till, typed: str, device: Device, *, now: datetime) -> LookedAt | list[Refusal]:
    """What a code is for, before it is confirmed. Nothing changes, but wrong codes are counted.

    Refusals: ``mistyped``, ``unknown_code``, ``replaced``, ``paused``, ``no_data_key``, and those of ``check_use``.
    """
    code = vr.read_code(typed)
    if code is None:
        return [vr.MISTYPED]

    async def work() -> LookedAt | list[Refusal]:
        async with db.reading(till.timebank_id) as connection:
            marks = vault().marks(VOUCHER_CODE, code)
            found = await queries.by_code(connection, till.timebank_id, till.payee_id, marks)
            if found is None:
                return [vr.UNKNOWN]
            if found.is_replaced:
                return [await _ended(connection, till.timebank_id, found.voucher_id, till.time_zone)]
            voucher = await _voucher(connection, till.timebank_id, found.voucher_id, lock=False)
            refusals = vr.check_use(
                voucher,
                await queries.uses(connection, till.timebank_id, voucher.id),
                pence=None,
                used_on=today(now, till.time_zone),
                currency=till.currency,
                time_zone=till.time_zone,
                now=now,
            )
        if refusals:
            return refusals
        return LookedAt(
            code=code,
            title=found.title,
            first_name=found.first_name if found.member_kind == "person" else "",
            left_pence=voucher.left_pence,
            value_pence=voucher.value_pence,
            allows_parts=voucher.allows_parts,
            last_day=vr.last_day(voucher.expires_at, till.time_zone),
        )

    return await _counted(db, till, device, now, work)


async def confirm(
    db: Database, till: Till, command: Confirm, device: Device, *, key: str, now: datetime
) -> Confirmed | list[Refusal]:
    """A supplier confirms at their till. Refusals: those of :func:`look`."""
    if vr.read_code(command.code) is None:
        return [vr.MISTYPED]

    async def work() -> Confirmed | list[Refusal]:
        return await _confirm(db, till.actor, till.payee_id, command, key=key, now=now)

    return await _counted(db, till, device, now, work)


async def confirm_for(
    db: Database, actor: Actor, payee_id: int, command: Confirm, *, key: str, now: datetime
) -> Confirmed | list[Refusal]:
    """Staff type in what a supplier confirmed on paper. Not about their own hours.

    Refusals: ``not_allowed``, ``own_booking``, and those of :func:`look` without a pause.
    """
    if refusals := may_arrange(actor):
        return refusals
    if vr.read_code(command.code) is None:
        return [vr.MISTYPED]
    return await _confirm(db, actor, payee_id, command, key=key, now=now)


async def forget_attempts(db: Database, _timebank_id: int, now: datetime) -> None:
    """Delete wrong tries after a month. They belong to no time bank: whichever comes first deletes."""
    async with db.globally() as connection:
        await connection.execute(FORGET_OLD, now - KEEP_ATTEMPTS)


async def _confirm(
    db: Database, actor: Actor, payee_id: int, command: Confirm, *, key: str, now: datetime
) -> Confirmed | list[Refusal]:
    code = vr.read_code(command.code) or ""
    try:
        marks = vault().marks(VOUCHER_CODE, code)
    except KeyMissing as error:
        return [no_key(error)]
    # What is remembered of the request must not give the code away.
    content = (payee_id, marks[0].hex(), command.pence, command.used_on)

    async def work(connection: Connection) -> Confirmed:
        found = await queries.by_code(connection, actor.timebank_id, payee_id, marks)
        if found is None:
            raise Rollback([vr.UNKNOWN])
        situation = await situation_of(connection, actor.timebank_id, found.reference, now)
        if found.is_replaced:
            zone = situation.bank.time_zone
            raise Rollback([await _ended(connection, actor.timebank_id, found.voucher_id, zone)])
        return await _use(connection, actor, situation, found.voucher_id, command, now)

    return await once(db, actor, "confirm_voucher", key, content, Confirmed, work)


async def _use(
    connection: Connection, actor: Actor, situation: Situation, voucher_id: int, command: Confirm, now: datetime
) -> Confirmed:
    timebank_id, bank, booking = actor.timebank_id, situation.bank, situation.booking
    voucher = await _voucher(connection, timebank_id, voucher_id, lock=True)
    used_on = command.used_on or situation.today
    refusals = vr.check_use(
        voucher,
        await queries.uses(connection, timebank_id, voucher.id),
        pence=command.pence,
        used_on=used_on,
        currency=bank.currency,
        time_zone=bank.time_zone,
        now=now,
    )
    if actor.member_id is not None and actor.member_id == booking.member_id:
        refusals.append(Refusal("own_booking", say("This is your own voucher. Ask a colleague to type it in."), "code"))
    if refusals:
        raise Rollback(refusals)
    pence = voucher.left_pence if command.pence is None else command.pence
    await budgets.lock(connection, timebank_id, situation.offer.budget_id)
    reference, use_id = await note_use(connection, actor, voucher, pence, used_on, now)
    if booking.state in rules.OPEN_STATES:
        # The first time: the hours are spent, and the booking makes the payment.
        await steps.fulfil_within(connection, _vouched_for(actor, voucher), booking.reference, pence=pence, now=now)
        payable = await payments.reference_of(connection, timebank_id, steps.SOURCE, booking.id)
    else:
        payable = await _owe(connection, actor, situation, voucher, pence, use_id, used_on)
        await steps.check_money(connection, actor, situation.offer.budget_id)
    return Confirmed(
        reference=reference,
        title=situation.offer.title,
        pence=pence,
        left_pence=voucher.left_pence - pence,
        used_on=used_on,
        at=now,
        payable=payable,
    )


def _vouched_for(actor: Actor, voucher: VoucherFacts) -> Actor:
    """Who fulfils the booking: the supplier of the voucher, even where the offer has another one by now.

    Staff who type in a tally stand behind the payment themselves.
    """
    return Actor(
        timebank_id=actor.timebank_id,
        member_id=actor.member_id,
        roles=frozenset({COORDINATOR}),
        supplier_id=voucher.payee_id if actor.member_id is None else None,
    )


async def _owe(
    connection: Connection,
    actor: Actor,
    situation: Situation,
    voucher: VoucherFacts,
    pence: int,
    use_id: int,
    used_on: date,
) -> str:
    """A further part: the hours are spent already, and the part makes a payment of its own."""
    offer = situation.offer
    coding = await coding_of(connection, actor.timebank_id, offer.budget_id, offer.order_id)
    owed = NewPayable(
        kind="voucher",
        payee_id=voucher.payee_id,
        pence=pence,
        currency=situation.bank.currency,
        description=f"{situation.offer.title}, booking {situation.booking.reference}",
        source_kind=SOURCE,
        source_id=use_id,
        earned_on=used_on,
        due_on=situation.today + timedelta(days=situation.rules.payment_days),
        budget_id=coding.budget_id,
        nominal_code=coding.nominal_code,
        order_number=coding.order_number,
    )
    await open_payable_account(connection, actor.timebank_id, voucher.payee_id)
    entry = payment_entries.expense_entry(
        owed, key=f"voucher_used:{use_id}:1", actor=actor, effective_on=situation.today
    )
    (result,) = await post_batch(connection, actor.timebank_id, [entry])
    if isinstance(result, Refused):
        message = say("This cannot be confirmed just now. Please phone the time bank.")
        raise Rollback([Refusal("ledger_refused", message)])
    assert isinstance(result, Posted)
    return await payments.record_payable(
        connection, actor, owed, entry_id=result.entry_id, now=situation.now, is_promised=True
    )


async def _voucher(connection: Connection, timebank_id: int, voucher_id: int, *, lock: bool) -> VoucherFacts:
    row = await connection.fetchrow(queries.VOUCHER_BY_ID + (queries.LOCK if lock else ""), timebank_id, voucher_id)
    return msgspec.convert(dict(row), VoucherFacts)


async def _ended(connection: Connection, timebank_id: int, voucher_id: int, time_zone: str) -> Refusal:
    """Why a code that ended does not work: its voucher was cancelled or has ended, or there is a newer code."""
    voucher = await _voucher(connection, timebank_id, voucher_id, lock=False)
    if voucher.state == vr.CANCELLED:
        return vr.CANCELLED_ONE
    if voucher.state == vr.EXPIRED:
        return vr.has_ended(voucher.expires_at, time_zone)
    return vr.REPLACED


async def _counted(
    db: Database,
    till: Till,
    device: Device,
    now: datetime,
    work: Callable[[], Awaitable[Answer | list[Refusal]]],
) -> Answer | list[Refusal]:
    """Do something with a code, unless there were too many wrong ones; it counts until it is known to be right."""
    async with db.globally() as connection:
        await connection.execute(LOCK, f"voucher network {device.network}")
        await connection.execute(LOCK, f"voucher link {till.link_id}")
        for query, whose, limit in (
            (TRIES_OF_LINK, till.link_id, MAX_WRONG_PER_LINK),
            (TRIES_OF_NETWORK, device.network, MAX_WRONG_PER_NETWORK),
        ):
            rows = await connection.fetch(query, whose, now - 2 * PAUSE, limit)
            until = paused_until([row["at"] for row in rows], limit, PAUSE)
            if until is not None and now < until:
                return [PAUSED]
        try_id = await connection.fetchval(NEW_TRY, till.link_id, device.network, now)
    try:
        answer = await work()
    except KeyMissing as error:
        answer = [no_key(error)]
    if not (isinstance(answer, list) and any(refusal.code == vr.UNKNOWN.code for refusal in answer)):
        async with db.globally() as connection:
            await connection.execute(FORGET_TRY, try_id)
    return answer
