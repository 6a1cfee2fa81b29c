"""The slip that somebody signs when they are paid in cash, as PDF."""

from timebank.kit.money import in_words
from timebank.paper import Spelling, pdf
from timebank.payments.cash import CashDue, CashPaid
from timebank.payments.rules import PayableFacts


def slip(timebank_name: str, payable: PayableFacts, paid: CashPaid | None, due: CashDue) -> bytes:
    """A receipt to sign; with what is known already when the cash was handed over before. Call it in a thread.

    What is kept back because the payee owes it to us stands above the amount, so that both are signed.
    """
    pence, credited = (paid.pence, paid.credited_pence) if paid else (due.pence, due.credited_pence)
    day = f"{paid.paid_on.day} {paid.paid_on:%B %Y}" if paid else ""
    sums = []
    if credited:
        sums = [
            ["We owe you", in_words(pence + credited, payable.currency)],
            ["You owe us, so we keep it", in_words(credited, payable.currency)],
        ]
    return pdf(
        "cash_receipt",
        {
            "title": f"Receipt for cash, {payable.reference}",
            "timebank": Spelling(text=timebank_name, otherwise="Time bank"),
            "payee": Spelling(text=payable.payee_name, otherwise=f"Payee {payable.payee_id}"),
            "amount": in_words(pence, payable.currency),
            "sums": sums,
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
