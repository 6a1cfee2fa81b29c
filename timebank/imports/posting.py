"""Entering the exchanges and balances of a chunk: one ledger call, past limits only where the file says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger import Balance, Leg, Post, Refused, Result, balances, post_batch
from ledger.posting import Columns, translated
from timebank.banks.service import MINUTES
from timebank.db import Connection
from timebank.imports import queries
from timebank.imports.entry_kinds import IMPORTED, IMPORTED_BALANCE
from timebank.kit.actor import Actor

MAX_REASON = 200
MAX_SHOWN_NAME = 80

POST_IMPORTED = """
select * from post_imported(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
"""
REFUSED = """
update import_line l
   set state = 'refused', step = null, why = d.why
  from unnest($3::int[], $4::text[]) as d (step, why)
 where l.timebank_id = $1 and l.import_id = $2 and l.step = d.step
"""
PASSABLE = frozenset({"insufficient", "ceiling", "frozen_account"})
WORDS = {
    "closed_account": "This person's account is closed: they may have left the time bank.",
    "unknown_account": "This person has no account here. They could not be added.",
    "closed_period": "The books for that day are closed. Ask an administrator what to do.",
}


@dataclass(slots=True)
class Verdict:
    """What earlier attempts at a chunk have taught: steps to force, and steps that cannot be entered and why."""

    forced: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)


class Again(Exception):
    """Nothing was kept; the chunk is to be tried again with this verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"{len(verdict.forced)} forced, {len(verdict.refused)} refused")
        self.verdict = verdict


async def post(
    connection: Connection, actor: Actor, run: queries.Run, rows: Sequence[Any], verdict: Verdict, rules_version: int
) -> int:
    """Enter these lines, in order, and note which were refused; return how many pass a limit.

    Raises:
        Again: the ledger refused something that could not be known before.
    """
    called = (account for row in rows for account in (row["payer"], row["payee"]))
    who = await queries.accounts_behind(connection, actor.timebank_id, run.wanted.source, called)
    entered = [row for row in rows if row["step"] not in verdict.refused]
    sides = {row["step"]: (who.get(row["payer"], row["payer"]), who.get(row["payee"], row["payee"])) for row in entered}
    accounts = sorted({account for pair in sides.values() for account in pair})
    there = await balances(connection, actor.timebank_id, accounts)
    forced = _beyond_limits(entered, sides, there) | verdict.forced
    reasons = {row["step"]: _reason(run, row["line"]) for row in entered if row["step"] in forced}
    items = {row["step"]: _entry(actor, run, row, *sides[row["step"]], rules_version) for row in entered}
    results = await _send(connection, actor, run, list(items.values()), [reasons.get(step) for step in items])
    if refused := [result for result in results if isinstance(result, Refused)]:
        raise Again(_learned(verdict, refused, {item.key: step for step, item in items.items()}))
    out = {row["step"]: verdict.refused[row["step"]] for row in rows if row["step"] in verdict.refused}
    if out:
        await connection.execute(REFUSED, actor.timebank_id, run.id, list(out), list(out.values()))
    return len(reasons)


def _beyond_limits(rows: Sequence[Any], sides: Mapping[int, tuple[str, str]], there: Mapping[str, Balance]) -> set[int]:
    """The steps that take somebody beyond a limit when all are entered one after the other."""
    free = {code: balance.posted - balance.held_out for code, balance in there.items()}
    beyond = set()
    for row in rows:
        payer, payee = sides[row["step"]]
        for account, change in ((payer, -row["minutes"]), (payee, row["minutes"])):
            if (balance := there.get(account)) is None:
                continue
            free[account] += change
            is_low = change < 0 and balance.floor is not None and free[account] < balance.floor
            is_high = change > 0 and balance.ceiling is not None and free[account] > balance.ceiling
            if is_low or is_high or balance.status == "frozen":
                beyond.add(row["step"])
    return beyond


def _reason(run: queries.Run, line: int) -> str:
    name = run.file_name if len(run.file_name) <= MAX_SHOWN_NAME else run.file_name[: MAX_SHOWN_NAME - 1] + "…"
    return f"Line {line} of {name}: brought over as it is, although it passes a limit"[:MAX_REASON]


def _entry(actor: Actor, run: queries.Run, row: Any, payer: str, payee: str, rules_version: int) -> Post:
    """Whoever was helped gives the minutes to whoever helped. It names no one; the line says what it was."""
    return Post(
        key=f"import:{run.id}:{row['line']}:{row['part']}",
        kind=IMPORTED_BALANCE if row["kind"] == "balance" else IMPORTED,
        unit=MINUTES,
        legs=(Leg(account=payer, amount=-row["minutes"]), Leg(account=payee, amount=row["minutes"])),
        effective_on=row["happened_on"],
        actor=actor.name,
        reference=f"import/{run.id}",
        meta={"import": run.id, "line": row["line"], "rules": rules_version},
    )


async def _send(
    connection: Connection, actor: Actor, run: queries.Run, items: list[Post], reasons: list[str | None]
) -> list[Result]:
    if not any(reasons):
        return await post_batch(connection, actor.timebank_id, items)
    batch = Columns(items)
    with translated():
        rows = await connection.fetch(POST_IMPORTED, actor.timebank_id, run.id, *batch.columns, actor.name, reasons)
    return batch.results(rows)


def _learned(verdict: Verdict, refused: Sequence[Refused], steps: Mapping[str, int]) -> Verdict:
    learned = Verdict(set(verdict.forced), dict(verdict.refused))
    in_order = sorted(refused, key=lambda result: steps[result.key])
    for result in in_order:
        if result.code not in PASSABLE or steps[result.key] in learned.forced:
            words = WORDS.get(result.code, f"This was not accepted. {result.message}")
            learned.refused[steps[result.key]] = words
    if learned.refused == verdict.refused:
        # Only the first: the others may have lacked nothing but what this one would have brought them.
        learned.forced.add(steps[in_order[0].key])
    return learned
