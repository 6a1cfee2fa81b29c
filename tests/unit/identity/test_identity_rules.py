"""Signing in: PINs, pauses, how long things last, and who may hand out what."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from timebank.identity import rules
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, ROLES

NOW = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "pin", ["0000", "7777", "1234", "4321", "7890", "1212", "1122", "1987", "2026", "2580", "0852"]
)
def test_easy_pins_are_refused(pin: str) -> None:
    assert [refusal.code for refusal in rules.check_pin(pin)] == ["pin_too_easy"]


@pytest.mark.parametrize("pin", ["", "12", "12345", "12a4", "١٢٣٩", "1 3 7", "-139"])
def test_what_is_no_pin_is_refused(pin: str) -> None:
    assert [refusal.code for refusal in rules.check_pin(pin)] == ["pin_unreadable"]


@pytest.mark.parametrize("pin", ["5207", "0139", "9263", "1379", "8052"])
def test_other_pins_are_taken(pin: str) -> None:
    assert rules.check_pin(pin) == []


def test_most_pins_remain() -> None:
    """A guesser must not gain much from the refusals."""
    weak = sum(rules.is_weak(f"{number:04d}") for number in range(10_000))
    assert 200 < weak < 500


@pytest.mark.parametrize(
    ("typed", "pin"), [(" 5 2 0 7 ", "5207"), ("52-07", "5207"), ("٥٢٠٧", "5207"), ("５２０７", "5207")]
)
def test_a_pin_is_read_as_people_type_it(typed: str, pin: str) -> None:
    assert rules.read_pin(typed) == pin


def test_a_pin_is_read_up_to_a_limit() -> None:
    assert len(rules.read_pin("1" * 10_000)) == rules.MAX_TYPED_PIN


def times(*minutes_ago: float) -> list[datetime]:
    return [NOW - timedelta(minutes=ago) for ago in sorted(minutes_ago)]


def test_five_wrong_pins_pause_for_the_whole_window_after_the_last() -> None:
    assert rules.paused_until(times(0, 1, 2, 3), 5, rules.PAUSE) is None
    assert rules.paused_until(times(0, 1, 2, 3, 4), 5, rules.PAUSE) == NOW + rules.PAUSE
    assert rules.paused_until(times(2, 5, 8, 11, 14), 5, rules.PAUSE) == NOW - 2 * MINUTE + rules.PAUSE


def test_wrong_pins_spread_over_more_than_the_window_do_not_pause() -> None:
    assert rules.paused_until(times(0, 4, 8, 12, 15), 5, rules.PAUSE) is None
    assert rules.paused_until(times(0, 4, 8, 12, 14.9), 5, rules.PAUSE) is not None


def test_after_a_pause_one_more_wrong_pin_does_not_pause_again() -> None:
    assert rules.paused_until(times(0, 15.1, 15.2, 15.3, 15.4, 15.5), 5, rules.PAUSE) is None


def test_a_remembered_phone_lasts_90_days_and_a_borrowed_one_half_an_hour_unused() -> None:
    ends = rules.session_ends(NOW, is_remembered=True)
    assert ends == NOW + timedelta(days=90)

    def live(seen_ago: timedelta, roles: tuple[str, ...], *, is_remembered: bool) -> bool:
        return rules.is_session_live(
            seen_at=NOW - seen_ago, expires_at=NOW + MINUTE, roles=roles, is_remembered=is_remembered, now=NOW
        )

    assert live(timedelta(days=89), (), is_remembered=True)
    assert live(timedelta(days=13), (FINANCE,), is_remembered=True)
    assert not live(timedelta(days=14), (FINANCE,), is_remembered=True)
    assert live(timedelta(minutes=29), (), is_remembered=False)
    assert not live(timedelta(minutes=30), (), is_remembered=False)


def test_no_session_outlives_its_end_however_much_it_is_used() -> None:
    assert not rules.is_session_live(seen_at=NOW, expires_at=NOW, roles=(), is_remembered=True, now=NOW)


def test_a_link_works_once_and_for_a_time() -> None:
    assert rules.is_link_live(expires_at=NOW + MINUTE, used_at=None, now=NOW)
    assert not rules.is_link_live(expires_at=NOW, used_at=None, now=NOW)
    assert not rules.is_link_live(expires_at=NOW + MINUTE, used_at=NOW - MINUTE, now=NOW)


@pytest.mark.parametrize(
    ("roles", "page"),
    [
        ((), "/"),
        ((FINANCE,), "/payments"),
        ((COORDINATOR,), "/groups"),
        ((FINANCE, COORDINATOR), "/groups"),
        ((ADMIN,), "/groups"),
    ],
)
def test_everybody_begins_on_their_own_page(roles: tuple[str, ...], page: str) -> None:
    assert rules.home_page(roles) == page


def test_nobody_can_hand_out_more_than_they_have() -> None:
    """For every pair of role sets: only an administrator gives a way in to somebody who can do more."""
    every = [frozenset(roles) for size in range(4) for roles in combinations(ROLES, size)]
    for actor in every:
        for subject in every:
            may = rules.may_sign_in_for(actor, subject, is_self=False)
            assert may == (ADMIN in actor or (COORDINATOR in actor and subject <= actor)), (actor, subject)
            assert rules.may_sign_in_for(actor, subject, is_self=True)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unix\n socket", "unix socket"),
    ],
)
def test_a_network_is_an_address_or_a_block(host: str, network: str) -> None:
    assert rules.network_of(host) == network


def test_two_phones_of_one_network_are_told_apart() -> None:
    one, two = rules.device("203.0.113.9", "Phone A"), rules.device("203.0.113.9", "Phone B")
    assert one.network == two.network
    assert one.mark != two.mark
    assert one.mark == rules.device("203.0.113.9", "Phone  A").mark


def test_headers_are_cut_to_what_the_tables_hold() -> None:
    found = rules.device("x" * 1000, "y\x00\n" * 1000)
    assert len(found.network) <= rules.MAX_NETWORK_CHARACTERS
    assert len(found.agent) <= rules.MAX_DEVICE_CHARACTERS
    assert found.agent.isprintable()


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
         "Chrome on an Android phone or tablet"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 15_8 like Mac OS X) AppleWebKit/605 (KHTML) Version/15.6 Safari/604.1",
         "Safari on an iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0",
         "Edge on a Windows computer"),
        ("", "A browser on another kind of device"),
    ],
)  # fmt: skip
def test_a_device_has_a_name_people_recognise(agent: str, words: str) -> None:
    assert rules.device_words(agent) == words


@pytest.mark.parametrize(
    ("contact", "found"),
    [
        ("Call 01632 960 001", (None, "01632 960 001", None)),
        ("Maya Osei, 01632 960 123", ("Maya Osei", "01632 960 123", None)),
        ("Maya Osei, +44 1632 960123 or maya@example.org.", ("Maya Osei", "+44 1632 960123", "maya@example.org")),
        ("Dilys at the office, 01632 960 123", ("Dilys at the office", "01632 960 123", None)),
        ("Ask Sefu, phone 01632 960 456 or", ("Sefu", "01632 960 456", None)),
        ("the front desk", ("the front desk", None, None)),
        ("", (None, None, None)),
    ],
)
def test_whom_to_ask_is_found_in_free_words(contact: str, found: tuple[str | None, str | None, str | None]) -> None:
    assert rules.helper(contact) == found


def test_a_token_needs_a_name_known_scopes_and_an_end() -> None:
    day = timedelta(days=1)
    assert rules.check_token("Robot", ["members:read"], day) == []

    def codes(name: str, scopes: list[str], valid_for: timedelta) -> list[str]:
        return [refusal.code for refusal in rules.check_token(name, scopes, valid_for)]

    assert codes(" ", ["members:read"], day) == ["bad_name"]
    assert codes("Robot", [], day) == ["no_scopes"]
    assert codes("Robot", ["members:read", "everything"], day) == ["unknown_scope"]
    assert codes("Robot", ["members:read"], timedelta(0)) == ["bad_validity"]
    assert codes("Robot", ["members:read"], timedelta(days=367)) == ["bad_validity"]
