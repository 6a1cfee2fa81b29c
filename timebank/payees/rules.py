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
    """Refusal ``not_allowed``, and those of :func:`check_name`."""
    if not any(actor.has(role) for role in (FINANCE, COORDINATOR, ADMIN)):
        return [Refusal("not_allowed", "Only staff can add a supplier. Ask your coordinator.")]
    return check_name(name, supplier_reference)


def check_name(name: str, supplier_reference: str) -> list[Refusal]:
    """Refusals ``payee_name_missing``, ``payee_name_too_long``, ``supplier_reference_too_long``."""
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


# Bank details ------------------------------------------------------------------------------------------------------

PROPOSED, IN_USE, REPLACED, REFUSED, WITHDRAWN = "proposed", "in_use", "replaced", "refused", "withdrawn"
MAX_WHY = 500
MAX_LOOK_REASON = 200
WARN_FOR_DAYS = 14
"""So long before a payment, and so long after a change, pages warn: a usual time for fraud."""


def may_read(actor: Actor) -> bool:
    """Finance works here; an administrator may look."""
    return actor.has(FINANCE) or actor.has(ADMIN)


def check_finance(actor: Actor, *, own_account: bool = False) -> list[Refusal]:
    """Refusal ``not_finance``. What concerns the time bank's own account an administrator may do too."""
    if actor.member_id is None or not (actor.has(FINANCE) or (own_account and actor.has(ADMIN))):
        return [Refusal("not_finance", "Only someone with the finance role can do this. Ask your finance team.")]
    return []


def check_propose(actor: Actor, *, payee_member_id: int | None, is_own: bool, is_open: bool) -> list[Refusal]:
    """May this person type where a payee is paid? Finance, and a member (or who acts for them) for themselves.

    Refusals: ``not_finance``, ``payee_closed``.
    """
    if payee_member_id is not None and actor.member_id is not None and payee_member_id == actor.subject_id:
        return []
    refusals = check_finance(actor, own_account=is_own)
    if not is_open:
        refusals.append(Refusal("payee_closed", "This payee is closed. Open it again first."))
    return refusals


def check_decide(
    actor: Actor, *, state: str, proposed_by: int, payee_member_id: int | None, is_own: bool, confirm: bool, why: str
) -> list[Refusal]:
    """May this person confirm or refuse an account? Never their own proposal, never the account that pays them.

    Refusals: ``not_finance``, ``already_decided``, ``own_proposal``, ``own_account``, ``why_missing``,
    ``why_too_long``.
    """
    refusals = check_finance(actor, own_account=is_own)
    if state != PROPOSED:
        refusals.append(Refusal("already_decided", "Somebody has decided about this account. Look at the payee again."))
    if actor.member_id == proposed_by:
        refusals.append(Refusal("own_proposal", "You typed this account. Someone else in finance confirms it."))
    if payee_member_id is not None and payee_member_id == actor.member_id:
        refusals.append(Refusal("own_account", "This account pays you. Someone else in finance confirms it."))
    if not confirm and not why:
        refusals.append(Refusal("why_missing", "Say why it is refused. Who typed it will read it.", "why"))
    if len(why) > MAX_WHY:
        refusals.append(Refusal("why_too_long", f"Shorten this to {MAX_WHY} characters or fewer.", "why"))
    return refusals


def check_look(actor: Actor, why: str, *, is_own: bool) -> list[Refusal]:
    """May this person see a whole number? Refusals ``not_finance``, ``why_missing``, ``why_too_long``."""
    refusals = check_finance(actor, own_account=is_own)
    if not why:
        refusals.append(Refusal("why_missing", "Say why you need the whole number.", "why"))
    if len(why) > MAX_LOOK_REASON:
        message = f"Shorten the reason to {MAX_LOOK_REASON} characters or fewer."
        refusals.append(Refusal("why_too_long", message, "why"))
    return refusals
