"""Whatever is typed into a register, reading it and showing it again keeps every bit of it."""

import html
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from timebank.contributions import register_csv, register_form, register_lines
from timebank.contributions.choosing import Directory, first_names
from timebank.contributions.register_names import KnownMember
from timebank.contributions.register_sheet import Sheet, fields_of
from timebank.web.forms import Form

NAMES = ("Amina Yusuf", "Tom O’Brien", "Maria Silva", "Maria Silva", "שרה כהן", "Li Wei 🌻", "Bernard O'Leary")
MEMBERS = [KnownMember(at, name, str(100 + at)) for at, name in enumerate(NAMES, start=1)]
KNOWN = Directory(MEMBERS)
GUESTS = {7: "Visiting Vera"}
ROWS = [*(f"m{member.id}" for member in MEMBERS), "g7"]

words = st.one_of(
    st.sampled_from(("", "1:30", "90 min", "lots", "0", "none", "Maria Silva", "Ami", "tom o'brien", "Nobody", "<b>")),
    st.text(max_size=12).map(lambda text: " ".join(text.replace("\x00", "").split())),
)
said = st.fixed_dictionaries(dict.fromkeys(("length", "what", "prep", "travel", "reason"), words))


@st.composite
def forms(draw: st.DrawFn) -> Form:
    fields: dict[str, Any] = {
        name: (draw(words),) for name in ("date", "length", "start", "prep", "travel", "agreed", "reason-all")
    }
    rows = draw(st.lists(st.sampled_from(ROWS), unique=True))
    fields["rows"] = (",".join(rows),)
    fields["came"] = tuple(draw(st.lists(st.sampled_from(rows), unique=True))) if rows else ()
    fields["extras"] = (str(draw(st.integers(0, 5))),)
    fields["helped"] = (str(draw(st.integers(0, 3))),)
    fields["by"] = (draw(st.sampled_from(("ticks", "sheet"))),)
    fields["names"] = (draw(st.sampled_from(("", "Bo\nAmina", "Maria Silva\nNobody"))),)
    for row in (*rows, *(f"x{at}" for at in range(int(fields["extras"][0])))):
        fields |= {f"{kind}-{row}": (text,) for kind, text in draw(said).items()}
        fields |= {f"{kind}-{row}": ("yes",) for kind in draw(st.sets(st.sampled_from(("staff", "guest"))))}
        fields[f"who-{row}"] = (draw(words),)
    for at in range(int(fields["helped"][0])):
        fields[f"helped-h{at}"] = (draw(words),)
    return Form({name: values for name, values in fields.items() if any(values)})


def texts(sheet: Sheet) -> dict[str, tuple[str, ...]]:
    """What is typed in a sheet; what a name was found to mean is not typed."""
    return {name: values for name, values in fields_of(sheet).items() if not name.startswith("pick-")}


@settings(max_examples=150, deadline=None)
@given(form=forms())
def test_reading_and_showing_again_keeps_everything(form: Form) -> None:
    sheet = register_form.typed_sheet(form, KNOWN, GUESTS)
    reading = register_lines.read_sheet(sheet, KNOWN)
    assert texts(reading.sheet) == texts(sheet)
    again = register_form.typed_sheet(Form(fields_of(reading.sheet)), KNOWN, GUESTS)
    assert texts(again) == texts(sheet)
    assert register_lines.read_sheet(again, KNOWN).lines == reading.lines
    assert len(reading.lines) == len(reading.rows)
    for refusal in reading.refusals:
        assert refusal.message
        assert refusal.field
    for line in reading.lines:
        assert line.minutes > 0
        assert line.preparation_minutes + line.travel_minutes < line.minutes


@settings(max_examples=80, deadline=None)
@given(form=forms())
def test_more_rows_lose_nobody(form: Form) -> None:
    sheet = register_form.typed_sheet(form, KNOWN, GUESTS)
    more = register_form.with_more_rows(sheet, KNOWN)
    before = [row.name for row in sheet.people] + [row.who for row in sheet.extras if row.who]
    listed = [name for name in sheet.names.splitlines() if name.strip()]
    kept = {row.name for row in more.people} | {row.who for row in more.extras}
    for text in (*before, *listed):
        (found,) = KNOWN.find([text])
        assert text in kept or (found.member and KNOWN.shown[found.member.id] in kept), text
    typed = {text for row in sheet.extras for text in (row.said.length, row.said.what, row.said.prep) if text}
    after = {text for row in (*more.people, *more.extras) for text in (row.said.length, row.said.what, row.said.prep)}
    assert typed <= after


@settings(max_examples=60, deadline=None)
@given(form=forms())
def test_the_download_has_a_row_for_everybody_who_came(form: Form) -> None:
    sheet = register_form.typed_sheet(form, KNOWN, GUESTS)
    content = register_csv.typed(sheet, "Lunch club", KNOWN)
    for row in sheet.people:
        assert (html.unescape(row.name) in content) or not row.came


@given(st.lists(st.text(min_size=1, max_size=20).filter(str.strip), max_size=12))
def test_first_names_tell_everybody_apart(names: list[str]) -> None:
    members = [KnownMember(at, name.strip(), str(at)) for at, name in enumerate(names, start=1)]
    assert sorted(member.id for member in first_names(members).values()) == [member.id for member in members]
