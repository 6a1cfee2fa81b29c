"""Vouchers that end: a reminder before, and what their rule says afterwards. Background work, harmless to repeat."""

from datetime import datetime

from timebank.banks import queries as banks
from timebank.db import Database
from timebank.kit.actor import system
from timebank.kit.words import say
from timebank.messages.service import Message, send
from timebank.redemptions import codes, rules, steps
from timebank.redemptions import voucher_queries as queries
from timebank.redemptions import voucher_rules as vr
from timebank.redemptions.situation import situation_of

MAX_IN_A_ROUND = 200

REMIND = """
update voucher v set reminded_at = $2
  from redemption r join offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
 where v.timebank_id = $1 and v.state = 'live' and v.reminded_at is null and v.expires_at <= $3 and v.expires_at > $2
   and r.timebank_id = v.timebank_id and r.id = v.redemption_id
   and v.made_at < v.expires_at - $4::interval
returning r.reference, r.member_id, o.title, v.expires_at, v.returns_hours and v.spent_pence = 0 as returns_hours
"""
# Those whose hours come back end with their booking, which times out by itself.
DUE = """
select r.reference
  from voucher v join redemption r on r.timebank_id = v.timebank_id and r.id = v.redemption_id
 where v.timebank_id = $1 and v.state = 'live' and v.expires_at <= $2
   and (not v.returns_hours or v.spent_pence > 0)
 order by v.id limit $3
"""
END = "update voucher set state = 'expired', changed_at = $3 where timebank_id = $1 and id = $2"
END_CODE = "update voucher_code set ended_at = $3 where timebank_id = $1 and voucher_id = $2 and ended_at is null"


async def end_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Remind of vouchers that end soon, end those whose time is over, and take old codes out of the pool.

    A voucher ends three days after its last day, when tallies that come late are in. Return how many ended.
    """
    await _remind(db, timebank_id, now)
    async with db.writing(timebank_id) as connection:
        await codes.expire_within(connection, system(timebank_id), now)
    async with db.reading(timebank_id) as connection:
        due = [row["reference"] for row in await connection.fetch(DUE, timebank_id, now - vr.GRACE, MAX_IN_A_ROUND)]
    for reference in due:
        await _end(db, timebank_id, reference, now)
    return len(due)


async def _end(db: Database, timebank_id: int, reference: str, now: datetime) -> None:
    """One voucher in a transaction of its own: its hours are used up where the rule says so."""
    async with db.writing(timebank_id) as connection:
        situation = await situation_of(connection, timebank_id, reference, now)
        booking = situation.booking
        voucher = await queries.voucher_of(connection, timebank_id, booking.id, lock=True)
        if voucher is None or voucher.state != vr.LIVE or now < voucher.expires_at + vr.GRACE:
            return
        await connection.execute(END, timebank_id, voucher.id, now)
        await connection.execute(END_CODE, timebank_id, voucher.id, now)
        if booking.state == rules.ACCEPTED and now < booking.expires_at:
            await steps.fulfil_within(connection, system(timebank_id), reference, pence=0, now=now)
        message = Message(
            member_id=booking.member_id,
            kind="voucher_ended",
            subject=say("Your voucher has ended: {reference}", reference=reference),
            body=say(
                "You did not use all of this in time: {title}. It does not work any more.", title=situation.offer.title
            ),
            path=f"/bookings/{reference}",
            dedupe=f"voucher:{reference}:ended",
        )
        await send(connection, timebank_id, [message], now=now)


async def _remind(db: Database, timebank_id: int, now: datetime) -> None:
    async with db.writing(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
        rows = await connection.fetch(REMIND, timebank_id, now, now + vr.REMIND_BEFORE, vr.REMIND_BEFORE)
        messages = []
        for row in rows:
            day = vr.last_day(row["expires_at"], bank.time_zone)
            after = (
                say("If you do not use it, your hours come back.")
                if row["returns_hours"]
                else say("After that day it does not work any more.")
            )
            messages.append(
                Message(
                    member_id=row["member_id"],
                    kind="voucher_ends_soon",
                    subject=say("Use your voucher by {day}", day=day),
                    body=say("{title} works until {day}. {after}", title=row["title"], day=day, after=after),
                    path=f"/bookings/{row['reference']}",
                    dedupe=f"voucher:{row['reference']}:reminder",
                )
            )
        await send(connection, timebank_id, messages, now=now)
