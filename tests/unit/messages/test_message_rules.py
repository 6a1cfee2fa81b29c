"""When messages go out, what goes together, what they say, and when they arrived."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.messages import rules
from timebank.messages.rules import Note

LONDON, SYDNEY = "Europe/London", "Australia/Sydney"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MOMENTS = st.integers(0, 20 * 366 * 24 * 60).map(lambda n: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
ZONES = st.sampled_from([LONDON, SYDNEY, "America/St_Johns", "Pacific/Apia", "UTC"])


def note(n: int = 1, subject: str = "Your hours were added", path: str = "/hours") -> Note:
    return Note(id=n, subject=subject, body="We added 2 hours.\n\nThank you.", path=path)


def compose(*notes: Note, channel: str = "email") -> rules.Letter:
    return rules.compose(
        notes,
        display_name="Amina",
        timebank_name="Riverside",
        help_contact="Dilys, 01632 960 123",
        base_url="https://bank.test",
        channel=channel,
    )


def test_tries_are_further_and_further_apart() -> None:
    pauses = [rules.retry_after(n) for n in range(1, 9)]
    assert pauses[:3] == [timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=45)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == rules.RETRY_LONGEST


@given(MOMENTS)
def test_trying_ends_within_days_and_before_a_hundred_tries(start: datetime) -> None:
    now, tries = start, 0
    while True:
        tries += 1
        assert tries < 100
        again = rules.next_try(queued_at=start, attempts=tries, now=now)
        if again is None:
            break
        assert now < again <= start + rules.GIVE_UP_AFTER
        now = again
    assert now - start > rules.GIVE_UP_AFTER - rules.RETRY_LONGEST


@given(MOMENTS, ZONES)
def test_texts_go_out_by_day_and_never_later_than_the_next_morning(now: datetime, zone: str) -> None:
    at = rules.not_at_night(now, zone)
    assert rules.MORNING <= rules.local(at, zone).time() < rules.EVENING or at == now
    assert rules.local(at, zone).time() < rules.EVENING
    assert now <= at < now + timedelta(hours=13)  # with the hour that a change of clocks may add
    assert rules.not_at_night(at, zone) == at


@pytest.mark.parametrize(
    ("now", "zone", "hour"),
    [
        (datetime(2026, 3, 10, 20, 59, tzinfo=UTC), LONDON, None),
        (datetime(2026, 3, 10, 21, 0, tzinfo=UTC), LONDON, datetime(2026, 3, 11, 8, tzinfo=UTC)),
        (datetime(2026, 7, 10, 20, 30, tzinfo=UTC), LONDON, datetime(2026, 7, 11, 7, tzinfo=UTC)),
        (datetime(2026, 3, 10, 12, 0, tzinfo=UTC), SYDNEY, datetime(2026, 3, 10, 21, tzinfo=UTC)),
    ],
)
def test_the_night_is_the_time_banks(now: datetime, zone: str, hour: datetime | None) -> None:
    assert rules.not_at_night(now, zone) == (hour or now)


def goes(**changed: object) -> bool:
    given_facts = {
        "channel": "email",
        "oldest": NOON - timedelta(minutes=20),
        "is_urgent": False,
        "sent_today": 0,
        "now": NOON,
        "time_zone": LONDON,
    }
    return rules.goes_now(**{**given_facts, **changed})  # type: ignore[arg-type]


def test_what_is_not_urgent_waits_for_company() -> None:
    assert goes()
    assert not goes(oldest=NOON - timedelta(minutes=14))
    assert goes(oldest=NOON, is_urgent=True)
    assert goes(oldest=NOON, channel="letter")


def test_after_three_on_one_day_the_rest_waits_for_the_morning() -> None:
    assert goes(sent_today=2)
    assert not goes(sent_today=3)
    assert goes(sent_today=3, is_urgent=True)
    yesterday = NOON - timedelta(hours=14)
    assert goes(sent_today=3, oldest=yesterday)
    assert not goes(sent_today=3, oldest=yesterday, now=NOON - timedelta(hours=5))


@pytest.mark.parametrize(
    ("channel", "sent_at", "expected"),
    [
        ("email", datetime(2026, 3, 10, 9, tzinfo=UTC), date(2026, 3, 10)),
        ("email", datetime(2026, 3, 14, 9, tzinfo=UTC), date(2026, 3, 16)),  # a Saturday
        ("sms", datetime(2026, 7, 9, 23, 30, tzinfo=UTC), date(2026, 7, 10)),  # past midnight in London
        ("letter", datetime(2026, 3, 10, 9, tzinfo=UTC), date(2026, 3, 17)),
        ("letter", datetime(2026, 3, 27, 9, tzinfo=UTC), date(2026, 4, 7)),  # Good Friday to Easter Monday
        ("", datetime(2026, 3, 10, 9, tzinfo=UTC), date(2026, 3, 17)),
    ],
)
def test_when_it_arrived(channel: str, sent_at: datetime, expected: date) -> None:
    assert rules.arrived_on(channel=channel, sent_at=sent_at, time_zone=LONDON, region="GB-ENG") == expected


def test_one_message_is_a_letter_of_its_own() -> None:
    letter = compose(note())
    assert letter.subject == "Your hours were added"
    assert letter.paragraphs[:4] == (
        "Hello Amina,",
        "We added 2 hours.",
        "Thank you.",
        "See it here: https://bank.test/hours",
    )
    assert "01632 960 123" in letter.text
    assert "https://" not in compose(note(), channel="letter").text


def test_several_go_as_one() -> None:
    letter = compose(note(1), note(2, "Your booking is accepted"), note(3))
    assert letter.subject == "3 messages for you"
    assert "Your booking is accepted" in letter.paragraphs
    assert letter.text.count("Thank you.") == 1, "what all of them say is said once"


def test_a_text_is_the_subject_and_a_short_link() -> None:
    assert rules.text_message([note(7)], base_url="https://b.test") == "Your hours were added https://b.test/m/7"
    several = rules.text_message([note(7), note(8)], base_url="https://b.test")
    assert several == "You have 2 new messages. https://b.test/messages"


@given(st.text(min_size=1, max_size=140), st.integers(1, 2**62))
def test_a_text_fits_and_keeps_its_link(subject: str, number: int) -> None:
    text = rules.text_message([note(number, subject)], base_url="https://" + "b" * 60 + ".test")
    assert len(text) <= rules.MAX_TEXT_MESSAGE
    assert text.endswith(f"/m/{number}")


def test_the_night_is_shorter_than_the_day() -> None:
    assert time(8) == rules.MORNING
    assert time(21) == rules.EVENING
