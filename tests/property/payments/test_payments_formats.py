"""Any run that a format for banks lets through comes back as what it was, and every sum in the file is its own."""

import csv
import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.payments.golden import BANK_FORMATS
from timebank.payees.model import Account
from timebank.payments.formats import Batch, Item, Payment, PaymentFormat
from timebank.payments.formats.payments_csv import PaymentsCsv

names = st.one_of(*[st.text(max_size=199).map("N{}".format)] * 12, st.text(max_size=200))  # some that no bank can carry
uk = st.builds(
    lambda holder, sort_code, number: Account(holder=holder, sort_code=sort_code, number=number),
    names,
    st.from_regex(r"[0-9]{6}", fullmatch=True),
    st.from_regex(r"[0-9]{8}", fullmatch=True),
)
sepa = st.builds(
    lambda holder, iban, bic: Account(holder=holder, iban=iban, bic=bic),
    names,
    st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", fullmatch=True),
    st.sampled_from(["", "COBADEFFXXX", "NDEADKKK"]),
)
amounts = st.one_of(*[st.integers(1, 99_999), st.integers(1, 9_999_999_999)] * 8, st.integers(1, 10**19))


@st.composite
def runs(draw: st.DrawFn, account: st.SearchStrategy[Account], currency: str) -> Batch:
    """A run of up to six payments of one or two items; some of it no bank would take."""
    lines = []
    for line in range(1, draw(st.integers(1, 6)) + 1):
        items = tuple(
            Item(
                reference=f"I{line}{n}",
                kind=draw(st.sampled_from(["fee", "expense", "voucher"])),
                description=draw(st.text(max_size=140)),
                pence=draw(amounts),
                earned_on=date(2026, 3, 1),
                due_on=date(2026, 3, 31),
                invoice_number=draw(st.text(max_size=35)),
            )
            for n in range(draw(st.integers(1, 2)))
        )
        credited = draw(st.integers(0, items[0].pence - 1))
        lines.append(
            Payment(
                line=line,
                reference=f"P{line:07d}",
                payee_id=line,
                payee_name=draw(names),
                pence=sum(one.pence for one in items) - credited,
                credited_pence=credited,
                account=draw(account),
                town=draw(st.text(max_size=60)),
                country=draw(st.sampled_from(["GB", "DE", "FR", ""])),
                items=items,
            )
        )
    return Batch(
        number=draw(st.integers(1, 2**31 - 1)),
        created_at=datetime(2026, 3, 10, 23, 59, tzinfo=UTC),
        processing_on=date(2026, 3, 10 + draw(st.sampled_from([0, 1, 2, 3, 6, 7, 8, 20, 4]))),
        currency=currency,
        slug=draw(st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True)),
        payer=draw(names),
        account=draw(account),
        service_user_number=draw(st.sampled_from(["123456", "000001", "999999", ""])),
        payments=tuple(lines),
    )


@pytest.mark.parametrize("made", BANK_FORMATS, ids=lambda one: one.code)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_written_reads_back_as_the_run(made: PaymentFormat, data: st.DataObject) -> None:
    in_euros = made.code.endswith(("iban", "sepa", "sepa-03"))
    run = data.draw(runs(sepa if in_euros else uk, "EUR" if in_euros else "GBP"))
    refusals = made.check(run)
    if refusals:
        assert all(one.message and not one.message.startswith("{") for one in refusals)
        return
    content = made.write(run)
    assert made.read_back(content, run) == run.total
    assert made.write(run) == content
    assert control_total(made, content) == sum(payment.pence for payment in run.payments)


def control_total(made: PaymentFormat, content: bytes) -> int:
    """The sum of the payments in minor units, by means of this test alone."""
    if isinstance(made, PaymentsCsv):
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
        place = [column.field for column in made.profile.columns].index("amount")
        rows = rows[made.profile.with_headings :]
        return int(sum(Decimal(row[place]) for row in rows) * (1 if made.profile.amounts == "pence" else 100))
    if made.extension == "xml":
        return int(
            sum(Decimal(text) for text in re.findall(rb">([0-9.]+)</InstdAmt>".decode(), content.decode())) * 100
        )
    return sum(int(line[35:46]) for line in content.decode().splitlines() if line[14:17] == "099")
