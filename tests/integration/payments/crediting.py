"""Credits for tests: a credit note that two people stand behind."""

from tests.integration.payments.helpers import call
from tests.people import Bank
from timebank.payments import credit_notes, credit_queries
from timebank.payments.credit_notes import DecideCreditNote, ProposeCreditNote
from timebank.payments.credits import CreditChanged


async def credit(bank: Bank, payee_id: int, pence: int, document: str = "CN-1") -> str:
    """A credit note that two people stand behind."""
    command = ProposeCreditNote(payee_id=payee_id, pence=pence, document_number=document, reason="Two lunches too many")
    proposed = await credit_notes.propose_note(bank.db, bank.finance, command, **call())
    assert isinstance(proposed, CreditChanged), proposed
    decision = DecideCreditNote(reference=proposed.reference, accept=True)
    agreed = await credit_notes.decide_note(bank.db, bank.finance_two, decision, **call())
    assert agreed == CreditChanged(reference=proposed.reference, state="open", left_pence=pence)
    return proposed.reference


async def left(bank: Bank, reference: str) -> int:
    async with bank.db.reading(bank.id) as connection:
        found = await credit_queries.by_reference(connection, bank.id, reference)
    assert found is not None
    return found.left_pence
