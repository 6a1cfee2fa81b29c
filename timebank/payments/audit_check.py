"""Checks an audit pack offline, with nothing but Python 3.8 or newer: python3 check.py

It adds everything up again and compares: checksums, payments, what they are for, and the ledger's own entries,
payee by payee and in both journals.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ENTRY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} \* \((.*)\) (.*)")
ID = re.compile(r"    ; entry: ([0-9a-f-]{36})")
POSTING = re.compile(r"    (\S+)  (-?[0-9.]+) [A-Z]{3}")
BEAN_ENTRY = re.compile(r'[0-9]{4}-[0-9]{2}-[0-9]{2} \* "(.*)"')
BEAN_ID = re.compile(r'  entry: "([0-9a-f-]{36})"')
BEAN_REFERENCE = re.compile(r'  reference: "(.*)"')
BEAN_POSTING = re.compile(r"  (\S+)  (-?[0-9.]+) [A-Z]{3}")
# Where an account stands after a day; what may differ (third) is nothing.
STANDS = re.compile(r"    (\S+)  (?:0(?:\.0+)?) [A-Z]{3} = (-?[0-9.]+) [A-Z]{3}()")
BEAN_STANDS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} balance (\S+)  (-?[0-9.]+) ~ ([0-9.]+) [A-Z]{3}")
SENT = "payments_exported"
IN_TRANSIT, BANK = "Assets:In-transit", "Assets:Bank"
PAYABLE, CREDIT = "Liabilities:Payable:", "Assets:Credit:"


class Entry(NamedTuple):
    """One entry of the ledger: what it is, its reference and id, and each account with what it gets."""

    kind: str
    reference: str
    entry_id: str
    legs: tuple[tuple[str, Decimal], ...]


def rows(name: str) -> list[dict[str, str]]:
    """The lines of a CSV file of this pack."""
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def entries(name: str, *, is_beancount: bool) -> list[Entry]:
    """Every entry in a journal of this pack."""
    patterns = (BEAN_ENTRY, BEAN_ID, BEAN_POSTING) if is_beancount else (ENTRY, ID, POSTING)
    found: list[Entry] = []
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        entry, number, posting = (pattern.fullmatch(line) for pattern in patterns)
        reference = BEAN_REFERENCE.fullmatch(line) if is_beancount else None
        if entry:
            kind, says = (entry[1], "") if is_beancount else (entry[2], entry[1])
            found.append(Entry(kind, says, "", ()))
        elif number and found:
            found[-1] = found[-1]._replace(entry_id=number[1])
        elif reference and found:
            found[-1] = found[-1]._replace(reference=reference[1])
        elif posting and found:
            found[-1] = found[-1]._replace(legs=(*found[-1].legs, (posting[1], Decimal(posting[2]))))
        elif not line.strip():
            found.append(Entry("", "", "", ()))  # what follows belongs to nothing until the next entry begins
    return [one for one in found if one.entry_id]


def minor(amount: Decimal, digits: int) -> int:
    """An amount in minor units."""
    return int(amount.scaleb(digits))


def checksums(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with the files as they are: changed, missing, or not of this pack."""
    there = sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.is_file())
    there = [name for name in there if "__pycache__" not in name]
    sums = {name: hashlib.sha256((HERE / name).read_bytes()).hexdigest() for name in there}
    listed = manifest["sha256"]
    wrong = [f"{name} was changed" for name, wanted in listed.items() if name in sums and sums[name] != wanted]
    wrong += [f"{name} is missing" for name in listed if name not in sums]
    known = {*listed, "manifest.json", "SHA256SUMS"}
    wrong += [f"{name} is not of this pack" for name in there if name not in known]
    lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items() if name != "SHA256SUMS" and name in known)
    if (HERE / "SHA256SUMS").read_bytes() != lines.encode():
        wrong.append("SHA256SUMS does not say what the files are")
    return wrong + [
        f"{each['name']} is not the file that was made"
        for each in manifest["files"]
        if listed.get("files/" + each["name"]) != each["sha256_when_made"]
    ]


def ledger(payments: list[dict[str, str]], traced: list[dict[str, str]], manifest: dict[str, Any]) -> list[str]:
    """What is wrong between the payments and the ledger's entries."""
    here = entries("ledger.journal", is_beancount=False)
    wrong = []
    if here != entries("ledger.beancount", is_beancount=True):
        wrong.append("the two journals differ")
    wrong += [f"entry {one.entry_id} does not balance" for one in here if sum(amount for _, amount in one.legs)]
    digits = manifest["minor_digits"]
    exports = [one for one in here if one.kind == SENT]
    if sorted(one.entry_id for one in exports) != sorted(manifest["ledger_entries_of_the_export"]):
        wrong.append("the entries of the export are not those of the manifest")
    moved: dict[tuple[str, str], int] = {}
    for one in exports:
        for account, amount in one.legs:
            head = next((each for each in (PAYABLE, CREDIT) if account.startswith(each)), account)
            whose = account.rpartition("-")[2] if head != account else ""
            moved[head, whose] = moved.get((head, whose), 0) + minor(amount, digits)
    wanted = {(IN_TRANSIT, ""): -manifest["total_pence"]}
    for payment in payments:
        pence, kept_back = int(payment["pence"]), int(payment["credited_pence"])
        for head, moves in ((PAYABLE, pence + kept_back), (CREDIT, -kept_back)):
            key = head, payment["payee_id"]
            wanted[key] = wanted.get(key, 0) + moves
    for head, whose in sorted({*moved, *wanted}):
        if moved.get((head, whose), 0) != wanted.get((head, whose), 0):
            wrong.append(
                f"{head}{whose}: the ledger moved {moved.get((head, whose), 0)}, not {wanted.get((head, whose), 0)}"
            )
    by_id = {one.entry_id: one for one in here}
    for payable in traced:
        owed = by_id.get(payable["owed_entry"])
        if owed is None:
            wrong.append(f"payable {payable['payable']} has no entry in the ledger")
        elif owed.kind == "payable_owed" and owed.reference != f"{payable['source_kind']}/{payable['source_id']}":
            wrong.append(f"payable {payable['payable']} comes from {owed.reference}, says the ledger")
    return wrong + standing("ledger.journal", POSTING, STANDS) + standing("ledger.beancount", BEAN_POSTING, BEAN_STANDS)


