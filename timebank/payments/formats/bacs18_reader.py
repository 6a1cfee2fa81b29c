"""Reading Bacs Standard 18 back: a table of positions of its own, so that a mistake of the writer is not repeated here.

It knows nothing of how a file is written; what it finds is compared with the payment run, record by record.
"""

import re
from datetime import date, timedelta
from typing import NoReturn

from timebank.payments.formats.model import Batch, ControlTotal, UnreadableFileError

# First and last position of each field, counted from 1 as the specification does.
DATA = {
    "to_sort_code": (1, 6),
    "to_account": (7, 14),
    "account_type": (15, 15),
    "transaction": (16, 17),
    "from_sort_code": (18, 23),
    "from_account": (24, 31),
    "free": (32, 35),
    "pence": (36, 46),
    "from_name": (47, 64),
    "reference": (65, 82),
    "to_name": (83, 100),
    "day": (101, 106),
}
UTL1 = {"debits": (5, 17), "credits": (18, 30), "debit_count": (31, 37), "credit_count": (38, 44)}
CREDIT, CONTRA = "99", "17"
LETTERS = re.compile(r"[A-Z0-9.&/\- ]*")


def read(content: bytes, batch: Batch, *, is_multi: bool) -> ControlTotal:
    """Count and add up the credits.

    Raises:
        UnreadableFileError: it is no such file, its totals are not those of its records, or a record pays another
            account, amount or reference than the payment run says.
    """
    lines = _lines(content)
    heads, rows, feet = lines[:4], lines[4:-3], lines[-3:]
    _labels(heads, ("VOL1", "HDR1", "HDR2", "UHL1"))
    _labels(feet, ("EOF1", "EOF2", "UTL1"))
    if heads[1][4:] != feet[0][4:] or heads[2][4:] != feet[1][4:]:
        _wrong("its end does not repeat its head")
    width = 106 if is_multi else 100
    if heads[2][10:15] != f"{width:05d}":
        _wrong("its head names another length of records")
    if _day(heads[3][4:10]) != batch.processing_on:
        _wrong("its head names another day")
    records = [_record(row, width) for row in rows]
    if is_multi and any(_day(record["day"]) != batch.processing_on for record in records):
        _wrong("a record names another day")
    paid = [record for record in records if record["transaction"] == CREDIT]
    contras = [record for record in records if record["transaction"] == CONTRA]
    if len(contras) != 1 or len(paid) + 1 != len(records):
        _wrong("it must hold credits and one contra")
    _compare(paid, contras[0], batch)
    total = ControlTotal(batch.currency, len(paid), sum(_number(record["pence"]) for record in paid))
    _sums(feet[2], total, _number(contras[0]["pence"]))
    return total


def _lines(content: bytes) -> list[str]:
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        _wrong("it is not ASCII")
    if not text.endswith("\r\n"):
        _wrong("its last record has no end")
    lines = text[:-2].split("\r\n")
    if len(lines) < 8 or not all(LETTERS.fullmatch(line) for line in lines):
        _wrong("it is too short, or holds letters that Bacs does not know")
    return lines


def _labels(lines: list[str], names: tuple[str, ...]) -> None:
    if any(line[:4] != name or len(line) != 80 for line, name in zip(lines, names, strict=True)):
        _wrong(f"it must hold {', '.join(names)}, each of 80 characters")


def _record(line: str, width: int) -> dict[str, str]:
    if len(line) != width:
        _wrong(f"a record has {len(line)} characters")
    return {name: line[first - 1 : last] for name, (first, last) in DATA.items()}


def _compare(paid: list[dict[str, str]], contra: dict[str, str], batch: Batch) -> None:
    ours = (batch.account.sort_code, batch.account.number) if batch.account else ("", "")
    for record in (*paid, contra):
        if (record["from_sort_code"], record["from_account"]) != ours:
            _wrong("a record is paid from another account")
    if (contra["to_sort_code"], contra["to_account"]) != ours or contra["reference"].rstrip() != "CONTRA":
        _wrong("its contra is not ours")
    if len(paid) != len(batch.payments):
        _wrong("it holds another number of payments")
    for record, payment in zip(paid, batch.payments, strict=True):
        found = (record["to_sort_code"], record["to_account"], _number(record["pence"]), record["reference"].rstrip())
        account = payment.account
        wanted = (account.sort_code, account.number, payment.pence, payment.reference) if account else ()
        if found != wanted or not record["to_name"].strip():
            _wrong(f"payment {payment.reference} reads differently")


def _sums(line: str, total: ControlTotal, contra_pence: int) -> None:
    found = {name: _number(line[first - 1 : last]) for name, (first, last) in UTL1.items()}
    wanted = {
        "debits": contra_pence,
        "credits": total.pence,
        "debit_count": 1,
        "credit_count": total.payments,
    }
    if found != wanted or contra_pence != total.pence:
        _wrong("its totals are not those of its records")


def _number(text: str) -> int:
    if not text.isdecimal():
        _wrong(f"{text!r} is not a number")
    return int(text)


def _day(text: str) -> date:
    if not re.fullmatch(r" \d{5}", text):
        _wrong(f"{text!r} is not a day")
    return date(2000 + int(text[1:3]), 1, 1) + timedelta(days=int(text[3:]) - 1)


def _wrong(what: str) -> NoReturn:
    raise UnreadableFileError(f"Bacs file: {what}")
