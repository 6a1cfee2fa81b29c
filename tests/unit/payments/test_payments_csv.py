"""Payments CSV: any reader gets back what was written, no spreadsheet runs it, and the bytes never vary."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.payments.examples import batch, item, payment
from timebank.payees.model import Account
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
        {"letters": "morse"},
        {"sort_codes": "08 99 99"},
        {"extension": "exe"},
        {"columns": (Column("amount", "A" * 61),)},
        {"columns": (Column("amount", "A", width=141),)},
        {"columns": (Column("amount", "A", width=-1),)},
        {"columns": (Column("amount", "A"), *[Column("empty")] * 100)},
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
    codes = [one.code for one in FORMATS]
    assert codes[0] == "payments-csv"
    assert len(set(codes)) == len(codes)
    assert all(find_format(one.code) is one for one in FORMATS)
    assert find_format("bacs") is None


ACCOUNTS = (
    Column("fixed", "Code", text="99"),
    Column("sort_code", "Sort"),
    Column("account_number", "Number"),
    Column("amount", "Amount"),
    Column("empty"),
    Column("empty"),
    Column("account_holder", "Name", width=10),
    Column("our_name", "From"),
    Column("our_sort_code", "Our sort"),
    Column("our_account_number", "Our number"),
    Column("our_sort_code_and_number", "Both"),
)
OWN = PaymentsCsv(ColumnProfile(columns=ACCOUNTS, letters="bacs", sort_codes="08-99-99", extension="txt"), "x")


def test_fixed_texts_empty_columns_and_our_own_account() -> None:
    rows = read(OWN.write(batch(payment())))
    both = ["RIVERSIDE TIME BANK", "10-79-99", "88837491", "10799988837491"]
    assert rows[1] == ["99", "08-99-99", "66374958", "12.50", "", "", "CORNER CAF", *both]
    assert OWN.extension == "txt"
    assert OWN.as_sent(payment()) == "CORNER CAF"
    assert OWN.needs == "A sort code and account number of every payee; our own sort code and account number."
    assert PaymentsCsv().as_sent(payment()) == "Corner Café"
    assert PaymentsCsv().needs == "No bank details."


def test_a_file_to_another_account_never_leaves() -> None:
    run = batch(payment())
    content = OWN.write(run)
    assert OWN.read_back(content, run) == run.total
    for damaged in (content.replace(b"08-99-99", b"08-99-98"), content.replace(b"66374958", b"66374959")):
        with pytest.raises(UnreadableFileError, match="another account"):
            OWN.read_back(damaged, run)


WITH_IBAN = PaymentsCsv(
    replace(DEFAULT_PROFILE, columns=(*DEFAULT_PROFILE.columns, Column("iban", "IBAN"), Column("our_iban", "Ours"))),
    "y",
)


@pytest.mark.parametrize(
    ("made", "changed", "codes"),
    [
        (OWN, {}, []),
        (OWN, {"currency": "EUR"}, ["wrong_currency"]),
        (OWN, {"account": None}, ["no_own_account"]),
        (OWN, {"payments": (payment(account=None),)}, ["payee_without_account"]),
        (OWN, {"payments": (payment(account=Account(holder="🌻", sort_code="089999", number="66374958")),)},
         ["name_cannot_be_sent"]),
        (OWN, {"payments": (payment(item(pence=10**18)),)}, ["payment_too_large"]),
        (WITH_IBAN, {}, ["no_own_account", "payee_without_account"]),
        (PaymentsCsv(), {"payments": (payment(item(pence=10**18)),)}, ["payment_too_large"]),
        (PaymentsCsv(), {"payments": (), "account": None}, []),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_of_a_csv(made: PaymentsCsv, changed: dict[str, Any], codes: list[str]) -> None:
    assert [refusal.code for refusal in made.check(replace(batch(payment()), **changed))] == codes


def test_a_run_of_many_large_payments_is_read_back() -> None:
    run = batch(*(payment(item(pence=99_999_999_999), reference=f"R{n}") for n in range(100)))
    assert PaymentsCsv().read_back(PaymentsCsv().write(run), run).pence == 9_999_999_999_900
