"""Who does something: the argument that every use case takes first."""

from dataclasses import dataclass

COORDINATOR = "coordinator"
FINANCE = "finance"
ADMIN = "admin"
APPROVER = "approver"  # a member or trustee who decides what waits for a second person, and nothing else
ROLES = (COORDINATOR, FINANCE, ADMIN, APPROVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A member acting in one time bank, a supplier without an account (``supplier_id``, a payee), or the system itself.

    Nobody needs a role to be a participant, and roles combine. ``on_behalf_of``: the member whom they act for, while
    the page says so; every entry keeps both.
    """

    timebank_id: int
    member_id: int | None
    roles: frozenset[str] = frozenset()
    on_behalf_of: int | None = None
    acting_id: int | None = None
    supplier_id: int | None = None

    @property
    def subject_id(self) -> int | None:
        """Whose hours and bookings a participant's page shows: the member acted for, or the actor."""
        return self.member_id if self.on_behalf_of is None else self.on_behalf_of

    @property
    def name(self) -> str:
        """How the ledger records them: ``member/7``, ``supplier/3``, or ``system``."""
        if self.supplier_id is not None:
            return f"supplier/{self.supplier_id}"
        return "system" if self.member_id is None else f"member/{self.member_id}"

    @property
    def meta(self) -> dict[str, int]:
        """What a ledger entry notes beside its actor: the stretch of time in which they act for somebody."""
        return {} if self.acting_id is None else {"acting": self.acting_id}

    def has(self, role: str) -> bool:
        """True when the actor may do what ``role`` allows; an administrator may do a coordinator's work."""
        return role in self.roles or (role == COORDINATOR and ADMIN in self.roles)


def system(timebank_id: int) -> Actor:
    """The service acting by itself: time-outs, imports at set-up."""
    return Actor(timebank_id=timebank_id, member_id=None, roles=frozenset(ROLES))


def supplier(timebank_id: int, payee_id: int) -> Actor:
    """A supplier who confirms at their till. They have no role, and no hours."""
    return Actor(timebank_id=timebank_id, member_id=None, supplier_id=payee_id)
