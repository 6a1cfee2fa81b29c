"""``make bench``: how long a payment run of 10,000 payments takes in every format, and how much memory.

No database: what is measured is checking, writing and reading back, as an export does them.
"""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from timebank.payees.model import Account
from timebank.payments.formats import FORMATS, Batch, Item, Payment, PaymentFormat

PAYMENTS = 10_000
TARGET_SECONDS = 10
NAMES = ("Bernard O'Leary", "Zoë Łukasiewicz", "مريم الهاشمي", "Corner Café & Sons", "Ana Pérez de la Fuente")
CODES = {
    **dict.fromkeys(("voucher", "training", "fee", "expense", "access", "other"), "7000"),
    "bank": "1200",
    "credit": "1100",
}


def run(currency: str, payments: int = PAYMENTS) -> Batch:
    """A run of plainly made-up payments, one item each and every tenth with three."""
    in_euros = currency == "EUR"
    lines = []
    for line in range(1, payments + 1):
        items = tuple(
            Item(
                reference=f"I{line:06d}-{n}",
                kind=("fee", "expense", "voucher")[(line + n) % 3],
                description=f"Involvement, day {line % 28 + 1}",
                pence=100 + line + n,
                earned_on=date(2026, 3, line % 28 + 1),
                due_on=date(2026, 4, 3),
                invoice_number=f"INV-{line}" if line % 2 else "",
            )
            for n in range(3 if line % 10 == 0 else 1)
        )
        holder = f"{NAMES[line % len(NAMES)]} {line}"
        uk = Account(holder=holder, sort_code=f"{line % 1_000_000:06d}", number=f"{line:08d}")
        sepa = Account(holder=holder, iban=f"DE{line % 90 + 10}{line:018d}", bic="COBADEFFXXX")
        lines.append(
            Payment(
                line=line,
                reference=f"B{line:08d}",
                payee_id=line,
                payee_name=holder,
                supplier_reference=f"S{line}",
                pence=sum(item.pence for item in items),
                account=sepa if in_euros else uk,
                town="Bristol",
                items=items,
            )
        )
    ours = Account(holder="Riverside Time Bank", sort_code="107999", number="88837491", iban="DK5000400440116243")
    return Batch(
        number=12,
        created_at=datetime(2026, 3, 10, 9, 30, tzinfo=UTC),
        processing_on=date(2026, 3, 11),
        currency=currency,
        slug="riverside",
        payer="Riverside Time Bank",
        account=ours,
        service_user_number="123456",
        codes=CODES,
        payments=tuple(lines),
    )


def measure(place: int, payments: int) -> tuple[float, float, float, float, int] | str:
    """Seconds of one processor to check, write and read back; megabytes that it grew beyond the run; bytes of the file.

    A format that takes no such run says why.
    """
    made: PaymentFormat = FORMATS[place]
    batch = run("EUR" if made.code.endswith(("iban", "sepa", "sepa-03")) else "GBP", payments)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    moments = [time.process_time()]
    refusals = made.check(batch)
    if refusals:
        return refusals[0].message
    moments.append(time.process_time())
    content = made.write(batch)
    moments.append(time.process_time())
    if made.read_back(content, batch) != batch.total:
        raise SystemExit(f"{made.code}: the file holds something else")
    moments.append(time.process_time())
    check, write, read = (after - first for first, after in pairwise(moments))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return check, write, read, grown, len(content)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each format in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=PAYMENTS)
    payments = parser.parse_args(arguments).payments
    print(f"\n{payments:,} payments in every format (target: {TARGET_SECONDS} s of one processor each)\n")
    print(f"{'format':28} {'check':>7} {'write':>7} {'read':>7} {'sum':>7} {'memory':>9} {'file':>9}")
    context: Any = multiprocessing.get_context("spawn")
    for place, made in enumerate(FORMATS):
        with context.Pool(1) as pool:
            measured = pool.apply(measure, (place, payments))
        if isinstance(measured, str):
            print(f"{made.code:28} {measured}")
            continue
        check, write, read, grown, size = measured
        total = check + write + read
        late = "" if total <= TARGET_SECONDS else "  slower than the target"
        seconds = " ".join(f"{each:6.2f}s" for each in (check, write, read, total))
        print(f"{made.code:28} {seconds} {grown:6.0f} MB {size / 2**20:6.1f} MB{late}")


if __name__ == "__main__":
    main()
