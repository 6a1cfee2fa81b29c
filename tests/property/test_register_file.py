"""Registers: never a crash, whatever the bytes; and a register in any form is read back as it was written."""

import csv
import io
from datetime import date

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from timebank.contributions import register_file
from timebank.contributions.register_file import KnownMember, RegisterFile
from timebank.kit import durations
from timebank.kit.refusal import Refusal

DATE_FORMATS = ("{d:02}/{m:02}/{y}", "{d}/{m}/{y2:02}", "{d:02}.{m:02}.{y}", "{d}-{m}-{y}", "{y}-{m:02}-{d:02}")
ENCODINGS = (("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"))
HEADINGS = {"name": "Name", "date": "Date", "time": "Length", "activity": "Activity", "notes": "Notes"}
WRITTEN_LENGTHS = ("{h}:{m:02}", "{h}h{m:02}", "{h} h {m} min", "{t} min", "words")

# Letters of many scripts, apostrophes and hyphens: what stands between the spaces of a name.
words = st.text(
    st.characters(codec="utf-8", categories=("Lu", "Ll", "Lo"), include_characters="'’-"), min_size=1, max_size=12
).filter(lambda word: word[0] not in "'’-")
person_names = st.lists(words, min_size=2, max_size=3).map(" ".join)
notes = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Z")) | st.sampled_from(" ,;\t\"\n'"),
    max_size=40,
)
lines = st.tuples(person_names, st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 1440), words, notes)


def written_length(minutes: int, form: str) -> str:
    if form == "words":
        return durations.in_words(minutes)
    return form.format(h=minutes // 60, m=minutes % 60, t=minutes)


@st.composite
def registers(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, date, int, str, str]], str, str]:
    """Draw the bytes of a register, and what is in it."""
    content = draw(st.lists(lines, min_size=1, max_size=6))
    separator = draw(st.sampled_from([",", ";", "\t"]))
    encoding, mark = draw(st.sampled_from(ENCODINGS))
    end = draw(st.sampled_from(["\r\n", "\n"]))
    date_format, length = draw(st.sampled_from(DATE_FORMATS)), draw(st.sampled_from(WRITTEN_LENGTHS))
    order = draw(st.permutations(list(HEADINGS)))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=draw(st.sampled_from([0, 1])))
    writer.writerow([HEADINGS[role] for role in order])
    for name, day, minutes, activity, note in content:
        cells = {
            "name": name,
            "date": date_format.format(d=day.day, m=day.month, y=day.year, y2=day.year % 100),
            "time": written_length(minutes, length),
            "activity": activity,
            "notes": note,
        }
        writer.writerow([cells[role] for role in order])
    return mark + out.getvalue().encode(encoding), content, separator, encoding


@given(registers())
@settings(max_examples=150, deadline=None)
def test_a_register_in_any_form_is_read_back_the_same(
    drawn: tuple[bytes, list[tuple[str, date, int, str, str]], str, str],
) -> None:
    data, content, separator, encoding = drawn
    assume(not any(name.casefold() in ("total", "sum", "totals") for name, *_ in content))
    file = register_file.read(data)
    assert isinstance(file, RegisterFile)
    assert (file.separator, file.encoding) == (separator, encoding)
    assert [(line.held_on, line.minutes) for line in file.lines] == [(day, minutes) for _, day, minutes, *_ in content]
    assert [line.what_text for line in file.lines] == [note.strip() for *_, note in content]
    assert {problem.code for line in file.lines for problem in line.problems} <= {"line_repeated"}
    members = [KnownMember(number, name) for number, (name, *_) in enumerate(content)]
    for match, (name, *_) in zip(register_file.match_names(file.lines, members), content, strict=True):
        assert match.kind in ("exact", "ambiguous")
        assert name in {member.display_name for member in match.members} or match.kind == "exact"


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_it_crash(data: bytes) -> None:
    assert isinstance(register_file.read(data), RegisterFile | Refusal)


@given(st.lists(st.text(max_size=15), max_size=30), st.sampled_from([",", ";", "\t"]))
@settings(max_examples=300, deadline=None)
def test_no_cells_under_good_headings_make_it_crash(cells: list[str], separator: str) -> None:
    body = "\n".join(separator.join(cells[at : at + 4]) for at in range(0, len(cells), 4))
    data = f"Member number{separator}Name{separator}Date{separator}Time\n{body}".encode("utf-8", "replace")
    result = register_file.read(data)
    assert isinstance(result, RegisterFile | Refusal)
    if isinstance(result, RegisterFile):
        for line in result.lines:
            assert (line.held_on is not None and line.minutes is not None) or line.problems
            assert line.minutes is None or 1 <= line.minutes <= durations.MAX_MINUTES
        members = [KnownMember(1, "Amina Yusuf", "1"), KnownMember(2, "مريم", None)]
        assert len(register_file.match_names(result.lines, members)) == len(result.lines)
