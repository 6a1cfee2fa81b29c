"""The register's form: what is shown first, what was typed, and how names and refusals find their rows."""

from datetime import date, time

import pytest

from timebank.contributions import choosing, register_csv, register_form, register_lines
from timebank.contributions.choosing import Directory
from timebank.contributions.register_form import MAX_EXTRA_ROWS, Before, Plan
from timebank.contributions.register_lines import NEW_GUEST, Reading
from timebank.contributions.register_names import KnownMember
from timebank.contributions.register_sheet import Sheet, fields_of
from timebank.kit.refusal import Refusal
from timebank.web.forms import Form

MEMBERS = [
    KnownMember(id_, name, str(id_ + 10))
    for id_, name in ((1, "Amina Yusuf"), (2, "Tom O’Brien"), (3, "Maria Silva"), (4, "Maria Silva"), (5, "Bo Li"))
]
KNOWN = Directory(MEMBERS)
GUESTS = {7: "Visiting Vera"}
PLAN = Plan(day="2026-03-10", minutes=60)


def typed(came: tuple[str, ...] = (), **fields: str) -> Sheet:
    sent: dict[str, str] = {"rows": "m1,m2,g7", "extras": "2", "date": "10/3/2026", "length": "1:30"}
    sent |= {name.replace("_", "-"): value for name, value in fields.items()}
    form = Form({**Form.blank(**sent).fields, "came": came})
    return register_form.typed_sheet(form, KNOWN, GUESTS)


def read(came: tuple[str, ...] = (), **fields: str) -> Reading:
    return register_lines.read_sheet(typed(came, **fields), KNOWN, {"visiting vera": 7})


def codes(reading: Reading) -> list[tuple[str, str | None]]:
    return [(one.code, one.field) for one in reading.refusals]


def test_the_first_sheet_starts_from_last_time() -> None:
    came = [
        Before(name="Amina Yusuf", member_id=1, minutes=90),
        Before(name="Tom O’Brien", member_id=2, minutes=120, what="Cooking"),
        Before(name="Maria Silva", member_id=3, minutes=90, is_staff=True),
        Before(name="Visiting Vera", guest_id=7, minutes=90),
    ]
    sheet = register_form.first_sheet(PLAN, came)
    assert (sheet.day, sheet.length) == ("2026-03-10", "1 hour 30 minutes")
    assert [(row.id, row.came, row.said.in_short) for row in sheet.people] == [
        ("m1", True, ""),
        ("m2", True, "2 hours, Cooking"),
        ("m3", True, "paid staff"),
        ("g7", True, ""),
    ]
    assert len(sheet.extras) == register_form.ROWS_BESIDE_LAST_TIME
    empty = register_form.first_sheet(PLAN, [])
    assert (empty.length, len(empty.extras), empty.helped) == ("1 hour", register_form.FIRST_ROWS, ())


def test_preparation_and_travel_that_most_had_is_said_once() -> None:
    came = [
        Before(name="A", member_id=1, minutes=120, preparation_minutes=30),
        Before(name="B", member_id=2, minutes=120, preparation_minutes=30),
        Before(name="C", member_id=3, minutes=90),
        Before(name="D", member_id=4, minutes=140, preparation_minutes=30, travel_minutes=20),
    ]
    sheet = register_form.first_sheet(PLAN, came)
    assert (sheet.length, sheet.prep, sheet.travel) == ("1 hour 30 minutes", "30 minutes", "20 minutes")
    assert [row.said.prep for row in sheet.people] == ["", "", "none", ""]
    assert [row.said.travel for row in sheet.people] == ["none", "none", "none", ""]


def test_a_paper_sheet_asks_for_times_only() -> None:
    plan = Plan(day="2026-03-10", minutes=60, by="sheet")
    sheet = register_form.first_sheet(plan, [Before(name="Amina Yusuf", member_id=1, minutes=90, what="Cooking")])
    assert [(row.came, row.said.length, row.said.what) for row in sheet.people] == [(False, "", "")]
    reading = read(by="sheet", length_m1="45 min")
    assert [(line.member_id, line.minutes) for line in reading.lines] == [(1, 45)]


