"""Pages for signing in with a code by e-mail or text message, and for saying once more who one is."""

import asyncio
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank import languages
from timebank.identity.rules import home_page
from timebank.identity.sessions import device_of, next_cookie, session_cookie, session_token
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.messages.at_once import hand_over
from timebank.signin import passkeys, queries, rules, service, web_passkeys
from timebank.signin.queries import Reached
from timebank.signin.service import Asked
from timebank.web import forms
from timebank.web.confirm import MAX_NEXT_CHARACTERS
from timebank.web.context import database, now, settings
from timebank.web.forms import Form
from timebank.web.headers import NO_REFERRER
from timebank.web.pages import is_local_path, redirect, render
from timebank.web.reading import reading_of
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
NO_STORE = {"Cache-Control": "no-store"}
ASK_COOKIE = "timebank_ask"
BORROWED_COOKIE = "timebank_borrowed"
ASK_SECONDS = int((rules.CODE_VALID_FOR + rules.CHOICE_VALID_FOR).total_seconds())
CHANNELS = {"email": rules.EMAIL, "text": rules.SMS}
REFUSED, PAUSED, GONE = 422, 429, 410

log = structlog.get_logger(__name__)
_under_way: set[asyncio.Task[None]] = set()


@get("/sign-in/by/{way:str}", include_in_schema=False)
async def ask_page(request: PageRequest, way: FromPath[str]) -> Response[Any]:
    """Ask for the address or number that a code should go to."""
    return _ask_page(request, _channel(request, way), Form.blank(next=_next(request.query_params.get("next", ""))))


@post("/sign-in/by/{way:str}", include_in_schema=False)
async def ask(request: PageRequest, way: FromPath[str]) -> Response[Any]:
    """Send a code, if the address is known; the next page is the same either way."""
    channel, form = _channel(request, way), await forms.read(request)
    asked = await service.ask(database(request), channel, form.text("address"), device_of(request), now=now(request))
    if isinstance(asked, list):
        return _ask_page(request, channel, form.refused(asked))
    _send(request, channel, asked)
    response = redirect(request, f"/sign-in/code{_with_next(form)}")
    response.set_cookie(_ask_cookie(request, asked.secret, ASK_SECONDS))
    return response


@get("/sign-in/code", include_in_schema=False)
async def code_page(request: PageRequest) -> Response[Any]:
    """Ask for the code that was sent."""
    if not request.cookies.get(ASK_COOKIE):
        return redirect(request, "/sign-in")
    return _code_page(request, Form.blank(next=_next(request.query_params.get("next", ""))))


@post("/sign-in/code", include_in_schema=False)
async def use_code(request: PageRequest) -> Response[Any]:
    """Check the code; begin the session, or ask whose hours to see where a family shares an address."""
    form = await forms.read(request)
    proved = await service.prove_by_code(
        database(request), request.cookies.get(ASK_COOKIE, ""), form.text("code"), now=now(request)
    )
    return await _after_proof(request, form, proved)


@get("/sign-in/mail/{link:str}", include_in_schema=False)
async def mail_page(request: PageRequest, link: FromPath[str]) -> Response[Any]:
    """The link of an e-mail: a button in the browser that asked, and elsewhere the advice to type the code there."""
    secret = request.cookies.get(ASK_COOKIE, "")
    is_here = await service.is_from_here(database(request), secret, link, now=now(request))
    return render(request, "signin/mail.html", headers={**NO_STORE, **NO_REFERRER}, is_here=is_here, link=link)


@post("/sign-in/mail/{link:str}", include_in_schema=False)
async def use_mail(request: PageRequest, link: FromPath[str]) -> Response[Any]:
    """The button behind the link; it works in the browser that asked and nowhere else."""
    form = await forms.read(request)
    secret = request.cookies.get(ASK_COOKIE, "")
    proved = await service.prove_by_link(database(request), secret, link, now=now(request))
    if proved and isinstance(proved[0], Refusal):
        headers = {**NO_STORE, **NO_REFERRER}
        return render(request, "signin/mail.html", GONE, headers=headers, is_here=False, link=link)
    return await _after_proof(request, form, proved)


