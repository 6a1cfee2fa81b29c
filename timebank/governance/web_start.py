"""The first day, page by page: name, rules, a group, people; then the sheet to print. Five presses in all."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from timebank.governance import queries, service, start_rules, starting
from timebank.governance.queries import Draft
from timebank.governance.service import NoDraft
from timebank.governance.templates_of_rules import RULES_TEMPLATES
from timebank.identity.rules import MAX_SECRET_CHARACTERS
from timebank.identity.sessions import device_of, session_cookie, session_token
from timebank.kit import durations
from timebank.kit.actor import ADMIN
from timebank.kit.ids import sha256
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import Form
from timebank.web.headers import NO_REFERRER
from timebank.web.pages import redirect, render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]
Connection = ASGIConnection[Any, Any, Any, Any]

COOKIE = "timebank_start"
NO_STORE = {"Cache-Control": "no-store"}
REFUSED, GONE = 422, 410
BANK_FIELDS = ("name", "your_name", "help_contact", "time_zone", "currency")
GROUP_FIELDS = ("group_name", "group_place", "group_minutes")
DEFAULTS = {"time_zone": "Europe/London", "currency": "GBP", "group_minutes": "1 hour 30 minutes", "template": "usual"}
PAGES = {"bank": "/start", "rules": "/start/rules", "group": "/start/group", "people": "/start/people"}


def starters(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard: for whoever is on the way to a new time bank, and for administrators.

    Raises:
        NotAuthorizedException: nobody is signed in, and nothing was begun.
        PermissionDeniedException: the viewer is no administrator.
    """
    if _secret(connection):
        return
    if not viewer(connection).is_signed_in:
        raise NotAuthorizedException
    if not viewer(connection).has_role(ADMIN):
        raise PermissionDeniedException


@get("/start/link/{token:str}")
async def start_by_link_page(request: PageRequest, token: FromPath[str]) -> Response[Any]:
    """The first page of a new server, behind the set-up link. Looking at it uses nothing up."""
    if not await _is_good(request, token):
        return _gone(request)
    return _bank_page(request, Form.blank(**DEFAULTS), action=request.url.path)


@post("/start/link/{token:str}", status_code=303)
async def start_by_link(request: PageRequest, token: FromPath[str]) -> Response[Any]:
    """Take the first answers and use the link up; from now on the browser keeps the secret."""
    form = await forms.read(request)
    if not await _is_good(request, token):
        return _gone(request)
    answers = _bank_answers(form)
    if refusals := _check_bank(answers):
        return _bank_page(request, form.refused(refusals), action=request.url.path)
    secret = await service.begin_by_link(database(request), token, now=now(request))
    if secret is None:
        return _gone(request)
    await service.answer(database(request), secret, {**answers, "done": ["bank"]}, now=now(request))
    return _with_secret(request, redirect(request, PAGES["rules"]), secret)


@get("/start", guards=[starters])
async def start_page(request: PageRequest) -> Response[Any]:
    """The first page: what the time bank is called."""
    found = await _draft(request)
    if found is not None and found.timebank_id is not None and not viewer(request).has_role(ADMIN):
        return redirect(request, "/start/done")
    is_open = found is not None and found.timebank_id is None
    answers = found.answers if found is not None and is_open else {"your_name": viewer(request).display_name or ""}
    return _bank_page(request, _filled(answers, BANK_FIELDS), action="/start")


@post("/start", guards=[starters], status_code=303)
async def start(request: PageRequest) -> Response[Any]:
    """Take the first answers; an administrator's draft begins here."""
    form = await forms.read(request)
    answers = _bank_answers(form)
    found = await _draft(request)
    secret = _secret(request)
    if refusals := _check_bank(answers):
        return _bank_page(request, form.refused(refusals), action="/start")
    if found is None or found.timebank_id is not None:
        begun = await service.begin(database(request), viewer(request).actor, answers["your_name"], now=now(request))
        if isinstance(begun, list):
            raise PermissionDeniedException
        secret, found = begun, None
    await service.answer(database(request), secret, {**answers, "done": _done(found, "bank")}, now=now(request))
    return _with_secret(request, redirect(request, PAGES["rules"]), secret)


