"""Reading the files of other programs, the lengths of time and the days in them, and the plan of what will happen."""

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from timebank.imports.formats import BY_NAME, FORMATS, ReadFile, read
from timebank.imports.formats.amounts import read_day, read_minutes
from timebank.imports.formats.base import MAX_FILE_BYTES, MAX_LINES
from timebank.imports.people import MemberFacts
from timebank.imports.plan import Facts, Plan
from timebank.imports.planning import make_plan
from timebank.imports.rules import Answers, exactly, rounded
from timebank.kit.refusal import Refusal

FILES = Path(__file__).parents[2] / "files" / "imports"
TODAY = date(2026, 3, 10)
LONDON, MADRID, KIRITIMATI = (ZoneInfo(name) for name in ("Europe/London", "Europe/Madrid", "Pacific/Kiritimati"))
ADA = MemberFacts(11, 1, "Ada Example", "ada@example.org", "active")
BEN = MemberFacts(12, 2, "Ben Sample", "", "active")
GONE = MemberFacts(13, 3, "A former member", "", "left")


def plan_of(name: str, content: bytes | str, *, members: Any = (ADA, BEN, GONE), **answers: Any) -> Plan:
    data = content.encode() if isinstance(content, str) else content
    known, done = answers.pop("known", {}), answers.pop("done", frozenset())
    zone, minimum_age = answers.pop("zone", LONDON), answers.pop("minimum_age", 18)
    given = Answers(**answers)
    file = read(BY_NAME[name], data, given.columns)
    assert isinstance(file, ReadFile), file
    return make_plan(BY_NAME[name], file, Facts(TODAY, zone, members, known, done, 0, minimum_age), given)


def said(plan: Plan) -> dict[int, tuple[str, str]]:
    """State and reason of the exchange, balance or person of each line."""
    return {one.line: (one.state, one.why) for one in plan.lines}


@pytest.mark.parametrize("name", [path.stem for path in sorted(FILES.glob("*.csv"))])
def test_every_golden_file_is_read_without_a_refusal(name: str) -> None:
    plan = plan_of(name, (FILES / f"{name}.csv").read_bytes(), members=(), unknown="add", day=date(2020, 1, 1))
    assert plan.lines
    assert {one.state for one in plan.lines} == {"ready"} | ({"there"} if name == "cyclos-members" else set())
    assert not plan.is_open


@pytest.mark.parametrize("wanted", FORMATS, ids=lambda each: each.name)
def test_every_example_is_read(wanted: Any) -> None:
    file = read(wanted, wanted.example.encode())
    assert isinstance(file, ReadFile)
    assert not file.missing
    assert len(file.rows) == len(wanted.example.splitlines()) - (0 if not file.has_headings else 1)


@pytest.mark.parametrize(
    ("text", "unit", "minutes"),
    [
        ("5400", "seconds", 90),
        ("20", "seconds", Fraction(1, 3)),
        ("1.5", "hours", 90),
        ("1,5", "hours", 90),
        ("-1,25", "hours", -75),
        ("\u22121.25", "hours", -75),
        ("0.333", "hours", Fraction(1998, 100)),
        ("1:30", "", 90),
        ("-0:15", "", -15),
        ("1:30:30", "", Fraction(181, 2)),
        ("1h30", "", 90),
        ("1h 30m", "", 90),
        ("90 min", "", 90),
        ("2,5 h", "", 150),
        ("1 234", "minutes", 1234),
        ("1,234.50", "hours", 74070),
        ("1.234,50", "hours", 74070),
        ("12.000000", "hours", 720),
        (".5", "hours", 30),
        ("\u0661\u0662", "minutes", 12),
        ("0", "minutes", 0),
    ],
)
def test_time_is_read_exactly(text: str, unit: Any, minutes: int | Fraction) -> None:
    assert read_minutes(text, unit) == minutes


