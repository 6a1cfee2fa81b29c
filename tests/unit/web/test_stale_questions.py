"""What the page of a form that is too old calls the fields."""

from timebank import languages
from timebank.web.errors import _typed
from timebank.web.forms import Form
from timebank.web.questions import QUESTIONS


def test_a_field_is_called_what_its_page_asks() -> None:
    form = Form.blank(place="The hall", csrf="x", pin="1234", odd_name="yes", **{"date-day": "1", "date-month": "3"})
    assert _typed(form) == [("Where?", "The hall"), ("Odd name", "yes"), ("Which day was it?", "1 3")]


def test_every_question_is_in_the_catalogues() -> None:
    """A question that no page asks any more would stay English for ever."""
    for language in ("cy", "es", "ar"):
        with languages.speaking(language):
            assert [text for text in QUESTIONS.values() if languages.gettext(text) == text] == [], language
