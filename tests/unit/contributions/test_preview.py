"""What a register file would do, line by line, and how answers change it."""

from datetime import date

from timebank.banks.rules import Rules
from timebank.contributions.preview import LEAVE_OUT, MAX_ASKED, NEW_GROUP, Answers, Preview, judge, read_lines
from timebank.contributions.register_file import KnownMember, RegisterFile, read
from timebank.contributions.rules import Earlier, Facts
from timebank.kit.actor import Actor

TODAY = date(2026, 3, 10)
MEMBERS = (
    KnownMember(1, "Amina Yusuf", "11"),
    KnownMember(2, "Tom O’Brien", "12"),
    KnownMember(3, "Maria Silva", "13"),
    KnownMember(4, "Maria Silva", "14"),
)
GROUPS = {"lunch club": 30, "walk": 31}
ME = Actor(timebank_id=1, member_id=2, roles=frozenset({"coordinator"}))


def preview(text: str, answers: Answers | None = None, *there: Earlier) -> Preview:
    file = read(text.encode())
    assert isinstance(file, RegisterFile), file
    answers = answers or Answers()
    reading = read_lines(file, MEMBERS, GROUPS, answers)
    activities = {*GROUPS.values(), *(-at for at in range(1, len(reading.new_groups) + 1))}
    facts = Facts(Rules(), TODAY, dict.fromkeys((1, 2, 3, 4), "active"), activities, there)
    return judge(reading, facts, ME, answers)


def states(found: Preview) -> list[str]:
    return [line.state for line in found.lines]


ONE = "Name,Date,Time,Activity\n"


def test_a_plain_line_is_ready() -> None:
    found = preview(ONE + "Amina Yusuf,10/03/2026,1:30,Lunch Club\n")
    (line,) = found.lines
    assert line.state == "ready"
    assert line.line is not None
    assert (line.line.member_id, line.line.minutes, line.line.activity_id, line.line.number) == (1, 90, 30, 2)
    assert (found.open_questions, found.ready_minutes, line.flagged) == ([], 90, "")


def test_ones_own_line_waits() -> None:
    (line,) = preview(ONE + "Tom O'Brien,10/03/2026,1:30,Lunch club\n").lines
    assert (line.state, line.flagged) == ("ready", "Recorded by the person themselves")


def test_a_name_that_two_people_have_is_asked_about() -> None:
    text = ONE + "Maria Silva,10/03/2026,1:30,Lunch club\n"
    found = preview(text)
    assert states(found) == ["question"]
    assert [question.field for question in found.open_questions] == ["who-2"]
    assert [member.id for member in found.lines[0].read.suggestions] == [3, 4]
    answered = preview(text, Answers(who={2: "4"}))
    assert answered.lines[0].line is not None
    assert answered.lines[0].line.member_id == 4
    assert states(preview(text, Answers(who={2: "999"}))) == ["question"]
    assert states(preview(text, Answers(leave_out=frozenset({2})))) == ["left_out"]
    typed = preview(text, Answers(who={2: "4"}, someone={2: "amina yusuf"}))
    assert typed.lines[0].line is not None
    assert typed.lines[0].line.member_id == 1
    for text, member_id in (("Maria Silva (14)", 4), ("13", 3)):
        listed = preview(text=ONE + "Nobody,10/03/2026,1:30,Lunch club\n", answers=Answers(someone={2: text}))
        assert listed.lines[0].line is not None
        assert listed.lines[0].line.member_id == member_id


def test_an_unknown_name_is_refused_and_stops_nobody_else() -> None:
    found = preview(ONE + "Nobody Here,10/03/2026,1:30,Lunch club\nAmina Yusuf,10/03/2026,1:30,Lunch club\n")
    assert states(found) == ["refused", "ready"]
    assert found.open_questions == []
    assert found.lines[0].asks == ("who",)


def test_a_number_that_may_be_hours_or_minutes_is_asked_about() -> None:
    text = ONE + "Amina Yusuf,10/03/2026,15,Lunch club\n"
    found = preview(text)
    assert (states(found), found.lines[0].asks) == (["question"], ("minutes",))
    answered = preview(text, Answers(minutes={2: "15 min"}))
    assert answered.ready_minutes == 15
    still = preview(text, Answers(minutes={2: "lots"}))
    assert (states(still), still.lines[0].asks) == (["refused"], ("minutes",))