@get("/sign-in/whose", include_in_schema=False)
async def whose_page(request: PageRequest) -> Response[Any]:
    """Whose hours to see, where several people share an address."""
    found = await service.choices(database(request), request.cookies.get(ASK_COOKIE, ""), now=now(request))
    if not found:
        return redirect(request, "/sign-in")
    wanted = _next(request.query_params.get("next", ""))
    return render(request, "signin/whose.html", form=Form.blank(next=wanted), headers=NO_STORE, found=found)


@post("/sign-in/whose", include_in_schema=False)
async def choose_whose(request: PageRequest) -> Response[Any]:
    """Begin the session of the one who was chosen."""
    form = await forms.read(request)
    bank, _, member = form.text("who").partition("/")
    if not (bank.isdecimal() and member.isdecimal()):
        return redirect(request, "/sign-in/whose")
    return await _enter(request, form, int(bank), int(member))


@get("/confirm", guards=[signed_in], include_in_schema=False)
async def confirm_page(request: PageRequest) -> Response[Any]:
    """Before a change that a thief would make: say once more who you are."""
    wanted = _next(request.query_params.get("next", ""))
    response: Response[Any] = await _confirm_page(request, Form.blank(next=wanted))
    if wanted:
        response.set_cookie(next_cookie(settings(request), wanted))  # whoever shows their card comes back too
    return response


@post("/confirm/{way:str}", guards=[signed_in], include_in_schema=False)
async def send_confirmation(request: PageRequest, way: FromPath[str]) -> Response[Any]:
    """Send a code to the member's own address, as it is on record."""
    channel, form, person = _channel(request, way), await forms.read(request), viewer(request).actor
    own = await _own_addresses(request)
    asked = await service.ask(
        database(request), channel, own.get(channel, ""), device_of(request), actor=person, now=now(request)
    )
    if isinstance(asked, list):
        return await _confirm_page(request, form.refused(asked))
    _send(request, channel, asked)
    response: Response[Any] = await _confirm_page(request, form, is_sent=True)
    response.set_cookie(_ask_cookie(request, asked.secret, ASK_SECONDS))
    return response


@post("/confirm", guards=[signed_in], include_in_schema=False)
async def confirm(request: PageRequest) -> Response[Any]:
    """Check the code, and lead back to what was wanted."""
    form = await forms.read(request)
    refusals = await service.confirm(
        database(request),
        viewer(request).actor,
        request.cookies.get(ASK_COOKIE, ""),
        form.text("code"),
        session_token(request),
        now=now(request),
    )
    if refusals:
        return await _confirm_page(request, form.refused(refusals), is_sent=True)
    response = redirect(request, _next(form.text("next")) or "/me", notice=say("Thank you. Now go on."))
    response.set_cookie(_ask_cookie(request, "", 0))
    return response


async def _after_proof(request: PageRequest, form: Form, proved: list[Reached] | list[Refusal]) -> Response[Any]:
    refusals = [one for one in proved if isinstance(one, Refusal)]
    found = [one for one in proved if isinstance(one, Reached)]
    if refusals or not found:
        # A right code for an address that nobody has cannot be: nothing was sent.
        return _code_page(request, form.refused(refusals or [rules.NO_MORE]))
    if len(found) == 1:
        return await _enter(request, form, found[0].timebank_id, found[0].member_id)
    response = redirect(request, f"/sign-in/whose{_with_next(form)}")
    if form.has("borrowed"):
        response.set_cookie(_borrowed_cookie(request, ASK_SECONDS))
    return response


async def _enter(request: PageRequest, form: Form, timebank_id: int, member_id: int) -> Response[Any]:
    started = await service.enter(
        database(request),
        request.cookies.get(ASK_COOKIE, ""),
        timebank_id,
        member_id,
        device_of(request),
        is_remembered=not (form.has("borrowed") or BORROWED_COOKIE in request.cookies),
        replaces=session_token(request),
        now=now(request),
    )
    if started is None:
        return redirect(request, "/sign-in", notice=str(rules.NO_MORE.message))
    response: Response[Any] = redirect(request, _next(form.text("next")) or home_page(started.roles))
    response.set_cookie(session_cookie(settings(request), started))
    response.set_cookie(_ask_cookie(request, "", 0))
    if BORROWED_COOKIE in request.cookies:
        response.set_cookie(_borrowed_cookie(request, 0))
    response.headers.update(NO_STORE)
    return response


def _send(request: PageRequest, channel: str, asked: Asked) -> None:
    """Send the code while the answer is already on its way: how long that takes says nothing about the address."""
    for address, one in {one.address: one for one in asked.reached}.items():
        task = asyncio.create_task(_hand_over(request, channel, asked, address, one))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)


