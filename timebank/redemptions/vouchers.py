"""Vouchers: what happens to the code of a booking when the booking takes a step, and what money moves with it."""

from datetime import datetime
from typing import NamedTuple

from ledger import Post
from timebank.db import Connection, Rollback
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.ids import reference as new_reference
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing, vault
from timebank.kit.words import say
from timebank.messages.service import Message, send
from timebank.payments import entries as payment_entries
from timebank.payments import rules as payment_rules
from timebank.redemptions import rules
from timebank.redemptions import voucher_queries as queries
from timebank.redemptions import voucher_rules as vr
from timebank.redemptions.situation import Situation
from timebank.redemptions.voucher_rules import Terms, VoucherFacts

VOUCHER_CODE, POOL_CODE = "voucher code", "pool code"
CODE_ATTEMPTS = 5

NEW_VOUCHER = """
insert into voucher (timebank_id, redemption_id, payee_id, value_pence, allows_parts, valid_days, returns_hours, state,
                     made_at, expires_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9, $8)
"""
MAKE_LIVE = """
update voucher set state = 'live', expires_at = $3, changed_at = $4 where timebank_id = $1 and id = $2
"""
# Hours that come back do so when the voucher has ended and late tallies are in.
END_BOOKING_SOONER = """
update redemption set expires_at = least(expires_at, $3) where timebank_id = $1 and id = $2
"""
END_CODE = """
update voucher_code set ended_at = $3 where timebank_id = $1 and voucher_id = $2 and ended_at is null
"""
NEW_CODE = """
insert into voucher_code (timebank_id, voucher_id, n, code_hash, sealed, made_by, made_at)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6 from voucher_code where timebank_id = $1 and voucher_id = $2
on conflict (timebank_id, code_hash) do nothing
returning n
"""
CHANGE_STATE = "update voucher set state = $3, changed_at = $4 where timebank_id = $1 and id = $2"
USE_UP = """
update voucher
   set spent_pence = spent_pence + $3, changed_at = $4,
       state = case when spent_pence + $3 >= value_pence then 'used' else 'live' end
 where timebank_id = $1 and id = $2
"""
NEW_USE = """
insert into voucher_use (timebank_id, reference, voucher_id, n, pence, used_on, at, confirmed_by)
select $1, $2, $3, coalesce(max(n), 0) + 1, $4, $5, $6, $7 from voucher_use where timebank_id = $1 and voucher_id = $3
on conflict (timebank_id, reference) do nothing
returning id
"""

ACCEPT = """
with agreed as (
    update redemption set state = 'accepted', changed_at = $3 where timebank_id = $1 and id = $2 returning id
)
insert into redemption_event (timebank_id, redemption_id, n, state, actor_id, at)
select $1, $2, coalesce(max(e.n), 0) + 1, 'accepted', null, $3
  from redemption_event e
 where e.timebank_id = $1 and e.redemption_id = $2 and exists (select from agreed)
"""

# The ones that end first go first. Two at once take two different codes.
TAKE_CODE = """
update pool_code set state = 'given', redemption_id = $3, changed_at = $5
 where timebank_id = $1 and id = (
       select id from pool_code
        where timebank_id = $1 and offer_id = $2 and state = 'free' and (expires_on is null or expires_on >= $4)
        order by expires_on nulls last, id limit 1 for update skip locked)
returning id, expires_on
"""
FREE_CODE = """
update pool_code set state = 'free', redemption_id = null, changed_at = $3
 where timebank_id = $1 and redemption_id = $2 and state = 'given'
"""
SHOW_CODE = """
update pool_code set state = 'shown', changed_at = $3
 where timebank_id = $1 and redemption_id = $2 and state = 'given'
"""
COST = """
select b.payee_id, b.pence_each
  from pool_code c join code_batch b on b.timebank_id = c.timebank_id and b.id = c.batch_id
 where c.timebank_id = $1 and c.redemption_id = $2 and c.state = 'given' and b.pence_each is not null
"""
# Once, until there is more again.
TELL_LOW = """
update voucher_terms set low_told_at = $3
 where timebank_id = $1 and offer_id = $2 and low_told_at is null
returning low_told_at
"""

NEWEST_UPLOAD = "select max(id) from code_batch where timebank_id = $1 and offer_id = $2"

NO_CODES = Refusal("no_codes_left", "None of these are left just now. Choose something else.", "offer_id")


