"""Changing time that is recorded: counter-entries for what was credited, a history of every change, and who is told.

Nothing is ever deleted, and nobody is taken below nothing for a mistake of ours: what they have used already is borne
by the account ``corrections``. What it bore comes back to it when the same contribution is raised again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from ledger import Post, Posted
from timebank.banks.service import MINUTES
from timebank.contributions import crediting, entry_kinds, exchanges, words
from timebank.contributions.exchanges import CORRECTIONS, ISSUED, Share, Spare
from timebank.db import Connection
from timebank.hours.rules import POT, account_of
from timebank.kit.actor import Actor
from timebank.members import queries as members
from timebank.messages.service import Message, send

CHANGED_SO_FAR = """
select contribution_id, max(n) as n, sum(short_minutes)::int as short_minutes
  from contribution_change
 where timebank_id = $1 and contribution_id = any($2::bigint[])
 group by contribution_id
"""

AMEND = """
update contribution c
   set state = case when u.minutes = 0 then 'removed' else c.state end,
       minutes = case when u.minutes = 0 then c.minutes else u.minutes end,
       held_on = u.held_on,
       preparation_minutes = case when u.minutes = 0 then c.preparation_minutes
                                  else least(c.preparation_minutes, u.minutes) end,
       travel_minutes = case when u.minutes = 0 then c.travel_minutes
                             else least(c.travel_minutes, u.minutes - least(c.preparation_minutes, u.minutes)) end,
       pot_minutes = u.pot_minutes
  from unnest($2::bigint[], $3::int[], $4::date[], $5::int[]) as u (id, minutes, held_on, pot_minutes)
 where c.timebank_id = $1 and c.id = u.id
"""

ADD_CHANGES = """
insert into contribution_change (timebank_id, contribution_id, n, step, minutes_before, minutes_after, held_on_before,
                                 held_on_after, short_minutes, reason, changed_by, changed_at)
select $1, u.contribution_id, u.n, u.step, u.minutes_before, u.minutes_after, u.held_on_before, u.held_on_after,
       u.short_minutes, $2, $3, $4
  from unnest($5::bigint[], $6::int[], $7::text[], $8::int[], $9::int[], $10::date[], $11::date[], $12::int[])
       as u (contribution_id, n, step, minutes_before, minutes_after, held_on_before, held_on_after, short_minutes)
"""

ADD_ENTRIES = """
insert into contribution_entry (timebank_id, entry_id, contribution_id, n)
select $1, u.entry_id, u.contribution_id, u.n from unnest($2::uuid[], $3::bigint[], $4::int[]) as u
       (entry_id, contribution_id, n)
"""


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a contribution is to say from now on: ``row`` is CREDITABLE's, ``minutes`` 0 takes it out."""

    row: Mapping[str, Any]
    minutes: int
    held_on: date


@dataclass(frozen=True, slots=True)
class Amended:
    """An amendment worked out: its ledger entries (legs and day), and what it does to everybody.

    ``short_minutes`` had been used already and go to ``corrections``; below zero: they come back from a raise.
    """

    to: Amendment
    n: int
    entries: Sequence[tuple[Mapping[str, int], date]]
    paid_before: Mapping[int, int]
    share: Share | None
    short_minutes: int

    @property
    def id(self) -> int:
        """The contribution's."""
        return int(self.to.row["id"])

    @property
    def step(self) -> str:
        """What its history calls it."""
        return "corrected" if self.to.minutes else "removed"

    def key(self, place: int) -> str:
        """The ledger's key of one of the entries."""
        return f"correct:{self.id}:{self.n}:{place}"