@pytest.mark.parametrize(
    ("text", "unit", "code"),
    [
        ("", "hours", "amount_missing"),
        ("-", "hours", "amount_missing"),
        ("1,500", "hours", "amount_ambiguous"),
        ("1.500", "hours", "amount_ambiguous"),
        ("1,234", "seconds", "amount_ambiguous"),
        ("1:60", "", "amount_unreadable"),
        ("a lot", "hours", "amount_unreadable"),
        ("1,23,4", "hours", "amount_unreadable"),
        ("1e5", "hours", "amount_unreadable"),
        ("NaN", "hours", "amount_unreadable"),
        ("1" * 41, "hours", "amount_unreadable"),
        ("9999999999", "hours", "amount_too_large"),
        ("90", "", "unit_unknown"),
        ("3 apples", "", "amount_unreadable"),
        ("1h 75m", "", "amount_unreadable"),
    ],
)
def test_time_that_has_no_one_meaning_is_refused(text: str, unit: Any, code: str) -> None:
    found = read_minutes(text, unit)
    assert isinstance(found, Refusal)
    assert found.code == code


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2016-04-12 23:30:00 UTC", LONDON, date(2016, 4, 13)),
        ("2016-04-12 23:30:00 UTC", MADRID, date(2016, 4, 13)),
        ("2016-12-12 23:30:00 UTC", LONDON, date(2016, 12, 12)),
        ("2016-04-12T01:00:00+02:00", LONDON, date(2016, 4, 12)),
        ("2016-04-12 00:30:00 +0200", LONDON, date(2016, 4, 11)),
        ("2016-04-12 10:30:00Z", KIRITIMATI, date(2016, 4, 13)),
        (
            "2016-03-27 01:30:00",
            LONDON,
            date(2016, 3, 27),
        ),  # a time that the clocks left out: the day is still that day
        ("2016-04-12", LONDON, date(2016, 4, 12)),
        ("12/04/2016", LONDON, date(2016, 4, 12)),
        ("2016-04-12 23:30:00.123456 UTC", LONDON, date(2016, 4, 13)),
    ],
)
def test_a_moment_is_the_day_it_was_where_the_time_bank_is(text: str, zone: ZoneInfo, day: date) -> None:
    assert read_day(text, zone) == day


@pytest.mark.parametrize("text", ["2016-02-30 10:00:00 UTC", "2016-04-12 25:00:00Z", "2016-04-12 10:00:00+99:00", "x"])
def test_a_moment_that_never_was_is_refused(text: str) -> None:
    assert isinstance(read_day(text, LONDON), Refusal)


@pytest.mark.parametrize(
    ("rule", "minutes", "whole"),
    [
        ("half_even", Fraction(3, 2), 2),
        ("half_even", Fraction(5, 2), 2),
        ("half_even", Fraction(-3, 2), -2),
        ("down", Fraction(3, 2), 1),
        ("down", Fraction(-3, 2), -1),
        ("up", Fraction(4, 3), 2),
        ("up", Fraction(-4, 3), -2),
        ("", Fraction(4), 4),
    ],
)
def test_rounding_is_exact(rule: Any, minutes: Fraction, whole: int) -> None:
    assert rounded(minutes, rule) == whole


def test_nothing_is_rounded_without_a_rule() -> None:
    with pytest.raises(ValueError, match="no rule"):
        rounded(Fraction(1, 3), "")
    assert exactly(Fraction(1, 3)) == "20 seconds"
    assert exactly(Fraction(-181, 2)) == "minus 1 hour 30 minutes 30 seconds"
    assert exactly(Fraction(0)) == "0 minutes"


