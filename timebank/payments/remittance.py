"""Remittance advice: what a payee is paid and what for, to print or by e-mail, at most once for each payment.

Its reference is the payment's own, which the payee's bank statement shows. Suppliers and charities have an e-mail
address as payees; members hear of their payments as members.
"""

from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import is_practice
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments import rules, run_queries
from timebank.payments.files import load
from timebank.payments.remittance_paper import remittance_pdf

PER_PDF = 200
"""Payees in one PDF."""
STANDING = (rules.EXPORTED, rules.PAID)
"""States in which a payment is worth telling of."""

ASK = """
insert into remittance_sent (timebank_id, batch_number, line, email, asked_by, asked_at, next_at)
select m.timebank_id, m.batch_number, m.line, y.email, $4, $5, $5
  from payment m
  join payee y on y.timebank_id = m.timebank_id and y.id = m.payee_id
 where m.timebank_id = $1 and m.batch_number = $2 and m.state = any($3::text[]) and y.email <> ''
   and y.member_id is null
on conflict (timebank_id, batch_number, line) do update
   set state = 'waiting', email = excluded.email, attempts = 0, trouble = '', asked_by = excluded.asked_by,
       asked_at = excluded.asked_at, next_at = excluded.next_at
 where remittance_sent.state = 'failed'
returning line
"""
STATE_OF = """
select m.line, m.state, y.email, y.member_id is not null as is_member, r.state as mail, r.sent_at, r.trouble
  from payment m
  join payee y on y.timebank_id = m.timebank_id and y.id = m.payee_id
  left join remittance_sent r on r.timebank_id = m.timebank_id and r.batch_number = m.batch_number and r.line = m.line
 where m.timebank_id = $1 and m.batch_number = $2
 order by m.line
"""


class SendRemittances(msgspec.Struct, frozen=True, kw_only=True):
    """E-mail the payees of a payment run who have an address and were not told yet."""

    number: int


class RemittancesAsked(msgspec.Struct, frozen=True, kw_only=True):
    """How many e-mails go out now; how many went or wait already; how many payees have no address."""

    number: int
    asked: int
    before: int
    without_address: int


class Mails(msgspec.Struct, frozen=True, kw_only=True):
    """Where the e-mails of a payment run are. ``to_ask`` are those that asking would send."""

    sent: int
    waiting: int
    failed: int
    without_address: int
    to_ask: int
    troubles: tuple[str, ...]


async def send_remittances(
    db: Database, actor: Actor, command: SendRemittances, *, key: str, now: datetime
) -> RemittancesAsked | list[Refusal]:
    """Ask for the e-mails; a job sends them. Whoever was told is not told again, however often this is asked.

    Refusals: ``not_finance``, ``unknown_batch``, ``batch_void``, ``practice``.
    """
    refusals = rules.check_finance(actor)
    if refusals:
        return refusals

    async def work(connection: Connection) -> RemittancesAsked:
        batch = await run_queries.batch(connection, actor.timebank_id, command.number)
        if batch is None:
            raise Rollback([Refusal("unknown_batch", "There is no payment run with this number.", "number")])
        if batch.void_at:
            raise Rollback([Refusal("batch_void", "This payment run was taken back, so nobody is told of it.")])
        if is_practice((await banks.by_id(connection, actor.timebank_id)).slug):
            raise Rollback([Refusal("practice", "Nothing leaves a practice time bank.")])
        before = await mails_of(connection, actor.timebank_id, command.number)
        asked = await connection.fetch(ASK, actor.timebank_id, command.number, list(STANDING), actor.member_id, now)
        return RemittancesAsked(
            number=command.number,
            asked=len(asked),
            before=before.sent + before.waiting,
            without_address=before.without_address,
        )

    return await once(db, actor, "send_remittances", key, command, RemittancesAsked, work)


async def mails_of(connection: Connection, timebank_id: int, number: int) -> Mails:
    """Where the e-mails of a payment run are."""
    rows = await connection.fetch(STATE_OF, timebank_id, number)
    by_state = {state: sum(row["mail"] == state for row in rows) for state in ("sent", "waiting", "failed")}
    standing = [row for row in rows if row["state"] in STANDING and not row["is_member"]]
    return Mails(
        **by_state,
        without_address=sum(not row["email"] and row["mail"] is None for row in standing),
        to_ask=sum(bool(row["email"]) and row["mail"] in (None, "failed") for row in standing),
        troubles=tuple(dict.fromkeys(row["trouble"] for row in rows if row["trouble"]))[:5],
    )


async def advice_pdf(
    connection: Connection,
    timebank_id: int,
    number: int,
    *,
    line: int | None = None,
    part: int = 1,
    large: bool = False,
) -> bytes | None:
    """One payee's advice, or a part of all of them (:data:`PER_PDF` payees); None where there is nothing to tell.

    Raises:
        KeyMissing: the key that accounts were locked with is not here.
    """
    standing = await standing_lines(connection, timebank_id, number)
    wanted = [one for one in standing if line in (None, one)]
    wanted = wanted[PER_PDF * (part - 1) : PER_PDF * part]
    batch = await load(connection, timebank_id, number) if wanted else None
    if batch is None:
        return None
    bank = await banks.by_id(connection, timebank_id)
    chosen = [payment for payment in batch.payments if payment.line in wanted]
    return await remittance_pdf(batch, chosen, timebank=bank.name, contact=bank.help_contact, large=large)


async def standing_lines(connection: Connection, timebank_id: int, number: int) -> list[int]:
    """The lines of a payment run that are on their way or paid."""
    rows = await connection.fetch(STATE_OF, timebank_id, number)
    return [row["line"] for row in rows if row["state"] in STANDING]
