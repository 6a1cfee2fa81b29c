"""What a payee is, and the names of their accounts in the ledger. Pure."""

from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor
from timebank.kit.refusal import Refusal

SUPPLIER, MEMBER, CHARITY = "supplier", "member", "charity"
BY_BANK, IN_CASH = "bank", "cash"

MAX_PAYEE_NAME = 140
MAX_SUPPLIER_REFERENCE = 35


def payable_account(payee_id: int) -> str:
    """The ledger account that holds what is owed to a payee."""
    return f"payable/{payee_id}"


def prepaid_account(payee_id: int) -> str:
    """The ledger account of what was bought from a payee in advance and is not used up yet."""
    return f"prepaid/{payee_id}"


def credit_account(payee_id: int) -> str:
    """The ledger account of what a payee owes back: refunds after payment, credit notes."""
    return f"credit/{payee_id}"


def check_add(actor: Actor, name: str, supplier_reference: str) -> list[Refusal]:
    """Refusals ``not_allowed``, ``payee_name_missing``, ``payee_name_too_long``, ``supplier_reference_too_long``."""
    if not any(actor.has(role) for role in (FINANCE, COORDINATOR, ADMIN)):
        return [Refusal("not_allowed", "Only staff can add a supplier. Ask your coordinator.")]
    refusals = []
    if not name:
        refusals.append(Refusal("payee_name_missing", "Enter the supplier’s name.", "name"))
    if len(name) > MAX_PAYEE_NAME:
        refusals.append(
            Refusal("payee_name_too_long", f"Shorten the name to {MAX_PAYEE_NAME} letters or fewer.", "name")
        )
    if len(supplier_reference) > MAX_SUPPLIER_REFERENCE:
        refusals.append(
            Refusal(
                "supplier_reference_too_long",
                f"Shorten the supplier reference to {MAX_SUPPLIER_REFERENCE} characters or fewer.",
                "supplier_reference",
            )
        )
    return refusals
