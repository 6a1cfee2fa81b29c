"""Pages for how somebody likes it: “How I like it” for members, and how to read pages for everybody."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank import languages
from timebank.kit.actor import COORDINATOR
from timebank.kit.words import mark, say
from timebank.members import choices, details, rules
from timebank.members.choices import CHOICES, ChangeChoices, KeptChoices
from timebank.members.queries import MemberRecord
from timebank.members.web_details import BEFORE, changed_by, member_of, typed_revision
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import is_local_path, redirect, render
from timebank.web.reading import Reading, cookie, offered, reading_of
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]
REFUSED = 422
YES_OR_NO = ("easy_read", "large_text", "statement_checks")
HOURS = ("quiet_from", "quiet_until")
QUESTIONS: Mapping[str, str] = {
    "contact_route": mark("How may we send you messages?"),
    "language": mark("Language"),
    "format_preference": mark("How do you like to read?"),
    "easy_read": mark("Easy Read"),
    "large_text": mark("Larger text"),
    "hours_shown": mark("What should we show first?"),
    "skills_shown_to": mark("Who may see what I can share?"),
    "statement_checks": mark("Others may check my printed statement"),
    "quiet_from": mark("Quiet from"),
    "quiet_until": mark("Quiet until"),
}
UNREADABLE = -1  # an hour that is none: the rules say so


@get("/reading", include_in_schema=False)
async def reading_page(request: PageRequest) -> Response[Any]:
    """How to read the pages, for everybody, signed in or not."""
    chosen = reading_of(request)
    form = Form.blank(
        easy="yes" if chosen.is_easy else None,
        large="yes" if chosen.is_large else None,
        language=chosen.language,
        back=request.query_params.get("back", ""),
    )
    return render(
        request,
        "web/reading.html",
        form=form,
        languages=[(one.code, one.name, "", one.code) for one in offered(request)],
    )


@post("/reading", include_in_schema=False)
async def read_like_this(request: PageRequest) -> Response[Any]:
    """Keep it with the member's record or in a cookie, and go back to where they were.

    A button sends one thing; the form of :func:`reading_page` sends ``all``, where a box that is not ticked is a no.
    """
    form = await forms.read(request)
    before, is_all = reading_of(request), form.has("all")
    after = Reading(
        language=_language(request, form.text("language"), before.language),
        is_easy=_is_on(form, "easy", is_all, before.is_easy),
        is_large=_is_on(form, "large", is_all, before.is_large),
    )
    person = viewer(request)
    if person.is_signed_in:
        await choices.read_like_this(
            database(request),
            person.actor,
            easy_read=after.is_easy,
            large_text=after.is_large,
            # Who speaks a language that we have no pages in keeps it until they choose one of ours.
            language=after.language if after.language != before.language else None,
        )
    back = form.text("back")
    answer: Response[Any] = redirect(request, back if is_local_path(back) else "/")
    answer.set_cookie(cookie(request, after, is_kept=person.is_signed_in))
    return answer


@get("/me/choices", guards=[signed_in], include_in_schema=False)
async def my_choices(request: PageRequest) -> Response[Any]:
    """The form with my own choices."""
    member = await _me(request)
    form = _filled(await _kept(request, member.id))
    # What was chosen before signing in is shown as chosen, and kept with the rest.
    reading = reading_of(request)
    chosen = {"easy_read": ("yes",) if reading.is_easy else (), "large_text": ("yes",) if reading.is_large else ()}
    shown = {name: value for name, value in {**form.fields, **chosen}.items() if value}
    return await _page(request, member, replace(form, fields=shown), is_self=True)


@post("/me/choices", guards=[signed_in], include_in_schema=False)
async def change_my_choices(request: PageRequest) -> Response[Any]:
    """Keep what I changed."""
    member = await _me(request)
    return await _change(request, member, "/me/choices", is_self=True)


@get("/members/{member_id:int}/choices", guards=[requires_role(COORDINATOR)], include_in_schema=False)
async def choices_for(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """The form with the choices of a member who tells a coordinator."""
    member = await member_of(request, member_id)
    return await _page(request, member, _filled(await _kept(request, member.id)), is_self=False)


@post("/members/{member_id:int}/choices", guards=[requires_role(COORDINATOR)], include_in_schema=False)
async def change_choices_for(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Keep what the member asked for; they are told."""
    member = await member_of(request, member_id)
    return await _change(request, member, f"/members/{member.id}/choices", is_self=False)


