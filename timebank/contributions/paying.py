"""Time that pays a fee: what the room ``fees`` is told when time is approved, put right or taken out.

Staff time, hours brought forward, exchanges and what is imported from the past make no fee; nor does a guest's time
until they join.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ledger import Posted
from timebank.contributions.amending import Amended
from timebank.contributions.crediting import ToCredit
from timebank.db import Connection
from timebank.fees import service as fees
from timebank.fees.service import ChangedTime, Following, NewFee
from timebank.kit.actor import Actor

BANDS = "select id, band, fund_id, budget_id from activity where timebank_id = $1 and id = any($2::bigint[])"


async def plan(
    connection: Connection,
    actor: Actor,
    approved: Sequence[ToCredit],
    amended: Sequence[Amended] = (),
    *,
    now: datetime,
) -> Following:
    """Work out the fees of approved time, and what becomes of those of time that is put right.

    The ``items`` of the answer go into the one ledger call; then :func:`keep`.
    """
    changes = [ChangedTime(one.id, one.to.minutes, one.to.held_on) for one in amended]
    changed = await fees.plan_changes(connection, actor, changes, now=now)
    paid = [one for one in approved if one.gives == "fee" and one.kind == "given" and one.member_id is not None]
    if not paid:
        return changed
    rows = await connection.fetch(BANDS, actor.timebank_id, sorted({one.activity_id or 0 for one in paid}))
    bands = {row["id"]: (row["band"], row["fund_id"], row["budget_id"]) for row in rows}
    new = []
    for one in paid:
        band, fund_id, budget_id = bands.get(one.activity_id or 0, ("", None, None))
        new.append(
            NewFee(
                contribution_id=one.contribution_id,
                member_id=one.member_id or 0,
                activity=one.activity,
                band=band,
                fund_id=fund_id,
                budget_id=budget_id,
                held_on=one.held_on,
                minutes=one.minutes,
            )
        )
    arising = await fees.plan_new(connection, actor, new, now=now)
    return Following(arising=arising.arising, changing=changed.changing, items=[*changed.items, *arising.items])


async def plan_undone(
    connection: Connection, actor: Actor, lines: Iterable[Mapping[str, object]], *, now: datetime
) -> Following:
    """What becomes of the fees of time that is taken back as a whole."""
    gone = [ChangedTime(int(str(line["id"])), 0, line["held_on"]) for line in lines]  # type: ignore[arg-type]
    return await fees.plan_changes(connection, actor, gone, now=now)


async def keep(
    connection: Connection, actor: Actor, following: Following, posted: Mapping[str, Posted], *, now: datetime
) -> None:
    """Write the fees down after the ledger call, and tell the people whose they are."""
    entry_ids = {key: result.entry_id for key, result in posted.items()}
    await fees.keep(connection, actor, following, entry_ids, now=now)