def test_ticked_people_and_typed_names_become_lines() -> None:
    reading = read(
        ("m1", "g7"), length_m1="45 min", what_m1="Washing up", who_x0="tom o'brien", who_x1="14", staff_x1="yes"
    )
    assert reading.refusals == ()
    assert [(line.who, line.minutes, line.what, line.kind) for line in reading.lines] == [
        (1, 45, "Washing up", "given"),
        (-7, 90, "", "given"),
        (2, 90, "", "given"),
        (4, 90, "", "staff"),
    ]
    assert {line.held_on for line in reading.lines} == {date(2026, 3, 10)}


def test_preparation_and_travel_are_added() -> None:
    reading = read(("m1", "m2"), prep="30 min", travel="0:20", travel_m2="none", start="2.30pm")
    assert [(line.minutes, line.preparation_minutes, line.travel_minutes) for line in reading.lines] == [
        (140, 30, 20),
        (120, 30, 0),
    ]
    assert reading.lines[0].starts_at == time(14, 30)
    assert codes(read(("m1",), prep="lots", start="noonish")) == [
        ("time_unreadable", "start"),
        ("minutes_unreadable", "prep"),
    ]


def test_the_text_from_the_list_tells_namesakes_apart() -> None:
    labels = choosing.labels(MEMBERS)
    assert set(labels) == {"Amina Yusuf", "Tom O’Brien", "Maria Silva (13)", "Maria Silva (14)", "Bo Li"}
    assert [line.member_id for line in read(who_x0="Maria Silva (14)").lines] == [4]


def test_session_leaders_see_first_names_and_what_tells_them_apart() -> None:
    members = [
        KnownMember(at, name, str(at))
        for at, name in enumerate(
            ("Amina Yusuf", "Amina Bello", "Amina Boateng", "Tom O’Brien", "Tom", "Li Wei (李伟)")
        )
    ]
    assert set(choosing.first_names(members)) == {
        "Amina Y", "Amina B (1)", "Amina B (2)", "Tom O", "Tom", "Li",
    }  # fmt: skip
    directory = Directory(members, only_first_names=True)
    assert [found.member and found.member.id for found in directory.find(["amina y", "Amina Bello"])] == [0, 1]
    assert "Bello" not in " ".join((*directory.choices, *directory.shown.values()))


def test_a_doubtful_name_is_offered_and_a_choice_settles_it() -> None:
    reading = read(who_x0="Maria Silva")
    assert codes(reading) == [("name_doubtful", "pick-x0")]
    assert reading.sheet.extras[0].options == (3, 4)
    assert [line.member_id for line in read(who_x0="Maria Silva", pick_x0="3").lines] == [3]
    assert codes(read(who_x0="Maria Silva", pick_x0="1")) == [("name_doubtful", "pick-x0")]


@pytest.mark.parametrize("part", ["Yus", "usuf", "AMINA", "ami"])
def test_any_part_of_a_name_finds_them_and_one_more_look_is_enough(part: str) -> None:
    reading = read(who_x0=part)
    assert codes(reading) == [("name_doubtful", "pick-x0")]
    assert (reading.sheet.extras[0].options, reading.sheet.extras[0].pick) == ((1,), "1")


def test_an_unknown_name_may_be_a_guest_and_a_row_needs_a_name() -> None:
    assert codes(read(who_x0="Nobody Known", length_x1="1:00")) == [
        ("unknown_member", "who-x0"),
        ("name_missing", "who-x1"),
    ]
    reading = read(who_x0="Nobody Known", guest_x0="yes", who_x1="Visiting  VERA", guest_x1="yes")
    assert [line.guest_id for line in reading.lines] == [NEW_GUEST, 7]
    assert reading.new_guests == {NEW_GUEST: "Nobody Known"}


def test_who_was_helped_in_an_exchange() -> None:
    reading = read(("m1", "m2"), helped="3", helped_h0="Bo Li", helped_h2="Maria Silva (13)", agreed="by phone")
    assert {(line.kind, line.receiver_ids, line.how_agreed) for line in reading.lines} == {
        ("exchange", (5, 3), "by phone")
    }
    assert codes(read(("m1",), helped="2", helped_h0="Nobody Known")) == [("unknown_member", "helped-h0")]
    assert {line.kind for line in read(("m1",), helped="2").lines} == {"given"}


def test_a_bad_length_for_all_is_told_once_and_a_bad_one_of_a_row_names_the_person() -> None:
    assert codes(read(("m1", "m2"), length="lots")) == [("minutes_unreadable", "length")]
    one = read(("m1",), length_m1="0")
    assert codes(one) == [("minutes_zero", "length-m1")]
    assert "Amina Yusuf" in one.refusals[0].message
    assert read(("m1",), length_m1="1:00", length="lots").refusals == ()


