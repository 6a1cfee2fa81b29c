"""Crediting approved time: who gets the minutes and who pays, one ledger call for all, and who is told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg

from ledger import Item, Post, Posted, Refused, balances, post_batch
from timebank.banks.service import MINUTES
from timebank.contributions import entry_kinds, exchanges, words
from timebank.contributions.exchanges import CreditedTo, Share, Spare
from timebank.contributions.lines import Kind
from timebank.db import Connection, Rollback
from timebank.hours.rules import POT, account_of
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.members.standing import standing_choices
from timebank.messages.service import Message, send

APPROVE = """
update contribution c
   set state = 'approved', credited_to = u.credited_to, credited_id = u.credited_id, pot_minutes = u.pot_minutes,
       entry_id = u.entry_id
  from unnest($2::bigint[], $3::text[], $4::bigint[], $5::int[], $6::uuid[])
       as u (id, credited_to, credited_id, pot_minutes, entry_id)
 where c.timebank_id = $1 and c.id = u.id
"""

PAID = """
update contribution_receiver r set minutes = u.minutes
  from unnest($2::bigint[], $3::bigint[], $4::int[]) as u (contribution_id, member_id, minutes)
 where r.timebank_id = $1 and r.contribution_id = u.contribution_id and r.member_id = u.member_id
"""

RECEIVERS = """
select contribution_id, member_id, minutes
  from contribution_receiver
 where timebank_id = $1 and contribution_id = any($2::bigint[])
 order by contribution_id, member_id
"""

# A contribution as crediting, deciding and correcting need it, locked.
CREDITABLE = """
select c.id, c.register_id, c.line, c.activity_id, coalesce(a.name, '') as activity, c.member_id, c.guest_id, c.kind,
       c.minutes, c.preparation_minutes, c.travel_minutes, c.starts_at, c.held_on, c.what, c.state, c.recorded_by,
       c.decided_by, c.rules_version, c.credited_to, c.credited_id, c.pot_minutes, c.entry_id, c.query_state,
       c.acting_id,
       coalesce(a.gives, 'hours') as gives, coalesce(a.receivers_pay, false) as receivers_pay, r.reference
  from contribution c
  join register r on r.timebank_id = c.timebank_id and r.id = c.register_id
  left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
 where c.timebank_id = $1 and {which}
 order by c.id
   for update of c
"""
CREDITABLE_ONE = CREDITABLE.format(which="c.id = $2")
CREDITABLE_REGISTER = CREDITABLE.format(which="c.register_id = $2")
CREDITABLE_GUEST = CREDITABLE.format(which="c.guest_id = $2 and c.member_id is null")

# Whoever works out who can pay what does so alone in a time bank: otherwise each of several at once would count on the
# same hours. Only somebody who spends in between makes the use case try again.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('contributions.spare/' || $1::bigint, 0))"

LEDGER_WORDS = {
    "closed_account": "This person's account is closed, so no time can be added. They may have left the time bank.",
    "frozen_account": "This person's account is on hold. Ask an administrator before adding time.",
    "unknown_account": "This person has no account for hours yet. Ask an administrator to open one.",
    "ceiling": "With this, the person would have more hours than the rules allow. Enter less, or leave them out.",
    "closed_period": "The books for that day are closed. Ask an administrator what to do.",
}


@dataclass(frozen=True, slots=True)
class ToCredit:
    """Approved time as crediting needs it. ``key`` is the ledger's; ``gives``, ``receivers_pay`` are the activity's;
    ``acting_id`` is the stretch of acting for the member in which it was logged.
    """

    key: str
    contribution_id: int
    member_id: int | None
    kind: Kind
    minutes: int
    held_on: date
    activity: str
    gives: str
    receivers_pay: bool
    reference: str
    rules_version: int
    receiver_ids: Sequence[int] = ()
    acting_id: int | None = None
    activity_id: int | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """Where the minutes go; ``share`` is None when no hours are credited, or not yet."""

    to: ToCredit
    credited_to: CreditedTo
    other_id: int | None
    share: Share | None

    @property
    def moved(self) -> Share | None:
        """The share, when it moves anything: a member whose hours go to the one who pays for them moves nothing."""
        return self.share if self.share is not None and self.share.legs else None


async def plan_credits(
    connection: Connection,
    timebank_id: int,
    wanted: Sequence[ToCredit],
    *,
    choices: Mapping[int, tuple[str, int | None]] | None = None,
    spare: Spare | None = None,
) -> list[Credit]:
    """Where each goes, in order: by the members' standing choices, and by what those who pay have (``spare``)."""
    if choices is None:
        choices = await standing_choices(connection, timebank_id, [one.member_id for one in wanted if one.member_id])
    if spare is None:
        spare = await spare_for(connection, timebank_id, payer_accounts(wanted))
    planned = []
    for one in wanted:
        choice, other_id = choices.get(one.member_id or 0, ("hours", None))
        to = exchanges.destination(one.kind, gives=one.gives, choice=choice, is_guest=one.member_id is None)
        other_id = other_id if to == "other" else None
        target = exchanges.target_account(to, one.member_id, other_id)
        paying = exchanges.payers(one.receiver_ids, receivers_pay=one.receivers_pay)
        found = exchanges.share(one.kind, one.minutes, target, spare, paying=paying) if target else None
        planned.append(Credit(one, to, other_id, found))
    return planned


