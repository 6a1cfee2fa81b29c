"""What staff ask for about access costs, and what they are answered."""

from datetime import date

import msgspec


class BookAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Book something with a supplier so that a member can take part. ``pence`` is what they will ask for, all in.

    ``budget_id``: the budget that pays; None for that of the session's group, if it has one.
    """

    member_id: int
    payee_id: int
    kind: str
    day: date
    pence: int
    what_for: str = ""
    session_id: int | None = None
    budget_id: int | None = None


class GiveAdvance(msgspec.Struct, frozen=True, kw_only=True):
    """Give a member cash for what they will pay. ``signed_name`` is what they signed with.

    ``budget_id`` as with :class:`BookAccess`; it holds the cash until it is accounted for.
    """

    member_id: int
    kind: str
    day: date
    pence: int
    signed_name: str
    what_for: str = ""
    session_id: int | None = None
    budget_id: int | None = None


class AddReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of an advance was spent on: with its photo, or with why there is none."""

    reference: str
    what: str
    pence: int
    receipt_id: int | None = None
    no_receipt_why: str = ""


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """Account for an advance. ``returned_pence`` is the cash that they hand back."""

    reference: str
    returned_pence: int


class CancelAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel what was booked; a supplier who is paid already owes it back."""

    reference: str
    reason: str


class AccessNow(msgspec.Struct, frozen=True, kw_only=True):
    """An access cost, its state now, and the payment that it made, "" for none."""

    reference: str
    state: str
    payment: str = ""
