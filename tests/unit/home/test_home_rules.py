"""What entries are called, and what counts as given and as used."""

from datetime import date, timedelta

import pytest

from timebank.home.rules import change_words, gave_and_used, likely_to_be_logged


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


@pytest.mark.parametrize(
    ("days_ago", "order"),
    [
        ((0, 7), (7, 0)),  # due today, before the one that is logged already
        ((1, 2, 6, 7, 8), (7, 8, 6, 2, 1)),  # due today, due yesterday, due tomorrow
        ((13, 14, 21, 9), (14, 21, 9, 13)),
        ((36, 35, 3), (35, 3, 36)),  # long ago comes last, though its weekday is near
        ((-1, 7), (7, -1)),
    ],
)
def test_the_group_that_is_due_comes_first(days_ago: tuple[int, ...], order: tuple[int, ...]) -> None:
    on = date(2026, 3, 10)
    last_met = {days: on - timedelta(days=days) for days in days_ago}
    assert likely_to_be_logged(last_met, on, most=10) == list(order)
    assert likely_to_be_logged(last_met, on, most=1) == [order[0]]
