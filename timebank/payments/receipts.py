"""The slip that somebody signs when they are paid in cash, as PDF."""

from timebank.kit.money import in_words
from timebank.paper import Spelling, pdf
from timebank.payments.cash import CashPaid
from timebank.payments.rules import PayableFacts


def slip(timebank_name: str, payable: PayableFacts, paid: CashPaid | None) -> bytes:
    """A receipt to sign; with what is known already when the cash was handed over before. Call it in a thread."""
    amount = in_words(paid.pence if paid else payable.next_pence, payable.currency)
    day = f"{paid.paid_on.day} {paid.paid_on:%B %Y}" if paid else ""
    return pdf(
        "cash_receipt",
        {
            "title": f"Receipt for cash, {payable.reference}",
            "timebank": Spelling(text=timebank_name, otherwise="Time bank"),
            "payee": Spelling(text=payable.payee_name, otherwise=f"Payee {payable.payee_id}"),
            "amount": amount,
            "what_for": Spelling(text=payable.description, otherwise=payable.kind),
            "reference": payable.reference,
            "rows": [
                ["Receipt number", paid.receipt_number if paid else ""],
                ["Handed over by", Spelling(text=paid.handed_by, otherwise="See the payment") if paid else ""],
                ["Date", day],
                [
                    "Name of who got the money",
                    Spelling(text=paid.signed_by, otherwise="See the payment") if paid else "",
                ],
                ["Signature", ""],
            ],
        },
    )
