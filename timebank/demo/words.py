"""What the demo prints when it is ready."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A way into the demo: who, what to try, the path of a one-time link, and a PIN where it is a card."""

    who: str
    what: str
    path: str
    pin: str = ""


def welcome(base_url: str, doors: Sequence[Door], *, seconds: float) -> str:
    """The text that greets whoever started the demo; ``seconds`` is what it took to the first page."""
    lines = [
        "",
        f"Timebank is ready at {base_url} (first page after {seconds:.1f} s).",
        "Everybody in it is invented. Each link signs in once; start the demo again for new ones.",
        "To be two people at once, open one link in a private window.",
        "",
    ]
    for door in doors:
        lines += [
            f"  {door.who}: {door.what}",
            f"    {base_url}{door.path}{f'   PIN {door.pin}' if door.pin else ''}",
            "",
        ]
    lines.append("Stop with Ctrl-C.")
    return "\n".join(lines)
