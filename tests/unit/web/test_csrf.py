"""The token in the page: masked anew each time, and only the session's own is accepted."""

import pytest

from timebank.web.csrf import masked, matches

TOKEN = "Zk3-token-of-this-session"


def test_a_masked_token_matches_and_differs_every_time() -> None:
    first, second = masked(TOKEN), masked(TOKEN)

    assert first != second
    assert TOKEN not in first
    assert matches(first, TOKEN)
    assert matches(second, TOKEN)


def test_the_plain_token_matches_too() -> None:
    assert matches(TOKEN, TOKEN)


@pytest.mark.parametrize("sent", ["", "old", "ü" * 20, "=" * 7, "AAAA", "\x00"])
def test_anything_else_does_not_match(sent: str) -> None:
    assert not matches(sent, TOKEN)


def test_another_sessions_token_does_not_match() -> None:
    assert not matches(masked("another session's token"), TOKEN)


def test_without_a_session_only_an_empty_field_matches() -> None:
    assert masked("") == ""
    assert matches("", "")
    assert not matches(masked(TOKEN), "")