def test_what_does_not_add_up_is_said() -> None:
    content = (
        "1,Member,1,Member,60,2016-01-01,x,\n"
        "1,Member,2,Member,60,2027-01-01,x,\n"
        "1,Member,2,Member,-60,2016-01-01,x,\n"
        "1,Member,2,Member,0,2016-01-01,x,\n"
        "1,Member,2,Member,60,,x,\n"
        "1,Member,2\n"
        ",Member,2,Member,60,2016-01-01,x,\n"
        "3,Member,2,Member,60,2016-01-01,x,\n"
        "1,Member,2,Member,60,2016-01-01,x,\n"
    )
    found = said(plan_of("timeoverflow-transfers", content, known={"1": 11, "2": 12, "3": 13}))
    assert found == {
        1: ("refused", "This person would give time to themselves."),
        2: ("refused", "“2027-01-01” is still to come. Check the day."),
        3: ("refused", "This line is about less than no time. Swap who gave and who received."),
        4: ("refused", "This line is about no time at all."),
        5: ("refused", "This line does not say when. Add the day in the file."),
        6: ("refused", "This line has 3 columns, and 6 are needed."),
        7: ("refused", "This line does not say who. Add it in the file."),
        8: ("refused", "This person has left the time bank, so nothing is added."),
        9: ("ready", ""),
    }


def test_the_organisation_is_the_programme_unless_it_is_somebody_else() -> None:
    content = "9,organization,1,Member,60,2016-01-01,x,\n"
    known = {"1": 11}
    (one,) = plan_of("timeoverflow-transfers", content, known=known).lines
    assert (one.payer, one.payee) == ("issued", "member/11")
    (one,) = plan_of("timeoverflow-transfers", content, known=known, people={"organization": "pot"}).lines
    assert one.payer == "pot"


def test_people_are_found_by_name_number_and_address_and_whoever_is_unclear_is_asked_about() -> None:
    content = (
        "Date,Given by,Received by,Time\n"
        "1/1/2016,ada@example.org,2,1:00\n"
        "1/1/2016,ADA  EXAMPLE,Bén Sample,1:00\n"
        "1/1/2016,Nobody Known,Ada Example,1:00\n"
    )
    plan = plan_of("exchanges", content)
    assert said(plan) == {
        2: ("ready", ""),
        3: ("undecided", "Is “Bén Sample” “Ben Sample”?"),
        4: ("undecided", "We do not know “Nobody Known”. Say who this is, or add them."),
    }
    assert [(one.key, one.lines) for one in plan.people] == [("bén sample", [3]), ("nobody known", [4])]
    answered = plan_of("exchanges", content, people={"bén sample": "2", "nobody known": "add"})
    assert not answered.is_open
    assert [one.person for one in answered.lines if one.kind == "member"] == ["nobody known"]
    left_out = plan_of("exchanges", content, rest="leave_out")
    assert not left_out.is_open
    assert {one.state for one in left_out.lines if one.line > 2} == {"left_out"}


def test_two_members_of_one_name_are_never_guessed_between() -> None:
    twins = (ADA, MemberFacts(21, 7, "Ada Example", "", "active"), BEN)
    plan = plan_of("exchanges", "Date,By,For,Time\n1/1/2016,Ada Example,Ben Sample,1:00\n", members=twins)
    assert said(plan)[2] == ("undecided", "2 members are called “Ada Example”. Say who this is.")
    assert [member.number for member in plan.people[0].suggestions] == [1, 7]


def test_a_member_file_is_matched_by_address_and_asks_where_only_the_name_is_the_same() -> None:
    content = "Name,Number,E-mail\nA. E.,100,ADA@example.org\nBen Sample,101,\nNew Person,102,\nTwin,102,\n"
    plan = plan_of("members", content)
    found = said(plan)
    assert found[2] == ("ready", "Is a member already.")
    assert found[3][0] == "undecided"
    assert found[4] == ("ready", "")
    assert found[5] == ("refused", "Line 4 is about the same person. Keep one of them.")


