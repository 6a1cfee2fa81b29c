"""Statements as CSV: columns told by their names, amounts exact or refused, balances that must follow."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timebank.kit.refusal import Refusal
from timebank.reconciliation.formats import Columns, Question, ReadStatement, headings_of, read
from timebank.reconciliation.formats.amounts import read_amount
from timebank.reconciliation.formats.model import MAX_FILE_BYTES, MAX_LINES

HEADINGS = {
    "one column": "Date,Description,Amount,Balance\n03/03/2026,Tea,-1.50,8.50\n04/03/2026,Gift,2.00,10.50\n",
    "two columns": "Date,Description,Paid out,Paid in,Balance\n"
    "03/03/2026,Tea,1.50,,8.50\n04/03/2026,Gift,,2.00,10.50\n",
    "newest first": "Date,Description,Amount,Balance\n04/03/2026,Gift,2.00,10.50\n03/03/2026,Tea,-1.50,8.50\n",
    "semicolons": "\ufeffDate;Narrative;Money Out;Money In;Balance\n"
    "2026-03-03;Tea;1,50;;8,50\n2026-03-04;Gift;;2,00;10,50\n",
    "preamble": "Account Name,Time Bank\n\n"
    "Transaction Date,Transaction Description,Debit Amount,Credit Amount,Balance\n"
    "03/03/2026,Tea,1.50,,8.50\n04/03/2026,Gift,,2.00,10.50\nTotal\n",
    "debit or credit": "Date,Details,Amount,DR/CR,Balance\n"
    "3 Mar 2026,Tea,1.50,DR,8.50\n4 Mar 2026,Gift,2.00,CR,10.50\n",
    "a balance brought forward": "Date,Details,Amount,Balance\n01/03/2026,Opening,,10.00\n"
    "03/03/2026,Tea,-1.50,8.50\n04/03/2026,Gift,2.00,10.50\n",
    "minus in its own column": "Date,Description,Debit,Credit,Balance\n03/03/2026,Tea,-1.50,,8.50\n"
    "04/03/2026,Gift,,2.00,10.50\n",
}


@pytest.mark.parametrize("text", HEADINGS.values(), ids=HEADINGS.keys())
def test_the_same_two_lines_in_the_columns_of_many_banks(text: str) -> None:
    found = read(text.encode(), "GBP")
    assert isinstance(found, ReadStatement), found
    assert [(line.booked_on, line.pence, line.text) for line in found.lines] == [
        (date(2026, 3, 3), -150, "Tea"),
        (date(2026, 3, 4), 200, "Gift"),
    ]
    assert (found.opening_pence, found.closing_pence) == (1000, 1050)
    assert (found.first_on, found.last_on) == (date(2026, 3, 3), date(2026, 3, 4))


@pytest.mark.parametrize(
    ("typed", "pence"),
    [
        ("12.50", 1250), ("-12.50", -1250), ("12.50-", -1250), ("(12.50)", -1250), ("£1,250.00", 125_000),
        ("-£3.20", -320), ("+5", 500), ("12.50 DR", -1250), ("12.50CR", 1250), ("\u221212.50", -1250), ("0.00", 0),
        ("", None), ("-", None), ("0.1", 10),
    ],
)  # fmt: skip
def test_amounts_are_exact(typed: str, pence: int | None) -> None:
    assert read_amount(typed, "GBP", 7) == pence


@pytest.mark.parametrize("typed", ["12.505", "1e5", "--5", "-(5)", "12,3456", "NaN", "=1+1", "£", "1.2.3", "5 EUR"])
def test_what_is_no_amount_is_refused_by_its_line(typed: str) -> None:
    found = read_amount(typed, "GBP", 7)
    assert isinstance(found, Refusal)
    assert found.message.startswith("Line 7: ")


def test_nineteen_digits_are_too_much() -> None:
    found = read_amount("1234567890123456789.00", "GBP", 7)
    assert isinstance(found, Refusal)
    assert found.code == "amount_too_large"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("Date,Amount,Balance\n03/03/2026,1.00,11.00\n03/03/2026,1.00,12.50\n", "balance_breaks", "Line 3"),
        ("Date,Debit,Credit\n03/03/2026,1.00,2.00\n", "amount_twice", "Line 2"),
        ("Date,Amount\n03/25/2026,1.00\n", "date_month_first", "Line 2"),
        ("Date,Amount\n03/03/2026,\n", "amount_missing", "Line 2"),
        ("Date,Amount,Debit/Credit\n03/03/2026,1.00,maybe\n", "direction_unreadable", "Line 2"),
        ("Date,Amount\n,1.00\n", "date_missing", "Line 2"),
        ("Date,Amount\nTotal\n", "no_lines", ""),
        ('Date,Amount\n03/03/2026,"1.00\n', "quote_not_closed", ""),
    ],
)
def test_what_cannot_be_right_is_said_by_line(text: str, code: str, said: str) -> None:
    found = read(text.encode(), "GBP")
    assert isinstance(found, Refusal), found
    assert found.code == code
    assert said in found.message


def test_unknown_names_of_columns_are_asked_about_and_the_answer_is_used() -> None:
    text = b"Valuta;Was;Summe\n03.03.2026;Tee;-1,50\n"
    found = read(text, "GBP")
    assert isinstance(found, Question)
    assert found.headings == ("Valuta", "Was", "Summe")
    assert found.examples == (("03.03.2026", "Tee", "-1,50"),)
    answered = read(text, "GBP", Columns(date=0, text=1, amount=2))
    assert isinstance(answered, ReadStatement)
    assert [(line.number, line.pence) for line in answered.lines] == [(2, -150)]


def test_a_file_without_names_of_columns_loses_no_line() -> None:
    found = read(b"03/03/2026,Tea,-1.50\n04/03/2026,Gift,2.00\n", "GBP", Columns(date=0, text=1, amount=2))
    assert isinstance(found, ReadStatement)
    assert [line.pence for line in found.lines] == [-150, 200]


def test_a_bad_day_between_good_ones_is_never_skipped() -> None:
    text = b"x,y\n03/03/2026,1\nnonsense,2\n05/03/2026,3\n"
    found = read(text, "GBP", Columns(date=0, amount=1))
    assert isinstance(found, Refusal)
    assert "Line 3" in found.message


@pytest.mark.parametrize("columns", [Columns(), Columns(date=0), Columns(date=0, paid_in=1), Columns(amount=1)])
def test_too_few_columns_are_said(columns: Columns) -> None:
    found = read(b"a,b\n03/03/2026,1\n", "GBP", columns)
    assert isinstance(found, Refusal)
    assert found.code == "columns_missing"


def test_two_columns_that_could_be_the_date_are_not_guessed() -> None:
    assert isinstance(read(b"Date,Date,Amount\n03/03/2026,04/03/2026,1\n", "GBP"), Question)


def test_limits_are_kept() -> None:
    line = b"03/03/2026,1.00\n"
    assert isinstance(read(b"Date,Amount\n" + line * MAX_LINES, "GBP"), ReadStatement)
    for data in (b"Date,Amount\n" + line * (MAX_LINES + 1), b"Date,Amount\n" + b" " * MAX_FILE_BYTES):
        assert isinstance(read(data, "GBP"), Refusal)


def test_a_workbook_or_picture_is_named() -> None:
    found = read(b"PK\x03\x04rest", "GBP")
    assert isinstance(found, Refusal)
    assert "not a CSV" in found.message


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    assert isinstance(read(data, "GBP"), ReadStatement | Question | Refusal)


@settings(deadline=None)
@given(st.text(max_size=400), st.sampled_from(["Date,Amount,Balance\n", "Date;Paid out;Paid in\n", "<?xml", ""]))
def test_no_text_breaks_the_reader(text: str, start: str) -> None:
    found = read((start + text).encode("utf-8", "surrogatepass"), "GBP", None)
    assert isinstance(found, ReadStatement | Question | Refusal)


@settings(deadline=None)
@given(st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=30), st.booleans())
def test_what_a_bank_writes_is_read_to_the_penny(amounts: list[int], newest_first: bool) -> None:
    balance, rows = 0, []
    for pence in amounts:
        balance += pence
        rows.append(f"03/03/2026,{pence / 100:.2f},{balance / 100:.2f}")
    found = read("\n".join(["Date,Amount,Balance", *(rows[::-1] if newest_first else rows)]).encode(), "GBP")
    assert isinstance(found, ReadStatement), found
    assert sum(line.pence for line in found.lines) == sum(amounts)
    assert sorted(line.pence for line in found.lines) == sorted(amounts)
    assert found.closing_pence is not None
    assert found.opening_pence is not None
    assert found.closing_pence - found.opening_pence == sum(amounts)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"Narrative 1,Narrative 2,Wert\na,b,c\n", ("Narrative 1", "Narrative 2", "Wert")),
        (b"03/03/2026,Tea,1.50\n04/03/2026,Bus,2.00\n", ("column 1", "column 2", "column 3")),
        (b"", ()),
    ],
)
def test_columns_are_remembered_under_their_names(text: bytes, names: tuple[str, ...]) -> None:
    assert headings_of(text) == names
