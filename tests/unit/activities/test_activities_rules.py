"""What an activity and a session may be, and what people are called by others."""

import pytest

from timebank.activities import rules
from timebank.activities.rules import ActivityDetails, SessionDetails


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"name": " "}, ["name_missing"]),
        ({"name": "x" * 100}, []),
        ({"name": "x" * 101}, ["name_too_long"]),
        ({"name": " LUNCH  club"}, ["name_taken"]),
        ({"place": "x" * 101}, ["place_too_long"]),
        ({"default_minutes": 0}, ["bad_default_minutes"]),
        ({"default_minutes": 1441}, ["bad_default_minutes"]),
        ({"name": "", "default_minutes": -5}, ["name_missing", "bad_default_minutes"]),
        ({"preparation_minutes": -1}, ["bad_preparation_minutes"]),
        ({"travel_minutes": 1441}, ["bad_travel_minutes"]),
        ({"default_minutes": 1440, "travel_minutes": 1}, ["day_too_long"]),
        ({"default_minutes": 1380, "preparation_minutes": 30, "travel_minutes": 30}, []),
        ({"access_notes": "x" * 1001}, ["access_notes_too_long"]),
        ({"budget_code": "x" * 41, "funder": "x" * 101}, ["budget_code_too_long", "funder_too_long"]),
    ],
)
def test_groups(changes: dict[str, object], codes: list[str]) -> None:
    details = ActivityDetails(**{"name": "Walk", **changes})  # type: ignore[arg-type]
    assert [refusal.code for refusal in rules.check_activity(details, {"lunch club"})] == codes


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"capacity": 0}, ["bad_capacity"]),
        ({"capacity": 1}, []),
        ({"capacity": 10_001}, ["bad_capacity"]),
        ({"room": "x" * 101}, ["room_too_long"]),
        ({"who": "x" * 501, "papers": "x" * 501}, ["who_too_long", "papers_too_long"]),
        ({"planned_minutes": 1440, "preparation_minutes": 1}, ["day_too_long"]),
    ],
)
def test_sessions(changes: dict[str, object], codes: list[str]) -> None:
    details = SessionDetails(**{"planned_minutes": 60, **changes})  # type: ignore[arg-type]
    assert [refusal.code for refusal in rules.check_session(details)] == codes


def test_first_names() -> None:
    people = [
        (1, "Amina Yusuf", "person"),
        (2, "Dr. Grace Adeyemi", "person"),
        (3, "amina Khan", "person"),
        (4, "Riverside Choir", "group"),
        (5, "مريم الهاشمي", "person"),
        (6, "Mr", "person"),
        (7, "Jo Bell", "person"),
        (8, "Jo Brown", "person"),
    ]
    expected = ["Amina Y", "Grace", "amina K", "Riverside Choir", "مريم", "Mr", "Jo B (7)", "Jo B (8)"]
    assert rules.first_names(people) == expected
