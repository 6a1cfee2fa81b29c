"""Pages: one template engine for all rooms, and ``render`` and ``redirect`` for their handlers.

A template is named ``<room>/<file>``: ``members/record.html`` is ``timebank/members/templates/record.html``, and
``web/base.html`` is the frame of every page.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Response
from litestar.datastructures import Cookie
from litestar.enums import MediaType

from timebank import languages
from timebank.kit import money as kit_money
from timebank.web.csrf import masked
from timebank.web.forms import BLANK, Form
from timebank.web.navigation import links_for
from timebank.web.pictures import picture
from timebank.web.reading import offered, reading_of
from timebank.web.static import asset_url
from timebank.web.viewer import Connection, Viewer, viewer

ROOMS_WITH_PAGES = (
    "web", "identity", "signin", "members", "activities", "contributions", "redemptions", "peers", "payments", "payees",
    "budgets", "rates", "fees", "claims", "reconciliation", "reports", "messages", "concerns", "confidence",
    "governance", "imports", "home", "hours", "statements", "jobs",
)  # fmt: skip
NOTICE_COOKIE = "timebank_notice"
NOTICE_SECONDS = 60
MAX_NOTICE_CHARACTERS = 300
MAX_PATH_CHARACTERS = 1000
PRODUCT_NAME = "Timebank"


@cache
def engine() -> Environment:
    """The one template engine: escapes everything, and refuses a name that the handler did not give."""
    package = Path(__file__).parent.parent
    environment = Environment(
        loader=PrefixLoader({room: FileSystemLoader(package / room / "templates") for room in ROOMS_WITH_PAGES}),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters.update(
        hours=languages.hours,
        said=languages.translate,
        looked_up=languages.gettext,  # a text that may be in the catalogues, or may be somebody's own words
        day=day,
        day_short=day_short,
        day_of_week=languages.day_of_week,
        month=languages.month,
        last_full_day=last_full_day,
        here=here,
        time_of_day=time_of_day,
        hour_of_day=hour_of_day,
        options_said=options_said,
        money=money,
    )
    environment.globals.update(
        asset=asset_url,
        product_name=PRODUCT_NAME,
        easy=languages.is_easy,
        language=languages.current,
        picture=picture,
        easy_read_checked_by=languages.EASY_READ_CHECKED_BY,
    )
    environment.policies["ext.i18n.trimmed"] = True
    install = environment.install_gettext_callables  # type: ignore[attr-defined]
    install(languages.gettext, languages.ngettext, newstyle=True)
    return environment


@cache
def is_translated(template: str) -> bool:
    """True for a page that participants see: its words are in the catalogues. The pages of staff are English."""
    loader = engine().loader
    assert loader is not None
    source, _, _ = loader.get_source(engine(), template)
    return "_(" in source or "{% trans" in source


def render(
    request: Connection,
    template: str,
    status_code: int = 200,
    *,
    form: Form = BLANK,
    headers: Mapping[str, str] | None = None,
    place: str | None = None,
    comes_back_to: str | None = None,
    **context: object,
) -> Response[str]:
    """Make a page. ``place`` is the address whose link the header marks, where it is not the page's own;
    ``comes_back_to`` where whoever changes how they read goes afterwards, where that is not this page again.

    Every template gets, besides ``context``: ``viewer``, ``form`` (with the csrf value in it), ``navigation``,
    ``path``, ``notice`` (the sentence that ``redirect`` left for the next page, shown once), ``reading`` (how they
    want to read: the page is made in that language), ``offered`` (the languages), ``come_back_to`` (the address that
    shows this page again), ``is_answer`` (it answers a form that was sent) and ``is_for_participants`` (false for the
    pages of staff, which are English).

    Raises:
        jinja2.UndefinedError: the template uses a name that the handler did not give.
    """
    person = viewer(request)
    path = request.url.path
    notice = None if form.refusals else _notice_from(request)
    reading = reading_of(request)
    is_for_participants = is_translated(template)
    language = reading.language if is_for_participants else languages.SOURCE
    with languages.speaking(language, is_easy=reading.is_easy):
        body = (
            engine()
            .get_template(template)
            .render(
                viewer=person,
                form=form.with_csrf(masked(person.csrf)),
                navigation=links_for(person, place or path),
                path=path,
                notice=notice,
                reading=reading,
                offered=offered(request),
                come_back_to=comes_back_to or come_back_to(request),
                is_answer=request.scope.get("method") not in ("GET", "HEAD"),
                is_for_participants=is_for_participants,
                **context,
            )
        )
    cookies = [_notice_cookie(request, "", 0)] if notice else []
    return Response(
        body, status_code=status_code, media_type=MediaType.HTML, headers=dict(headers or {}), cookies=cookies
    )


def redirect(request: Connection, path: str, *, notice: str | None = None) -> Response[None]:
    """Lead to a page of ours after a form was accepted, so that a refresh repeats nothing.

    ``notice`` is a sentence that the next page shows once (at most MAX_NOTICE_CHARACTERS); put no link into it.

    Raises:
        ValueError: ``path`` is not a path of this site.
    """
    if not is_local_path(path):
        raise ValueError("a redirect leads to a path of this site")
    said = languages.translate(notice, reading_of(request).language) if notice else ""
    cookies = [_notice_cookie(request, said[:MAX_NOTICE_CHARACTERS], NOTICE_SECONDS)] if said else []
    return Response(None, status_code=303, headers={"Location": path}, cookies=cookies)


def come_back_to(request: Connection) -> str:
    """The address that shows this page again: its own, or for the answer to a form the page that the form was on."""
    if request.scope.get("method") in ("GET", "HEAD"):
        path = "/" + quote(request.scope["path"], safe="/").lstrip("/")
        query = request.scope["query_string"].decode("ascii", "replace")
    else:
        before = urlsplit(request.headers.get("referer", ""))
        is_ours = before.netloc != "" and before.netloc == request.headers.get("host", "")
        path, query = (before.path, before.query) if is_ours else ("/", "")
    found = f"{path}?{query}" if query else path
    return found if is_local_path(found) and len(found) <= MAX_PATH_CHARACTERS else "/"


def is_local_path(path: str) -> bool:
    """True for a path on this site, false for anything that a browser could read as another site's address."""
    return (
        path.startswith("/")
        and not path.startswith("//")
        and path.isascii()
        and path.isprintable()
        and "\\" not in path
    )


