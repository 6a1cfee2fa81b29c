"""What may be recorded, what waits, who decides and who undoes: table by table."""

from datetime import UTC, date, datetime, timedelta

import pytest

from timebank.banks.rules import Rules
from timebank.contributions import rules
from timebank.contributions.rules import Earlier, Facts, Line
from timebank.kit.actor import Actor, system

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
RULES = Rules(max_minutes_per_entry=600, max_days_back=30, approval_above_minutes=480, approval_after_days=14)


def actor(member_id: int = 1, *roles: str) -> Actor:
    return Actor(timebank_id=1, member_id=member_id, roles=frozenset(roles or ("coordinator",)))


def line(**more: object) -> Line:
    return Line(**{"member_id": 5, "held_on": TODAY, "minutes": 60, "activity_id": 3, **more})


def earlier(**more: object) -> Earlier:
    there = {"contribution_id": 1, "reference": "AAAA-BBBB", "activity_id": 3, "member_id": 5, "held_on": TODAY}
    return Earlier(**{**there, "minutes": 60, **more})


def facts(*there: Earlier, in_force: Rules = RULES) -> Facts:
    return Facts(in_force, TODAY, {5: "active", 6: "active", 7: "left"}, {3, 4}, there)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({}, None, None),
        ({"minutes": 1}, None, None),
        ({"minutes": 600}, None, None),
        ({"minutes": 601}, "minutes_above_limit", "minutes"),
        ({"minutes": 0}, "minutes_zero", "minutes"),
        ({"minutes": -1}, "minutes_negative", "minutes"),
        ({"held_on": TODAY + timedelta(days=1)}, "date_in_future", "held_on"),
        ({"held_on": TODAY - timedelta(days=30)}, None, None),
        ({"held_on": TODAY - timedelta(days=31)}, "date_too_far_back", "held_on"),
        ({"member_id": 7}, "member_left", "member_id"),
        ({"member_id": 8}, "unknown_member", "member_id"),
        ({"activity_id": 9}, "unknown_activity", "activity_id"),
        ({"activity_id": None}, "unknown_activity", "activity_id"),
        ({"what": "x" * 200}, None, None),
        ({"what": "x" * 201}, "what_too_long", "what"),
        ({"duplicate_reason": "x" * 201}, "reason_too_long", "duplicate_reason"),
    ],
)
def test_one_line(changes: dict[str, object], code: str | None, field: str | None) -> None:
    found = rules.check_line(line(**changes), facts(), "lines.0.")
    expected = [] if code is None else [(code, f"lines.0.{field}")]
    assert [(refusal.code, refusal.field) for refusal in found] == expected


def test_the_messages_name_the_limits_of_the_rules() -> None:
    (too_long,) = rules.check_line(line(minutes=700), facts())
    assert "11 hours 40 minutes" in too_long.message
    assert "up to 10 hours" in too_long.message
    (too_old,) = rules.check_line(line(held_on=date(2025, 1, 1)), facts())
    assert "30 days back, to 8 February 2026" in too_old.message


def test_no_rule_allows_more_than_a_day_in_one_entry() -> None:
    generous = Rules(max_minutes_per_entry=100_000)
    assert rules.check_minutes(1440, generous, "minutes") is None
    refusal = rules.check_minutes(1441, generous, "minutes")
    assert refusal is not None
    assert refusal.code == "minutes_above_limit"


def test_a_limit_on_days_beyond_the_calendar_is_no_limit() -> None:
    assert rules.first_day(Rules(max_days_back=10**7), TODAY) == date.min


def test_every_bad_line_is_told_at_once() -> None:
    found = rules.check_lines([line(minutes=0), line(), line(member_id=8, held_on=TODAY + timedelta(days=1))], facts())
    assert [refusal.field for refusal in found] == ["lines.0.minutes", "lines.2.member_id", "lines.2.held_on"]


@pytest.mark.parametrize(("count", "code"), [(0, "no_lines"), (1, None), (3, None), (4, "too_many_lines")])
def test_size(count: int, code: str | None) -> None:
    refusal = rules.check_size(count, 3)
    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(
    ("lines", "there", "expected"),
    [
        ([line()], [earlier()], [("duplicate", "lines.0.duplicate_reason")]),
        ([line(duplicate_reason="evening")], [earlier()], []),
        ([line(duplicate_reason="  ")], [earlier()], [("duplicate", "lines.0.duplicate_reason")]),
        ([line(minutes=61)], [earlier()], []),
        ([line(activity_id=4)], [earlier()], []),
        ([line(member_id=6)], [earlier()], []),
        ([line(held_on=TODAY - timedelta(days=1))], [earlier()], []),
        ([line(), line()], [], [("duplicate_in_register", "lines.1.duplicate_reason")]),
        ([line(), line(minutes=30)], [], []),
        ([line(), line(duplicate_reason="evening")], [], []),
        ([line(), line()], [earlier()], [("duplicate", f"lines.{at}.duplicate_reason") for at in (0, 1)]),
    ],
)
def test_duplicates(lines: list[Line], there: list[Earlier], expected: list[tuple[str, str]]) -> None:
    found = rules.check_duplicates(lines, there)
    assert [(refusal.code, refusal.field) for refusal in found] == expected