def payer_accounts(wanted: Iterable[ToCredit]) -> set[str]:
    """The accounts that may have to pay for these."""
    accounts = {
        account_of(member_id)
        for one in wanted
        for member_id in exchanges.payers(one.receiver_ids, receivers_pay=one.receivers_pay)
    }
    return accounts | {POT} if accounts else set()


async def spare_for(
    connection: Connection, timebank_id: int, accounts: Iterable[str], *, above_zero: bool = False
) -> Spare:
    """What these accounts can pay: down to their floor, or only to nothing (``above_zero``). Closed ones: nothing."""
    wanted = sorted(accounts)
    if not wanted:
        return Spare({})
    await connection.execute(ONE_AT_A_TIME, timebank_id)
    there = await balances(connection, timebank_id, wanted)
    available = {}
    for account, one in there.items():
        free = one.posted - one.held_out
        can = free if one.available is None else one.available
        available[account] = (min(can, free) if above_zero else can) if one.status == "open" else 0
    return Spare(available)


def credit_items(actor: Actor, planned: Iterable[Credit]) -> list[Post]:
    """The ledger entries of these credits. They name no one; the contribution says what each was for."""
    items = []
    for credit in planned:
        if credit.moved is None:
            continue
        kind = entry_kinds.FIRST[credit.to.kind]
        items.append(
            Post(
                key=credit.to.key,
                kind=entry_kinds.TO_ANOTHER.get(kind, kind) if credit.credited_to == "other" else kind,
                unit=MINUTES,
                legs=exchanges.as_legs(credit.moved.legs),
                effective_on=credit.to.held_on,
                actor=actor.name,
                reference=credit.to.reference,
                meta={
                    "contribution": credit.to.contribution_id,
                    "rules": credit.to.rules_version,
                    **_acting(actor, credit),
                },
            )
        )
    return items


def _acting(actor: Actor, credit: Credit) -> dict[str, int]:
    """Why somebody logged it for the member, also when another approves it later."""
    return actor.meta if credit.to.acting_id is None else {"acting": credit.to.acting_id}


async def post_items(
    connection: Connection, timebank_id: int, items: Sequence[Item], fields: Mapping[str, str] | None = None
) -> dict[str, Posted]:
    """The one ledger call; the entries by key. ``fields`` names the form's field of each key for refusals.

    Raises:
        Rollback: with what the ledger refused.
        asyncpg.SerializationError: somebody used hours while this was worked out; the use case is tried again.
    """
    results = await post_batch(connection, timebank_id, items) if items else []
    refused = [result for result in results if isinstance(result, Refused)]
    if any(result.code == "insufficient" for result in refused):
        raise asyncpg.SerializationError("hours were used while their entry was being made")
    if refused:
        raise Rollback([not_credited(result, (fields or {}).get(result.key)) for result in refused])
    return {result.key: result for result in results if isinstance(result, Posted)}


def not_credited(refused: Refused, field: str | None = None) -> Refusal:
    """The ledger's refusal of a credit in words for the person who records or approves time."""
    message = LEDGER_WORDS.get(refused.code, f"This time was not accepted. {refused.message}")
    return Refusal(refused.code, message, field)