async def _change(request: PageRequest, member: MemberRecord, back: str, *, is_self: bool) -> Response[Any]:
    form = await forms.read(request)
    typed = {name: form.text(name) for name in CHOICES if form.text(name) != form.text(BEFORE + name)}
    command = ChangeChoices(
        member_id=member.id,
        revision=typed_revision(form),
        changes={name: _value(name, text) for name, text in typed.items()},
    )
    try:
        done = await choices.change(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if not isinstance(done, list):
        return _kept_answer(request, back, done, is_self=is_self)
    meanwhile: list[tuple[str, str, str]] = []
    # What a channel needs is on another page, so its message stands beside the channel.
    refusals = [one if one.field in (None, *CHOICES) else replace(one, field="contact_route") for one in done]
    if any(one.code == "changed_meanwhile" for one in done):
        kept = _filled(await _kept(request, member.id))
        meanwhile = [
            (QUESTIONS[name], _shown(name, form.text(BEFORE + name)), _shown(name, kept.text(name)))
            for name in CHOICES
            if form.text(BEFORE + name) != kept.text(name)
        ]
        form = replace(form, fields={**kept.fields, **{name: (text,) for name, text in typed.items()}})
    return await _page(request, member, form.refused(refusals), is_self=is_self, meanwhile=meanwhile)


def _kept_answer(request: PageRequest, back: str, kept: KeptChoices, *, is_self: bool) -> Response[Any]:
    """Back to the form with what is kept; a browser of the member's own learns it for after signing out."""
    answer: Response[Any] = redirect(request, back, notice=say("Saved."))
    if is_self:
        spoken = _language(request, kept.language, languages.SOURCE)
        chosen = Reading(language=spoken, is_easy=kept.easy_read, is_large=kept.large_text)
        answer.set_cookie(cookie(request, chosen, is_kept=True))
    return answer


async def _page(
    request: PageRequest,
    member: MemberRecord,
    form: Form,
    *,
    is_self: bool,
    meanwhile: list[tuple[str, str, str]] | None = None,
) -> Response[Any]:
    languages_here = [(one.code, one.name, "", one.code) for one in offered(request)]
    if all(code != member.language for code, *_ in languages_here):
        name = rules.LANGUAGES.get(member.language, member.language)
        languages_here.append((member.language, name, "", languages.SOURCE))
    return render(
        request,
        "members/choices.html",
        REFUSED if form.refusals else 200,
        form=form,
        member=member,
        is_self=is_self,
        meanwhile=meanwhile or [],
        changed_by=await changed_by(request, member.id) if meanwhile else None,
        before=[BEFORE + name for name in CHOICES],
        formats=list(rules.FORMATS.items()),
        contact_routes=list(rules.CONTACT_ROUTES.items()),
        hours_shown=list(choices.HOURS_SHOWN.items()),
        skills_shown_to=list(choices.SKILLS_SHOWN_TO.items()),
        languages=languages_here,
        hours=range(choices.LAST_HOUR + 1),
    )


async def _me(request: PageRequest) -> MemberRecord:
    """The viewer's own record; acting for somebody is no way to change theirs."""
    person = viewer(request).actor
    member = await member_of(request, person.subject_id or 0)
    if not details.may_change(person, member):
        raise NotFoundException
    return member


async def _kept(request: PageRequest, member_id: int) -> KeptChoices:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        try:
            return await choices.choices_of(connection, timebank_id, member_id)
        except LookupError as error:
            raise NotFoundException from error


def _filled(kept: KeptChoices) -> Form:
    texts = {name: _text(name, getattr(kept, name)) for name in CHOICES}
    # A box is there only when it is ticked, as a browser sends it.
    shown = {name: text for name, text in texts.items() if text or name not in YES_OR_NO}
    before = {BEFORE + name: text for name, text in texts.items()}
    return Form.blank(**shown, **before, revision=kept.revision)


def _text(name: str, value: str | bool | int | None) -> str:
    if name in YES_OR_NO:
        return "yes" if value else ""
    return "" if value is None else str(value)


def _value(name: str, text: str) -> str | bool | int | None:
    if name in YES_OR_NO:
        return text == "yes"
    if name not in HOURS:
        return text
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else UNREADABLE


def _shown(name: str, text: str) -> str:
    """A choice as the page says it; the template translates it."""
    if name in YES_OR_NO:
        return mark("Yes") if text else mark("No")
    if name in HOURS:
        return f"{int(text):02d}:00" if text.isdigit() else mark("No quiet time")
    words = {
        "contact_route": rules.CONTACT_ROUTES,
        "language": rules.LANGUAGES,
        "format_preference": rules.FORMATS,
        "hours_shown": choices.HOURS_SHOWN,
        "skills_shown_to": choices.SKILLS_SHOWN_TO,
    }[name]
    return words.get(text, text)


def _language(request: PageRequest, wanted: str, otherwise: str) -> str:
    return wanted if any(wanted == one.code for one in offered(request)) else otherwise


def _is_on(form: Form, name: str, is_all: bool, before: bool) -> bool:
    return form.text(name) == "yes" if is_all or form.has(name) else before


ROUTES: list[Any] = [reading_page, read_like_this, my_choices, change_my_choices, choices_for, change_choices_for]
