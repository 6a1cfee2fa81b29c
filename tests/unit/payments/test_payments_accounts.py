"""Files for accounts and people: golden bytes, read by outside programs, the same everywhere, adding up to the run."""

import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
from python_calamine import CalamineWorkbook

from tests.checkers import program
from tests.unit.payments.examples import batch, item, payment
from tests.unit.payments.golden_accounts import CODES, FOLDER, FORMATS_HERE, PDF, path_of, pdf, run
from timebank.payments import rules
from timebank.payments.codes import CODED
from timebank.payments.formats import PaymentFormat, UnreadableFileError, file_kind, find_format
from timebank.payments.formats.accounts import KINDS_IN_WORDS
from timebank.payments.formats.plaintext import BEANCOUNT, HLEDGER
from timebank.payments.formats.quickbooks import QuickBooksJournal
from timebank.payments.formats.sage import SageBank, SageInvoices, SageJournal
from timebank.payments.formats.xero import XeroBills, XeroJournal
from timebank.payments.formats.xlsx import Xlsx

ROOT = Path(__file__).parents[3]
LEAVES = Decimal("214.02")  # 12.50 + 120 + 50.01 - 3, 30 + 4.50, 0.01
PROGRAM = """
import hashlib, time
time.tzset()
from tests.unit.payments.golden_accounts import FORMATS_HERE, pdf, run
for one in FORMATS_HERE:
    print(one.code, hashlib.sha256(one.write(run())).hexdigest())
print("pdf", hashlib.sha256(pdf()).hexdigest())
"""


def rows(made: PaymentFormat) -> list[dict[str, str]]:
    text = path_of(made).read_bytes().decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def money(cell: str) -> Decimal:
    return Decimal(cell or "0")


@pytest.mark.parametrize("made", FORMATS_HERE, ids=lambda one: one.code)
def test_the_bytes_are_those_of_the_golden_file(made: PaymentFormat) -> None:
    assert made.check(run()) == []
    content = made.write(run())
    assert content == path_of(made).read_bytes()
    assert made.read_back(content, run()) == run().total
    assert made.reaches(None)


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {path_of(made).name for made in FORMATS_HERE} | {PDF}


def test_another_time_zone_language_and_process_give_the_same_bytes() -> None:
    answers = set()
    for zone, language, seed in (("Pacific/Kiritimati", "de_DE.UTF-8", "1"), ("America/Los_Angeles", "C", "2")):
        changed = {"TZ": zone, "LC_ALL": language, "LANG": language, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | changed, capture_output=True, text=True, check=True, timeout=60
        )
        answers.add(done.stdout)
    [answer] = answers
    found = dict(line.split() for line in answer.splitlines())
    assert found["pdf"] == hashlib.sha256((FOLDER / PDF).read_bytes()).hexdigest()
    assert found["xlsx"] == hashlib.sha256((FOLDER / "xlsx.xlsx").read_bytes()).hexdigest()


def test_an_expense_is_a_debit_and_the_bank_is_credited() -> None:
    """The ledger counts the other way round: its expense accounts go down, what is in transit goes up."""
    journal = rows(XeroJournal())
    assert {money(row["Amount"]) > 0 for row in journal if row["AccountCode"] in ("7500", "7501", "7502")} == {True}
    assert {money(row["Amount"]) < 0 for row in journal if row["AccountCode"] in ("1250", "1100")} == {True}
    assert {row["Type"] for row in rows(SageJournal()) if row["Nominal A/C Ref"].startswith("7")} == {"JD"}
    assert all(row["Debits"] for row in rows(QuickBooksJournal()) if row["Account Name"].startswith("7"))


def test_xero_bills_add_up_and_group_by_invoice() -> None:
    bills = rows(XeroBills())
    assert sum(money(row["UnitAmount"]) * int(row["Quantity"]) for row in bills) == LEAVES
    assert {row["InvoiceNumber"] for row in bills} == {
        "INV 17", "INV 18", "B7K2-M9QX-CR", "F7K2-M9QX", "G7K2-M9QX"
    }  # fmt: skip
    [course] = [row for row in bills if "First aid" in row["Description"]]
    assert (course["TaxType"], course["TrackingName1"], course["TrackingOption1"]) == (
        "20% (VAT on Expenses)",
        "Cost centre",
        "12",
    )
    assert (course["InvoiceDate"], course["DueDate"], course["Currency"]) == ("04/03/2026", "03/04/2026", "GBP")
    [taxi] = [row for row in bills if "Taxis" in row["Description"]]
    assert taxi["AccountCode"] == "7400"  # its own code wins
    assert {row["Reference"] for row in bills} == {one.reference for one in run().payments}


def test_xero_journals_are_each_zero() -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(XeroJournal()):
        sums[row["Narration"]] += money(row["Amount"])
    assert set(sums.values()) == {Decimal(0)}
    assert len(sums) == 3
    assert -sum(money(row["Amount"]) for row in rows(XeroJournal()) if row["AccountCode"] == "1250") == LEAVES


