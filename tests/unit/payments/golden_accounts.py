"""The run of which golden files for accounts and people are kept. Run as a program it writes the files again."""

import asyncio
from datetime import date
from pathlib import Path

from tests.unit.payments.examples import batch, item, payment
from timebank.payments.formats import FORMATS, Batch, PaymentFormat
from timebank.payments.remittance_paper import remittance_pdf

FOLDER = Path(__file__).parents[2] / "golden" / "accounts"
PDF = "remittance.pdf"

CODES = {
    "voucher": "7500",
    "training": "7501",
    "fee": "7502",
    "expense": "7503",
    "access": "7504",
    "other": "7999",
    "bank": "1250",
    "credit": "1100",
}


def run() -> Batch:
    """A supplier with invoices, tax and a credit; a member with a fee and an expense; a name like a formula."""
    lunch = item(description="2 lunch vouchers")
    course = item(
        reference="W7K2-M9QX",
        kind="training",
        description='First aid, "one day"; one place',
        pence=12000,
        tax_pence=2000,
        tax_code="T1",
        invoice_number="INV 18",
        cost_centre="12",
        fund="Lottery",
        order_number="PO-7",
    )
    part = item(
        reference="X7K2-M9QX",
        kind="access",
        description="Taxis, a part of it",
        pence=5001,
        owed_pence=10002,
        tax_pence=1667,
        tax_code="T1",
        invoice_number="INV 18",
        nominal_code="7400",
    )
    fee = item(reference="F7K2-M9QX", kind="fee", description="Fee, 3 March", pence=3000, invoice_number="")
    bus = item(reference="G7K2-M9QX", kind="expense", description="+44 bus fares", pence=450, invoice_number="")
    odd = item(reference="H7K2-M9QX", kind="other", description="=1+1", pence=1, earned_on=date(2026, 2, 28))
    return batch(
        payment(lunch, course, part, credited_pence=300),
        payment(
            fee, bus, line=2, reference="C7K2-M9QX", payee_id=9, payee_name="Ada Example", supplier_reference="M009"
        ),
        payment(
            odd,
            line=3,
            reference="D7K2-M9QX",
            payee_id=11,
            payee_name="=HYPERLINK(1); مريم",
            supplier_reference="ODD",
            account=None,
            town="",
        ),
        codes=CODES,
    )


FORMATS_HERE = tuple(one for one in FORMATS if one.use != "bank")


def path_of(payment_format: PaymentFormat) -> Path:
    """Where the golden file of a format is."""
    return FOLDER / f"{payment_format.code}.{payment_format.extension}"


def pdf() -> bytes:
    """Remittance advice of the whole run."""
    made = run()
    return asyncio.run(
        remittance_pdf(made, made.payments, timebank="Riverside Time Bank", contact="Call 0117 496 0000")
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in FORMATS_HERE:
        path_of(each).write_bytes(each.write(run()))
    (FOLDER / PDF).write_bytes(pdf())
