"""What people and programs get when something cannot be done: a page in plain words, or problem details under /api/."""

import re
import secrets
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException

from timebank.kit import ids
from timebank.kit.words import say, say_n
from timebank.web import forms, problem
from timebank.web.confirm import CONFIRM, ConfirmFirst
from timebank.web.csrf import API_PREFIX, SAFE_METHODS, CrossSiteError, StaleFormError
from timebank.web.forms import HOUSEKEEPING, MAX_BODY_BYTES, REMEMBERED, RESEND_FIELD, Form
from timebank.web.pages import is_local_path, redirect, render
from timebank.web.questions import QUESTIONS
from timebank.web.viewer import viewer

SIGN_IN = "/sign-in"
MAX_LOGGED_FRAMES = 25
HUNG_UP = "client disconnected prematurely"  # Litestar's words for it; it has no class of its own
SECRET_FIELDS = frozenset({"pin", "password", "code", "secret", "token"})
_REFERENCE_CHARACTERS = 8
_DATE_PART = re.compile(r"-(day|month|year)$")

PageRequest = Request[Any, Any, Any]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Words:
    """What one kind of error page says: what happened, and what to do next; ``easy`` is that in Easy Read. ``code`` is
    for the API.
    """

    code: str
    title: str
    happened: str
    advice: str
    easy: str