@pytest.mark.parametrize(
    ("changes", "there", "why"),
    [
        ({}, [], ""),
        ({"minutes": 480}, [], ""),
        ({"minutes": 481}, [], "More than 8 hours"),
        ({"member_id": 1}, [], "Recorded by the person themselves"),
        ({"held_on": TODAY - timedelta(days=14)}, [], ""),
        ({"held_on": TODAY - timedelta(days=15)}, [], "More than 14 days ago"),
        ({"minutes": 240}, [earlier(minutes=240)], ""),
        ({"minutes": 241}, [earlier(minutes=240)], "More than 8 hours on one day"),
        ({"minutes": 241}, [earlier(minutes=240, member_id=6)], ""),
        ({"minutes": 241}, [earlier(minutes=240, held_on=TODAY - timedelta(days=1))], ""),
        (
            {"minutes": 500, "member_id": 1, "held_on": TODAY - timedelta(days=20)},
            [],
            "Recorded by the person themselves. More than 8 hours. More than 14 days ago",
        ),
    ],
)
def test_what_waits_for_a_second_person(changes: dict[str, object], there: list[Earlier], why: str) -> None:
    assert rules.flags([line(**changes)], facts(*there), actor(1)) == [why]
    assert len(why) <= 200


def test_a_day_entered_in_pieces_waits_as_a_whole() -> None:
    pieces = [line(minutes=200), line(minutes=281), line(minutes=100, member_id=6)]
    assert rules.flags(pieces, facts(), actor(1)) == ["More than 8 hours on one day"] * 2 + [""]


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (actor(1, "coordinator"), True),
        (actor(1, "admin"), True),
        (actor(1, "finance"), False),
        (Actor(timebank_id=1, member_id=1), False),
        (system(1), False),
    ],
)
def test_who_may_record(who: Actor, *, allowed: bool) -> None:
    assert (rules.may_record(who) is None) is allowed


@pytest.mark.parametrize(
    ("who", "member_id", "recorded_by", "code"),
    [
        (actor(1), 5, 2, None),
        (actor(1), 1, 2, "own_hour"),
        (actor(1), 1, 1, "own_hour"),
        (actor(1), 5, 1, "own_record"),
        (actor(1, "admin"), 1, 2, "own_hour"),
        (actor(1, "finance"), 5, 2, "not_allowed"),
    ],
)
def test_who_may_decide(who: Actor, member_id: int, recorded_by: int, code: str | None) -> None:
    refusal = rules.may_decide(who, member_id=member_id, recorded_by=recorded_by)
    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(
    ("state", "approve", "reason", "code"),
    [
        ("submitted", True, "", None),
        ("submitted", False, "wrong day", None),
        ("submitted", False, " ", "reason_missing"),
        ("submitted", False, "x" * 500, None),
        ("submitted", True, "x" * 501, "reason_too_long"),
        ("approved", True, "", "decided_already"),
        ("declined", False, "no", "decided_already"),
        ("undone", True, "", "undone_already"),
    ],
)
def test_decisions(state: rules.State, approve: bool, reason: str, code: str | None) -> None:
    refusal = rules.check_decision(state, approve=approve, reason=reason)
    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(
    ("who", "after", "code"),
    [
        (actor(1), timedelta(0), None),
        (actor(1), timedelta(minutes=10), None),
        (actor(1), timedelta(minutes=10, microseconds=1), "too_late"),
        (actor(2), timedelta(0), "not_yours"),
        (actor(2, "admin"), timedelta(0), None),
        (actor(2, "admin"), timedelta(hours=1), "too_late"),
        (actor(1, "finance"), timedelta(0), None),  # their own time, or that of a group they lead
        (actor(2, "finance"), timedelta(0), "not_allowed"),
    ],
)
def test_who_may_undo(who: Actor, after: timedelta, code: str | None) -> None:
    refusal = rules.may_undo(who, recorded_by=1, recorded_at=NOW, rules=RULES, now=NOW + after)
    assert (refusal.code if refusal else None) == code
