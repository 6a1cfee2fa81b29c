"""What a register's page shows and sends: its rows, and what is typed in each. Pure.

A row for a member is called ``m<member id>``, for a guest who waits to become one ``g<guest id>``, a row for somebody
typed by name ``x<number>``. Ticked rows come as ``came``; the other fields of a row end in its name: ``length-m17``,
``prep-m17``, ``travel-m17``, ``what-m17``, ``staff-m17``, ``reason-m17``; ``who-x0``, ``pick-x0``, ``guest-x0``. A long
register shows these fields only in the rows that are open: a page with every field for 500 people is slow on a phone.
"""

from dataclasses import dataclass
from typing import Literal

MAX_OPEN_ROWS = 40  # a register of up to this many people has every row ready to be opened without asking the server

By = Literal["ticks", "sheet"]
"""How people are recorded: by a tick for who came, or, typing a paper sheet in, by the time beside each name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What differs for one person, as typed. ``is_staff``: paid time, recorded without credit."""

    length: str = ""
    prep: str = ""
    travel: str = ""
    what: str = ""
    is_staff: bool = False
    reason: str = ""

    def __bool__(self) -> bool:
        return self != NOTHING

    @property
    def in_short(self) -> str:
        """What differs, for the closed row."""
        parts = (
            self.length,
            f"preparation {self.prep}" if self.prep else "",
            f"travel {self.travel}" if self.travel else "",
            self.what,
            "paid staff" if self.is_staff else "",
        )
        return ", ".join(part for part in parts if part)


NOTHING = Said()


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody whose name is there already: ``member_id`` is 0 for a guest, ``guest_id`` 0 for a member."""

    id: str
    member_id: int
    name: str
    came: bool
    said: Said = NOTHING
    guest_id: int = 0
    is_open: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class ExtraRow:
    """Somebody else, typed by name. ``options`` are the member ids that the name may mean; a guest is no member yet."""

    id: str
    who: str = ""
    pick: str = ""
    said: Said = NOTHING
    is_guest: bool = False
    options: tuple[int, ...] = ()

    @property
    def is_blank(self) -> bool:
        """True when nothing was typed into the row."""
        return not (self.who or self.said or self.is_guest)


@dataclass(frozen=True, slots=True)
class HelpedRow:
    """Somebody who was helped, in an exchange between members."""

    id: str
    who: str = ""
    pick: str = ""
    options: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The whole form as it is shown. Preparation and travel are added to everybody's time.

    ``agreed`` is how those who were helped agreed to it, ``reason`` why everybody is there a second time, given once
    for all; ``names`` a list of names still to be added, one a line; ``token`` names the draft of this form; ``seen``
    are the registers of this day that the person knows.
    """

    day: str
    length: str
    start: str = ""
    prep: str = ""
    travel: str = ""
    people: tuple[PersonRow, ...] = ()
    extras: tuple[ExtraRow, ...] = ()
    helped: tuple[HelpedRow, ...] = ()
    agreed: str = ""
    reason: str = ""
    names: str = ""
    by: By = "ticks"
    token: str = ""
    seen: tuple[str, ...] = ()

    @property
    def opens_by_button(self) -> bool:
        """True when there are too many rows to send every field of each."""
        return self.by == "ticks" and len(self.people) > MAX_OPEN_ROWS


def fields_of(sheet: Sheet) -> dict[str, tuple[str, ...]]:
    """The fields that a browser would send for this sheet: what a draft keeps, and what ``typed_sheet`` reads."""
    fields: dict[str, tuple[str, ...]] = {
        "date": (sheet.day,),
        "length": (sheet.length,),
        "start": (sheet.start,),
        "prep": (sheet.prep,),
        "travel": (sheet.travel,),
        "rows": (",".join(row.id for row in sheet.people),),
        "extras": (str(len(sheet.extras)),),
        "helped": (str(len(sheet.helped)),),
        "agreed": (sheet.agreed,),
        "reason-all": (sheet.reason,),
        "names": (sheet.names,),
        "by": (sheet.by,),
        "draft": (sheet.token,),
        "seen": (",".join(sheet.seen),),
        "came": tuple(row.id for row in sheet.people if row.came and sheet.by == "ticks"),
        "open": tuple(row.id for row in sheet.people if row.is_open),
    }
    rows: tuple[PersonRow | ExtraRow, ...] = (*sheet.people, *sheet.extras)
    for row in rows:
        fields |= {
            f"length-{row.id}": (row.said.length,),
            f"prep-{row.id}": (row.said.prep,),
            f"travel-{row.id}": (row.said.travel,),
            f"what-{row.id}": (row.said.what,),
            f"staff-{row.id}": ("yes",) if row.said.is_staff else (),
            f"reason-{row.id}": (row.said.reason,),
        }
    for extra in sheet.extras:
        fields |= {
            f"who-{extra.id}": (extra.who,),
            f"pick-{extra.id}": (extra.pick,),
            f"guest-{extra.id}": ("yes",) if extra.is_guest else (),
        }
    for helped in sheet.helped:
        fields |= {f"helped-{helped.id}": (helped.who,), f"pick-{helped.id}": (helped.pick,)}
    return {name: values for name, values in fields.items() if any(values)}
