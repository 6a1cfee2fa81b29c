"""What waits in money for those who work here: claims, advances, payments, fees and bank details.

The first page says it, and a job reminds each of them once on a working day: one message, however much waits.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from timebank.banks import queries as banks
from timebank.claims import access_queries, deciders
from timebank.db import Connection, Database
from timebank.fees import queries as fees
from timebank.kit.actor import FINANCE, Actor
from timebank.kit.working_days import is_working_day
from timebank.messages.service import Message, send
from timebank.payees import queries as payees
from timebank.payments import reminding

FROM_HOUR: Final = 8
"""The reminder comes in the morning, on the clock of the time bank."""

IN_FINANCE = """
select m.id from member m
  join member_role r on r.timebank_id = m.timebank_id and r.member_id = m.id and r.role = 'finance'
 where m.timebank_id = $1 and m.status = 'active'
 order by m.id
"""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What one person may do now, and how many of each. ``stuck`` claims have nobody who may decide about them: whoever
    may name a deputy hears of them. ``without_account`` payees are owed money by bank and have no account.
    """

    decides: bool = False
    claims: int = 0
    stuck: int = 0
    advances: int = 0
    payables: int = 0
    without_rate: int = 0
    accounts: int = 0
    without_account: int = 0

    @property
    def is_any(self) -> bool:
        """True when anything waits."""
        return any((self.claims, self.stuck, self.advances, *self._of_finance))

    @property
    def path(self) -> str:
        """Where it is done: claims, payments, or the first page when it is both."""
        is_claims = any((self.claims, self.stuck, self.advances))
        return "/" if is_claims and any(self._of_finance) else "/claims" if is_claims else "/payments"

    @property
    def sentences(self) -> list[str]:
        """What waits, each in a sentence."""
        return [
            (one if count == 1 else many).format(count)
            for count, one, many in (
                (self.claims, "1 claim waits to be looked at.", "{} claims wait to be looked at."),
                (
                    self.stuck,
                    "1 claim has nobody who may decide. Name a deputy.",
                    "{} claims have nobody who may decide. Name a deputy.",
                ),
                (self.advances, "1 advance waits to be settled.", "{} advances wait to be settled."),
                (self.payables, "1 payment waits for approval.", "{} payments wait for approval."),
                (self.without_rate, "1 fee has no rate yet.", "{} fees have no rate yet."),
                (self.accounts, "1 bank account waits to be checked.", "{} bank accounts wait to be checked."),
                (
                    self.without_account,
                    "1 payee is owed money and has no account.",
                    "{} payees are owed money and have no account.",
                ),
            )
            if count
        ]

    @property
    def _of_finance(self) -> tuple[int, ...]:
        return self.payables, self.without_rate, self.accounts, self.without_account


async def waiting_for(connection: Connection, actor: Actor, on: date) -> Waiting | None:
    """What waits for this person; None when money is not their work, or while they act for somebody."""
    if actor.member_id is None or actor.on_behalf_of is not None:
        return None
    decider = await deciders.as_decider(connection, actor, on)
    if decider is None and not actor.has(FINANCE):
        return None
    able = await deciders.able(connection, actor.timebank_id, on) if decider else []
    finance = [actor.member_id] if actor.has(FINANCE) else []
    return (await _waiting(connection, actor.timebank_id, able, finance, on)).get(actor.member_id)


async def remind(db: Database, timebank_id: int, now: datetime) -> None:
    """A job: tell everybody for whom money waits, once on each working day."""
    async with db.writing(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
        here = now.astimezone(ZoneInfo(bank.time_zone))
        if here.hour < FROM_HOUR or not is_working_day(here.date(), bank.holiday_region):
            return
        on = here.date()
        able = await deciders.able(connection, timebank_id, on)
        finance = [row["id"] for row in await connection.fetch(IN_FINANCE, timebank_id)]
        found = await _waiting(connection, timebank_id, able, finance, on)
        messages = [
            Message(
                member_id=member_id,
                kind="money_waiting",
                subject="Claims and payments wait for you",
                body="\n".join(one.sentences),
                dedupe=f"money:{member_id}:{on}",
                path=one.path,
            )
            for member_id, one in found.items()
            if one.is_any
        ]
        if messages:
            await send(connection, timebank_id, messages, now=now)


async def _waiting(
    connection: Connection, timebank_id: int, able: Sequence[deciders.Decider], finance: Sequence[int], on: date
) -> dict[int, Waiting]:
    """What waits for each of these people: those who decide about claims, and those in finance."""
    claims, stuck = await deciders.waiting(connection, timebank_id, able)
    decides = {one.id: one.by_role for one in able}
    advances = await access_queries.to_settle(connection, timebank_id, list(decides), on)
    payables: dict[int, int] = {}
    accounts: dict[int, int] = {}
    without_rate = without_account = 0
    if finance:
        payables = await reminding.to_approve(connection, timebank_id, finance)
        accounts = await payees.to_confirm(connection, timebank_id, finance)
        without_rate = await fees.without_rate_count(connection, timebank_id)
        without_account = await reminding.without_account(connection, timebank_id)
    return {
        member_id: Waiting(
            decides=member_id in decides,
            claims=claims.get(member_id, 0),
            stuck=stuck if decides.get(member_id) else 0,
            advances=advances.get(member_id, 0),
            payables=payables.get(member_id, 0),
            without_rate=without_rate if member_id in finance else 0,
            accounts=accounts.get(member_id, 0),
            without_account=without_account if member_id in finance else 0,
        )
        for member_id in dict.fromkeys([*decides, *finance])
    }