def test_a_bad_day_is_told_once() -> None:
    assert codes(read(("m1", "m2"), date="31/2/2026")) == [("date_impossible", "date")]


def test_names_become_rows_and_what_is_doubtful_stays_as_typed() -> None:
    names = "Bo Li\n\n tom o'brien \nMaria Silva\nSomebody Else\nbo li"
    sheet = register_form.with_more_rows(typed(who_x1="Maria Silva (14)", what_x1="Tea", names=names), KNOWN)
    assert [(row.id, row.came, row.said.what) for row in sheet.people] == [
        ("m1", False, ""),
        ("m2", True, ""),
        ("g7", False, ""),
        ("m4", True, "Tea"),
        ("m5", True, ""),
    ]
    assert [row.who for row in sheet.extras if row.who] == ["Maria Silva", "Somebody Else"]
    assert sum(row.is_blank for row in sheet.extras) == register_form.MORE_ROWS
    assert sheet.names == ""
    assert codes(read(names="Bo Li")) == [("names_waiting", "names")]


def test_names_that_do_not_fit_stay_in_the_list() -> None:
    names = "\n".join(f"Stranger {at}" for at in range(150))
    sheet = register_form.with_more_rows(typed(names=names), KNOWN)
    assert len(sheet.extras) == MAX_EXTRA_ROWS
    shown = [row.who for row in sheet.extras if row.who] + sheet.names.splitlines()
    assert sorted(shown) == sorted(names.splitlines())


def test_another_time_banks_members_and_nonsense_are_not_rows() -> None:
    sheet = typed(("m999",), rows="m1,m999,x,-3,m1,g8,m", extras="-4")
    assert [row.id for row in sheet.people] == ["m1"]
    assert len(sheet.extras) == register_form.ROWS_BESIDE_LAST_TIME
    assert len(typed(extras="999").extras) == MAX_EXTRA_ROWS


def test_refusals_of_the_service_find_their_rows() -> None:
    reading = read(("m1",), who_x0="Tom O'Brien", length_x0="2:00")
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
    placed = register_lines.beside_rows(refused, reading, KNOWN)
    fields = ["length", "length-x0", "date", "came-m1", "who-x0", "reason-x0", "came-m1", None]
    assert [one.field for one in placed] == fields


def test_many_duplicates_are_one_line_above_the_form() -> None:
    few = [Refusal("duplicate", str(at), f"reason-m{at}") for at in range(3)]
    assert register_lines.in_short(few) == few
    many = [Refusal("duplicate", str(at), f"reason-m{at}") for at in range(12)]
    (one,) = register_lines.in_short(many)
    assert one.field == "reason-all"
    assert one.message.startswith("12 people")
    reading = read(("m1", "m2"), reason_m2="x", reason_all="evening")
    assert [line.duplicate_reason for line in reading.lines] == ["evening", "x"]


def test_a_long_register_opens_rows_by_button_and_shows_what_is_said() -> None:
    people = [Before(name=f"P {at}", member_id=at, minutes=60) for at in range(1, 42)]
    assert register_form.first_sheet(PLAN, people).opens_by_button
    assert not register_form.first_sheet(PLAN, people[:40]).opens_by_button


def test_what_is_typed_can_be_downloaded_whatever_is_wrong() -> None:
    sheet = typed(("m1",), date="someday", length="lots", who_x0="=cmd|x", what_x0='a "b", c', names="New Person")
    lines = register_csv.typed(sheet, "Lunch club", KNOWN).splitlines()
    assert lines[1:] == [
        "Amina Yusuf,11,someday,,lots,,,Lunch club,",
        '\'=cmd|x,,someday,,lots,,,Lunch club,"a ""b"", c"',
        "New Person,,someday,,lots,,,Lunch club,",
    ]
    with_travel = register_csv.typed(typed(("m1",), travel="20 min"), "Lunch club", KNOWN)
    assert "Amina Yusuf,11,10/3/2026,,1 hour 50 minutes,,20 min,Lunch club," in with_travel


def test_the_fields_of_a_sheet_make_the_same_sheet() -> None:
    sheet = typed(
        ("m1", "g7"), length_m2="2:00", who_x0="Maria", guest_x0="yes", helped="2", helped_h1="Bo", seen="A,B"
    )
    assert register_form.typed_sheet(Form(fields_of(sheet)), KNOWN, GUESTS) == sheet