def test_details_that_cannot_be_read_are_decided_and_the_young_are_refused() -> None:
    content = (
        "Name,Number,E-mail,Born,Joined\nNew Person,1,not an address,,\nYoung Person,2,,1/1/2015,\n"
        "Old Person,3,,4/5/70,\nLate Person,4,,,1/1/2030\n"
    )
    found = said(plan_of("members", content))
    assert found[2][0] == "undecided"
    assert found[3] == (
        "refused",
        "This person is younger than 18. Add them by hand, with a guardian's consent.",
    )
    assert found[4] == ("ready", "")
    assert found[5][0] == "refused"
    (without, *_) = plan_of("members", content, contacts="leave_out").lines
    assert (without.state, without.email) == ("ready", "")
    assert said(plan_of("members", content, contacts="refuse"))[2][0] == "refused"


def test_the_same_line_has_the_same_key_in_every_file_and_repeated_lines_have_their_own() -> None:
    line, other = "1,Member,2,Member,60,2016-01-01,x,\n", "2,Member,1,Member,60,2016-01-01,x,\n"
    known = {"1": 11, "2": 12}

    def keys(content: str) -> list[bytes]:
        return [one.key for one in plan_of("timeoverflow-transfers", content, known=known).lines]

    first = keys(line + line + other)
    assert len(set(first)) == 3
    assert keys(other + line + line) == [first[2], first[0], first[1]]
    assert keys("\ufeff" + line.replace("2016-01-01", " 2016-01-01 ")) == [first[0]]
    assert plan_of("timeoverflow-transfers", line + line, known=known).notes[0].startswith("Lines that say the same")


def test_whoever_left_is_not_brought_back_by_an_old_file() -> None:
    content = "Name,Number\nNew Person,77\nOther Person,78\n"
    before = plan_of("members", content)
    done = frozenset({before.lines[0].key})
    assert said(plan_of("members", content, done=done))[2][0] == "refused"
    exchange = "Date,By,For,Time\n1/1/2016,77,Ada Example,1:00\n"
    found = plan_of("exchanges", exchange, done=done, unknown="add")
    assert {one.state for one in found.lines} == {"refused"}
    assert said(plan_of("members", content, done=done, known={"77": 11}))[2] == ("there", "Is a member already.")


def test_what_is_not_kept_is_said() -> None:
    plan = plan_of("cyclos-members", (FILES / "cyclos-members.csv").read_bytes(), members=())
    assert plan.notes[:2] == ("Not used: “group”.", "Read, and not kept here: Credit limit.")


def test_steps_are_people_first_then_entries_by_their_day() -> None:
    content = "1,Member,2,Member,60,2016-02-01,later,\n2,Member,9,Member,60,2016-01-01,earlier,\n"
    plan = plan_of("timeoverflow-transfers", content, known={"1": 11, "2": 12}, unknown="add")
    in_order = sorted((one for one in plan.lines if one.step), key=lambda one: one.step or 0)
    assert [(one.kind, one.words) for one in in_order] == [
        ("member", ""),
        ("exchange", "earlier"),
        ("exchange", "later"),
    ]


def test_forty_bad_lines_in_five_hundred_stand_in_nobodys_way() -> None:
    lines = ["Date,Given by,Received by,Time"]
    for n in range(500):
        bad = n % 25 in (0, 13)
        lines.append(f"1/1/20{n % 20:02},Ada Example,Ben Sample,{'soon' if bad else '1:00'}")
    plan = plan_of("exchanges", "\n".join(lines))
    assert (len(plan.of("ready")), len(plan.of("refused"))) == (460, 40)
    assert all(one.why.startswith("We cannot read “soon”") for one in plan.of("refused"))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\n\n;;\n", "file_empty"),
        (b"PK\x03\x04zip", "not_csv"),
        (b"Name\n", "no_lines"),
        (b'Name\n"open', "quote_not_closed"),
        (b"Name\n" + b"x" * 3000, "cell_too_long"),
        (b"Name\n" + b"x\n" * (MAX_LINES + 1), "too_many_lines"),
        (b"x" * (MAX_FILE_BYTES + 1), "file_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_a_file_that_cannot_be_read_says_why(content: bytes, code: str) -> None:
    refused = read(BY_NAME["members"], content)
    assert isinstance(refused, Refusal)
    assert refused.code == code
