"""A statement saved as CSV, in whatever columns the bank has. Pure."""

from collections.abc import Sequence

from timebank.kit import csv, dates
from timebank.kit.csv import Row
from timebank.kit.money import in_words
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown
from timebank.reconciliation.formats.amounts import direction_of, read_amount
from timebank.reconciliation.formats.columns import guess, heading_row
from timebank.reconciliation.formats.model import (
    MAX_FILE_BYTES,
    MAX_LINES,
    MAX_PARTY,
    MAX_REFERENCE,
    MAX_TEXT,
    Columns,
    Question,
    ReadLine,
    ReadStatement,
)

FORMAT = "csv"
EXAMPLES = 3
_NOTHING = Columns()


def read_csv(data: bytes, currency: str, chosen: Columns | None = None) -> ReadStatement | Question | Refusal:
    """The statement in a CSV file; a question when its columns are not clear.

    Lines come back oldest first, whichever way the bank writes them. Where there is a balance column, every balance
    must follow from the one before. Refusals name the line: ``amount_unreadable``, those of ``kit.dates.parse``,
    ``amount_missing``, ``balance_breaks``, ``no_lines`` and those of reading a CSV.
    """
    decoded = csv.decode(data, max_bytes=MAX_FILE_BYTES)
    if isinstance(decoded, Refusal):
        return decoded
    separator = decoded.separator or csv.sniff(decoded.text)
    rows = csv.rows(decoded.text, separator, max_rows=MAX_LINES + 20)
    if isinstance(rows, Refusal):
        return rows
    if not rows:
        return _no_lines()
    heading = heading_row(rows)
    columns = chosen or (guess(heading.cells) if heading else _NOTHING)
    if chosen is None and not columns.is_enough:
        return _question(rows, heading, columns)
    if not columns.is_enough:
        text = "Choose the date, and either one column for amounts or both “Paid out” and “Paid in”."
        return Refusal("columns_missing", text, "columns-date")
    return _statement(_body(rows, heading, columns), columns, currency)


def columns_question(data: bytes) -> Question | None:
    """The columns of a CSV, to be chosen by a person whatever their names say; None when it is no CSV."""
    decoded = csv.decode(data, max_bytes=MAX_FILE_BYTES)
    if isinstance(decoded, Refusal):
        return None
    rows = csv.rows(decoded.text, decoded.separator or csv.sniff(decoded.text), max_rows=MAX_LINES + 20)
    if isinstance(rows, Refusal) or not rows:
        return None
    heading = heading_row(rows)
    return _question(rows, heading, guess(heading.cells) if heading else _NOTHING)


def headings_of(data: bytes) -> tuple[str, ...]:
    """The names of the columns of a CSV, by which the choice of columns is remembered; () when it has none."""
    decoded = csv.decode(data, max_bytes=MAX_FILE_BYTES)
    if isinstance(decoded, Refusal):
        return ()
    rows = csv.rows(decoded.text, decoded.separator or csv.sniff(decoded.text), max_rows=MAX_LINES + 20)
    if isinstance(rows, Refusal) or not rows:
        return ()
    heading = heading_row(rows)
    cells = heading.cells if heading else rows[0].cells
    is_data = any(not isinstance(dates.parse(cell), Refusal) for cell in cells if cell)
    return cells if not is_data else tuple(f"column {n}" for n in range(1, len(cells) + 1))


def _question(rows: Sequence[Row], heading: Row | None, columns: Columns) -> Question:
    first = heading or rows[0]
    below = [row.cells for row in rows if row.number > first.number][:EXAMPLES]
    return Question(first.cells, columns, tuple(below))


def _body(rows: Sequence[Row], heading: Row | None, columns: Columns) -> Sequence[Row]:
    """The rows below the names; without known names, everything from the first row that begins with a day."""
    if heading is not None:
        return [row for row in rows if row.number > heading.number]
    days = (n for n, row in enumerate(rows) if _has_day(row, columns))
    return rows[next(days, 1) :]


def _statement(rows: Sequence[Row], columns: Columns, currency: str) -> ReadStatement | Refusal:
    lines: list[ReadLine] = []
    balances: list[int | None] = []
    for row in rows:
        if _amount(row, columns, currency) is None and (_cell(row, columns.balance) or not _has_day(row, columns)):
            continue  # a balance brought forward; remarks below the last line
        line = _line(row, columns, currency)
        if isinstance(line, Refusal):
            return line
        balance = read_amount(_cell(row, columns.balance), currency, row.number)
        if isinstance(balance, Refusal):
            return balance
        lines.append(line)
        balances.append(balance)
    if not lines:
        return _no_lines()
    if len(lines) > MAX_LINES:
        return Refusal(
            "too_many_lines", f"This file has more than {MAX_LINES} lines. Split it into shorter dates.", "file"
        )
    return _in_order(lines, balances, currency)


