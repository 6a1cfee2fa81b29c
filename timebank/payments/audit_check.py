"""Checks an audit pack offline, with nothing but Python 3.8 or newer: python3 check.py

It adds everything up again and compares: checksums, payments, what they are for, and the ledger's own entries.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
POSTING = re.compile(r"    (Assets:In-transit)  (-?[0-9.]+) [A-Z]{3}")
ENTRY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} \* \((.*)\) (.*)")


def rows(name: str) -> list[dict[str, str]]:
    """The lines of a CSV file of this pack."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def sent_by_ledger(digits: int) -> int:
    """What the ledger's entries of the export put in transit, in minor units."""
    total, is_export = 0, False
    for line in (HERE / "ledger.journal").read_text(encoding="utf-8").splitlines():
        entry, posting = ENTRY.fullmatch(line), POSTING.fullmatch(line)
        if entry:
            is_export = entry[2] == "payments_exported"
        elif posting and is_export:
            total -= int(Decimal(posting[2]).scaleb(digits))
    return total


def main() -> int:
    """Return 0 when all agrees, 1 when something does not."""
    manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    wrong = []
    for name, wanted in manifest["sha256"].items():
        if hashlib.sha256((HERE / name).read_bytes()).hexdigest() != wanted:
            wrong.append(f"{name} was changed")
    wrong += [
        f"{each['name']} is not the file that was made"
        for each in manifest["files"]
        if manifest["sha256"].get("files/" + each["name"]) != each["sha256_when_made"]
    ]
    payments, traced = rows("payments.csv"), rows("trace.csv")
    total = sum(int(one["pence"]) for one in payments)
    kept_back = sum(int(one["credited_pence"]) for one in payments)
    found = {
        "payments": (len(payments), manifest["payments"]),
        "total of payments": (total, manifest["total_pence"]),
        "payables": (len(traced), manifest["payables"]),
        "total of payables less credits": (sum(int(one["pence"]) for one in traced) - kept_back, total),
        "total of the ledger's entries": (sent_by_ledger(manifest["minor_digits"]), manifest["total_pence"]),
    }
    for what, (here, there) in found.items():
        if here != there:
            wrong.append(f"{what}: {here} is not {there}")
    parts: dict[str, int] = {}
    for one in traced:
        parts[one["payment"]] = parts.get(one["payment"], 0) + int(one["pence"])
    wrong += [
        f"payment {one['reference']} is not the sum of what it is for"
        for one in payments
        if parts.get(one["reference"]) != int(one["pence"]) + int(one["credited_pence"])
    ]
    if len({one["reference"] for one in payments}) != len(payments):
        wrong.append("two payments have the same reference")
    agreed = f"All agrees: {len(payments)} payments, {total} in minor units of {manifest['currency']}."
    sys.stdout.write("\n".join([f"WRONG: {each}" for each in wrong] or [agreed]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