def test_sage_splits_net_and_tax() -> None:
    for made, plus, minus in ((SageInvoices(), "PI", "PC"), (SageBank(), "BP", "BR")):
        total = Decimal(0)
        for row in rows(made):
            total += (1 if row["Type"] == plus else -1) * (money(row["Net Amount"]) + money(row["Tax Amount"]))
            assert row["Type"] in (plus, minus)
            assert row["Exchange Rate"] == "1"
        assert total == LEAVES
    [course] = [row for row in rows(SageInvoices()) if "First aid" in row["Details"]]
    assert (course["Net Amount"], course["Tax Code"], course["Tax Amount"]) == ("100.00", "T1", "20.00")
    assert (course["Department Code"], course["Reference"], course["Account Reference"]) == ("12", "INV 18", "SUP-004")
    [taxi] = [row for row in rows(SageInvoices()) if "Taxis" in row["Details"]]
    assert (taxi["Net Amount"], taxi["Tax Amount"]) == ("41.67", "8.34")  # its share of 16.67, half a penny up
    [lunch] = [row for row in rows(SageBank()) if "lunch" in row["Details"]]
    assert (lunch["Account Reference"], lunch["Nominal A/C Ref"], lunch["Tax Code"]) == ("1250", "7500", "T9")


def test_sage_journal_and_quickbooks_balance() -> None:
    sage = rows(SageJournal())
    sides = {side: sum(money(row["Net Amount"]) for row in sage if row["Type"] == side) for side in ("JD", "JC")}
    assert sides["JD"] == sides["JC"] == LEAVES + 3
    quick = rows(QuickBooksJournal())
    assert sum(money(row["Debits"]) for row in quick) == sum(money(row["Credits"]) for row in quick) == LEAVES + 3
    assert {row["Journal No"] for row in quick} == {one.reference for one in run().payments}


def test_no_text_is_run_as_a_formula() -> None:
    for made in FORMATS_HERE:
        if made.extension == "csv":
            for row in csv.reader(io.StringIO(path_of(made).read_text("utf-8"), newline="")):
                for cell in row:
                    is_number = cell.removeprefix("-").replace(".", "").isdecimal()
                    assert cell[:1] not in tuple("=+-@\t\r") or not cell or is_number, cell
    with zipfile.ZipFile(path_of(Xlsx())) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if "worksheets/sheet" in name]
    assert sheets
    assert not any("<f>" in sheet for sheet in sheets)
    assert any("=HYPERLINK(1)" in sheet for sheet in sheets)


def said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hledger_accepts_the_journal_and_agrees() -> None:
    path = str(path_of(HLEDGER))
    said(program("hledger"), "-f", path, "check", "--strict", "ordereddates", "uniqueleafnames")
    balances = said(program("hledger"), "-f", path, "balance", "--flat", "--no-total", "-O", "csv")
    found = {row["account"]: row["balance"] for row in csv.DictReader(io.StringIO(balances))}
    assert found["Assets:In-transit"] == f"-{LEAVES} GBP"
    assert found["Expenses:Training"] == "120.00 GBP"
    assert found["Assets:Credit:Corner-Cafe-4"] == "-3.00 GBP"
    assert said(program("hledger"), "-f", path, "codes").split() == [one.reference for one in run().payments]


def test_ledger_accepts_the_same_journal_and_agrees() -> None:
    shown = said(
        program("ledger"), "-f", str(path_of(HLEDGER)), "balance", "--flat", "--no-total",
        "--format", "%(account)|%(display_total)\n",
    )  # fmt: skip
    found = dict(line.split("|") for line in shown.splitlines())
    assert found["Assets:In-transit"] == f"-{LEAVES} GBP"
    assert found["Expenses:Training"] == "120.00 GBP"


def test_beancount_accepts_the_journal() -> None:
    said(program("bean-check"), str(path_of(BEANCOUNT)))


