"""Names as people type them: found however they are spelt, and no text breaks a page or a table."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from timebank.kit import names
from timebank.members import rules

typed = st.text(max_size=150)
person = st.text(
    st.characters(categories=("Lu", "Ll", "Lo", "Lt", "Lm", "Mn", "Mc", "Zs", "Pd", "So"), include_characters="'’.-"),
    min_size=1,
    max_size=80,
)


@given(typed)
def test_a_name_is_taken_or_refused_never_a_crash(name: str) -> None:
    refusals = rules.check_name(name)
    assert all(refusal.field == "display_name" and refusal.message for refusal in refusals)
    if not refusals:
        stored = names.tidy(name)
        assert 1 <= len(stored) <= rules.MAX_NAME
        assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in stored)
        assert names.key(stored)


@given(person)
def test_tidying_twice_changes_nothing_more(name: str) -> None:
    assert names.tidy(names.tidy(name)) == names.tidy(name)
    assert names.key(names.tidy(name)) == names.key(name)


@given(person)
def test_a_key_does_not_see_capitals_spaces_or_kinds_of_apostrophe(name: str) -> None:
    key = names.key(name)
    assert names.key(f"  {name}\u00a0 ") == key
    assert names.key(name.replace("'", "’")) == key
    assert names.key(name.replace("-", "\u2011")) == key
    assert names.key(unicodedata.normalize("NFD", name)) == key
    assert names.key(key) == key


@given(person)
def test_part_of_a_key_is_found_in_it(name: str) -> None:
    """What search relies on: the key of a stored name's beginning is the beginning of its key, word by word."""
    words = names.tidy(name).split(" ")
    if len(words) > 1 and "-" not in name:
        assert names.key(words[0]) in names.key(names.tidy(name))


@given(st.text(max_size=60))
def test_addresses_and_numbers_never_crash(value: str) -> None:
    for refusal in (*rules.check_email(value), *rules.check_phone(value), *rules.check_can_offer(value)):
        assert refusal.code
        assert refusal.message.endswith(".")