@get("/start/rules", guards=[starters])
async def rules_step(request: PageRequest) -> Response[Any]:
    """The second page: rules to begin with."""
    found = await _open_draft(request)
    if isinstance(found, Response):
        return found
    return _rules_page(request, _filled(found.answers, ("template",)))


@post("/start/rules", guards=[starters], status_code=303)
async def choose_rules(request: PageRequest) -> Response[Any]:
    """Take the rules to begin with."""
    form = await forms.read(request)
    found = await _open_draft(request)
    if isinstance(found, Response):
        return found
    answers = {"template": form.text("template")}
    if refusals := start_rules.check_template(answers["template"]):
        return _rules_page(request, form.refused(refusals))
    return await _next(request, found, "rules", answers)


@get("/start/group", guards=[starters])
async def group_step(request: PageRequest) -> Response[Any]:
    """The third page: the first group."""
    found = await _open_draft(request)
    if isinstance(found, Response):
        return found
    return _step_page(request, "group", _filled(found.answers, GROUP_FIELDS))


@post("/start/group", guards=[starters], status_code=303)
async def choose_group(request: PageRequest) -> Response[Any]:
    """Take the first group."""
    form = await forms.read(request)
    found = await _open_draft(request)
    if isinstance(found, Response):
        return found
    answers = {name: form.text(name) for name in GROUP_FIELDS}
    minutes = durations.parse(answers["group_minutes"], field="group_minutes")
    refusals = start_rules.check_group(answers["group_name"], answers["group_place"])
    if isinstance(minutes, Refusal):
        refusals.append(minutes)
    if refusals:
        return _step_page(request, "group", form.refused(refusals))
    return await _next(request, found, "group", answers)


@get("/start/people", guards=[starters])
async def people_step(request: PageRequest) -> Response[Any]:
    """The fourth page: the first people."""
    found = await _open_draft(request)
    if isinstance(found, Response):
        return found
    return _step_page(request, "people", _filled(found.answers, ("people",)))


@post("/start/people", guards=[starters], status_code=303)
async def make(request: PageRequest) -> Response[Any]:
    """Take the first people and make the time bank: all of it, or nothing."""
    form = await forms.read(request)
    found = await _open_draft(request)
    if isinstance(found, Response):
        return found
    typed = form.text("people")
    people = start_rules.people_in(typed)
    if refusals := [each for each in people if isinstance(each, Refusal)]:
        return _step_page(request, "people", form.refused(refusals))
    answers = {"people": typed, "done": _done(found, "people")}
    await service.answer(database(request), _secret(request), answers, now=now(request))
    started = await service.finish(database(request), _secret(request), now=now(request))
    if isinstance(started, list):
        if any(each.code == "step_missing" for each in started):
            return redirect(request, "/start", notice=started[0].message)
        return _step_page(request, "people", form.refused(started))
    return redirect(request, "/start/done")


@get("/start/done", guards=[starters])
async def done_page(request: PageRequest) -> Response[Any]:
    """The time bank is there: print the sheet, and how to sign in."""
    found = await _draft(request)
    if found is None or found.timebank_id is None:
        return redirect(request, "/start")
    return render(request, "governance/start_done.html", answers=found.answers, headers=NO_STORE)


@post("/start/enter", guards=[starters], status_code=303)
async def enter(request: PageRequest) -> Response[Any]:
    """Sign in whoever made the time bank, once, and show the sheet to print."""
    found = await _draft(request)
    entered = await service.enter(
        database(request), _secret(request), device_of(request), replaces=session_token(request), now=now(request)
    )
    if entered is None or found is None:
        return redirect(request, "/start")
    response: Response[Any] = redirect(request, f"/groups/{found.group_id}/sheet")
    response.set_cookie(session_cookie(settings(request), entered))
    response.set_cookie(_cookie(request, "", 0))
    return response