def standing(name: str, posting: re.Pattern[str], stands: re.Pattern[str]) -> list[str]:
    """Places where a journal says that an account stands otherwise than its entries lead to."""
    running: dict[str, Decimal] = {}
    wrong = []
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        moved, said = posting.fullmatch(line), stands.fullmatch(line)
        if moved:
            running[moved[1]] = running.get(moved[1], Decimal(0)) + Decimal(moved[2])
        elif said and (running.get(said[1], Decimal(0)) != Decimal(said[2]) or Decimal(said[3] or 0)):
            wrong.append(f"{name}: {said[1]} does not stand at {said[2]}")
    return wrong


def outcomes(payments: list[dict[str, str]], manifest: dict[str, Any]) -> list[str]:
    """Payments whose state is not what the ledger's entries say."""
    here = entries("ledger.journal", is_beancount=False)
    run = f"batch/{manifest['payment_run']}"
    # What the bank showed as one amount has no entry of its own.
    paid_as_one = any(one.kind == "payment_run_paid" and one.reference == run for one in here)
    wrong = []
    for payment in payments:
        own = [one for one in here if one.reference == payment["reference"]]
        kinds = {one.kind for one in own}
        returned = {"payment_paid", "payment_returned"}
        wanted = {"paid": {"payment_paid"}, "rejected": {"payment_rejected"}, "returned": returned}
        expected = wanted.get(payment["state"], set())
        if kinds != expected and not (paid_as_one and kinds == expected - {"payment_paid"}):
            wrong.append(f"payment {payment['reference']} is {payment['state']}, but the ledger says otherwise")
        for one in own:
            moved = {abs(amount) for account, amount in one.legs if account in (IN_TRANSIT, BANK)}
            if {minor(amount, manifest["minor_digits"]) for amount in moved} != {int(payment["pence"])}:
                wrong.append(f"payment {payment['reference']}: entry {one.entry_id} is not its amount")
    return wrong


def main() -> int:
    """Return 0 when all agrees, 1 when something does not."""
    try:
        return checked()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error, ArithmeticError) as error:
        sys.stdout.write(f"WRONG: a file of this pack cannot be read as it was written ({error!r})\n")
        return 1


def checked() -> int:
    """Everything that can be added up again."""
    manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    wrong = checksums(manifest)
    payments, traced, walked = rows("payments.csv"), rows("trace.csv"), rows("steps.csv")
    total = sum(int(one["pence"]) for one in payments)
    kept_back = sum(int(one["credited_pence"]) for one in payments)
    found = {
        "payments": (len(payments), manifest["payments"]),
        "total of payments": (total, manifest["total_pence"]),
        "payables": (len(traced), manifest["payables"]),
        "total of payables less credits": (sum(int(one["pence"]) for one in traced) - kept_back, total),
    }
    kinds: dict[str, int] = {}
    parts: dict[str, int] = {}
    for one in traced:
        kinds[one["kind"]] = kinds.get(one["kind"], 0) + int(one["pence"])
        parts[one["payment"]] = parts.get(one["payment"], 0) + int(one["pence"])
    wrong += [f"{what}: {here} is not {there}" for what, (here, there) in found.items() if here != there]
    if kinds != manifest["pence_by_kind"]:
        wrong.append("the sums by kind are not those of the manifest")
    wrong += [
        f"payment {one['reference']} is not the sum of what it is for"
        for one in payments
        if parts.get(one["reference"]) != int(one["pence"]) + int(one["credited_pence"])
    ]
    if len({one["reference"] for one in payments}) != len(payments):
        wrong.append("two payments have the same reference")
    names = {one["reference"]: one["payee"] for one in payments}
    wrong += [
        f"payable {one['payable']} is for somebody else" for one in traced if names.get(one["payment"]) != one["payee"]
    ]
    sent = {one["payable"] for one in walked if one["state"] == "exported"}
    wrong += [f"payable {one['payable']} never left" for one in traced if one["payable"] not in sent]
    wrong += ledger(payments, traced, manifest) + outcomes(payments, manifest)
    agreed = f"All agrees: {len(payments)} payments, {total} in minor units of {manifest['currency']}."
    sys.stdout.write("\n".join([f"WRONG: {each}" for each in wrong] or [agreed]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