def _has_day(row: Row, columns: Columns) -> bool:
    return not isinstance(dates.parse(_cell(row, columns.date)), Refusal)


def _in_order(lines: list[ReadLine], balances: list[int | None], currency: str) -> ReadStatement | Refusal:
    """Oldest first. Dates tell the direction; within one day the balances do, and without any the file's own order."""
    newest_first = lines[0].booked_on > lines[-1].booked_on
    if lines[0].booked_on == lines[-1].booked_on and _break(lines, balances) is not None:
        newest_first = _break(lines[::-1], balances[::-1]) is None
    if newest_first:
        lines, balances = lines[::-1], balances[::-1]
    broken = _break(lines, balances)
    if broken is not None:
        previous, given = balances[broken - 1], balances[broken]
        assert previous is not None
        assert given is not None
        due = in_words(previous + lines[broken].pence, currency)
        text = (
            f"Line {lines[broken].number}: the balance is {in_words(given, currency)}, but {due} follows from the line "
            "before. A line is missing or was changed. Download the statement from your bank again."
        )
        return Refusal("balance_breaks", text, "file")
    opening = None if balances[0] is None else balances[0] - lines[0].pence
    days = [line.booked_on for line in lines]
    return ReadStatement(
        format=FORMAT,
        lines=tuple(sorted(lines, key=lambda line: line.booked_on)),
        opening_pence=opening if balances[-1] is not None else None,
        closing_pence=balances[-1] if opening is not None else None,
        first_on=min(days),
        last_on=max(days),
    )


def _break(lines: Sequence[ReadLine], balances: Sequence[int | None]) -> int | None:
    """Where the balances stop following from each other; None when they never do. Empty ones are passed over."""
    for place in range(1, len(lines)):
        before, after = balances[place - 1], balances[place]
        if before is not None and after is not None and before + lines[place].pence != after:
            return place
    return None


def _line(row: Row, columns: Columns, currency: str) -> ReadLine | Refusal:
    day = dates.parse(_cell(row, columns.date))
    if isinstance(day, Refusal):
        return Refusal(day.code, f"Line {row.number}: {day.message}", "file")
    pence = _amount(row, columns, currency)
    if isinstance(pence, Refusal):
        return pence
    if pence is None:
        return Refusal("amount_missing", f"Line {row.number} has no amount. Download the statement again.", "file")
    return ReadLine(
        number=row.number,
        booked_on=day,
        pence=pence,
        text=_cell(row, columns.text)[:MAX_TEXT],
        references=_cell(row, columns.reference)[:MAX_REFERENCE],
        party=_cell(row, columns.party)[:MAX_PARTY],
    )


def _amount(row: Row, columns: Columns, currency: str) -> int | Refusal | None:
    if columns.amount is not None:
        return _one_column(row, columns, currency)
    paid_out = read_amount(_cell(row, columns.paid_out), currency, row.number)
    paid_in = read_amount(_cell(row, columns.paid_in), currency, row.number)
    for amount in (paid_out, paid_in):
        if isinstance(amount, Refusal):
            return amount
    assert not isinstance(paid_out, Refusal)
    assert not isinstance(paid_in, Refusal)
    if paid_out and paid_in:
        text = f"Line {row.number} has an amount paid out and one paid in. It can only be one of them."
        return Refusal("amount_twice", text, "file")
    if paid_in:
        return paid_in
    if paid_out:
        return -abs(paid_out)  # some banks write what went out with a minus, in its own column too
    return None if paid_in is None and paid_out is None else 0


def _one_column(row: Row, columns: Columns, currency: str) -> int | Refusal | None:
    assert columns.amount is not None
    amount = read_amount(_cell(row, columns.amount), currency, row.number)
    if columns.direction is None or amount is None or isinstance(amount, Refusal):
        return amount
    direction = direction_of(_cell(row, columns.direction))
    if direction is None:
        word = shown(_cell(row, columns.direction))
        return Refusal("direction_unreadable", f"Line {row.number}: {word} is neither debit nor credit.", "file")
    return direction * abs(amount)


def _cell(row: Row, place: int | None) -> str:
    return row.cells[place] if place is not None and place < len(row.cells) else ""


def _no_lines() -> Refusal:
    return Refusal("no_lines", "This file has no lines in it. Choose the file with your transactions.", "file")
