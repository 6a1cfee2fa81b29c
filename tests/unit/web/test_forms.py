"""Forms: read within limits, dates in the ways people type them, refusals beside their fields."""

from datetime import date

import pytest
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.forms import Form


def test_a_blank_form_holds_what_it_was_filled_with() -> None:
    form = Form.blank(name="Ali", minutes=90, who=["1", "3"], note=None)

    assert form.text("name") == "Ali"
    assert form.text("minutes") == "90"
    assert form.all("who") == ("1", "3")
    assert not form.has("note")


def test_texts_lose_outer_spaces_only_when_asked_for_as_text() -> None:
    form = Form({"name": ("  Zoë  ",)})

    assert form.text("name") == "Zoë"
    assert form.all("name") == ("  Zoë  ",)


def test_a_refusal_is_found_by_its_field() -> None:
    form = Form.blank(minutes="-1").refused([Refusal("minutes_negative", "Enter a time above zero.", "minutes")])

    assert form.error("minutes") == "Enter a time above zero."
    assert form.error("name") is None
    assert form.text("minutes") == "-1"


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [("3", "3", "2026"), ("03", "03", "26"), ("3", "March", "2026"), ("3", "mar", "2026"), ("٣", "٣", "٢٠٢٦")],
)
def test_a_date_is_read_as_people_type_it(day: str, month: str, year: str) -> None:
    form = Form.blank(**{"done-day": day, "done-month": month, "done-year": year})

    assert form.date("done") == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [("31", "2", "2026"), ("x", "3", "2026"), ("3", "foo", "2026"), ("3", "3", ""), ("0", "1", "26")],
)
def test_a_date_that_does_not_exist_is_refused(day: str, month: str, year: str) -> None:
    form = Form.blank(**{"done-day": day, "done-month": month, "done-year": year})

    found = form.date("done")

    assert isinstance(found, Refusal)
    assert found.field == "done"


def test_an_empty_date_has_a_refusal_of_its_own() -> None:
    found = Form.blank().date("done")

    assert isinstance(found, Refusal)
    assert found.code == "date_missing"


def test_date_fields_fill_in_what_date_reads_back() -> None:
    assert Form.blank(**forms.date_fields("done", date(2026, 12, 31))).date("done") == date(2026, 12, 31)


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space in it", "<script>alert(1)</script>"])
def test_a_form_without_a_usable_key_is_not_one_of_ours(key: str) -> None:
    with pytest.raises(ClientException):
        _ = Form.blank(key=key).key


def test_a_fresh_key_is_usable_and_never_the_same() -> None:
    first, second = Form.blank().new_key(), Form.blank().new_key()

    assert first != second
    assert Form.blank(key=first).key == first


def test_too_many_fields_are_refused() -> None:
    body = "&".join(f"f{number}=1" for number in range(forms.MAX_FIELDS + 1)).encode()

    with pytest.raises(RequestEntityTooLarge):
        forms._pairs(body)
    assert len(forms._pairs(body[: body.rindex(b"&")])) == forms.MAX_FIELDS


@pytest.mark.parametrize(
    ("name", "value"),
    [("note", "x" * (forms.MAX_FIELD_CHARACTERS + 1)), ("x" * (forms.MAX_NAME_CHARACTERS + 1), "1")],
)
def test_too_long_a_field_is_refused(name: str, value: str) -> None:
    with pytest.raises(RequestEntityTooLarge):
        forms._from_pairs([(name, value)])


def test_control_characters_go_and_names_stay_as_they_are() -> None:
    form = forms._from_pairs([("note", "a\x00b\r\nc\x1b"), ("name", "O’Brien ليلى 🌻 e\u0301")])

    assert form.all("note") == ("ab\nc",)
    assert form.text("name") == "O’Brien ليلى 🌻 é"