class Money(NamedTuple):
    """What a fulfilled booking does to money: ``pence`` for the supplier (None: the offer's value), and entries.

    ``payee_id``: the supplier when it is not the offer's, because the offer has another one by now.
    """

    pence: int | None
    entries: tuple[Post, ...] = ()
    payee_id: int | None = None


async def after_step(connection: Connection, actor: Actor, situation: Situation, state: str, now: datetime) -> None:
    """Follow a booking that is now in ``state``: make its voucher, give it a code, free or end the code.

    Raises:
        Rollback: ``no_codes_left``, ``no_data_key``; then the step does not happen.
    """
    if situation.offer.kind != "voucher":
        return
    timebank_id, booking = actor.timebank_id, situation.booking
    if state == rules.REQUESTED:
        await _after_request(connection, actor, situation, now)
        return
    voucher = await queries.voucher_of(connection, timebank_id, booking.id, lock=True)
    if state == rules.ACCEPTED:
        await _after_accept(connection, actor, situation, voucher, now)
    elif state == rules.FULFILLED:
        await connection.execute(SHOW_CODE, timebank_id, booking.id, now)
        if voucher is not None and voucher.state in (vr.LIVE, vr.WAITING) and voucher.spent_pence == 0:
            # Handed over by staff: all of it, without the supplier's code.
            await note_use(connection, actor, voucher, voucher.value_pence, situation.today, now)
    elif state == rules.REFUNDED:
        await _end(connection, timebank_id, voucher, vr.CANCELLED, now)
    else:  # cancelled, declined, timed out
        await connection.execute(FREE_CODE, timebank_id, booking.id, now)
        ended = vr.EXPIRED if state == rules.TIMED_OUT else vr.CANCELLED
        await _end(connection, timebank_id, voucher, ended, now)


async def money_of(connection: Connection, actor: Actor, situation: Situation, pence: int | None) -> Money:
    """What fulfilling a booking does to money, decided before it is posted.

    A code bought in advance is paid for already: its cost moves from ``prepaid`` to the expenses. A voucher of ours
    owes what it was worth when it was asked for.
    """
    if situation.offer.kind != "voucher":
        return Money(pence)
    timebank_id, booking = actor.timebank_id, situation.booking
    terms = await queries.terms(connection, timebank_id, situation.offer.id)
    has_code = await queries.pool_code_of(connection, timebank_id, booking.id) is not None
    if has_code or terms.source == vr.POOL:
        cost = await connection.fetchrow(COST, timebank_id, booking.id)
        if cost is None:
            return Money(0)
        entry = payment_entries.used_up_entry(
            payee_id=cost["payee_id"],
            kind=payment_rules.VOUCHER,
            pence=cost["pence_each"],
            currency=situation.bank.currency,
            key=f"fulfil:{booking.id}:prepaid",
            actor=actor,
            effective_on=situation.today,
            reference=booking.reference,
        )
        return Money(0, (entry,))
    voucher = await queries.voucher_of(connection, timebank_id, booking.id)
    if voucher is None:
        return Money(pence)
    return Money(voucher.value_pence if pence is None else pence, payee_id=voucher.payee_id)


async def new_code(connection: Connection, actor: Actor, voucher_id: int, now: datetime) -> None:
    """Give a voucher a new code; the one before ends.

    Raises:
        Rollback: ``no_data_key``.
    """
    try:
        keys = vault()
    except KeyMissing as error:
        raise Rollback([no_key(error)]) from error
    await connection.execute(END_CODE, actor.timebank_id, voucher_id, now)
    for _ in range(CODE_ATTEMPTS):
        code = vr.new_code()
        n = await connection.fetchval(
            NEW_CODE,
            actor.timebank_id,
            voucher_id,
            keys.mark(VOUCHER_CODE, code),
            keys.seal(code),
            actor.member_id,
            now,
        )
        if n is not None:
            return
    raise RuntimeError(f"no free voucher code in {CODE_ATTEMPTS} attempts")


async def note_use(
    connection: Connection, actor: Actor, voucher: VoucherFacts, pence: int, used_on: object, now: datetime
) -> tuple[str, int]:
    """Write down that a part of a locked voucher was used; return the reference and the id of the confirmation."""
    await connection.execute(USE_UP, actor.timebank_id, voucher.id, pence, now)
    for _ in range(CODE_ATTEMPTS):
        reference = new_reference()
        use_id = await connection.fetchval(
            NEW_USE, actor.timebank_id, reference, voucher.id, pence, used_on, now, actor.member_id
        )
        if use_id is not None:
            return reference, use_id
    raise RuntimeError(f"no free reference in {CODE_ATTEMPTS} attempts")