def test_a_day_that_cannot_be_is_refused_until_corrected() -> None:
    text = ONE + "Amina Yusuf,11/03/2026,1:30,Lunch club\n"
    found = preview(text)
    assert (states(found), found.lines[0].asks, found.lines[0].problems[0].code) == (
        ["refused"],
        ("day",),
        "date_in_future",
    )
    assert states(preview(text, Answers(day={2: "9 March 2026"}))) == ["ready"]


def test_what_is_recorded_already_is_not_added_again() -> None:
    there = Earlier(7, "AAAA-BBBB", 30, 1, TODAY, 90)
    found = preview(
        ONE + "Amina Yusuf,10/03/2026,1:30,Lunch club\nAmina Yusuf,10/03/2026,1:31,Lunch club\n", None, there
    )
    assert states(found) == ["recorded", "ready"]
    assert found.lines[0].recorded_in == "AAAA-BBBB"
    assert found.ready_minutes == 91


def test_a_repeated_line_needs_a_reason_also_when_it_is_spelt_differently() -> None:
    text = ONE + 'Amina Yusuf,10/03/2026,1:30,Lunch club\n"Yusuf, Amina",2026-03-10,90 min,LUNCH CLUB\n'
    found = preview(text)
    assert states(found) == ["ready", "question"]
    assert [question.field for question in found.open_questions] == ["reason-3"]
    assert preview(text, Answers(reason={3: "again in the evening"})).ready_minutes == 180


def test_an_unknown_group_is_asked_about_once() -> None:
    text = ONE + "Amina Yusuf,10/03/2026,1:30,Crafts\nTom O'Brien,10/03/2026,1:30,crafts\n"
    found = preview(text)
    assert states(found) == ["question", "question"]
    assert [question.field for question in found.open_questions] == ["group-0"]
    assert found.reading.unknown_groups[0].lines == (2, 3)
    assert [line.line and line.line.activity_id for line in preview(text, Answers(groups={"crafts": "31"})).lines] == [
        31,
        31,
    ]
    new = preview(text, Answers(groups={"crafts": NEW_GROUP}))
    assert (states(new), new.reading.new_groups) == (["ready", "ready"], ("Crafts",))
    assert states(preview(text, Answers(groups={"crafts": LEAVE_OUT}))) == ["left_out", "left_out"]
    assert states(preview(text, Answers(groups={"crafts": "999"}))) == ["question", "question"]


def test_lines_without_a_group_need_one() -> None:
    text = "Name,Date,Time\nAmina Yusuf,10/03/2026,1:30\n"
    found = preview(text)
    assert [question.field for question in found.open_questions] == ["group"]
    assert states(preview(text, Answers(group=30))) == ["ready"]
    assert states(preview(text, Answers(group=999))) == ["question"]


def test_a_long_note_is_shortened_and_says_so() -> None:
    (line,) = preview("Name,Date,Time,Activity,Notes\nAmina Yusuf,10/03/2026,1:30,Lunch club," + "x" * 300 + "\n").lines
    assert line.line is not None
    assert len(line.line.what) == 200
    assert line.remark


def test_a_page_asks_about_a_bounded_number_of_lines() -> None:
    rows = "".join(f"Maria Silva,10/03/2026,1:{minute % 60:02d},Lunch club\n" for minute in range(MAX_ASKED + 5))
    found = preview(ONE + rows)
    assert states(found).count("question") == MAX_ASKED
    assert states(found).count("refused") == 5


def test_more_than_the_day_holds_is_refused_and_the_rest_is_not() -> None:
    long = "Amina Yusuf,10/03/2026,12h,Lunch club\nAmina Yusuf,10/03/2026,11h,Walk\n"
    found = preview(ONE + long + "Amina Yusuf,10/03/2026,2h,Walk\nAmina Yusuf,09/03/2026,1h,Walk\n")
    assert states(found) == ["refused", "refused", "refused", "ready"]
    assert found.lines[0].problems[0].code == "day_too_short"
    assert found.lines[0].asks == ("minutes",)
    assert states(preview(ONE + long)) == ["ready", "ready"]
    mended = preview(ONE + long + "Amina Yusuf,10/03/2026,2h,Walk\n", Answers(minutes={4: "1h"}))
    assert states(mended) == ["ready", "ready", "ready"]
