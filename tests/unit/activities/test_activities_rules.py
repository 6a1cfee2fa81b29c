"""What an activity may be."""

import pytest

from timebank.activities import rules


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
    ],
)
def test_groups(changes: dict[str, object], codes: list[str]) -> None:
    given = {"name": "Walk", "place": "", "default_minutes": 60, **changes}
    found = rules.check_activity(taken={"lunch club"}, **given)  # type: ignore[arg-type]
    assert [refusal.code for refusal in found] == codes