@pytest.mark.parametrize("made", [HLEDGER, BEANCOUNT], ids=lambda one: one.code)
def test_a_penny_more_is_noticed(made: PaymentFormat, tmp_path: Path) -> None:
    text = path_of(made).read_text("utf-8")
    wrong = text.replace("30.00 GBP", "30.01 GBP").replace("-34.50 GBP", "-34.51 GBP")
    path = tmp_path / f"wrong.{made.extension}"
    path.write_text(wrong, encoding="utf-8")
    command = [program("hledger"), "-f", str(path), "check"] if made is HLEDGER else [program("bean-check"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "balance" in done.stderr.lower()


def test_the_workbook_as_another_library_reads_it() -> None:
    book = CalamineWorkbook.from_path(str(path_of(Xlsx())))
    assert book.sheet_names == ["Payments", "What for", "Totals"]
    payments = book.get_sheet_by_name("Payments").to_python()
    assert [row[1] for row in payments[1:]] == [one.reference for one in run().payments]
    assert payments[1][4] == "4958"  # four digits of the account, no more
    assert sum(Decimal(str(row[8])) for row in payments[1:]) == LEAVES
    items = book.get_sheet_by_name("What for").to_python()
    assert items[6][5] == "=1+1"
    totals = {row[0]: Decimal(str(row[2])) for row in book.get_sheet_by_name("Totals").to_python()[1:]}
    assert totals["Leaves the bank"] == LEAVES
    assert totals["Kept back: what they owe us"] == -3
    assert sum(totals.values()) == 2 * LEAVES
    text = b"".join(zipfile.ZipFile(path_of(Xlsx())).read(name) for name in zipfile.ZipFile(path_of(Xlsx())).namelist())
    assert b"66374958" not in text
    assert b"2026-03-10T09:30:00Z" in text


def test_the_remittance_advice_is_a_tagged_pdf_with_title_and_language() -> None:
    content = (FOLDER / PDF).read_bytes()
    assert pdf() == content
    reader = pypdf.PdfReader(io.BytesIO(content))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"].value is True
    assert "/StructTreeRoot" in root
    assert root["/Lang"].startswith("en")
    assert reader.metadata is not None
    assert reader.metadata.title == "Remittance advice"
    text = "\n".join(page.extract_text() for page in reader.pages)
    for one in run().payments:
        assert one.reference in text
    assert len(reader.pages) == 3
    first = reader.pages[0].extract_text()
    assert "Corner Café" in first
    assert "£179.51" in first
    assert "-£3.00" in first
    assert "ending 4958" in first
    assert "66374958" not in text


def test_more_than_500_bills_become_a_zip_of_files() -> None:
    many = batch(*[payment(line=n, reference=f"R{n:07d}", payee_id=n) for n in range(1, 1002)], codes=CODES)
    made = XeroBills()
    content = made.write(many)
    assert file_kind(made, content) == ("zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = [len(archive.read(name).decode().splitlines()) - 1 for name in archive.namelist()]
        assert archive.namelist() == ["001-of-003.csv", "002-of-003.csv", "003-of-003.csv"]
    assert sizes == [500, 500, 1]
    assert made.read_back(content, many) == many.total
    assert content == made.write(many)
    assert file_kind(made, made.write(run())) == ("csv", made.media_type)


def test_a_journal_is_never_torn_apart() -> None:
    items = [item(reference=f"I{n:07d}", pence=n) for n in range(1, 701)]
    many = batch(payment(*items, credited_pence=10), payment(line=2, reference="C7K2-M9QX", payee_id=5), codes=CODES)
    made = XeroJournal()
    content = made.write(many)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            lines = list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))
            assert len(lines) <= 300
            assert sum(money(row["Amount"]) for row in lines) == 0
    assert made.read_back(content, many) == many.total


@pytest.mark.parametrize("made", [one for one in FORMATS_HERE if one.extension == "csv"], ids=lambda one: one.code)
def test_without_account_codes_it_says_which_are_missing(made: PaymentFormat) -> None:
    [refusal] = [one for one in made.check(replace(run(), codes={})) if one.code == "account_code_missing"]
    assert "vouchers and training places" in refusal.message
    assert "For your accounts" in refusal.message


def test_a_code_of_the_bank_is_nobody_elses_and_codes_fit() -> None:
    [refusal] = XeroJournal().check(replace(run(), codes=CODES | {"bank": "7502"}))
    assert refusal.code == "account_code_twice"
    [refusal] = SageBank().check(replace(run(), codes=CODES | {"fee": "123456789"}))
    assert refusal.code == "account_code_too_long"


def test_sage_needs_an_account_of_each_supplier_and_its_own_tax_codes() -> None:
    [refusal] = SageInvoices().check(batch(payment(supplier_reference="Corner Cafe"), codes=CODES))
    assert refusal.code == "sage_account_missing"
    assert "Corner Café" in refusal.message
    [refusal] = SageInvoices().check(batch(payment(supplier_reference="-CAFE"), codes=CODES))
    assert refusal.code == "sage_account_missing"  # a spreadsheet would run it, and neutralised it is another account
    [refusal] = SageBank().check(batch(payment(item(tax_code="VAT")), codes=CODES))
    assert refusal.code == "sage_tax_code"


@pytest.mark.parametrize("made", FORMATS_HERE, ids=lambda one: one.code)
def test_a_lost_or_changed_line_is_noticed(made: PaymentFormat) -> None:
    content = path_of(made).read_bytes()
    if made.code == "xlsx":
        with pytest.raises(UnreadableFileError):
            made.read_back(content[:-100], run())
        return
    changed = content.replace(b"30.00", b"31.00", 1)
    assert changed != content
    try:
        total = made.read_back(changed, run())
    except UnreadableFileError:
        return
    if made in (HLEDGER, BEANCOUNT):
        return  # the other program notices: test_a_penny_more_is_noticed
    assert total != run().total


def test_kinds_are_all_in_words() -> None:
    assert set(KINDS_IN_WORDS) == set(CODED)
    assert set(rules.KINDS) < set(KINDS_IN_WORDS)
    assert all(find_format(one.code) is one for one in FORMATS_HERE)