def no_key(error: KeyMissing) -> Refusal:
    """Refusal ``no_data_key``: the service cannot lock or open codes, and who can change that."""
    del error  # what it says is for the administrator, and in the log at the start
    message = say("Codes cannot be opened just now. Your administrator must set the data key.")
    return Refusal("no_data_key", message)


async def _after_request(connection: Connection, actor: Actor, situation: Situation, now: datetime) -> None:
    timebank_id, booking, offer = actor.timebank_id, situation.booking, situation.offer
    terms = await queries.terms(connection, timebank_id, offer.id)
    if terms.source == vr.POOL:
        # This booking is among those that wait for a code already.
        if await queries.stock(connection, timebank_id, offer.id, situation.today) < 0:
            raise Rollback([NO_CODES])
    elif terms.source == vr.OURS and offer.payee_id is not None and offer.value_pence is not None:
        await connection.execute(
            NEW_VOUCHER,
            timebank_id,
            booking.id,
            offer.payee_id,
            offer.value_pence,
            terms.allows_parts,
            terms.valid_days,
            terms.expiry_returns_hours,
            now,
            booking.expires_at,
        )
    if terms.source != vr.HAND and terms.gives_at_once:
        await connection.execute(ACCEPT, timebank_id, booking.id, now)
        voucher = await queries.voucher_of(connection, timebank_id, booking.id, lock=True)
        await _after_accept(connection, actor, situation, voucher, now)
    elif terms.source == vr.POOL:
        await _warn_if_low(connection, situation, terms, now)


async def _after_accept(
    connection: Connection, actor: Actor, situation: Situation, voucher: VoucherFacts | None, now: datetime
) -> None:
    timebank_id, booking, zone = actor.timebank_id, situation.booking, situation.bank.time_zone
    if voucher is not None:
        ends = vr.ends_at(voucher.valid_days, booking.expires_at, now, zone)
        await connection.execute(MAKE_LIVE, timebank_id, voucher.id, ends, now)
        if voucher.returns_hours:
            await connection.execute(END_BOOKING_SOONER, timebank_id, booking.id, ends + vr.GRACE)
        await new_code(connection, actor, voucher.id, now)
        return
    terms = await queries.terms(connection, timebank_id, situation.offer.id)
    if terms.source != vr.POOL:
        return
    code = await connection.fetchrow(TAKE_CODE, timebank_id, situation.offer.id, booking.id, situation.today, now)
    if code is None:
        raise Rollback([NO_CODES])
    if code["expires_on"] is not None:
        await connection.execute(END_BOOKING_SOONER, timebank_id, booking.id, vr.end_of(code["expires_on"], zone))
    await _warn_if_low(connection, situation, terms, now)


async def _end(
    connection: Connection, timebank_id: int, voucher: VoucherFacts | None, state: str, now: datetime
) -> None:
    if voucher is None or voucher.state in (vr.EXPIRED, vr.CANCELLED):
        return
    await connection.execute(CHANGE_STATE, timebank_id, voucher.id, state, now)
    await connection.execute(END_CODE, timebank_id, voucher.id, now)


async def _warn_if_low(connection: Connection, situation: Situation, terms: Terms, now: datetime) -> None:
    """Coordinators hear once that codes run out, and again after more were bought and ran out."""
    timebank_id, offer = situation.bank.id, situation.offer
    left = await queries.stock(connection, timebank_id, offer.id, today(now, situation.bank.time_zone))
    if left > terms.low_stock or await connection.fetchval(TELL_LOW, timebank_id, offer.id, now) is None:
        return
    newest = await connection.fetchval(NEWEST_UPLOAD, timebank_id, offer.id)
    words = f"{left} code{'' if left == 1 else 's'} left"
    await send(
        connection,
        timebank_id,
        [
            Message(
                member_id=member_id,
                kind="low_stock",
                subject=f"Voucher codes run out: {words}",
                body=f"{offer.title}: {words}.\nBuy more codes and upload them.",
                path=f"/vouchers/offers/{offer.id}",
                dedupe=f"low_stock:{offer.id}:{newest}:{member_id}",
            )
            for member_id in await queries.coordinators(connection, timebank_id)
        ],
        now=now,
    )