# Below: what the pages share -----------------------------------------------------------------------------------------


def _secret(connection: Connection) -> str:
    sent = connection.cookies.get(COOKIE, "")
    return sent if starting.SECRET.fullmatch(sent) else ""


def _cookie(request: PageRequest, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        max_age=seconds,
        path="/start",
        secure=settings(request).is_https,
        httponly=True,
        samesite="strict",
    )


def _with_secret(request: PageRequest, response: Response[Any], secret: str) -> Response[Any]:
    response.set_cookie(_cookie(request, secret, int(starting.DRAFT_VALID_FOR.total_seconds())))
    return response


async def _draft(request: PageRequest) -> Draft | None:
    """The draft of this browser; None when there is none and the viewer may begin one.

    Raises:
        NotAuthorizedException, PermissionDeniedException: there is none, and they may not.
    """
    try:
        return await service.draft(database(request), _secret(request), now=now(request))
    except NoDraft:
        if not viewer(request).is_signed_in:
            raise NotAuthorizedException from None
        if service.may_start(viewer(request).actor):
            raise PermissionDeniedException from None
        return None


async def _open_draft(request: PageRequest) -> Draft | Response[Any]:
    """The draft that is still filled in, or where to go instead."""
    found = await _draft(request)
    if found is None:
        return redirect(request, "/start")
    return redirect(request, "/start/done") if found.timebank_id is not None else found


async def _next(request: PageRequest, found: Draft, step: str, answers: dict[str, Any]) -> Response[Any]:
    kept = {**answers, "done": _done(found, step)}
    await service.answer(database(request), _secret(request), kept, now=now(request))
    following = starting.STEPS[starting.STEPS.index(step) + 1]
    return redirect(request, PAGES[following])


def _done(found: Draft | None, step: str) -> list[str]:
    return sorted({*(found.answers.get("done", []) if found else []), step})


def _filled(answers: dict[str, Any], names: tuple[str, ...]) -> Form:
    return Form.blank(**{name: answers.get(name) or DEFAULTS.get(name, "") for name in names})


def _bank_answers(form: Form) -> dict[str, str]:
    return {name: form.text(name) for name in BANK_FIELDS}


def _check_bank(answers: dict[str, str]) -> list[Refusal]:
    return start_rules.check_bank(**answers)


async def _is_good(request: PageRequest, token: str) -> bool:
    if len(token) > MAX_SECRET_CHARACTERS or not token.isascii():
        return False
    async with database(request).globally() as connection:
        return await queries.is_setup_link(connection, sha256(token), now(request))


def _bank_page(request: PageRequest, form: Form, *, action: str) -> Response[Any]:
    # A page with a secret in its address; see timebank/web/headers.py for browsers that send no Sec-Fetch-Site.
    is_secret = action != "/start" and "sec-fetch-site" in request.headers
    headers = {**(NO_REFERRER if is_secret else {}), **NO_STORE}
    status = REFUSED if form.refusals else 200
    return render(request, "governance/start_bank.html", status, form=form, action=action, headers=headers)


def _rules_page(request: PageRequest, form: Form) -> Response[Any]:
    status = REFUSED if form.refusals else 200
    options = [(each.name, each.title, each.sentence) for each in RULES_TEMPLATES]
    return render(request, "governance/start_rules.html", status, form=form, options=options)


def _step_page(request: PageRequest, step: str, form: Form) -> Response[Any]:
    status = REFUSED if form.refusals else 200
    return render(request, f"governance/start_{step}.html", status, form=form)


def _gone(request: PageRequest) -> Response[Any]:
    return render(request, "governance/start_gone.html", GONE, headers=NO_STORE)


ROUTES: list[Any] = [
    start_page,
    start,
    start_by_link_page,
    start_by_link,
    rules_step,
    choose_rules,
    group_step,
    choose_group,
    people_step,
    make,
    done_page,
    enter,
]
