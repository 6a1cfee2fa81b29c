"""Payments CSV: any reader gets back what was written, no spreadsheet runs it, and the bytes never vary."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.payments.examples import batch, item, payment
from timebank.payments.formats import FORMATS, Batch, ControlTotal, UnreadableFileError, find_format
from timebank.payments.formats.payments_csv import DEFAULT_PROFILE, Column, ColumnProfile, PaymentsCsv

GOLDEN = (
    "Payment reference,Payee,Supplier reference,Invoice number,"
    "Amount,Currency,Due date,Description,Type,Batch number\r\n"
    "B7K2-M9QX,Corner Café,SUP-004,INV 17,12.50,GBP,2026-04-03,2 lunch vouchers,voucher,12\r\n"
).encode()


def read(data: bytes, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), delimiter=separator, strict=True))


def test_the_file_byte_for_byte() -> None:
    assert PaymentsCsv().write(batch(payment())) == GOLDEN


def test_no_payments_still_have_headings() -> None:
    assert PaymentsCsv().write(batch()) == GOLDEN.splitlines(keepends=True)[0]


@pytest.mark.parametrize(
    "payee",
    [
        "Bernard O'Leary",
        "Joan D’Arcy",
        "Maryam al-Hashimi (مريم الهاشمي)",
        "\N{RIGHT-TO-LEFT MARK}مريم\N{RIGHT-TO-LEFT MARK}",
        "Café 🌻",
        "Smith, Jones & Co",
        'The "Old" Mill',
        "Two\r\nlines",
        "Return\rinside",
        "semi;colon\ttab",
        " spaces around ",
        "",
    ],
)
def test_any_reader_gets_the_text_back(payee: str) -> None:
    odd = payment(item(description=payee), payee_name=payee)
    rows = read(PaymentsCsv().write(batch(odd, payment())))
    assert [len(row) for row in rows] == [10, 10, 10]
    assert rows[1][1] == payee
    assert rows[1][7] == payee


@pytest.mark.parametrize(
    "dangerous", ["=cmd|' /C calc'!A0", "+44 7700 900123", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1"]
)
def test_no_text_cell_is_run_as_a_formula(dangerous: str) -> None:
    odd = payment(
        item(description=dangerous, invoice_number=dangerous, kind=dangerous),
        reference=dangerous,
        payee_name=dangerous,
        supplier_reference=dangerous,
    )
    cells = read(PaymentsCsv().write(batch(odd)))[1]
    assert [cells[column] for column in (0, 1, 2, 3, 7, 8)] == ["'" + dangerous] * 6
    assert cells[4:7] == ["12.50", "GBP", "2026-04-03"]


@pytest.mark.parametrize(
    ("pence", "currency", "amount"),
    [(1, "GBP", "0.01"), (100, "GBP", "1.00"), (123_456_789_01, "GBP", "123456789.01"), (500, "JPY", "500")],
)
def test_amounts_are_exact_plain_numbers(pence: int, currency: str, amount: str) -> None:
    assert read(PaymentsCsv().write(batch(payment(item(pence=pence)), currency=currency)))[1][4] == amount


def test_a_profile_sets_columns_headings_dates_amounts_and_line_ends() -> None:
    profile = ColumnProfile(
        columns=(Column("due_on", "When"), Column("amount", "Pence"), Column("payee_name", "Name")),
        date_format="dd/mm/yyyy",
        amounts="pence",
        separator=";",
        line_end="\n",
        with_byte_order_mark=True,
    )
    with_mark = b"\xef\xbb\xbfWhen;Pence;Name\n" + "03/04/2026;1250;Corner Café\n".encode()
    assert PaymentsCsv(profile).write(batch(payment())) == with_mark
    bare = replace(profile, with_headings=False, with_byte_order_mark=False, date_format="ddmmyyyy")
    assert PaymentsCsv(bare).write(batch(payment())) == "03042026;1250;Corner Café\n".encode()


@pytest.mark.parametrize(
    ("date_format", "text"),
    [("yyyy-mm-dd", "2026-04-03"), ("dd.mm.yyyy", "03.04.2026"), ("yyyymmdd", "20260403")],
)
def test_date_formats(date_format: Any, text: str) -> None:
    assert read(PaymentsCsv(replace(DEFAULT_PROFILE, date_format=date_format)).write(batch(payment())))[1][6] == text


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": (Column("payee_name", "Payee"),)},
        {"columns": (Column("amount", "A"), Column("amount", "B"))},
        {"columns": ()},
        {"date_format": "mm/dd/yyyy"},
        {"amounts": "shillings"},
        {"separator": "x"},
        {"line_end": "\r"},
    ],
)
def test_a_profile_that_cannot_be_right(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"profile needs|unknown"):
        replace(DEFAULT_PROFILE, **wrong)


@pytest.mark.parametrize("wrong", [{"pence": 0}, {"pence": -1}, {"pence": 1249}, {"credited_pence": 1, "pence": 1250}])
def test_a_payment_that_cannot_be_right(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="B7K2-M9QX"):
        payment(item(), **wrong)


@pytest.mark.parametrize("currency", ["gbp", "£", ""])
def test_a_run_that_cannot_be_right(currency: str) -> None:
    with pytest.raises(ValueError, match="payment run 12"):
        batch(payment(), currency=currency)


@pytest.mark.parametrize("amounts", ["pounds", "pence"])
def test_control_totals_are_read_from_the_file(amounts: Any) -> None:
    made = PaymentsCsv(replace(DEFAULT_PROFILE, amounts=amounts))
    run: Batch = batch(payment(), payment(item(pence=99)))
    content = made.write(run)
    assert made.read_back(content, run) == run.total == ControlTotal("GBP", 2, 1349)
    for damaged in (content.replace(b"12.50", b"x").replace(b"1250", b"x"), content + b"a,b\r\n"):
        with pytest.raises(UnreadableFileError):
            made.read_back(damaged, run)


def test_several_items_for_one_payee_are_one_payment() -> None:
    both = payment(item(), item(pence=500, description="Cake", invoice_number="INV 18", kind="training"))
    cells = read(PaymentsCsv().write(batch(both)))[1]
    assert cells[3:5] == ["", "17.50"]
    assert cells[7:9] == ["2 items: 2 lunch vouchers, Cake", "mixed"]


def test_formats_are_found_by_code() -> None:
    assert [one.code for one in FORMATS] == ["payments-csv"]
    assert find_format("payments-csv") is FORMATS[0]
    assert find_format("bacs") is None
