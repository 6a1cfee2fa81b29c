"""The pages of participants, in one place: budgets of weight, speed and words are held by each of them.

A page about one thing (an offer, a booking) is found by following the first fitting link of another page.
"""

import re
from dataclasses import dataclass
from html import unescape

import httpx


@dataclass(frozen=True, slots=True)
class ParticipantPage:
    """A page by a name for tables. ``path`` is its address, or, with ``listed_on``, a pattern for a link there."""

    name: str
    path: str
    listed_on: str = ""


PAGES = (
    ParticipantPage("home", "/"),
    ParticipantPage("all my hours", "/hours"),
    ParticipantPage("statement", "/statement"),
    ParticipantPage("print", "/print"),
    ParticipantPage("catalogue", "/offers"),
    ParticipantPage("an offer", r"/offers/\d+", "/offers"),
    ParticipantPage("check before using hours", r"/offers/\d+/check", r"/offers/\d+"),
    ParticipantPage("saved for later", "/offers/saved"),
    ParticipantPage("my bookings", "/bookings"),
    ParticipantPage("a booking", r"/bookings/[A-Z0-9-]+", "/bookings"),
    ParticipantPage("help from members", "/share"),
    ParticipantPage("what I can offer", "/share/mine"),
    ParticipantPage("gifts", "/gifts"),
    ParticipantPage("give hours", "/gifts/give"),
    ParticipantPage("ask the pot", "/gifts/ask"),
    ParticipantPage("log my own time", "/log"),
    ParticipantPage("what I logged", "/log/mine"),
    ParticipantPage("what’s on", "/whats-on"),
    ParticipantPage("a session", r"/whats-on/\d+", "/whats-on"),
    ParticipantPage("what I asked", "/queries"),
    ParticipantPage("what we sent you", "/messages"),
    ParticipantPage("about me", "/me"),
    ParticipantPage("my costs", "/me/claims"),
    ParticipantPage("add a cost", "/me/claims/new"),
    ParticipantPage("a bus fare", "/me/claims/new?kind=bus"),
    ParticipantPage("a claim", r"/me/claims/[A-Z0-9-]{9}", "/me/claims"),
    ParticipantPage("my choices", "/me/choices"),
    ParticipantPage("my fees", "/me/fees"),
    ParticipantPage("a fee", r"/me/fees/[A-Z0-9]{4}-[A-Z0-9]{4}", "/me/fees"),
    ParticipantPage("every fee", "/me/fees/every"),
    ParticipantPage("where my money is paid", "/me/paid"),
    ParticipantPage("how I read", "/reading"),
    ParticipantPage("where I am signed in", "/devices"),
    ParticipantPage("our rules", "/rules"),
    ParticipantPage("check a paper", "/check"),
    ParticipantPage("who may check", "/statement/checks"),
    ParticipantPage("tell someone else", "/tell/riverside"),
    ParticipantPage("accessibility", "/accessibility"),
    ParticipantPage("put it on my phone", "/install"),
)


async def addresses(client: httpx.AsyncClient) -> dict[str, str]:
    """The address of each page by its name, for the member who is signed in with this client.

    Raises:
        LookupError: a page that lists others has no link that fits.
    """
    found: dict[str, str] = {}
    by_path = {page.path: page.name for page in PAGES}
    for page in PAGES:
        if not page.listed_on:
            found[page.name] = page.path
            continue
        listing = found[by_path[page.listed_on]]
        text = (await client.get(listing)).text
        link = re.search(rf'href="({page.path})"', text)
        if link is None:
            raise LookupError(f"{listing} has no link like {page.path}")
        found[page.name] = unescape(link[1])
    return found
