"""The runs of which golden files are kept, and every format for banks. Run as a program it writes the files again."""

import hashlib
from datetime import date
from pathlib import Path

from tests.unit.payments.examples import CAFE, batch, item, payment
from timebank.payees.model import Account
from timebank.payments.formats import FORMATS, Batch, PaymentFormat

FOLDER = Path(__file__).parents[2] / "golden" / "payments"

# Published example numbers, nobody's.
UK = (("202959", "63748472"), ("871427", "46238510"), ("089999", "66374958"), ("107999", "88837491"))
IBANS = ("DE89370400440532013000", "FR1420041010050500013M02606", "ES9121000418450200051332", "NL91ABNA0417164300")
NAMES = (
    "Bernard O'Leary",
    "=HYPERLINK(1) & Søn",
    "\N{RIGHT-TO-LEFT MARK}مريم الهاشمي",
    "Zoë 🌻 Łukasiewicz-Ó Súilleabháin of the Long Name, " + "and Daughters " * 12,
)


def pounds() -> Batch:
    """A run in pounds, for the calendar of UK banks."""
    lines = [payment(item(), line=1, account=CAFE)]
    for number, (name, (sort_code, account)) in enumerate(zip(NAMES, UK, strict=True), start=2):
        lines.append(
            payment(
                item(pence=100 * number + 1, description=f"Fee, day {number}", invoice_number="", kind="fee"),
                item(pence=50, reference=f"R{number}X2-2222", description="Bus fare", kind="expense"),
                line=number,
                reference=f"B{number}X2-M9QX",
                payee_name=name,
                account=Account(holder=name[:70], sort_code=sort_code, number=account),
                town="",
            )
        )
    return batch(*lines)


def euros() -> Batch:
    """A run in euros, for the calendar of the European Central Bank."""
    lines = []
    for number, (name, iban) in enumerate(zip(NAMES, IBANS, strict=True), start=1):
        lines.append(
            payment(
                item(pence=12345 * number, description="Café // workshop & lunch"),
                line=number,
                reference=f"E{number}X2-M9QX",
                payee_name=name,
                account=Account(holder=name[:70], iban=iban, bic="COBADEFFXXX" if number == 1 else ""),
                town="Ærøskøbing",
                country="DK",
            )
        )
    ours = Account(holder="Riverside Tidsbank", iban="DK5000400440116243", bic="NDEADKKK")
    return batch(*lines, currency="EUR", account=ours, processing_on=date(2026, 3, 12), payer="Riverside Tidsbank")


def run_for(payment_format: PaymentFormat) -> Batch:
    """The run that a format can carry."""
    return euros() if payment_format.code.endswith(("iban", "sepa", "sepa-03")) else pounds()


BANK_FORMATS = tuple(one for one in FORMATS if one.use == "bank")


def path_of(payment_format: PaymentFormat) -> Path:
    """Where the golden file of a format is."""
    return FOLDER / f"{payment_format.code.replace(':', '-')}.{payment_format.extension}"


def sha256(path: Path) -> str:
    """The fingerprint of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    for each in BANK_FORMATS:
        path_of(each).write_bytes(each.write(run_for(each)))