GO_BACK = say("Go back and try again.")
START_AGAIN = say("Start again from the first page.")
WAIT = say("Wait a few minutes. Then try again.")
WORDS: Mapping[int, Words] = {
    400: Words("bad_request", say("We could not read that"), say("Part of what was sent did not make sense to us."),
               say("Go back, check the address or what you typed, and try again."), GO_BACK),
    401: Words("not_signed_in", say("Please sign in"), say("You need to sign in to see this."),
               say("Sign in and try again."), say("Sign in first.")),
    403: Words("not_allowed", say("This page is not open to you"), say("Your sign-in does not open this page."),
               say("If you think it should, ask the person who runs your time bank."),
               say("Ask the person who runs your time bank.")),
    404: Words("not_found", say("We cannot find that page"), say("It may have moved, or the link may be old."),
               say("Check the address, or start again from the first page."), START_AGAIN),
    405: Words("method_not_allowed", say("This page cannot do that"),
               say("The page was asked for in a way it does not know."),
               say("Go to the first page and find your way from there."), START_AGAIN),
    409: Words("conflict", say("Something changed in the meantime"),
               say("This was changed while you were looking at it."),
               say("Go back, load the page again and check what it says now."), GO_BACK),
    413: Words("too_large", say("That is too much at once"),
               say("We can take up to {size} MB in one go. Nothing was saved.", size=MAX_BODY_BYTES // 1_048_576),
               say("Go back and choose a smaller file, or send it in parts."), say("Choose a smaller file.")),
    419: Words("form_too_old", say("This form is too old"), say("Nothing was changed."),
               say("Check what you typed, then send it again."), say("Send it again.")),
    422: Words("not_accepted", say("We could not use that"),
               say("Something you typed could not be used. Nothing was changed."),
               say("Go back, check what you typed, and try again."), GO_BACK),
    429: Words("too_many", say("Please wait a little"), say("There were too many tries in a short time."),
               say("Wait a few minutes, then try again."), WAIT),
    500: Words("server_error", say("Sorry, something went wrong here"), say("This is our mistake, not yours."),
               say("Wait a moment and try again. If it happens again, tell us the number below."), WAIT),
    503: Words("unavailable", say("We are not ready just now"), say("The service is busy or being looked after."),
               say("Wait a few minutes, then try again."), WAIT),
}  # fmt: skip


def handle(request: PageRequest, error: Exception) -> Response[Any]:
    """Litestar exception handler for everything that is raised: pages for people, problem details for programs."""
    status = _status_of(error)
    reference = _report(request, error) if status >= 500 else None
    if request.scope["path"].startswith(API_PREFIX):
        return _problem(status, error, reference)
    if isinstance(error, StaleFormError):
        return stale_form_page(request)
    if isinstance(error, CrossSiteError):
        return render(request, "web/error_cross_site.html", 403)
    if isinstance(error, ConfirmFirst):
        wanted = error.then or (_address(request) if request.method in SAFE_METHODS else _page_before(request) or "/")
        return redirect(request, f"{CONFIRM}?next={quote(wanted, safe='/')}")
    if status == 401:
        return _sign_in_first(request)
    return error_page(request, status, reference=reference, headers=_headers_of(error))


def error_page(
    request: PageRequest, status: int, *, reference: str | None = None, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """The page for a status. ``reference`` is the number that finds the matching line in the log."""
    words = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    return render(
        request,
        "web/error.html",
        status,
        headers=headers,
        words=words,
        reference=reference,
        back=_page_before(request),
    )


def stale_form_page(request: PageRequest) -> Response[str]:
    """The page for a form from an older session: shows what was typed, offers to send it again with a fresh token."""
    form = forms.already_read(request)
    return render(
        request,
        "web/error_stale_form.html",
        problem.STALE_FORM_STATUS,
        form=form,
        action=_address(request),
        typed=_typed(form),
        kept=[(name, value) for name, values in form.fields.items() if name not in HOUSEKEEPING for value in values],
        key=form.text(forms.KEY_FIELD),
        file_fields=sorted(form.files),
        is_second_try=form.has(RESEND_FIELD) and viewer(request).is_signed_in,
        back=_page_before(request),
    )


def _sign_in_first(request: PageRequest) -> Response[Any]:
    if request.method not in SAFE_METHODS:
        return stale_form_page(request)
    wanted = _address(request)
    return redirect(request, SIGN_IN if wanted == "/" else f"{SIGN_IN}?next={quote(wanted, safe='/')}")


def _address(request: PageRequest) -> str:
    """The path and query that were asked for, always on this site: ``//host`` would name another one."""
    path = "/" + quote(request.scope["path"], safe="/").lstrip("/")
    query = request.scope["query_string"].decode("ascii", "replace")
    return path + (f"?{query}" if query else "")


def _typed(form: Form) -> list[tuple[str, str]]:
    """What a person typed, for the list on the page: the question, or where it is not known the name of the field made
    readable; a date in one line, boxes counted.
    """
    rows: dict[str, list[str]] = {}
    for name, values in form.fields.items():
        if name in HOUSEKEEPING or name in REMEMBERED or name in SECRET_FIELDS:
            continue
        shown = [value for value in values if value.strip()]
        if len(shown) > 1 and not any(" " in value for value in shown):
            shown = [say_n(len(shown), "{n} chosen", "{n} chosen")]
        field = _DATE_PART.sub("", name)
        question = QUESTIONS.get(field) or field.replace("-", " ").replace("_", " ").capitalize()
        rows.setdefault(question, []).extend(shown)
    return [(question, shown[0] if len(shown) == 1 else " ".join(shown)) for question, shown in rows.items() if shown]


def _status_of(error: Exception) -> int:
    if isinstance(error, StaleFormError):
        return problem.STALE_FORM_STATUS
    if isinstance(error, CrossSiteError):
        return 403
    if _is_hung_up(error):
        return 400
    return error.status_code if isinstance(error, HTTPException) else 500


def _is_hung_up(error: Exception) -> bool:
    """True when the sender went away in the middle of a body: nobody's mistake here, and nothing for the error log."""
    return isinstance(error, InternalServerException) and error.detail == HUNG_UP


def _headers_of(error: Exception) -> Mapping[str, str]:
    return (error.headers or {}) if isinstance(error, HTTPException) else {}


def _problem(status: int, error: Exception, reference: str | None) -> Response[Any]:
    words = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    detail = f"{words.happened} {words.advice}"
    if isinstance(error, HTTPException) and status < 500 and error.detail:
        detail = error.detail
    headers = dict(_headers_of(error))
    if status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return problem.response(
        status, words.code, detail, errors=_field_problems(error), reference=reference, headers=headers
    )


def _field_problems(error: Exception) -> tuple[problem.FieldProblem, ...]:
    """Litestar's findings about a body or a parameter, in our shape."""
    if not isinstance(error, ValidationException) or not isinstance(error.extra, list):
        return ()
    return tuple(
        problem.FieldProblem("invalid", str(found.get("message", "")), found.get("key"))
        for found in error.extra
        if isinstance(found, dict)
    )


def _report(request: PageRequest, error: Exception) -> str:
    """Log a failure under a reference. Only places in the code: a message or an address may hold personal data."""
    reference = "".join(secrets.choice(ids.ALPHABET) for _ in range(_REFERENCE_CHARACTERS))
    chain: list[BaseException] = [error]
    while (earlier := chain[-1].__cause__ or chain[-1].__context__) is not None and earlier not in chain:
        chain.append(earlier)
    log.error(
        "request failed",
        reference=reference,
        method=request.method,
        route=request.scope.get("path_template", ""),
        errors=[type(part).__qualname__ for part in chain],
        frames=[
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-MAX_LOGGED_FRAMES:]
        ],
    )
    return reference


def _page_before(request: PageRequest) -> str | None:
    """The page of ours that led here, for a way back that needs no script; None when unknown."""
    referer = urlsplit(request.headers.get("referer", ""))
    if not referer.netloc or referer.netloc != request.headers.get("host", "") or not is_local_path(referer.path):
        return None
    return referer.path + (f"?{referer.query}" if referer.query else "")
