"""The audit pack: all that stands behind a payment run in one zip, to be checked without us and without a network.

The same run in the same state gives the same bytes: nothing in it depends on when or where it is made.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection
from timebank.kit import csv, english, money
from timebank.payments import run_queries
from timebank.payments.audit_trace import Step, Traced, entries_behind, steps, trace
from timebank.payments.formats.accounts import zipped
from timebank.payments.journal import entries_of, written
from timebank.payments.rules import PaymentFacts
from timebank.payments.run_queries import BatchFacts

CHECK = Path(__file__).parent / "audit_check.py"
MEDIA_TYPE = "application/zip"
PAYMENT_COLUMNS = ("line", "reference", "payee_id", "payee", "pence", "credited_pence", "state", "settled_on")
TRACE_COLUMNS = (
    "line", "payment", "payee", "attempt", "pence", "payable", "kind", "description", "earned_on", "due_on",
    "invoice_number", "order_number", "owed_entry", "source_kind", "source_id", "source_reference", "behind",
    "hours_entry", "minutes",
)  # fmt: skip
STEP_COLUMNS = ("payable", "n", "state", "at", "actor_id", "reason", "entry_id")

README = """\
Audit pack: payment run {number} of {name}
{line}

Made on {made} by member {by}; to be paid on {processing}.
{count} payments, {total}.{void}

What is in it
-------------
files/            the files of this run, byte for byte as they were made
payments.csv      every payment: whom, how much (in minor units, such as pence), what the bank did
trace.csv         what every payment is for: payable, its ledger entry, where it comes from, what is
                  behind that (a booking, a line of a register), and the entry and minutes of the hours
steps.csv         who did what with every payable, and when (UTC); members stand there by number
ledger.journal    the ledger entries behind this run, for hledger; costs are debits and positive
ledger.beancount  the same, for beancount
manifest.json     checksums and control totals
SHA256SUMS        checksums for sha256sum
check.py          adds everything up again; needs Python and nothing else

How to check it
---------------
In the folder of this file:

    sha256sum -c SHA256SUMS
    python3 check.py
    hledger -f ledger.journal check --strict
    hledger -f ledger.journal balance cur:{currency}
    bean-check ledger.beancount

Each must end without a complaint. SHA256SUMS proves nothing by itself, as whoever changes a file can
change it too: compare the fingerprints of the files with those that the service shows for this run, or
with what your bank received. The ledger's own seals prove that its entries were not changed since.
"""


@dataclass(frozen=True, slots=True)
class Pack:
    """A zip and what it is called."""

    file_name: str
    content: bytes


async def audit_pack(connection: Connection, timebank_id: int, number: int) -> Pack | None:
    """All that stands behind a payment run; None when there is no such run. Read it in one repeatable-read transaction.

    It names payees and, in the files for the bank, their accounts: it is for finance and auditors.
    """
    facts = await run_queries.batch(connection, timebank_id, number)
    if facts is None:
        return None
    bank = await banks.by_id(connection, timebank_id)
    payments = await run_queries.payments_of_batch(connection, timebank_id, number)
    traced = await trace(connection, timebank_id, number)
    walked = await steps(connection, timebank_id, number)
    ids = await entries_behind(connection, timebank_id, number, exported=facts.entry_ids, traced=traced, walked=walked)
    accounts, entries = await entries_of(connection, timebank_id, ids)
    first = min(entry.effective_on for entry in entries)
    made = []
    for one in await run_queries.batch_files(connection, timebank_id, number):
        file = await run_queries.batch_file(connection, timebank_id, number, one.format)
        assert file is not None
        made.append(file)
    files = {f"files/{file.file_name}": file.content for file in made}
    files["payments.csv"] = _csv(PAYMENT_COLUMNS, (_payment(one) for one in payments))
    files["trace.csv"] = _csv(TRACE_COLUMNS, (_cells(one, TRACE_COLUMNS) for one in traced))
    files["steps.csv"] = _csv(STEP_COLUMNS, (_cells(one, STEP_COLUMNS) for one in walked))
    files["ledger.journal"] = "".join(written("hledger", accounts, entries, first)).encode()
    files["ledger.beancount"] = "".join(written("beancount", accounts, entries, first)).encode()
    files["check.py"] = CHECK.read_bytes()
    files["README.txt"] = _readme(bank.name, facts).encode()
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    files["manifest.json"] = _manifest(bank.slug, facts, traced, sums, made)
    sums["manifest.json"] = hashlib.sha256(files["manifest.json"]).hexdigest()
    files["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()
    folder = f"{bank.slug}-payment-run-{number:04d}"
    return Pack(f"{folder}-audit.zip", zipped([(f"{folder}/{name}", files[name]) for name in sorted(files)]))


def _manifest(
    slug: str,
    facts: BatchFacts,
    traced: Sequence[Traced],
    sums: dict[str, str],
    made: Sequence[run_queries.BatchFile],
) -> bytes:
    by_kind: dict[str, int] = {}
    for one in traced:
        by_kind[one.kind] = by_kind.get(one.kind, 0) + one.pence
    content = {
        "time_bank": slug,
        "payment_run": facts.number,
        "made_at": facts.created_at.isoformat(),
        "processing_on": facts.processing_on.isoformat(),
        "void_at": facts.void_at.isoformat() if facts.void_at else None,
        "currency": facts.currency,
        "minor_digits": money.minor_digits(facts.currency),
        "payments": facts.line_count,
        "total_pence": facts.total_pence,
        "payables": len(traced),
        "pence_by_kind": dict(sorted(by_kind.items())),
        "ledger_entries_of_the_export": [str(one) for one in facts.entry_ids],
        "files": [{"name": one.file_name, "format": one.format, "sha256_when_made": one.sha256.hex()} for one in made],
        "sha256": sums,
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _readme(name: str, facts: BatchFacts) -> str:
    title = f"Audit pack: payment run {facts.number} of {name}"
    void = f"\nIt was taken back on {english.day(facts.void_at.date())}: {facts.void_why}." if facts.void_at else ""
    return README.format(
        number=facts.number,
        name=name,
        line="=" * len(title),
        made=english.day(facts.created_at.date()),
        by=facts.created_by,
        processing=english.day(facts.processing_on),
        count=facts.line_count,
        total=money.in_words(facts.total_pence, facts.currency),
        void=void,
        currency=facts.currency,
    )


def _payment(one: PaymentFacts) -> list[str | int]:
    settled = one.settled_on.isoformat() if one.settled_on else ""
    return [one.line, one.reference, one.payee_id, one.payee_name, one.pence, one.credited_pence, one.state, settled]


def _cells(one: Traced | Step, columns: Sequence[str]) -> list[str | int]:
    return [_cell(getattr(one, column)) for column in columns]


def _cell(value: Any) -> str | int:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> bytes:
    return csv.write([columns, *rows], line_end="\n").encode()
