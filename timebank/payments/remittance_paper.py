"""Remittance advice on paper: a tagged PDF with a page for each payee. Same payments, same bytes."""

import asyncio
from collections.abc import Sequence

from timebank import paper
from timebank.kit import english
from timebank.kit.money import in_words
from timebank.paper import Spelling
from timebank.payments.formats import Batch, Payment
from timebank.payments.formats.accounts import KEPT_BACK

TITLE = "Remittance advice"


async def remittance_pdf(
    batch: Batch, payments: Sequence[Payment], *, timebank: str, contact: str, large: bool = False
) -> bytes:
    """What these payees are paid and what for: payer, payee, date, method, lines with both references, total."""
    questions = f"Questions? {contact}" if contact else f"Questions? Ask {timebank}."
    heads = (
        ["Our reference", "What for", "Amount"] if large else ["Our reference", "Your invoice", "What for", "Amount"]
    )
    data = {
        "title": TITLE if len(payments) > 1 else f"{TITLE}: {in_words(payments[0].pence, batch.currency)}",
        "language": "en",
        "large": large,
        "foot": Spelling(text=timebank, otherwise=""),
        "heads": heads,
        "questions": Spelling(text=questions, otherwise="Questions? Ask us."),
        "advices": [_advice(batch, one, large=large) for one in payments],
    }
    return await asyncio.to_thread(paper.pdf, "remittance", data)


def how_paid(payment: Payment) -> str:
    """The way of the money, with the last four digits of the account."""
    return f"Bank transfer to the account ending {payment.account.last_four}" if payment.account else "Bank transfer"


def lines_of(payment: Payment, currency: str) -> list[tuple[str, str, str, str]]:
    """Our reference, their invoice, what for, amount; what is kept back comes last."""
    lines = [
        (one.reference, one.invoice_number, one.description, in_words(one.pence, currency)) for one in payment.items
    ]
    if payment.credited_pence:
        lines.append(("", "", KEPT_BACK, in_words(-payment.credited_pence, currency)))
    return lines


def _advice(batch: Batch, payment: Payment, *, large: bool) -> dict[str, object]:
    facts: list[tuple[str, object]] = [
        ("From", Spelling(text=batch.payer, otherwise="")),
        ("To", Spelling(text=payment.payee_name, otherwise=f"Payee {payment.payee_id}")),
        ("Amount", in_words(payment.pence, batch.currency)),
        ("Date", english.day(batch.processing_on)),
        ("How", how_paid(payment)),
        ("On your statement", payment.reference),
    ]
    if payment.supplier_reference:
        facts.insert(2, ("Your number with us", payment.supplier_reference))
    lines = []
    for reference, invoice, description, amount in lines_of(payment, batch.currency):
        what = Spelling(text=description, otherwise=reference or "–")
        lines.append([reference, what, amount] if large else [reference, invoice, what, amount])
    total = ["Total", "", in_words(payment.pence, batch.currency)]
    return {
        "heading": Spelling(text=payment.payee_name, otherwise=f"Payee {payment.payee_id}"),
        "facts": facts,
        "lines": lines,
        "total": total if large else ["Total", "", "", total[-1]],
    }