def day(value: date | datetime) -> str:
    """``Tuesday 3 March 2026``. A moment must already be in the reader's time zone (see ``local``)."""
    return languages.day(value)


def day_short(value: date | datetime) -> str:
    """``3 March``, for a day near enough that nobody wonders about the year."""
    return languages.day_without_year(value)


def last_full_day(value: datetime) -> str:
    """``Tuesday 3 March 2026``: the last day that lies wholly before the moment, for a limit that nobody should run up
    to. The moment must already be in the reader's time zone (see ``local``).
    """
    return day(value - timedelta(days=1))


@pass_context
def here(context: Context, value: datetime) -> datetime:
    """The moment in the time zone of the viewer's time bank, to give to ``day`` and ``day_short``."""
    return local(value, _viewer_of(context))


@pass_context
def time_of_day(context: Context, value: datetime) -> str:
    """``2:05pm`` in the time zone of the viewer's time bank; ``midday`` and ``midnight`` by name."""
    return _clock(local(value, _viewer_of(context)))


def options_said(options: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The options of a question, whose words are constants of the catalogues, in the page's language."""
    return [(value, languages.gettext(words)) for value, words in options]


def hour_of_day(hour: int) -> str:
    """``10pm``: a whole hour on the clock."""
    return _clock(datetime(2000, 1, 1, hour))  # noqa: DTZ001 - only the hour is shown


def _clock(moment: datetime) -> str:
    if languages.current().code != languages.SOURCE:
        return languages.time_of_day(moment)
    if moment.minute == 0 and moment.hour in (0, 12):
        return "midday" if moment.hour else "midnight"
    minutes = f":{moment.minute:02d}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes}{'am' if moment.hour < 12 else 'pm'}"


@pass_context
def money(context: Context, pence: int, currency: str | None = None) -> str:
    """``£12.50``: minor units in the currency of the viewer's time bank, or in the one given."""
    return kit_money.in_words(pence, currency or _viewer_of(context).currency)


def local(value: datetime, person: Viewer) -> datetime:
    """The moment in the time zone of the viewer's time bank, for showing; it must know its own time zone.

    Raises:
        ValueError: the moment has no time zone.
    """
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be shown")
    return value.astimezone(ZoneInfo(person.time_zone))


def _viewer_of(context: Context) -> Viewer:
    person = context.get("viewer")
    if not isinstance(person, Viewer):
        raise TypeError("this filter needs the page's context: use it in the template, not inside an imported macro")
    return person


def _notice_from(request: Connection) -> str | None:
    """The sentence that the last answer left. Only text: it is escaped like anything else that comes from outside."""
    sent = request.cookies.get(NOTICE_COOKIE, "")
    if not sent or len(sent) > 8 * MAX_NOTICE_CHARACTERS:
        return None
    try:
        return base64.urlsafe_b64decode(sent.encode()).decode("utf-8")[:MAX_NOTICE_CHARACTERS]
    except (binascii.Error, ValueError):
        return None


def _notice_cookie(request: Connection, text: str, seconds: int) -> Cookie:
    return Cookie(
        key=NOTICE_COOKIE,
        value=base64.urlsafe_b64encode(text.encode()).decode(),
        max_age=seconds,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
