"""Templates: words for dates and amounts, and parts that escape whatever people type."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from jinja2 import UndefinedError

from timebank.kit.refusal import Refusal
from timebank.web import pages
from timebank.web.forms import Form
from timebank.web.viewer import Viewer

NASTY = """O'Brien "<script>alert(1)</script>" & ليلى 🌻"""
ROW = {"what": NASTY, "when": NASTY, "minutes": 60, "given": True, "href": "/x", "note": NASTY}
CARD = {"title": NASTY, "href": "/x", "price": NASTY, "words": NASTY, "tag": NASTY}
OPTIONS = [(NASTY, NASTY, NASTY), ("2", "Two", None)]
FORM = Form.blank(field=NASTY).refused([Refusal("bad", NASTY, "field"), Refusal("bad", NASTY)])


class Reader(HTMLParser):
    """Collects the words, the attribute values and the names of the elements of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.values: list[str] = []
        self.elements: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.values.extend(value for _, value in attrs if value)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def part(call: str, **context: object) -> str:
    source = '{% import "web/macros.html" as ui %}' + call
    return pages.engine().from_string(source).render(**context)


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    return reader


PARTS = [
    "{{ ui.error_summary(form) }}",
    "{{ ui.text_input(form, 'field', x, hint=x, prefix=x, suffix=x) }}",
    "{{ ui.textarea(form, 'field', x, hint=x, heading=true) }}",
    "{{ ui.select(form, 'field', x, options, hint=x) }}",
    "{{ ui.radios(form, 'field', x, options, hint=x, heading=true) }}",
    "{{ ui.checkboxes(form, 'field', x, options, hint=x) }}",
    "{{ ui.checkbox(form, 'field', x, hint=x) }}",
    "{{ ui.date_input(form, 'field', x, hint=x) }}",
    "{{ ui.file_upload(form, 'field', x, hint=x) }}",
    "{{ ui.hidden('field', x) }}",
    "{{ ui.button(x, value=x, name='go') }}",
    "{{ ui.link_button(x, '/x') }}",
    "{{ ui.button_form(form, '/x', x, {'id': x}, label=x) }}",
    "{{ ui.hero(90, label=x, note=x) }}",
    "{{ ui.tag(x) }}",
    "{{ ui.reference(x) }}",
    "{{ ui.name(x) }}",
    "{{ ui.entries([row]) }}",
    "{{ ui.summary_list([(x, x, '/x', x)]) }}",
    "{% call ui.table([(x, false)], caption=x) %}<tr><td>{{ x }}</td></tr>{% endcall %}",
    "{{ ui.offer_cards([card]) }}",
    "{{ ui.more(x, '/x') }}",
    "{{ ui.back_link('/x', x) }}",
    "{% call ui.card() %}{{ x }}{% endcall %}",
    "{% call ui.inset('warning') %}{{ x }}{% endcall %}",
    "{% call ui.details(x) %}{{ x }}{% endcall %}",
    "{% call ui.confirmation(x, x) %}{{ x }}{% endcall %}",
    "{% call ui.empty(x) %}{{ x }}{% endcall %}",
]


@pytest.mark.parametrize("call", PARTS)
def test_a_part_shows_what_was_typed_and_runs_none_of_it(call: str) -> None:
    found = read(part(call, form=FORM, x=NASTY, options=OPTIONS, row=ROW, card=CARD))

    assert "script" not in found.elements
    assert NASTY in [text.strip() for text in "\n".join(found.words).split("\n")] or NASTY in found.values


@pytest.mark.parametrize("kind", ["text_input", "textarea", "file_upload"])
def test_a_field_with_an_error_says_so_to_a_screen_reader(kind: str) -> None:
    markup = part("{{ ui." + kind + "(form, 'field', 'Name', hint='As on the sheet') }}", form=FORM)

    assert 'aria-describedby="field-hint field-error"' in markup
    assert 'aria-invalid="true"' in markup
    assert 'id="field-error"' in markup


@pytest.mark.parametrize("kind", ["radios", "checkboxes"])
def test_the_error_summary_leads_to_the_first_choice(kind: str) -> None:
    form = Form.blank(who="2").refused([Refusal("bad", "Choose one.", "who")])
    markup = part(
        "{{ ui.error_summary(form) }}{{ ui." + kind + "(form, 'who', 'Who?', [(1, 'A'), (2, 'B')]) }}", form=form
    )

    assert 'href="#who"' in markup
    assert markup.count('id="who"') == 1
    assert markup.count(" checked") == 1


def test_a_field_without_an_error_carries_no_trace_of_one() -> None:
    markup = part("{{ ui.text_input(form, 'name', 'Name') }}", form=Form.blank(name="Ali"))

    assert "error" not in markup
    assert "aria-" not in markup
    assert 'value="Ali"' in markup


def test_a_password_is_never_written_back() -> None:
    assert "geheim" not in part("{{ ui.text_input(form, 'p', 'P', type='password') }}", form=Form.blank(p="geheim"))


def test_every_form_on_a_page_has_its_own_key() -> None:
    markup = part("{{ ui.form_start(form, '/a') }}{{ ui.form_start(form, '/b') }}", form=Form(csrf="mask"))
    keys = [value for value in read(markup).values if len(value) == 32]

    assert len(keys) == len(set(keys)) == 2
    assert markup.count('value="mask"') == 2


def test_hours_are_words_without_a_minus() -> None:
    row = {"what": "Café", "when": "3 March", "minutes": 60, "given": False, "href": None, "note": None}
    words = " ".join(read(part("{{ ui.entries([row]) }}", row=row)).words)

    assert "1 hour 30 minutes" in part("{{ ui.hero(90) }}")
    assert "no hours yet" in part("{{ ui.hero(0) }}")
    assert "You used" in words
    assert "1 hour" in words
    assert not set(words) & set("-−–")


def test_a_name_that_the_handler_forgot_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        part("{{ forgotten }}")


def test_days_are_written_out() -> None:
    assert pages.day(date(2026, 3, 3)) == "Tuesday 3 March 2026"
    assert pages.day_short(date(2026, 12, 31)) == "31 December"
    assert pages.last_full_day(datetime(2026, 3, 1, 0, 5, tzinfo=UTC)) == "Saturday 28 February 2026"


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [(0, 0, "midnight"), (0, 5, "12:05am"), (9, 0, "9am"), (12, 0, "midday"), (12, 30, "12:30pm"), (14, 5, "2:05pm")],
)
def test_a_time_of_day_is_in_the_time_banks_zone(hour: int, minute: int, words: str) -> None:
    template = pages.engine().from_string("{{ at|time_of_day }}")
    at = datetime(2026, 1, 3, hour, minute, tzinfo=UTC)

    assert template.render(at=at, viewer=Viewer()) == words


def test_summer_time_and_other_zones_count() -> None:
    template = pages.engine().from_string("{{ at|time_of_day }}")
    at = datetime(2026, 7, 3, 9, 0, tzinfo=UTC)

    assert template.render(at=at, viewer=Viewer(time_zone="Europe/London")) == "10am"
    assert template.render(at=at, viewer=Viewer(time_zone="Asia/Kolkata")) == "2:30pm"


def test_a_moment_without_a_zone_cannot_be_shown() -> None:
    with pytest.raises(ValueError, match="time zone"):
        pages.local(datetime(2026, 7, 3, 9, 0), Viewer())  # noqa: DTZ001


def test_money_is_in_the_time_banks_currency() -> None:
    template: Callable[..., str] = pages.engine().from_string("{{ 1250|money }} {{ 1250|money('EUR') }}").render

    assert template(viewer=Viewer(currency="GBP")) == "£12.50 €12.50"


@pytest.mark.parametrize("path", ["", "x", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "/é"])
def test_only_a_path_of_this_site_is_local(path: str) -> None:
    assert not pages.is_local_path(path)


@pytest.mark.parametrize("path", ["/", "/members/7?tab=hours#top", "/a%20b"])
def test_a_path_of_this_site_is_local(path: str) -> None:
    assert pages.is_local_path(path)
