"""A member's details: what is taken, what is refused, and in which words."""

from datetime import date

import pytest

from timebank.kit.actor import Actor
from timebank.members import rules

TODAY = date(2026, 3, 10)


def codes(refusals: list) -> list[str]:
    return [refusal.code for refusal in refusals]


@pytest.mark.parametrize(
    "name",
    [
        "Siobhán O’Neill",
        "Mary O'Brien",
        "Zoë 🌻",
        "👩‍🦽 Jo",
        "محمد علي",
        "רות",
        "李小龍",
        "X",
        "Jean-Luc d’Arc",
        "a" * 100,
    ],
)
def test_names_that_people_have_are_taken(name: str) -> None:
    assert rules.check_name(name) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name_missing"),
        ("   ", "name_missing"),
        ("\u200b\u200d", "name_missing"),
        ("a" * 101, "name_too_long"),
        ("Ann\x00", "name_unreadable"),
        ("Ann\nBee", "name_unreadable"),
        ("Ann\x1b[31m", "name_unreadable"),
        ("Ann\ud800", "name_unreadable"),
    ],
)
def test_what_cannot_be_a_name_is_refused(name: str, code: str) -> None:
    refusals = rules.check_name(name)
    assert codes(refusals) == [code]
    assert refusals[0].field == "display_name"


@pytest.mark.parametrize("email", ["", "a@b.org", "first.last+tag@mail.example.co.uk", "jürgen@bücher.example"])
def test_addresses_that_work_are_taken(email: str) -> None:
    assert rules.check_email(email) == []


@pytest.mark.parametrize(
    "email", ["a", "a@b", "a b@c.org", "a@b..org", "@b.org", "a@@b.org", "a@b.org\x00", "<a@b.org>"]
)
def test_addresses_that_cannot_work_are_refused(email: str) -> None:
    assert codes(rules.check_email(email)) == ["email_unreadable"]


def test_an_address_has_a_longest_length() -> None:
    assert codes(rules.check_email("a" * 60 + "@" + "b" * 200 + ".org")) == ["email_too_long"]


@pytest.mark.parametrize(
    "phone", ["", "01632 960 001", "+44 (0)1632 960001", "18001 01632-960-001", "01632.960001 ext 12", "٠١٦٣٢٩٦"]
)
def test_numbers_that_can_be_dialled_are_taken(phone: str) -> None:
    assert rules.check_phone(phone) == []


@pytest.mark.parametrize("phone", ["call me", "1234", "+", "01632 960 001 after six", "1" * 25])
def test_numbers_that_cannot_be_dialled_are_refused(phone: str) -> None:
    assert codes(rules.check_phone(phone)) == ["phone_unreadable"]


def test_a_number_has_a_longest_length() -> None:
    assert codes(rules.check_phone("1 " * 21)) == ["phone_too_long"]


@pytest.mark.parametrize(
    ("route", "email", "phone", "code"),
    [
        ("email", "", "01632 960 001", "email_missing"),
        ("phone", "a@b.org", "", "phone_missing"),
        ("sms", "a@b.org", "", "phone_missing"),
        ("letter", "a@b.org", "01632 960 001", "address_missing"),
        ("pigeon", "", "", "contact_route_unknown"),
        ("", "", "", "contact_route_unknown"),
    ],
)
def test_a_way_to_send_messages_needs_its_address(route: str, email: str, phone: str, code: str) -> None:
    assert codes(rules.check_contact_route(route, email=email, phone=phone)) == [code]


def test_nobody_needs_an_address() -> None:
    assert rules.check_contact_route("none", email="", phone="") == []
    assert rules.check_contact_route("letter", email="", phone="", postal_address="1 The Row") == []


def test_the_day_of_joining_is_a_real_past_day() -> None:
    assert rules.check_joined_on(TODAY, TODAY) == []
    assert codes(rules.check_joined_on(date(2026, 3, 11), TODAY)) == ["joined_in_future"]
    assert codes(rules.check_joined_on(date(1979, 12, 31), TODAY)) == ["joined_too_early"]


def test_what_can_be_shared_has_a_limit_and_may_have_lines() -> None:
    assert rules.check_can_offer("gardening\nreading aloud") == []
    assert codes(rules.check_can_offer("x" * 501)) == ["can_offer_too_long"]
    assert codes(rules.check_can_offer("x\x07")) == ["can_offer_unreadable"]


def test_only_an_administrator_gives_roles() -> None:
    def actor(*roles: str) -> Actor:
        return Actor(timebank_id=1, member_id=1, roles=frozenset(roles))

    assert rules.check_roles(actor("coordinator"), ()) == []
    assert codes(rules.check_roles(actor("coordinator"), ("finance",))) == ["roles_not_allowed"]
    assert codes(rules.check_roles(actor("coordinator"), ("coordinator",))) == ["roles_not_allowed"]
    assert rules.check_roles(actor("admin"), ("finance", "coordinator")) == []
    assert codes(rules.check_roles(actor("admin"), ("emperor",))) == ["role_unknown"]


def test_roles_in_words() -> None:
    assert rules.role_words(()) == "Participant"
    assert rules.role_words(("finance", "coordinator")) == "Coordinator and Finance"


def test_the_question_about_a_name_counts() -> None:
    assert "already a member called “Ann”" in rules.same_name("Ann", 1).message
    assert "already 3 members called “Ann”" in rules.same_name("Ann", 3).message
