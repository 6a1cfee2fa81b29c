"""Reading a list of members as people have it: which column holds what, and what each line says. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from timebank.kit import dates, names, sheets, text
from timebank.kit.csv import Row
from timebank.kit.refusal import Refusal
from timebank.members import rules
from timebank.members.rules import FORMATS, LANGUAGES, Details

MAX_FILE_BYTES = 1024 * 1024
MAX_LINES = 1000
MAX_CELL = 1200
MAX_TITLE_ROWS = 20

# What a column may hold, as people choose it. Several columns of an address are put together.
COLUMNS = {
    "name": "Name",
    "first": "First name",
    "last": "Last name",
    "email": "E-mail",
    "phone": "Phone",
    "contact_route": "How to send messages",
    "postal_address": "Address",
    "language": "Language",
    "format_preference": "Likes to read",
    "access_needs": "Access needs",
    "can_offer": "What they can share",
    "joined_on": "Day of joining",
    "kind": "Person, group or organisation",
    "emergency_name": "Emergency contact",
    "emergency_phone": "Emergency number",
}
UNUSED = ""
_WORDINGS: Mapping[str, frozenset[str]] = {
    role: frozenset(wordings.split(","))
    for role, wordings in {
        "first": "first name,first names,firstname,forename,forenames,given name,given names,first",
        "last": "last name,lastname,surname,family name,last,surnames",
        "name": "name,names,full name,member name,display name,member,participant,volunteer,person,who,preferred name,"
        "known as,name of member",
        "email": "email,e mail,email address,e mail address,mail,emails",
        "phone": "phone,telephone,phone number,telephone number,tel,tel no,mobile,mobile number,mobile phone,cell,"
        "mobile no,phone no,telephone no,contact number",
        "contact_route": "how to contact,contact by,contact route,preferred contact,messages by,contact preference,"
        "preferred contact method,contact method,how to send messages,best way to contact",
        "postal_address": "address,postal address,home address,street,street address,address 1,address 2,address 3,"
        "address line 1,address line 2,address line 3,town,city,county,postcode,post code,zip",
        "language": "language,first language,preferred language,languages,spoken language",
        "format_preference": "format,reading format,preferred format,print,likes to read,format preference,"
        "communication format",
        "access_needs": "access needs,access,accessibility,needs,support needs,access requirements,adjustments,"
        "reasonable adjustments,what helps",
        "can_offer": "can offer,offers,offer,skills,skill,can share,what they can share,what i can offer,interests,"
        "skills and interests",
        "joined_on": "joined,joined on,date joined,join date,joining date,start date,member since,date of joining,"
        "registered,created,creation date",
        "kind": "kind,type,member type,kind of member",
        "emergency_name": "emergency contact,emergency contact name,next of kin,emergency name,ice",
        "emergency_phone": "emergency phone,emergency number,emergency contact number,emergency contact phone,"
        "next of kin phone",
    }.items()
}
_ROUTES = {
    "email": "email,e mail,mail by computer,e mails,emails",
    "sms": "sms,text,text message,texts,text messages,whatsapp",
    "phone": "phone,phone call,call,telephone,calls,ring,tel,mobile,landline",
    "letter": "letter,post,by post,letters,paper,mail,postal",
    "none": "none,no,no messages,no contact,nothing,do not contact",
}
_FORMATS = {
    "screen": "screen,on a screen,online,standard,normal,normal print,digital",
    "large_print": "large print,large,big print,large text",
    "easy_read": "easy read,easyread,easy",
    "letter": "letter,paper,on paper,print,on paper by letter,post",
}
_KINDS = {
    "person": "person,individual,people,member,a person,volunteer,participant",
    "group": "group,a group,club,community group",
    "organisation": "organisation,organization,org,an organisation,charity,company,business,agency",
}
_EMAIL_LIKE = re.compile(r"\S+@\S+\.\S+")
_PHONE_LIKE = re.compile(r"\+?[0-9 ().\-]{6,}")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: its heading (or a first cell), what it was taken for, and a few of its cells."""

    heading: str
    role: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One line of the file: as it came, and as it was read. ``joined_on`` None means that nothing was said."""

    number: int
    cells: tuple[str, ...]
    details: Details
    kind: str
    joined_on: date | None
    problems: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberFile:
    """A list of members that was read. ``is_guessed``: there were no headings that we knew."""

    columns: tuple[Column, ...]
    lines: tuple[MemberLine, ...]
    has_headings: bool
    is_guessed: bool

    @property
    def has_names(self) -> bool:
        """True when a column holds the names; without one nobody can be added."""
        return any(column.role in ("name", "first", "last") for column in self.columns)


def read(
    data: bytes, *, columns: Mapping[int, str] | None = None, has_headings: bool | None = None
) -> MemberFile | Refusal:
    """Return the lines of a list of members, or why it cannot be read at all; a doubtful line keeps its own problems.

    ``columns`` (from 0) and ``has_headings`` are what a person said about the file, where the guess was wrong.
    Refusals: those of :func:`timebank.kit.sheets.read`, and ``no_lines``.
    """
    sheet = sheets.read(data, max_bytes=MAX_FILE_BYTES, max_rows=MAX_LINES + MAX_TITLE_ROWS, max_cell=MAX_CELL)
    if isinstance(sheet, Refusal):
        return sheet
    at = _heading_row(sheet.rows)
    with_headings = at is not None if has_headings is None else has_headings
    heading = sheet.rows[at or 0] if with_headings and sheet.rows else None
    body = sheet.rows[(at or 0) + 1 :] if with_headings else sheet.rows
    if len(body) > MAX_LINES:
        message = f"This file has more than {MAX_LINES} lines. Split it into smaller files."
        return Refusal("too_many_lines", message, "file")
    if not body:
        return Refusal("no_lines", "This list has headings but no lines. Add a line for each member.", "file")
    width = max(len(row.cells) for row in (*body, *((heading,) if heading else ())))
    roles = _roles(heading) if heading and at is not None else _guessed(body, width)
    roles = {**roles, **{column: role for column, role in (columns or {}).items() if column < width}}
    shown = tuple(
        Column(
            heading=_at(heading.cells, column) if heading else "",
            role=roles.get(column, UNUSED),
            examples=tuple(cell for row in body[:20] if (cell := _at(row.cells, column)))[:3],
        )
        for column in range(width)
    )
    lines = tuple(_line(row, roles) for row in body)
    return MemberFile(shown, lines, with_headings, is_guessed=at is None and not columns)


def _heading_row(rows: Sequence[Row]) -> int | None:
    for at, row in enumerate(rows[:MAX_TITLE_ROWS]):
        if {"name", "first", "last"} & set(_roles(row).values()):
            return at
    return None


def _roles(row: Row) -> dict[int, str]:
    """What each column of a heading row holds; a thing that only one column can hold is the first one's."""
    found: dict[int, str] = {}
    for column, cell in enumerate(row.cells):
        wording = names.loose_key(cell)
        role = next((role for role, known in _WORDINGS.items() if wording in known), None)
        if role and (role == "postal_address" or role not in found.values()):
            found[column] = role
    if "first" in found.values() and "name" in found.values() and "last" not in found.values():
        # “Name” beside “First name” is the surname.
        found = {column: "last" if role == "name" else role for column, role in found.items()}
    return found


