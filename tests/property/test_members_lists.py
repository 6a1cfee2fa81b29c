"""Lists of members, whatever is in them: every line has one fate, and the same list again adds nobody."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from timebank.kit import csv, names
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.members import many, member_file
from timebank.members.many import Answers, Preview
from timebank.members.member_file import COLUMNS, MemberFile

TODAY = date(2026, 3, 10)
STAFF = Actor(timebank_id=1, member_id=1, roles=frozenset({"coordinator"}))
NAMES = st.sampled_from(["Ann Bee", "ann  bee", "Bo", "Zoë Ø", "🌻", "", "Name", "=1+1", "李小龍"]) | st.text(
    max_size=12
)
EMAILS = st.sampled_from(["", "a@b.org", "A@B.org", "c@d.org", "nonsense"])
PHONES = st.sampled_from(["", "01632 960001", "+44 1632 960001", "ring me"])
LINES = st.lists(st.tuples(NAMES, EMAILS, PHONES), min_size=1, max_size=12)


def judged(content: bytes, known: list[dict[str, object]], answers: Answers) -> Preview | None:
    file = member_file.read(content)
    return many.judge(STAFF, file, known, answers, TODAY) if isinstance(file, MemberFile) else None


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_comes_is_read_or_refused(content: bytes) -> None:
    file = member_file.read(content)
    if isinstance(file, Refusal):
        assert file.field == "file"
    else:
        assert len(many.judge(STAFF, file, (), Answers(), TODAY).lines) == len(file.lines)


@settings(deadline=None)
@given(LINES, st.lists(st.sampled_from(["", *COLUMNS]), min_size=3, max_size=3))
def test_any_answer_about_columns_can_be_given(lines: list[tuple[str, str, str]], chosen: list[str]) -> None:
    content = csv.write([("Name", "E-mail", "Phone"), *lines]).encode()
    file = member_file.read(content, columns=dict(enumerate(chosen)))
    assert isinstance(file, MemberFile | Refusal)


@settings(deadline=None)
@given(LINES, st.sampled_from(["", "new", "same"]))
def test_the_same_list_again_adds_nobody(lines: list[tuple[str, str, str]], all_same: str) -> None:
    content = csv.write([("Name", "E-mail", "Phone"), *lines]).encode()
    first = judged(content, [], Answers(all_same=all_same))
    if first is None:
        return
    fates = [len(first.of(state)) for state in ("ready", "question", "there", "refused")]
    assert sum(fates) == len(first.lines)
    if all_same:
        assert not first.of("question")
    members: list[dict[str, object]] = [
        {
            "id": number,
            "number": number,
            "display_name": one.line.details.display_name,
            "name_key": names.key(one.line.details.display_name),
            "email": one.line.details.email.lower(),
            "digits": "".join(c for c in one.line.details.phone if c in "0123456789"),
        }
        for number, one in enumerate(first.of("ready"), start=1)
    ]
    again = judged(content, members, Answers())
    assert again is not None
    assert not again.of("ready")
    assert len(again.of("refused")) == len(first.of("refused"))


@settings(deadline=None)
@given(LINES)
def test_what_is_left_out_can_be_read_again(lines: list[tuple[str, str, str]]) -> None:
    content = csv.write([("Name", "E-mail", "Phone"), *lines]).encode()
    first = judged(content, [], Answers())
    if first is None or not many.left_out(first):
        return
    headings = [column.heading for column in first.file.columns]
    text = many.left_out_csv(headings, many.left_out(first))
    again = member_file.read(text.encode(), columns={0: ""}, has_headings=True)
    assert isinstance(again, MemberFile)
    assert [line.details for line in again.lines] == [
        one.line.details for one in first.lines if one.state in ("refused", "question")
    ]
