"""Any run that a format for accounts lets through adds up: journals to zero, files to the run, line by line."""

import csv
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timebank.payments import rules
from timebank.payments.formats import FORMATS, Batch, Item, Payment, PaymentFormat

HERE = tuple(one for one in FORMATS if one.use != "bank")
texts = st.text(max_size=80)
amounts = st.one_of(st.integers(1, 99_999), st.integers(1, 99_999_999_999))
POSTING = re.compile(r" +(?:Expenses|Assets):\S+  (?P<amount>-?[0-9.]+) (?:GBP|JPY)")
codes = st.from_regex(r"[1-8][0-9]{3}", fullmatch=True)


@st.composite
def runs(draw: st.DrawFn) -> Batch:
    """Up to five payments of up to four items, with tax, parts and credits, in pounds or in yen."""
    lines = []
    for line in range(1, draw(st.integers(1, 5)) + 1):
        items = []
        for n in range(draw(st.integers(1, 4))):
            pence = draw(amounts)
            owed = draw(st.sampled_from([0, pence, pence * 3]))
            items.append(
                Item(
                    reference=f"I{line}{n}2222",
                    kind=draw(st.sampled_from(rules.KINDS)),
                    description=draw(texts),
                    pence=pence,
                    owed_pence=owed,
                    tax_pence=draw(st.integers(0, owed or pence)),
                    tax_code=draw(st.sampled_from(["", "T0", "T1"])),
                    earned_on=date(2026, 3, 1),
                    due_on=date(2026, 3, 31),
                    invoice_number=draw(st.one_of(st.just(""), st.text(max_size=35))),
                    nominal_code=draw(st.one_of(st.just(""), codes)),
                    cost_centre=draw(st.text(max_size=12)),
                )
            )
        owed_in_all = sum(one.pence for one in items)
        credited = draw(st.one_of(st.just(0), st.integers(0, owed_in_all - 1)))
        lines.append(
            Payment(
                line=line,
                reference=f"P{line:07d}",
                payee_id=line,
                payee_name=draw(texts),
                supplier_reference=f"S{line}",
                pence=owed_in_all - credited,
                credited_pence=credited,
                items=tuple(items),
            )
        )
    return Batch(
        number=draw(st.integers(1, 2**31 - 1)),
        created_at=datetime(2026, 3, 10, 23, 59, tzinfo=UTC),
        processing_on=date(2026, 3, 10 + draw(st.integers(0, 20))),
        currency=draw(st.sampled_from(["GBP", "JPY"])),
        slug="riverside",
        payer=draw(texts),
        codes={kind: draw(codes) for kind in rules.KINDS} | {"bank": "9250", "credit": "9100"},
        payments=tuple(lines),
    )


@pytest.mark.parametrize("made", HERE, ids=lambda one: one.code)
@given(run=runs())
@settings(max_examples=40, deadline=None)
def test_any_run_comes_back_as_what_it_was(made: PaymentFormat, run: Batch) -> None:
    assert made.check(run) == []
    content = made.write(run)
    assert made.read_back(content, run) == run.total
    assert content == made.write(run)


def rows(content: bytes) -> list[dict[str, str]]:
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [row for name in archive.namelist() for row in rows(archive.read(name))]
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


# Which column names a journal, and how a row moves it.
JOURNALS: dict[str, tuple[str, Callable[[dict[str, str]], Decimal]]] = {
    "xero-journal": ("Narration", lambda row: Decimal(row["Amount"])),
    "sage-journal": ("Extra Reference", lambda row: Decimal(row["Net Amount"]) * (1 if row["Type"] == "JD" else -1)),
    "quickbooks-journal": ("Journal No", lambda row: Decimal(row["Debits"] or 0) - Decimal(row["Credits"] or 0)),
}


@pytest.mark.parametrize("code", JOURNALS)
@given(run=runs())
@settings(max_examples=40, deadline=None)
def test_every_journal_balances_to_zero(code: str, run: Batch) -> None:
    [made] = [one for one in HERE if one.code == code]
    name, moved = JOURNALS[code]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(made.write(run)):
        sums[row[name]] += moved(row)
    assert len(sums) == len(run.payments)
    assert set(sums.values()) == {Decimal(0)}


@pytest.mark.parametrize("code", ["hledger", "beancount"])
@given(run=runs())
@settings(max_examples=40, deadline=None)
def test_every_transaction_in_plain_text_balances_to_zero(code: str, run: Batch) -> None:
    """Whatever people typed, it opens no second transaction and hides no amount."""
    [made] = [one for one in HERE if one.code == code]
    text = made.write(run).decode()
    blocks = [block for block in text.split("\n\n") if " * " in block.splitlines()[0] and block[:1].isdigit()]
    assert len(blocks) == len(run.payments)
    for block, payment in zip(blocks, run.payments, strict=True):
        amounts = [
            Decimal(found["amount"]) for line in block.splitlines() if (found := POSTING.match(line)) is not None
        ]
        assert sum(amounts) == 0
        assert len(amounts) == len(payment.items) + 1 + bool(payment.credited_pence)
