"""The rules in words: every one has a sentence, what is typed is read back, and a change waits for its notice."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timebank.banks.rules import Rules
from timebank.governance import rules, start_rules
from timebank.governance.templates_of_rules import RULES_TEMPLATES
from timebank.kit.refusal import Refusal

TODAY = date(2026, 3, 10)
MAX_WORDS = 15


def codes(found: object) -> list[str]:
    assert isinstance(found, list)
    return [each.code for each in found]


def test_every_rule_is_on_the_page() -> None:
    assert {field.name for field in rules.FIELDS} == set(Rules.__struct_fields__)
    assert len(rules.said(Rules())) == len(rules.FIELDS)
    assert {field.section for field in rules.FIELDS} == set(rules.SECTIONS)


@pytest.mark.parametrize("document", [Rules(), *(each.rules for each in RULES_TEMPLATES)])
def test_sentences_are_short_and_end(document: Rules) -> None:
    for each in rules.said(document):
        for sentence in each.sentence.split(". "):
            assert len(sentence.split()) <= MAX_WORDS, sentence
        assert each.sentence.endswith((".", "?")), each.sentence
        assert "{" not in each.sentence


def test_one_and_none_read_well() -> None:
    said = {each.name: each.sentence for each in rules.said(Rules(undo_minutes=1, notice_days=0, answer_days=1))}
    assert said["undo_minutes"] == "A saved register can be undone for a minute."
    assert said["notice_days"] == "A change of these rules can start at once."
    assert said["safeguarding_lead"] == "Nobody leads on safety yet, so peer support is off."
    named = rules.said(Rules(safeguarding_lead="Ruth"))
    assert "Tell Ruth." in next(each.sentence for each in named if each.name == "safeguarding_lead")


def documents() -> st.SearchStrategy[Rules]:
    values: dict[str, st.SearchStrategy[object]] = {}
    for field in rules.EDITABLE:
        if field.kind == "choice":
            values[field.name] = st.sampled_from([value for value, _ in field.choices])
        elif field.kind == "name":
            values[field.name] = st.sampled_from(["", "Ruth Goldberg", "the council’s ombudsman"])
        elif field.kind == "hours":
            values[field.name] = st.integers(field.least, field.most).map(lambda hours: hours * 60)
        else:
            values[field.name] = st.integers(field.least, 1440 if field.kind == "minutes" else field.most)
    return st.fixed_dictionaries(values).map(lambda given_values: msgspec.convert(given_values, Rules))


@given(documents(), documents())
def test_what_the_editor_shows_is_what_it_reads(before: Rules, after: Rules) -> None:
    assert rules.read(before, rules.typed(before)) == before
    assert rules.read(before, rules.typed(after)) == after
    changed = {each.name for each in rules.differences(before, after)}
    assert changed == {name for name in Rules.__struct_fields__ if getattr(before, name) != getattr(after, name)}
    assert rules.check(after) == []


@pytest.mark.parametrize(
    ("name", "typed", "code"),
    [
        ("undo_minutes", "ten", "not_a_number"),
        ("undo_minutes", "0", "out_of_range"),
        ("max_people_per_register", "501", "out_of_range"),
        ("answer_days", "1.5", "not_a_number"),
        ("answer_days", "-3", "not_a_number"),
        ("approval_above_minutes", "a while", "minutes_unreadable"),
        ("approval_above_minutes", "0", "minutes_zero"),
        ("hours_on_leaving", "burn", "choice_unknown"),
        ("safeguarding_lead", "x" * 101, "name_too_long"),
        ("member_floor_minutes", "600", "rule_unknown"),
        ("no_such_rule", "1", "rule_unknown"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_box(name: str, typed: str, code: str) -> None:
    found = rules.read(Rules(), {name: typed})
    assert codes(found) == [code]
    assert isinstance(found, list)
    assert found[0].field == name


def test_a_change_waits_for_its_notice() -> None:
    def check(starts_on: date, *, needs_notice: bool = True, last: date = TODAY) -> list[str]:
        earliest = rules.earliest_start(today=TODAY, notice_days=30, needs_notice=needs_notice, last_starts_on=last)
        changed = rules.differences(Rules(), Rules(undo_minutes=20))
        return codes(
            rules.check_change(
                changed=changed,
                decided_by="the meeting",
                note="",
                starts_on=starts_on,
                today=TODAY,
                earliest=earliest,
                notice_days=30,
            )
        )

    assert check(TODAY + timedelta(days=29)) == ["starts_too_soon"]
    assert check(TODAY + timedelta(days=30)) == []
    assert check(TODAY, needs_notice=False) == []
    assert check(TODAY - timedelta(days=1), needs_notice=False) == ["starts_too_soon"]
    assert check(TODAY + timedelta(days=40), last=TODAY + timedelta(days=50)) == ["starts_too_soon"]
    assert check(TODAY + timedelta(days=400)) == ["starts_too_late"]


def test_names_may_change_at_once() -> None:
    assert rules.only_names(rules.differences(Rules(), Rules(safeguarding_lead="Ruth")))
    assert not rules.only_names(rules.differences(Rules(), Rules(safeguarding_lead="Ruth", undo_minutes=20)))
    assert not rules.only_names([])


# The first day ------------------------------------------------------------------------------------------------------


def test_people_are_read_as_they_are_pasted() -> None:
    found = start_rules.people_in(
        "Amina Yusuf\n\n 2. Bernard O'Leary, 01632 960 001\n• Zoë, zoe@example.org; 07700 900123\nSmith, John\n"
    )
    assert [(each.name, each.phone, each.email) for each in found if not isinstance(each, Refusal)] == [
        ("Amina Yusuf", "", ""),
        ("Bernard O'Leary", "01632 960 001", ""),
        ("Zoë", "07700 900123", "zoe@example.org"),
        ("Smith, John", "", ""),
    ]
    assert start_rules.people_in("") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Amina\namina ", "person_twice"),
        ("zoe@example.org", "person_unreadable"),
        ("x" * 101, "person_too_long"),
        ("\n".join(f"P {n}" for n in range(101)), "too_many_people"),
    ],
)
def test_what_is_wrong_with_a_line(text: str, code: str) -> None:
    assert codes(start_rules.people_in(text)) == [code]


@given(st.text(max_size=300))
def test_whatever_is_pasted_gets_an_answer(text: str) -> None:
    for each in start_rules.people_in(text):
        if isinstance(each, Refusal):
            assert each.field == "people"
        else:
            assert 1 <= len(each.name) <= start_rules.MAX_PERSON


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Riverside Time Bank", "riverside-time-bank"),
        ("Café Zoë", "cafe-zoe"),
        ("مريم", "bank"),
        ("Practice makes perfect", "bank-practice-makes-perfect"),
        ("A", "bank-a"),
    ],
)
def test_a_short_name_for_addresses(name: str, slug: str) -> None:
    assert start_rules.slug_stem(name) == slug
