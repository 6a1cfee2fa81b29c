"""Golden files: every format for banks gives these bytes, here, after a restart, in another place and language."""

import csv
import io
import os
import subprocess
import sys
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from lxml import etree

from tests.checkers import program
from tests.unit.payments import golden
from tests.unit.payments.golden import BANK_FORMATS, FOLDER, path_of, run_for
from timebank.payments.formats import PaymentFormat

ROOT = Path(__file__).parents[3]
PROGRAM = """
import hashlib, locale, os, time
for name in ("de_DE.UTF-8", "C.UTF-8", "C"):
    try:
        locale.setlocale(locale.LC_ALL, name)
        break
    except locale.Error:
        pass
time.tzset()
from tests.unit.payments.golden import BANK_FORMATS, run_for
for one in BANK_FORMATS:
    print(one.code, hashlib.sha256(one.write(run_for(one))).hexdigest())
"""


@pytest.mark.parametrize("made", BANK_FORMATS, ids=lambda one: one.code)
def test_the_bytes_are_those_of_the_golden_file(made: PaymentFormat) -> None:
    run = run_for(made)
    assert made.check(run) == []
    content = made.write(run)
    assert content == path_of(made).read_bytes()
    assert made.read_back(content, run) == run.total


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {path_of(made).name for made in BANK_FORMATS}


def test_another_time_zone_language_and_process_give_the_same_bytes() -> None:
    answers = set()
    for zone, language, seed in (("Pacific/Kiritimati", "de_DE.UTF-8", "1"), ("America/Los_Angeles", "C", "2")):
        changed = {"TZ": zone, "LC_ALL": language, "LANG": language, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=os.environ | changed,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        answers.add(done.stdout)
    [answer] = answers
    assert len(answer.splitlines()) == len(BANK_FORMATS)
    [here] = {line.split()[1] for line in answer.splitlines() if line.startswith("bacs18 ")}
    assert here == golden.sha256(FOLDER / "bacs18.txt")


XML = [made for made in BANK_FORMATS if made.extension == "xml"]


def schema_path(made: PaymentFormat) -> Path:
    version = "03" if made.code.endswith("-03") else "09"
    return Path(str(files("sepaxml") / "schemas" / f"pain.001.001.{version}.xsd"))


@pytest.mark.parametrize("made", XML, ids=lambda one: one.code)
def test_an_outside_validator_takes_the_golden_xml(made: PaymentFormat) -> None:
    schema = etree.XMLSchema(etree.parse(str(schema_path(made))))
    schema.assertValid(etree.parse(str(path_of(made))))


@pytest.mark.parametrize("made", XML, ids=lambda one: one.code)
def test_xmllint_takes_the_golden_xml(made: PaymentFormat) -> None:
    command = [program("xmllint"), "--noout", "--nonet", "--schema", str(schema_path(made)), str(path_of(made))]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "columns", "amount", "minor", "headings"),
    [
        ("payments-csv.csv", 10, 4, 100, 1),
        ("payments-csv-generic.csv", 5, 3, 100, 1),
        ("payments-csv-generic-name.csv", 5, 4, 100, 1),
        ("payments-csv-generic-99.csv", 6, 3, 100, 0),
        ("payments-csv-generic-pence.csv", 6, 4, 1, 0),
        ("payments-csv-generic-iban.csv", 6, 3, 100, 1),
        ("payments-csv-bankline.txt", 85, 16, 100, 0),
    ],
)
def test_a_strict_reader_takes_the_golden_csv_and_adds_it_up(
    name: str, columns: int, amount: int, minor: int, headings: int
) -> None:
    text = (FOLDER / name).read_bytes().decode("utf-8")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))[headings:]
    assert {len(row) for row in rows} == {columns}
    wanted = golden.euros() if name.endswith("iban.csv") else golden.pounds()
    assert sum(Decimal(row[amount]) * minor for row in rows) == sum(one.pence for one in wanted.payments)


def test_sort_codes_keep_their_zeros() -> None:
    rows = list(csv.reader((FOLDER / "payments-csv-generic.csv").read_text("utf-8").splitlines(), strict=True))
    assert rows[1][:2] == ["089999", "66374958"]


def test_bankline_has_its_fields_where_the_public_guide_has_them() -> None:
    row = next(csv.reader((FOLDER / "payments-csv-bankline.txt").read_text("utf-8").splitlines(), strict=True))
    # T001 is the fourth column, after H001 to H003.
    field = {number: row[number + 2] for number in range(1, 83)}
    assert {number: text for number, text in field.items() if text} == {
        1: "01",
        10: "10799988837491",
        14: "12.50",
        16: "11032026",
        22: "089999",
        28: "66374958",
        30: "CORNER CAFE LTD",
        34: "B7K2-M9QX",
    }
