"""The links in the header, in the order in which people see them."""

from dataclasses import dataclass

from timebank.kit.actor import ADMIN, APPROVER, COORDINATOR, FINANCE
from timebank.kit.words import mark
from timebank.web.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the header; without a role it is for every signed-in member.

    ``also`` names further parts of the product that belong under this link; ``unless`` a role that has it already.
    """

    label: str
    href: str
    role: str | None = None
    also: tuple[str, ...] = ()
    unless: str | None = None

    def is_for(self, viewer: Viewer) -> bool:
        """True when this viewer may follow it and has no other like it."""
        may = self.role is None or viewer.has_role(self.role)
        return may and not (self.unless is not None and viewer.has_role(self.unless))


UNDER_MORE = (
    "/imports", "/background", "/safeguarding", "/messages/to-do", "/settings", "/start",
    "/offers/manage", "/suppliers", "/vouchers", "/pot", "/share/all", "/claims",
)  # fmt: skip
UNDER_HOURS = (
    "/hours", "/log", "/entries", "/queries", "/whats-on", "/in", "/gifts", "/statement", "/print",
)  # fmt: skip
UNDER_PAYMENTS = ("/payees", "/budgets", "/reconciliation", "/reports", "/claims", "/suppliers", "/vouchers")
NAVIGATION = (
    Link(mark("My hours"), "/", also=UNDER_HOURS),
    Link(mark("Use my hours"), "/offers"),
    Link(mark("My bookings"), "/bookings", also=("/waiting",)),
    Link(mark("Help each other"), "/share"),
    Link(mark("About me"), "/me", also=("/devices", "/supporting", "/messages", "/install", "/confirm")),
    Link(mark("Log a group"), "/groups", COORDINATOR, also=("/registers", "/sessions", "/sheet", "/guests")),
    Link(mark("Bookings to do"), "/bookings/to-do", COORDINATOR),
    Link(mark("Decisions"), "/decisions", COORDINATOR, also=("/queries/to-answer",)),
    Link(mark("Decisions"), "/decisions", APPROVER, also=("/queries/to-answer",), unless=COORDINATOR),
    Link(mark("Members"), "/members", COORDINATOR),
    Link(mark("Payments"), "/payments", FINANCE, also=UNDER_PAYMENTS),
    Link(mark("Payments"), "/payments", ADMIN, also=UNDER_PAYMENTS, unless=FINANCE),  # to look: an auditor
    Link(mark("More"), "/more", COORDINATOR, also=UNDER_MORE),
)


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link as this page shows it. ``is_work`` tells what people do for others from what they do for themselves."""

    label: str
    href: str
    is_here: bool
    is_current_page: bool
    is_work: bool


def links_for(viewer: Viewer, path: str) -> tuple[ShownLink, ...]:
    """The header links that this viewer may follow, with the part of the product that ``path`` belongs to marked.

    The longest address wins, so that "Bookings to do" is not "My bookings"; of two the later one.
    """
    if not viewer.is_signed_in:
        return ()
    links = [link for link in NAVIGATION if link.is_for(viewer)]
    nearest, here = max((_nearness(link, path), n) for n, link in enumerate(links))
    return tuple(
        ShownLink(
            link.label,
            link.href,
            is_here=nearest > 0 and n == here,
            is_current_page=link.href == path,
            is_work=link.role is not None,
        )
        for n, link in enumerate(links)
    )


def _nearness(link: Link, path: str) -> int:
    """How much of ``path`` a link accounts for, in characters; 0 when the path lies elsewhere."""
    return max((len(part) for part in (link.href, *link.also) if _is_under(part, path)), default=0)


def _is_under(href: str, path: str) -> bool:
    return path == href if href == "/" else path == href or path.startswith(f"{href}/")
