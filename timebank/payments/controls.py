"""Control totals: a payment file read back by other means than those that wrote it. Pure."""

import csv
import io

from timebank.kit import money
from timebank.kit.refusal import Refusal
from timebank.payments.formats import ControlTotal, PaymentFormat
from timebank.payments.formats.payments_csv import PaymentsCsv


class UnreadableFileError(Exception):
    """A file just written cannot be read back. A bug: it must not leave."""


def read_back(content: bytes, payment_format: PaymentFormat, currency: str) -> ControlTotal:
    """Count and add up the payments in the bytes of a file, with the standard library's CSV reader.

    Raises:
        UnreadableFileError: the bytes do not hold one readable amount on every line.
    """
    if not isinstance(payment_format, PaymentsCsv):
        raise UnreadableFileError(f"nothing here reads {payment_format.code}")
    profile = payment_format.profile
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=profile.separator))
    column = [column.field for column in profile.columns].index("amount")
    amounts = [_pence(line, column, profile.amounts, currency) for line in lines[1 if profile.with_headings else 0 :]]
    return ControlTotal(currency, len(amounts), sum(amounts))


def _pence(line: list[str], column: int, amounts: str, currency: str) -> int:
    cell = line[column] if column < len(line) else ""
    if amounts == "pence":
        if not (cell.isascii() and cell.isdecimal()):
            raise UnreadableFileError(f"{cell!r} is not an amount in pence")
        return int(cell)
    pence = money.parse(cell, currency)
    if isinstance(pence, Refusal):
        raise UnreadableFileError(f"{cell!r} is not an amount")
    return pence