async def plan_amendments(
    connection: Connection, timebank_id: int, wanted: Sequence[Amendment], spare: Spare | None = None
) -> list[Amended]:
    """Work these out. The answer is in the order in which their entries belong: first what is lowered, the last line
    first (somebody may have paid with hours that an earlier line gave them), then what is raised. ``spare`` is what
    everybody involved can give back, when it is known already.
    """
    ids = [one.row["id"] for one in wanted]
    received = await crediting.receivers_of(connection, timebank_id, ids)
    before = {row["contribution_id"]: row for row in await connection.fetch(CHANGED_SO_FAR, timebank_id, ids)}
    if spare is None:
        accounts = accounts_of(wanted, received)
        spare = await crediting.spare_for(connection, timebank_id, accounts, above_zero=True)
    lowered = [one for one in reversed(wanted) if one.minutes <= one.row["minutes"]]
    raised = [one for one in wanted if one.minutes > one.row["minutes"]]
    found = []
    for one in [*lowered, *raised]:
        so_far = before.get(one.row["id"])
        n, short = (so_far["n"] + 1, so_far["short_minutes"]) if so_far else (1, 0)
        found.append(_work_out(one, n, short, received.get(one.row["id"], {}), spare))
    return found


def accounts_of(wanted: Sequence[Amendment], received: Mapping[int, Mapping[int, int]]) -> set[str]:
    """Every account that these may take minutes from."""
    accounts = {POT}
    accounts |= {account_of(id_) for one in wanted for id_ in (one.row["member_id"], one.row["credited_id"]) if id_}
    return accounts | {account_of(member_id) for paid in received.values() for member_id in paid}


def _work_out(one: Amendment, n: int, short_so_far: int, paid: Mapping[int, int], spare: Spare) -> Amended:
    row = one.row
    is_credited = row["state"] == "approved"
    target = exchanges.target_account(row["credited_to"], row["member_id"], row["credited_id"]) if is_credited else None
    if target is None:
        return Amended(one, n, (), paid, None, 0)
    old = exchanges.again(row["kind"], row["minutes"], target, paid, row["pot_minutes"])
    # What was paid comes back before it is paid anew.
    trial = spare.copy()
    trial.use({account: -minutes for account, minutes in old.legs.items() if account != target})
    paying = exchanges.payers(list(paid), receivers_pay=row["receivers_pay"])
    new = (
        exchanges.share(row["kind"], one.minutes, target, trial, paying=paying)
        if one.minutes
        else Share({}, dict.fromkeys(paid, 0))
    )
    raised = one.minutes - row["minutes"]
    back = min(short_so_far, raised) if raised > 0 and short_so_far > 0 else 0
    if one.held_on == row["held_on"] or not one.minutes:
        steps: list[tuple[Mapping[str, int], date]] = [(exchanges.difference(new.legs, old.legs), row["held_on"])]
    else:
        # Each of the three leaves everybody with enough for the next.
        credit = (
            exchanges.net([(ISSUED, -one.minutes), (target, one.minutes)]) if row["kind"] == "exchange" else new.legs
        )
        steps = [
            (credit, one.held_on),
            (exchanges.difference({}, old.legs), row["held_on"]),
            (exchanges.difference(new.legs, credit), one.held_on),
        ]
    if back:
        steps[0] = (exchanges.net([*steps[0][0].items(), (target, -back), (CORRECTIONS, back)]), steps[0][1])
    entries, short = [], -back
    for legs, day in steps:
        kept, used = exchanges.spared(legs, spare)
        short += used.get(target, 0)
        if kept:
            entries.append((kept, day))
    return Amended(one, n, entries, paid, new, short)


def amend_items(actor: Actor, planned: Sequence[Amended]) -> list[Post]:
    """The counter-entries, in order."""
    return [
        Post(
            key=one.key(place),
            kind=entry_kinds.CORRECTING[one.to.row["kind"]],
            unit=MINUTES,
            legs=exchanges.as_legs(legs),
            effective_on=day,
            actor=actor.name,
            reference=one.to.row["reference"],
            meta={"contribution": one.id, "rules": one.to.row["rules_version"], **actor.meta},
        )
        for one in planned
        for place, (legs, day) in enumerate(one.entries, start=1)
    ]


