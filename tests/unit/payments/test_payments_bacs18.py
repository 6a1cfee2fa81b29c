"""Bacs Standard 18: positions as finance.md has them, read by a reader of the tests' own."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.unit.payments.examples import batch, item, payment
from tests.unit.payments.golden import pounds
from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats import Batch, ControlTotal, UnreadableFileError, find_format
from timebank.payments.formats.bacs18 import Bacs18, julian

SINGLE, MULTI = Bacs18(), Bacs18(is_multi=True)


def at(line: str, first: int, last: int) -> str:
    """The characters from one position to another, both counted from 1."""
    return line[first - 1 : last]


def lines_of(content: bytes) -> list[str]:
    assert content.endswith(b"\r\n")
    return content.decode("ascii").split("\r\n")[:-1]


@pytest.mark.parametrize(("made", "width"), [(SINGLE, 100), (MULTI, 106)])
def test_every_label_and_record_stands_where_it_must(made: Bacs18, width: int) -> None:
    run = pounds()
    vol1, hdr1, hdr2, uhl1, *records, eof1, eof2, utl1 = lines_of(made.write(run))
    assert {len(label) for label in (vol1, hdr1, hdr2, uhl1, eof1, eof2, utl1)} == {80}
    assert {len(record) for record in records} == {width}
    assert (at(vol1, 1, 4), at(vol1, 5, 10), at(vol1, 42, 47), at(vol1, 80, 80)) == ("VOL1", "000012", "123456", "1")
    assert (at(hdr1, 1, 12), at(hdr1, 16, 35)) == ("HDR1A123456S", "123456" + "000012" + "0001" + "0001")
    assert (at(hdr1, 42, 47), at(hdr1, 48, 53), at(hdr1, 55, 60)) == (" 26069", " 26077", "000000")
    assert (at(hdr2, 5, 15), at(hdr2, 51, 52)) == (f"F02000{width:05d}", "00")
    assert (at(uhl1, 5, 10), at(uhl1, 11, 16), at(uhl1, 21, 28)) == (" 26070", "999999", "00000000")
    assert (at(uhl1, 29, 37), at(uhl1, 38, 40)) == ("1 DAILY  " if width == 100 else "4 MULTI  ", "012")
    assert (eof1[4:], eof2[4:]) == (hdr1[4:], hdr2[4:])
    *paid, contra = records
    assert [at(one, 15, 17) for one in records] == ["099"] * len(paid) + ["017"]
    assert {at(one, 18, 31) for one in records} == {"10799988837491"} == {at(contra, 1, 14)}
    assert at(contra, 65, 82) == "CONTRA".ljust(18)
    for one, wanted in zip(paid, run.payments, strict=True):
        assert wanted.account is not None
        assert at(one, 1, 14) == wanted.account.sort_code + wanted.account.number
        assert (at(one, 32, 35), int(at(one, 36, 46))) == ("    ", wanted.pence)
        assert (at(one, 47, 64), at(one, 65, 82).rstrip()) == ("RIVERSIDE TIME BAN", wanted.reference)
    assert [at(one, 83, 100).rstrip() for one in paid][1:3] == ["BERNARD OLEARY", "HYPERLINK 1 & SON"]
    assert {at(one, 101, 106) for one in records} == ({""} if width == 100 else {" 26070"})
    total = sum(one.pence for one in run.payments)
    assert [int(at(utl1, *places)) for places in ((5, 17), (18, 30), (31, 37), (38, 44))] == [total, total, 1, 5]
    assert int(at(contra, 36, 46)) == total


@pytest.mark.parametrize(
    ("day", "text"), [(date(2026, 1, 1), " 26001"), (date(2028, 12, 31), " 28366"), (date(2030, 2, 28), " 30059")]
)
def test_days_of_the_year(day: date, text: str) -> None:
    assert julian(day) == text


@pytest.mark.parametrize(
    ("number", "serial", "file_number"), [(1, "000001", "001"), (999, "000999", "999"), (1_000_000, "000001", "001")]
)
def test_the_serial_comes_from_the_number_of_the_run_and_is_never_zero(
    number: int, serial: str, file_number: str
) -> None:
    lines = lines_of(SINGLE.write(batch(payment(), number=number)))
    assert (at(lines[0], 5, 10), at(lines[3], 38, 40)) == (serial, file_number)


def test_the_largest_number_of_a_run_fits() -> None:
    run = batch(payment(), number=2**31 - 1)
    assert SINGLE.read_back(SINGLE.write(run), run) == run.total


@pytest.mark.parametrize("made", [SINGLE, MULTI])
def test_all_eleven_digits_of_an_amount_are_written_and_read(made: Bacs18) -> None:
    run = batch(payment(item(pence=98_765_432_109)))
    assert made.check(run) == []
    content = made.write(run)
    assert at(lines_of(content)[4], 36, 46) == "98765432109"
    assert made.read_back(content, run) == ControlTotal("GBP", 1, 98_765_432_109)


IBAN_ONLY = Account(holder="Somebody", iban="DE89370400440532013000")
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"currency": "EUR"}, "wrong_currency", "GBP only"),
    ({"account": None}, "no_own_account", "our own account"),
    ({"account": IBAN_ONLY}, "no_own_account", "sort code"),
    ({"service_user_number": ""}, "no_service_user_number", "six digits"),
    ({"service_user_number": "12345x"}, "no_service_user_number", "six digits"),
    ({"payer": "🌻"}, "own_name_cannot_be_sent", "our own name"),
    ({"processing_on": date(2026, 3, 9)}, "processing_in_past", "9 March 2026"),
    ({"processing_on": date(2026, 4, 13)}, "processing_too_far", "31 days"),
    ({"processing_on": date(2026, 3, 14)}, "not_a_working_day", "14 March 2026"),
    ({"processing_on": date(2026, 4, 3)}, "not_a_working_day", "3 April 2026"),
    ({"payments": ()}, "nothing_to_pay", "no payment"),
    ({"payments": (payment(account=None),)}, "payee_without_account", "Corner Café"),
    ({"payments": (payment(account=IBAN_ONLY),)}, "payee_without_account", "Corner Café"),
    ({"payments": (payment(item(pence=10**18)),)}, "payment_too_large", "Corner Café"),
    ({"payments": (payment(item(pence=10**11)),)}, "payment_too_large", "£999,999,999.99"),
    ({"payments": (payment(), payment())}, "reference_twice", "Corner Café"),
    (
        {"payments": (payment(item(pence=10**11 - 1)), payment(reference="X"))},
        "run_too_large",
        "two smaller payment runs",
    ),
]


@pytest.mark.parametrize(("changed", "code", "words"), WRONG)
def test_what_stands_in_the_way_is_said_in_words(changed: dict[str, Any], code: str, words: str) -> None:
    run: Batch = replace(batch(payment()), **changed)
    [refusal] = SINGLE.check(run)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert words in refusal.message


def test_a_name_that_becomes_empty_is_refused_by_name() -> None:
    nobody = payment(payee_name="🌻🌻", account=Account(holder="🌻", sort_code="089999", number="66374958"))
    [refusal] = SINGLE.check(batch(nobody))
    assert (refusal.code, "🌻🌻" in refusal.message) == ("name_cannot_be_sent", True)


def test_many_payees_without_an_account_are_counted() -> None:
    many = [payment(reference=f"R{n}", payee_name=f"Payee {n}", account=None) for n in range(9)]
    [refusal] = SINGLE.check(batch(*many))
    assert "Payee 4 and 4 more" in refusal.message


def test_it_reaches_uk_accounts_only() -> None:
    assert not SINGLE.reaches(None)
    assert not SINGLE.reaches(IBAN_ONLY)
    assert not SINGLE.reaches(Account(holder="x", sort_code="08999", number="66374958"))
    assert not SINGLE.reaches(Account(holder="x", sort_code="08999٣", number="66374958"))
    assert SINGLE.reaches(Account(holder="x", sort_code="089999", number="66374958"))


@pytest.mark.parametrize("made", [SINGLE, MULTI])
def test_a_damaged_file_never_leaves(made: Bacs18) -> None:
    run = pounds()
    content = made.write(run)
    assert made.read_back(content, run) == run.total == ControlTotal("GBP", 5, 2854)
    damages = [
        (b"00000001250", b"00000001251"),
        (b"08999966374958", b"08999966374959"),
        (b"B2X2-M9QX", b"B2X2-M9QY"),
        (b"CONTRA", b"CONTRO"),
        (b"10799988837491    00000001250", b"10799988837492    00000001250"),
        (b"UHL1 26070", b"UHL1 26071"),
        (b"EOF2F", b"EOF2G"),
        (b"0000005", b"0000006"),
        (b"BERNARD OLEARY    ", b" " * 18),
        (b"BERNARD", b"Bernard"),
        (b"\r\n", b"\n"),
        (b"UTL10000000002854", b"UTL10000000002855"),
        (b"HDR1A", b"HDR2A"),
    ]
    for old, new in damages:
        assert old in content
        with pytest.raises(UnreadableFileError):
            made.read_back(content.replace(old, new), run)
    for damaged in (b"", content[:-2], content.replace(content.split(b"\r\n")[5] + b"\r\n", b""), "é".encode()):
        with pytest.raises(UnreadableFileError):
            made.read_back(damaged, run)
    with pytest.raises(UnreadableFileError):
        (MULTI if made is SINGLE else SINGLE).read_back(content, run)


def test_both_are_offered_with_what_must_be_known() -> None:
    for code in ("bacs18", "bacs18-multi"):
        found = find_format(code)
        assert found is not None
        assert found.note == "Send a test file to your bank first."
