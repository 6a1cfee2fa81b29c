"""What entries are called, and what counts as given and as used."""

import pytest

from timebank.home.rules import change_words, gave_and_used


@pytest.mark.parametrize(
    ("kind", "minutes", "words"),
    [
        ("contribution", 60, "You gave 1 hour"),
        ("contribution_undone", -60, "Taken back: 1 hour"),
        ("booking_fulfilled", -60, "You used 1 hour"),
        ("booking_fulfilled", 60, "You gave 1 hour"),
        ("booking_refunded", 60, "You got back 1 hour"),
        ("booking_refunded", -60, "Taken back: 1 hour"),
        ("gift", 60, "You were given 1 hour"),
        ("gift", -60, "You passed on 1 hour"),
        ("pot_help", 60, "You were given 1 hour"),
        ("opening", 60, "You brought 1 hour"),
        ("exchange", 60, "You gave 1 hour"),
        ("exchange", -60, "You used 1 hour"),
        ("exchange_undone", 60, "You got back 1 hour"),
        ("contribution_passed_on", 60, "You were given 1 hour"),
        ("contribution_corrected", 15, "Added: 15 minutes"),
        ("query_put_right", -15, "Taken back: 15 minutes"),
        ("imported", -60, "You used 1 hour"),
        ("imported_balance", 60, "You brought 1 hour"),
    ],
)
def test_what_an_entry_did(kind: str, minutes: int, words: str) -> None:
    assert change_words(kind, minutes) == words


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ([], (0, 0)),
        ([("contribution", 120, 0), ("booking_fulfilled", 0, 60)], (120, 60)),
        ([("contribution", 120, 0), ("contribution_undone", 0, 60)], (60, 0)),
        ([("booking_fulfilled", 30, 90), ("booking_refunded", 90, 0)], (30, 0)),
        ([("booking_fulfilled", 30, 0), ("booking_refunded", 0, 30)], (0, 0)),
        ([("gift", 60, 30), ("opening", 500, 0), ("pot_help", 90, 0)], (0, 0)),
        ([("booking_refunded", 60, 0)], (0, 0)),
        ([("exchange", 120, 60), ("exchange_undone", 60, 30)], (90, 0)),
        ([("contribution_passed_on", 60, 0), ("imported_balance", 600, 0), ("query_put_right", 5, 0)], (0, 0)),
    ],
)
def test_given_and_used_are_net_and_never_below_zero(moved: list, expected: tuple[int, int]) -> None:
    assert tuple(gave_and_used(moved)) == expected
