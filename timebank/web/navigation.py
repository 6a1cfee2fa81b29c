"""The links in the header, in the order in which people see them."""

from dataclasses import dataclass

from timebank.kit.actor import COORDINATOR, FINANCE
from timebank.web.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the header; without a role it is for every signed-in member.

    ``also`` names further parts of the product that belong under this link.
    """

    label: str
    href: str
    role: str | None = None
    also: tuple[str, ...] = ()


NAVIGATION = (
    Link("My hours", "/", also=("/hours",)),
    Link("Use my hours", "/offers"),
    Link("My bookings", "/bookings"),
    Link("Log a group", "/groups", COORDINATOR, also=("/registers",)),
    Link("To decide", "/decisions", COORDINATOR),
    Link("Members", "/members", COORDINATOR),
    Link("Payments", "/payments", FINANCE),
)


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link as this page shows it."""

    label: str
    href: str
    is_here: bool
    is_current_page: bool


def links_for(viewer: Viewer, path: str) -> tuple[ShownLink, ...]:
    """The header links that this viewer may follow, with the part of the product that ``path`` belongs to marked."""
    if not viewer.is_signed_in:
        return ()
    return tuple(
        ShownLink(
            link.label, link.href, any(_is_under(part, path) for part in (link.href, *link.also)), link.href == path
        )
        for link in NAVIGATION
        if link.role is None or viewer.has_role(link.role)
    )


def _is_under(href: str, path: str) -> bool:
    return path == href if href == "/" else path == href or path.startswith(f"{href}/")