async def _hand_over(request: PageRequest, channel: str, asked: Asked, address: str, one: Reached) -> None:
    configuration, language = settings(request), reading_of(request).language
    code = asked.codes[address]
    spoken = f"{code[:3]} {code[3:]}"
    parts = [say("Your code is {code}.", code=spoken), say("It works for 15 minutes.")]
    if asked.link:
        parts.append(say("Or open this link on the same phone or computer:"))
    said = [languages.translate(part, language) for part in parts]
    if asked.link:
        said.append(f"{configuration.base_url}/sign-in/mail/{asked.link}")
    said.append(languages.translate(say("If you did not ask for it, do nothing."), language))
    was_sent = await hand_over(
        database(request),
        configuration,
        timebank_id=one.timebank_id,
        member_id=one.member_id,
        channel=channel,
        to=address,
        subject=said[0],
        text="\n\n".join(said) + "\n" if channel == rules.EMAIL else " ".join(said),
        now=now(request),
    )
    if not was_sent:
        log.warning("a code to sign in with could not be sent", channel=channel)


def _ask_page(request: PageRequest, channel: str, form: Form) -> Response[Any]:
    is_paused = any(one.code == rules.PAUSED.code for one in form.refusals)
    status = PAUSED if is_paused else REFUSED if form.refusals else 200
    way = next(way for way, known in CHANNELS.items() if known == channel)
    return render(request, "signin/ask.html", status, form=form, headers=NO_STORE, channel=channel, way=way)


def _code_page(request: PageRequest, form: Form) -> Response[Any]:
    return render(request, "signin/code.html", REFUSED if form.refusals else 200, form=form, headers=NO_STORE)


async def _confirm_page(request: PageRequest, form: Form, *, is_sent: bool = False) -> Response[Any]:
    own = await _own_addresses(request)
    has_passkey = bool(await passkeys.passkeys_of(database(request), viewer(request).actor))
    channels = [way for way, channel in CHANNELS.items() if channel in own and is_set_up(request, channel)]
    status = REFUSED if form.refusals else 200
    return render(
        request,
        "signin/confirm.html",
        status,
        form=form,
        headers=NO_STORE,
        channels=channels,
        is_sent=is_sent,
        has_passkey=has_passkey,
        with_next=_with_next(form),
    )


async def _own_addresses(request: PageRequest) -> dict[str, str]:
    """Where the viewer can be reached, as it is on record."""
    person = viewer(request).actor
    async with database(request).reading(person.timebank_id) as connection:
        return await queries.addresses_of(connection, person.timebank_id, person.member_id or 0)


def is_set_up(request: PageRequest, channel: str) -> bool:
    """True when this deployment can send by a channel."""
    configuration = settings(request)
    return bool(configuration.smtp_url if channel == rules.EMAIL else configuration.sms_url)


def _channel(request: PageRequest, way: str) -> str:
    channel = CHANNELS.get(way)
    if channel is None or not is_set_up(request, channel):
        raise NotFoundException
    return channel


def _with_next(form: Form) -> str:
    wanted = _next(form.text("next"))
    return f"?next={quote(wanted, safe='/')}" if wanted else ""


def _ask_cookie(request: PageRequest, secret: str, seconds: int) -> Cookie:
    return _cookie(request, ASK_COOKIE, secret, seconds)


def _borrowed_cookie(request: PageRequest, seconds: int) -> Cookie:
    return _cookie(request, BORROWED_COOKIE, "yes" if seconds else "", seconds)


def _cookie(request: PageRequest, name: str, value: str, seconds: int) -> Cookie:
    # Lax: the link of an e-mail comes from another site, and the button behind it must find the secret.
    secure = settings(request).is_https
    return Cookie(key=name, value=value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")


def _next(path: str) -> str:
    """The page somebody wanted to see, if it is one of ours; else empty."""
    is_ours = len(path) <= MAX_NEXT_CHARACTERS and is_local_path(path) and not path.startswith(("/sign-", "/confirm"))
    return path if is_ours else ""


ROUTES = [
    ask_page,
    ask,
    code_page,
    use_code,
    mail_page,
    use_mail,
    whose_page,
    choose_whose,
    confirm_page,
    send_confirmation,
    confirm,
    *web_passkeys.ROUTES,
]