async def keep_credits(
    connection: Connection, timebank_id: int, planned: Sequence[Credit], posted: Mapping[str, Posted]
) -> None:
    """Mark the contributions approved, with where they went and what each receiver paid."""
    if not planned:
        return
    entries = {key: result.entry_id for key, result in posted.items()}
    await connection.execute(
        APPROVE,
        timebank_id,
        [credit.to.contribution_id for credit in planned],
        [credit.credited_to for credit in planned],
        [credit.other_id for credit in planned],
        [credit.share.pot_minutes if credit.share else 0 for credit in planned],
        [entries.get(credit.to.key) for credit in planned],
    )
    await keep_paid(
        connection,
        timebank_id,
        [
            (credit.to.contribution_id, member_id, minutes)
            for credit in planned
            if credit.share
            for member_id, minutes in credit.share.paid.items()
        ],
    )


async def keep_paid(connection: Connection, timebank_id: int, paid: Sequence[tuple[int, int, int]]) -> None:
    """Write down what receivers paid: contribution, member, minutes."""
    if paid:
        columns = [list(column) for column in zip(*paid, strict=True)]
        await connection.execute(PAID, timebank_id, *columns)


async def receivers_of(
    connection: Connection, timebank_id: int, contribution_ids: Sequence[int]
) -> dict[int, dict[int, int]]:
    """Who received each of these contributions, and the minutes that they paid."""
    found: dict[int, dict[int, int]] = {}
    for row in await connection.fetch(RECEIVERS, timebank_id, list(contribution_ids)):
        found.setdefault(row["contribution_id"], {})[row["member_id"]] = row["minutes"]
    return found


async def tell_credited(
    connection: Connection, actor: Actor, planned: Sequence[Credit], *, now: datetime, occasion: str = "approved"
) -> None:
    """Tell everybody whose hours these are, and those who paid; nobody is told what they have just done themselves."""
    others = {credit.to.member_id or 0 for credit in planned if _has_others(credit)}
    others |= {credit.other_id for credit in planned if credit.other_id}
    name = await members.names(connection, actor.timebank_id, sorted(others)) if others else {}
    messages = [
        message
        for credit in planned
        for message in _messages(credit, name, occasion)
        if message.member_id != actor.member_id
    ]
    if messages:
        await send(connection, actor.timebank_id, messages, now=now)


def _has_others(credit: Credit) -> bool:
    return credit.other_id is not None or bool(credit.share and any(credit.share.paid.values()))


def _messages(credit: Credit, name: Mapping[int, str], occasion: str) -> Iterable[Message]:
    to = credit.to
    if to.member_id is None:
        return
    dedupe = f"contribution:{to.contribution_id}:{occasion}"
    other = name.get(credit.other_id or 0, "")
    told = words.added(to.minutes, credit.credited_to, to.activity, to.held_on, gives=to.gives, other=other)
    yield message(to.member_id, "hours_added", told, dedupe)
    giver = name.get(to.member_id, "")
    if credit.other_id is not None:
        yield message(credit.other_id, "hours_added", words.passed_on(to.minutes, giver), f"{dedupe}:passed_on")
    for member_id, minutes in credit.share.paid.items() if credit.share else ():
        if minutes:
            told = words.used(minutes, giver, to.activity, to.held_on)
            yield message(member_id, "hours_used", told, f"{dedupe}:used:{member_id}")


def message(member_id: int, kind: str, told: words.Told, dedupe: str) -> Message:
    """A message about hours; it leads to the member's own entries."""
    return Message(member_id=member_id, kind=kind, subject=told.subject, body=told.body, dedupe=dedupe, path="/hours")


def to_credit(row: Mapping[str, Any], key: str, receiver_ids: Sequence[int]) -> ToCredit:
    """A row of CREDITABLE as crediting needs it."""
    return ToCredit(
        key=key,
        contribution_id=row["id"],
        member_id=row["member_id"],
        kind=row["kind"],
        minutes=row["minutes"],
        held_on=row["held_on"],
        activity=row["activity"],
        gives=row["gives"],
        receivers_pay=row["receivers_pay"],
        reference=row["reference"],
        rules_version=row["rules_version"],
        receiver_ids=tuple(receiver_ids),
        acting_id=row["acting_id"],
        activity_id=row["activity_id"],
    )