def _guessed(body: Sequence[Row], width: int) -> dict[int, str]:
    """Without headings: addresses and numbers tell themselves, and the first other column is the name."""
    found: dict[int, str] = {}
    for column in range(width):
        cells = [cell for row in body[:50] if (cell := _at(row.cells, column))]
        emails = sum(bool(_EMAIL_LIKE.fullmatch(cell)) for cell in cells)
        phones = sum(bool(_PHONE_LIKE.fullmatch(cell)) for cell in cells)
        # No name looks like an address, so one is enough; digits may be anything.
        role = "email" if emails else "phone" if 2 * phones > len(cells) else UNUSED
        if role and role not in found.values():
            found[column] = role
        if cells and column not in found and "name" not in found.values():
            found[column] = "name"
    return found


def _line(row: Row, roles: Mapping[int, str]) -> MemberLine:
    said: dict[str, list[str]] = {}
    for column, role in sorted(roles.items()):
        if role and (cell := _at(row.cells, column)):
            said.setdefault(role, []).append(cell)
    one = {role: cells[0] for role, cells in said.items()}
    whole = " ".join(said.get("first", []) + said.get("last", [])) or one.get("name", "")
    problems: list[Refusal] = []
    address = "\n".join(said.get("postal_address", []))
    email, phone = one.get("email", ""), one.get("phone", "")
    typed_route = one.get("contact_route", "")
    route = (
        _choice(typed_route, _ROUTES, rules.CONTACT_ROUTES, "contact_route", problems)
        if typed_route
        else "email" if email else "phone" if phone else "letter" if address else "none"
    )  # fmt: skip
    joined = dates.parse(one["joined_on"], field="joined_on") if "joined_on" in one else None
    if isinstance(joined, Refusal):
        problems.append(joined)
    details = Details(
        display_name=whole,
        phone=phone,
        email=email,
        contact_route=route,
        postal_address=address,
        language=_language(one.get("language", ""), problems),
        format_preference=_choice(one.get("format_preference", ""), _FORMATS, FORMATS, "format_preference", problems)
        if "format_preference" in one
        else "screen",
        access_needs=one.get("access_needs", ""),
        can_offer=one.get("can_offer", ""),
        emergency_name=one.get("emergency_name", ""),
        emergency_phone=one.get("emergency_phone", ""),
    )
    kind = _choice(one["kind"], _KINDS, rules.KINDS, "kind", problems) if "kind" in one else "person"
    return MemberLine(
        number=row.number,
        cells=row.cells,
        details=rules.tidy(details),
        kind=kind,
        joined_on=joined if isinstance(joined, date) else None,
        problems=tuple(problems),
    )


def _choice(typed: str, known: Mapping[str, str], words: Mapping[str, str], field: str, problems: list[Refusal]) -> str:
    wording = names.loose_key(typed)
    for value, wordings in known.items():
        if wording in wordings.split(",") or wording == names.loose_key(words[value]):
            return value
    offered = ", ".join(words.values())
    problems.append(Refusal(f"{field}_unreadable", f"{text.shown(typed)} is none of: {offered}.", field))
    return next(iter(words))


def _language(typed: str, problems: list[Refusal]) -> str:
    wording = names.loose_key(typed)
    if not wording:
        return "en"
    for code, word in LANGUAGES.items():
        if wording in (code, names.loose_key(word)):
            return code
    message = f"We do not know the language {text.shown(typed)}. Write it like “Welsh”, or leave it empty."
    problems.append(Refusal("language_unreadable", message, "language"))
    return "en"


def _at(cells: Sequence[str], column: int) -> str:
    """A cell, or "" where the row is shorter; without the sign that keeps a spreadsheet from running a formula."""
    cell = cells[column] if column < len(cells) else ""
    return cell[1:] if cell.startswith("'") and cell[1:2] in set("=+-@") else cell
