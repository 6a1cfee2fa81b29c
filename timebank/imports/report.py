"""What will happen, and what happened, in words: a few lines to read first, and one line for each of the file's."""

from collections.abc import Mapping, Sequence
from itertools import islice

from timebank.db import Connection
from timebank.imports import queries
from timebank.imports.people import TO_ADD
from timebank.imports.plan import Plan, Planned
from timebank.kit import csv, durations
from timebank.members import queries as members

HEADINGS = (
    "Line", "What", "What became of it", "Why", "In the file", "Received help", "Gave help", "Minutes",
    "In the file, exactly", "Day", "Passes a limit",
)  # fmt: skip
STATE_WORDS = {
    "ready": "waits",
    "done": "imported",
    "there": "was there already",
    "left_out": "left out",
    "undecided": "to be decided",
    "refused": "refused",
}
KIND_WORDS = {"member": "person", "exchange": "exchange", "balance": "balance"}
ACCOUNTS = {"issued": "The programme", "pot": "The community pot", "opening": "Hours from before"}


def summary(plan: Plan) -> list[str]:
    """How many of each kind will be imported, are there already, are left out or refused."""
    said = []
    for kind, word in KIND_WORDS.items():
        states = [
            f"{plan.counts[kind, state]:,} {words}"
            for state, words in (
                ("ready", "ready"),
                ("there", "there already"),
                ("undecided", "to be decided"),
                ("left_out", "left out"),
                ("refused", "refused"),
            )
            if plan.counts[kind, state]
        ]
        if states:
            more = f" ({durations.in_words(plan.ready_minutes)})" if kind == "exchange" and plan.ready_minutes else ""
            said.append(f"  {plural_of(word)}: {', '.join(states)}{more}")
    return said


def plural_of(word: str) -> str:
    """More than one person, exchange or balance."""
    return "people" if word == "person" else f"{word}s"


def what_is_ready(plan: Plan) -> str:
    """What a button would import: ``2 people and 1 exchange``; "" when there is nothing."""
    said = []
    for kind, word in KIND_WORDS.items():
        if count := plan.counts[kind, "ready"]:
            said.append(f"{count:,} {word if count == 1 else plural_of(word)}")
    return " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))


def first_entries(plan: Plan, limit: int) -> list[Planned]:
    """The first entries that are ready, to see that who gave and who received are the right way round."""
    return list(islice((one for one in plan.lines if one.state == "ready" and one.kind != "member"), limit))


def account_words(account: str, name: Mapping[int, str]) -> str:
    """Whose account it is; somebody to be added goes by what the file calls them."""
    if account.startswith(TO_ADD):
        return account.removeprefix(TO_ADD)
    return ACCOUNTS.get(account, "") or name.get(queries.member_of(account) or 0, "")


def preview_csv(plan: Plan) -> str:
    """What will happen to each line, before it does."""
    return csv.write(
        [
            HEADINGS[:5],
            *(
                (one.line, KIND_WORDS[one.kind], STATE_WORDS[one.state], one.why, one.who)
                for one in sorted(plan.lines, key=lambda one: (one.line, one.part))
            ),
        ]
    )


async def as_csv(connection: Connection, timebank_id: int, import_id: int) -> str:
    """What became of each line."""
    pieces = [csv.write([HEADINGS])]
    after = (0, 0)
    while lines := await queries.lines(connection, timebank_id, import_id, after=after):
        pieces.append(csv.write(await _rows(connection, timebank_id, lines)))
        after = (lines[-1].line, lines[-1].part)
    return "".join(pieces)


async def _rows(connection: Connection, timebank_id: int, lines: Sequence[queries.Line]) -> list[tuple[str | int, ...]]:
    people = {member for one in lines for member in (one.member_id, *one.member_ids) if member}
    name = await members.names(connection, timebank_id, sorted(people)) if people else {}

    return [
        (
            one.line,
            KIND_WORDS[one.kind],
            STATE_WORDS[one.state],
            one.why,
            one.who or name.get(one.member_id or 0, ""),
            account_words(one.payer, name),
            account_words(one.payee, name),
            "" if one.minutes is None else one.minutes,
            one.rounded,
            one.happened_on.isoformat() if one.happened_on else "",
            one.forced,
        )
        for one in lines
    ]
