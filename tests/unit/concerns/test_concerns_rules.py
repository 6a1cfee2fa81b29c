"""Questions about entries: what may be asked and answered, and until when."""

from datetime import date

import pytest

from timebank.concerns import rules, words
from timebank.kit.actor import Actor

SOMEBODY = Actor(timebank_id=1, member_id=7, roles=frozenset({"coordinator"}))


def test_a_day_for_the_answer_is_a_working_day() -> None:
    # Ten working days from Monday 30 March 2026: Good Friday and Easter Monday are holidays in England.
    assert rules.due_on(date(2026, 3, 30), 10, "GB-ENG") == date(2026, 4, 15)
    assert rules.due_on(date(2026, 3, 30), 10, "") == date(2026, 4, 13)


@pytest.mark.parametrize(
    ("said", "earlier", "code"),
    [
        ("It was two hours", [], None),
        ("It was two hours", ["upheld"], None),
        ("", [], "words_missing"),
        (" \n ", [], "words_missing"),
        ("x" * 2001, [], "words_too_long"),
        ("Again", ["open"], "asked_already"),
        ("Again", ["upheld", "open"], "asked_already"),
        ("Again", ["upheld", "corrected"], "answered_twice"),
    ],
)
def test_what_may_be_asked(said: str, earlier: list[rules.State], code: str | None) -> None:
    refusal = rules.check_question(said, earlier=earlier)
    assert (refusal.code if refusal else None) == code


def test_nobody_asks_about_everything_at_once() -> None:
    assert rules.check_question("x", earlier=[], open_count=rules.MAX_OPEN - 1) is None
    refusal = rules.check_question("x", earlier=[], open_count=rules.MAX_OPEN)
    assert refusal is not None
    assert refusal.code == "too_many_open"


@pytest.mark.parametrize(
    ("actor", "state", "owner", "independent", "said", "code"),
    [
        (SOMEBODY, "open", 7, "", "Yes", None),
        (SOMEBODY, "open", 8, "", "Yes", "not_yours"),
        (SOMEBODY, "open", None, "Ann", "Yes", None),
        (SOMEBODY, "open", None, "", "Yes", "nobody_independent"),
        (SOMEBODY, "upheld", 7, "", "Yes", "answered_already"),
        (SOMEBODY, "open", 7, "", " ", "answer_missing"),
        (SOMEBODY, "open", 7, "", "x" * 2001, "answer_too_long"),
        (Actor(timebank_id=1, member_id=7), "open", 7, "", "Yes", "not_allowed"),
        (Actor(timebank_id=1, member_id=7, roles=frozenset({"finance"})), "open", 7, "", "Yes", "not_allowed"),
        (Actor(timebank_id=1, member_id=7, roles=frozenset({"approver"})), "open", 7, "", "Yes", None),
    ],
)
def test_who_may_answer(
    actor: Actor, state: rules.State, owner: int | None, independent: str, said: str, code: str | None
) -> None:
    found = rules.check_answer(actor, state=state, owner_id=owner, independent_person=independent, words=said)
    assert [one.code for one in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("change", "available", "moves"),
    [(30, 0, 30), (-30, 100, -30), (-30, 10, -10), (-30, 0, 0), (-30, -5, 0), (0, 10, 0)],
)
def test_nobody_is_taken_below_zero(change: int, available: int, moves: int) -> None:
    assert rules.taken(change, available) == moves


@pytest.mark.parametrize(
    ("minutes", "time_is", "said"),
    [
        (0, None, "Your hours stay as they are."),
        (30, None, "You have 30 minutes more now."),
        (-60, None, "You have 1 hour less now."),
        (30, 90, "The time is 1 hour 30 minutes now. Your hours are 30 minutes more."),
        (0, 0, "The time is taken out now. Your hours stay as they are."),
    ],
)
def test_what_an_answer_changed_is_said_in_words(minutes: int, time_is: int | None, said: str) -> None:
    assert words.change_in_words(minutes, time_is=time_is) == said


@pytest.mark.parametrize(
    "told",
    [
        words.asked("Lunch club", "Dilys", "", date(2026, 3, 24)),
        words.asked("Lunch club", "", "Ann Other", date(2026, 3, 24)),
        words.asked("Lunch club", "", "", date(2026, 3, 24)),
        words.given_to("Lunch club", "Noel", date(2026, 3, 24)),
        words.answered("Lunch club", "Noel", "It was two hours.", "Your hours stay as they are."),
        words.late("Lunch club"),
    ],
    ids=lambda told: told.subject,
)
def test_messages_are_short_and_their_subjects_say_nothing_private(told: words.Told) -> None:
    assert "Lunch" not in told.subject
    for sentence in told.body.replace("\n\n", " ").replace(": ", ". ").split(". "):
        assert len(sentence.split()) <= 15, sentence