async def keep_amendments(
    connection: Connection,
    actor: Actor,
    planned: Sequence[Amended],
    posted: Mapping[str, Posted],
    reason: str,
    *,
    now: datetime,
) -> None:
    """Write what the contributions say now, what they said before, and which entries belong to it."""
    if not planned:
        return
    timebank_id = actor.timebank_id
    await connection.execute(
        AMEND,
        timebank_id,
        [one.id for one in planned],
        [one.to.minutes for one in planned],
        [one.to.held_on if one.to.minutes else one.to.row["held_on"] for one in planned],
        [one.share.pot_minutes if one.share else one.to.row["pot_minutes"] for one in planned],
    )
    changes = [
        (one.id, one.n, one.step, one.to.row["minutes"], one.to.minutes, one.to.row["held_on"], one.to.held_on,
         one.short_minutes)
        for one in planned
    ]  # fmt: skip
    await add_changes(connection, actor, changes, reason, now=now)
    entries = [
        (posted[one.key(place)].entry_id, one.id, one.n) for one in planned for place in range(1, len(one.entries) + 1)
    ]
    if entries:
        columns = [list(column) for column in zip(*entries, strict=True)]
        await connection.execute(ADD_ENTRIES, timebank_id, *columns)
    paid = [
        (one.id, member_id, one.share.paid.get(member_id, 0))
        for one in planned
        if one.share
        for member_id in one.paid_before
    ]
    await crediting.keep_paid(connection, timebank_id, paid)


async def add_changes(
    connection: Connection,
    actor: Actor,
    changes: Sequence[tuple[int, int, str, int, int, date, date, int]],
    reason: str,
    *,
    now: datetime,
) -> None:
    """Add to the history: contribution, number, step, minutes and day before and after, minutes that were short."""
    if changes:
        columns = [list(column) for column in zip(*changes, strict=True)]
        await connection.execute(ADD_CHANGES, actor.timebank_id, reason, actor.member_id, now, *columns)


def entry_ids(one: Amended, posted: Mapping[str, Posted]) -> list[UUID]:
    """The ledger's entries of one amendment."""
    return [posted[one.key(place)].entry_id for place in range(1, len(one.entries) + 1)]


async def tell_amended(
    connection: Connection, actor: Actor, planned: Sequence[Amended], reason: str, *, now: datetime
) -> None:
    """Tell everybody whose hours changed, and those who paid more or less. Waiting time only when they logged it."""
    givers = {one.to.row["member_id"] for one in planned if one.to.row["credited_id"]} - {None}
    name = await members.names(connection, actor.timebank_id, sorted(givers)) if givers else {}
    messages = [
        message for one in planned for message in _messages(one, name, reason) if message.member_id != actor.member_id
    ]
    if messages:
        await send(connection, actor.timebank_id, messages, now=now)


def _messages(one: Amended, name: Mapping[int, str], reason: str) -> list[Message]:
    row, after = one.to.row, one.to.minutes
    dedupe = f"contribution:{one.id}:change:{one.n}"
    kept = max(0, one.short_minutes)
    found = []
    was_told = row["state"] == "approved" or row["recorded_by"] == row["member_id"]
    if row["member_id"] is not None and was_told:
        days = (row["held_on"], one.to.held_on)
        own = kept if row["credited_id"] is None else 0
        told = words.put_right(row["minutes"], after, row["activity"], days, reason, kept=own)
        found.append(crediting.message(row["member_id"], "corrected", told, dedupe))
    if row["credited_id"] is not None:
        told = words.passed_on_put_right(row["minutes"], after, name.get(row["member_id"], ""), reason, kept=kept)
        found.append(crediting.message(row["credited_id"], "corrected", told, f"{dedupe}:passed_on"))
    for member_id, minutes in one.paid_before.items() if one.share else ():
        now_paid = one.share.paid.get(member_id, 0) if one.share else minutes
        if now_paid != minutes:
            told = words.receiver_put_right(minutes, now_paid, row["activity"], one.to.held_on, reason)
            found.append(crediting.message(member_id, "corrected", told, f"{dedupe}:paid:{member_id}"))
    return found
