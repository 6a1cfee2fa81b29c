"""The register's form: what is shown first, what was typed, and how names and refusals find their rows."""

from datetime import date

from timebank.contributions import choosing, register_form
from timebank.contributions.register_form import MAX_EXTRA_ROWS, Sheet
from timebank.contributions.register_names import KnownMember
from timebank.kit.refusal import Refusal
from timebank.web.forms import Form

MEMBERS = {
    id_: KnownMember(id_, name, str(id_ + 10))
    for id_, name in ((1, "Amina Yusuf"), (2, "Tom O’Brien"), (3, "Maria Silva"), (4, "Maria Silva"))
}


def typed(**fields: str) -> Sheet:
    sent = {"rows": "1,2", "extras": "2", "date": "10/3/2026", "length": "1:30"}
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return register_form.typed_sheet(Form.blank(**{**sent, **named}), MEMBERS)


def test_the_first_sheet_starts_from_last_time() -> None:
    came = [(1, "Amina Yusuf", 90, ""), (2, "Tom O’Brien", 120, "Cooking"), (3, "Maria Silva", 90, "")]
    sheet = register_form.first_sheet(today=date(2026, 3, 10), default_minutes=60, came=came, known=True)
    assert (sheet.day, sheet.length) == ("2026-03-10", "1 hour 30 minutes")
    assert [(row.came, row.length, row.what) for row in sheet.people] == [
        (True, "", ""),
        (True, "2 hours", "Cooking"),
        (True, "", ""),
    ]
    assert len(sheet.extras) == register_form.ROWS_BESIDE_LAST_TIME
    empty = register_form.first_sheet(today=date(2026, 3, 10), default_minutes=60, came=[], known=False)
    assert (empty.length, len(empty.extras)) == ("1 hour", register_form.FIRST_ROWS)


def test_ticked_people_and_typed_names_become_lines() -> None:
    sheet = typed(came_m1="yes", length_m1="45 min", what_m1="Washing up", who_x0="tom o'brien", who_x1="14")
    reading = register_form.read_sheet(sheet, MEMBERS)
    assert reading.refusals == ()
    assert [(line.member_id, line.minutes, line.what, line.held_on) for line in reading.lines] == [
        (1, 45, "Washing up", date(2026, 3, 10)),
        (2, 90, "", date(2026, 3, 10)),
        (4, 90, "", date(2026, 3, 10)),
    ]


def test_the_text_from_the_list_tells_namesakes_apart() -> None:
    labels = choosing.labels(MEMBERS.values())
    assert set(labels) == {"Amina Yusuf", "Tom O’Brien", "Maria Silva (13)", "Maria Silva (14)"}
    reading = register_form.read_sheet(typed(who_x0="Maria Silva (14)"), MEMBERS)
    assert [line.member_id for line in reading.lines] == [4]


def test_a_doubtful_name_is_offered_and_a_choice_settles_it() -> None:
    reading = register_form.read_sheet(typed(who_x0="Maria Silva"), MEMBERS)
    assert [(one.code, one.field) for one in reading.refusals] == [("name_doubtful", "pick-x0")]
    assert [member.id for member in reading.sheet.extras[0].options] == [3, 4]
    settled = register_form.read_sheet(typed(who_x0="Maria Silva", pick_x0="3"), MEMBERS)
    assert [line.member_id for line in settled.lines] == [3]
    forged = register_form.read_sheet(typed(who_x0="Maria Silva", pick_x0="1"), MEMBERS)
    assert [one.code for one in forged.refusals] == ["name_doubtful"]


def test_an_unknown_name_and_a_row_without_a_name() -> None:
    reading = register_form.read_sheet(typed(who_x0="Nobody Known", length_x1="1:00"), MEMBERS)
    assert [(one.code, one.field) for one in reading.refusals] == [
        ("unknown_member", "who-x0"),
        ("name_missing", "who-x1"),
    ]


def test_a_bad_length_for_all_is_told_once_and_a_bad_one_of_a_row_names_the_person() -> None:
    both = register_form.read_sheet(typed(came_m1="yes", came_m2="yes", length="lots"), MEMBERS)
    assert [(one.code, one.field) for one in both.refusals] == [("minutes_unreadable", "length")]
    one = register_form.read_sheet(typed(came_m1="yes", length_m1="0"), MEMBERS)
    assert [(each.code, each.field) for each in one.refusals] == [("minutes_zero", "length-m1")]
    assert "Amina Yusuf" in one.refusals[0].message
    unused = register_form.read_sheet(typed(came_m1="yes", length_m1="1:00", length="lots"), MEMBERS)
    assert unused.refusals == ()


def test_a_bad_day_is_told_once() -> None:
    reading = register_form.read_sheet(typed(came_m1="yes", came_m2="yes", date="31/2/2026"), MEMBERS)
    assert [(one.code, one.field) for one in reading.refusals] == [("date_impossible", "date")]


def test_what_was_typed_survives_more_rows() -> None:
    sheet = register_form.with_more_rows(typed(who_x0="Somebody", reason_all="evening"))
    assert sheet.extras[0].who == "Somebody"
    assert len(sheet.extras) == 2 + register_form.MORE_ROWS
    assert sheet.reason == "evening"
    many = typed(extras="999")
    assert len(many.extras) == MAX_EXTRA_ROWS
    assert len(register_form.with_more_rows(many).extras) == MAX_EXTRA_ROWS


def test_another_time_banks_members_and_nonsense_are_not_rows() -> None:
    sheet = typed(rows="1,999,x,-3,1", extras="-4", came_m999="yes")
    assert [row.member_id for row in sheet.people] == [1]
    assert len(sheet.extras) == register_form.ROWS_BESIDE_LAST_TIME


def test_refusals_of_the_service_find_their_rows() -> None:
    reading = register_form.read_sheet(typed(came_m1="yes", who_x0="Tom O'Brien", length_x0="2:00"), MEMBERS)
    refused = [
        Refusal("minutes_above_limit", "Too long.", "lines.0.minutes"),
        Refusal("minutes_above_limit", "Too long.", "lines.1.minutes"),
        Refusal("date_in_future", "Not yet.", "lines.0.held_on"),
        Refusal("date_in_future", "Not yet.", "lines.1.held_on"),
        Refusal("member_left", "Gone.", "lines.0.member_id"),
        Refusal("member_left", "Gone.", "lines.1.member_id"),
        Refusal("duplicate", "Again.", "lines.1.duplicate_reason"),
        Refusal("no_lines", "Nobody.", "lines"),
        Refusal("not_allowed", "No.", None),
    ]
    placed = register_form.beside_rows(refused, reading, MEMBERS)
    assert [one.field for one in placed] == [
        "length",
        "length-x0",
        "date",
        "came-m1",
        "who-x0",
        "reason-x0",
        "came-m1",
        None,
    ]


def test_many_duplicates_are_one_line_above_the_form() -> None:
    few = [Refusal("duplicate", str(at), f"reason-m{at}") for at in range(3)]
    assert register_form.in_short(few) == few
    many = [Refusal("duplicate", str(at), f"reason-m{at}") for at in range(12)]
    (one,) = register_form.in_short(many)
    assert one.field == "reason-all"
    assert one.message.startswith("12 people")
    reading = register_form.read_sheet(
        typed(came_m1="yes", came_m2="yes", reason_m2="x", reason_all="evening"), MEMBERS
    )
    assert [line.duplicate_reason for line in reading.lines] == ["evening", "x"]
