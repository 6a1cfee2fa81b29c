"""Who is looking: what every page and guard knows about the person at the other end.

The identity room's session middleware puts a ``Viewer`` at ``request.scope["state"]["viewer"]``. Where there is none
(an address that no route answers, a visitor who is not signed in) the viewer is ``ANONYMOUS``.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard, Scope

from timebank.banks.rules import is_practice
from timebank.kit.actor import Actor

STATE_KEY = "viewer"

Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActingFor:
    """The member whom a viewer acts for, why, and how that member agreed (“by phone”).

    ``scope`` is what a supporter may do; None for a coordinator, who may do all that the member asks for.
    """

    acting_id: int
    member_id: int
    display_name: str
    reason: str
    how_agreed: str
    ends_at: datetime
    scope: tuple[str, ...] | None = None

    @property
    def in_words(self) -> str:
        """Why and how agreed, in one line for a history that the member reads (at most 250 characters)."""
        return f"{self.reason} (agreed {self.how_agreed})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The person looking at a page, and the time bank they look at it in. An anonymous viewer has neither.

    While they act for somebody, pages are that member's and roles rest.
    """

    member_id: int | None = None
    timebank_id: int | None = None
    timebank_name: str | None = None
    timebank_slug: str | None = None
    display_name: str | None = None
    roles: frozenset[str] = frozenset()
    csrf: str = ""
    time_zone: str = "Europe/London"
    currency: str = "GBP"
    helper_name: str | None = None
    helper_phone: str | None = None
    helper_email: str | None = None
    acting_for: ActingFor | None = None
    language: str = "en"
    is_easy: bool = False
    is_large: bool = False
    is_remembered: bool = False
    """False on a borrowed phone, which must keep nothing."""

    @property
    def is_practice(self) -> bool:
        """True in a time bank in which nothing is real."""
        return is_practice(self.timebank_slug or "")

    @property
    def is_signed_in(self) -> bool:
        """True when the viewer is a known member of a time bank."""
        return self.member_id is not None and self.timebank_id is not None

    @property
    def may_keep(self) -> bool:
        """True when this phone may keep the viewer's hours for a time without signal: it is their own phone, and the
        pages are their own and real.
        """
        return self.is_signed_in and self.is_remembered and self.acting_for is None and not self.is_practice

    @property
    def actor(self) -> Actor:
        """The viewer as the actor of a use case.

        Raises:
            NotAuthorizedException: nobody is signed in.
        """
        if self.timebank_id is None or self.member_id is None:
            raise NotAuthorizedException
        if self.acting_for is None:
            return Actor(timebank_id=self.timebank_id, member_id=self.member_id, roles=self.roles)
        return Actor(
            timebank_id=self.timebank_id,
            member_id=self.member_id,
            on_behalf_of=self.acting_for.member_id,
            acting_id=self.acting_for.acting_id,
        )

    @property
    def subject_id(self) -> int:
        """Whose hours, bookings and choices a participant's page shows: one's own, or those of whom one acts for.

        Raises:
            NotAuthorizedException: nobody is signed in.
        """
        subject = self.actor.subject_id
        if subject is None:
            raise NotAuthorizedException
        return subject

    def has_role(self, *roles: str) -> bool:
        """True when the viewer may do what at least one of the roles allows (see ``Actor.has``)."""
        return self.is_signed_in and any(self.actor.has(role) for role in roles)


ANONYMOUS = Viewer()


def viewer(connection: Connection) -> Viewer:
    """The viewer of this request; ``ANONYMOUS`` when nobody is signed in."""
    return viewer_in(connection.scope)


def viewer_in(scope: Scope) -> Viewer:
    """The viewer that the session middleware left in the scope, or ``ANONYMOUS``."""
    found = (scope.get("state") or {}).get(STATE_KEY)
    return found if isinstance(found, Viewer) else ANONYMOUS


def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard: only for people who are signed in.

    Raises:
        NotAuthorizedException: nobody is signed in. A page then leads to the sign-in page; a form that was sent gets
        the
            page that keeps what was typed.
    """
    if not viewer(connection).is_signed_in:
        raise NotAuthorizedException


def requires_role(*roles: str) -> Guard:
    """A guard for pages that need one of these roles; holding any of them is enough.

    Raises (when the guard runs):
        NotAuthorizedException: nobody is signed in.
        PermissionDeniedException: the viewer holds none of the roles.
    """

    def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        signed_in(connection, handler)
        if not viewer(connection).has_role(*roles):
            raise PermissionDeniedException

    return guard
