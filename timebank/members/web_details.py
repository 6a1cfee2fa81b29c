"""Pages for what is known of people: adding one, changing one, and a member's own "About me"."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.kit.actor import ADMIN, COORDINATOR
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import details, queries, rules, service
from timebank.members.about import about
from timebank.members.details import ChangeDetails
from timebank.members.queries import MemberRecord
from timebank.members.rules import DETAIL_WORDS, DETAILS, OWN_DETAILS, Details
from timebank.signin.confirming import confirmed
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]

REFUSED = 422
FOR_COORDINATORS = [requires_role(COORDINATOR)]
BEFORE = "was-"  # what a field held when the form was shown


@get("/members/new", guards=FOR_COORDINATORS, include_in_schema=False)
async def new_member(request: PageRequest) -> Response[Any]:
    """The form for a new member."""
    person = viewer(request)
    day = today(now(request), person.time_zone)
    blank = Details(display_name="")
    form = Form.blank(kind="person", **_texts(blank), **forms.date_fields("joined_on", day))
    return await _new_member_page(request, form)


@post("/members/new", guards=FOR_COORDINATORS, include_in_schema=False)
async def add_member(request: PageRequest) -> Response[Any]:
    """Add the member, or show the form again with what to put right."""
    form = await forms.read(request)
    typed = _typed(form, DETAILS)
    joined_on = form.date("joined_on")
    if isinstance(joined_on, Refusal):
        return await _new_member_page(request, form.refused([*rules.check_details(typed), joined_on]))
    command = service.AddMember(
        **_texts(typed),
        kind=form.text("kind") or "person",
        contact_member_id=await member_chosen(request, form.text("contact_member_id")),
        joined_on=joined_on,
        roles=form.all("roles"),
        name_may_repeat=form.has("name_may_repeat"),
    )
    added = await service.add(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(added, list):
        return await _new_member_page(request, form.refused(added))
    return redirect(
        request, f"/members/{added.member_id}", notice=f"They are a member now. Their number is {added.number}."
    )


@get("/members/{member_id:int}/change", guards=FOR_COORDINATORS, include_in_schema=False)
async def change_page(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """The form with a member's details as they are."""
    member = await member_of(request, member_id)
    return _change_page(request, member, _filled(member, DETAILS))


@post("/members/{member_id:int}/change", guards=FOR_COORDINATORS, include_in_schema=False)
async def change_member(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Keep what was changed, or show the form again: also when somebody else was quicker."""
    await member_of(request, member_id)
    return await _change(request, member_id, DETAILS, f"/members/{member_id}")


@get("/me", guards=[signed_in], include_in_schema=False)
async def about_me(request: PageRequest) -> Response[Any]:
    """What the time bank knows of me, what I agreed to, and who may act for me."""
    person = viewer(request).actor
    member = await member_of(request, person.subject_id or 0)
    day = today(now(request), viewer(request).time_zone)
    async with database(request).reading(person.timebank_id) as connection:
        known = await about(connection, person.timebank_id, member)
    return render(
        request,
        "members/me.html",
        member=member,
        consents=known.consents,
        supporters=[one for one in known.supporters if one.ends_on is None or one.ends_on >= day],
        supported=[one for one in known.supported if one.ends_on is None or one.ends_on >= day],
        groups=known.groups,
        may_change=details.may_change(person, member),
    )


@get("/me/change", guards=[confirmed], include_in_schema=False)
async def change_me_page(request: PageRequest) -> Response[Any]:
    """The form with my own details."""
    member = await _me(request)
    return _change_page(request, member, _filled(member, OWN_DETAILS), is_self=True)


@post("/me/change", guards=[confirmed], include_in_schema=False)
async def change_me(request: PageRequest) -> Response[Any]:
    """Keep what I changed."""
    member = await _me(request)
    return await _change(request, member.id, OWN_DETAILS, "/me", is_self=True)


async def member_of(request: PageRequest, member_id: int) -> MemberRecord:
    """The member an address names; 404 for one who has left and for anybody else's id, whether it exists or not."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        member = await queries.by_id(connection, timebank_id, member_id)
    if member is None or member.status == "left":
        raise NotFoundException
    return member


async def member_chosen(request: PageRequest, typed: str) -> int | None:
    """The member that a field names (see ``queries.chosen``); None for an empty field, 0 when nobody is meant."""
    if not typed:
        return None
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.chosen(connection, timebank_id, typed)
    return found.id if found else 0


async def choices(request: PageRequest) -> list[str]:
    """The members that a field offers: ``Name (number)``."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        known = await queries.choices(connection, timebank_id)
    return [f"{member.display_name} ({member.number})" for member in known]


async def _me(request: PageRequest) -> MemberRecord:
    """The viewer's own record; acting for somebody is no way to change theirs."""
    person = viewer(request).actor
    member = await member_of(request, person.subject_id or 0)
    if not details.may_change(person, member):
        raise NotFoundException
    return member


async def _change(
    request: PageRequest, member_id: int, fields: Sequence[str], back: str, *, is_self: bool = False
) -> Response[Any]:
    form = await forms.read(request)
    changes = {name: form.text(name) for name in fields if form.text(name) != form.text(BEFORE + name)}
    command = ChangeDetails(
        member_id=member_id,
        revision=typed_revision(form),
        changes=changes,
    )
    try:
        changed = await details.change(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if not isinstance(changed, list):
        return redirect(request, back, notice=say("Saved.") if changed.changed else say("Nothing was different."))
    member = await member_of(request, member_id)
    form = form.refused(changed)
    meanwhile: list[tuple[str, str, str]] = []
    if any(refusal.code == "changed_meanwhile" for refusal in changed):
        meanwhile = _meanwhile(form, member, fields)
        form = _merged(form, member, fields, changes)
    return _change_page(
        request, member, form, is_self=is_self, meanwhile=meanwhile, changed_by=await changed_by(request, member_id)
    )


def typed_revision(form: Form) -> int:
    """The revision that a form was made from; 0, which is none, when it says nothing readable."""
    revision = form.text("revision")
    return int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else 0


def _meanwhile(form: Form, member: MemberRecord, fields: Sequence[str]) -> list[tuple[str, str, str]]:
    """What somebody else changed since the form was shown: the field, what it was, what it is now."""
    return [
        (
            DETAIL_WORDS[name],
            rules.shown_detail(name, form.text(BEFORE + name)),
            rules.shown_detail(name, getattr(member, name)),
        )
        for name in fields
        if form.text(BEFORE + name) != _as_sent(getattr(member, name))
    ]


def _merged(form: Form, member: MemberRecord, fields: Sequence[str], changes: dict[str, str]) -> Form:
    """The form as typed, with what somebody else changed put in where nothing was typed."""
    kept = _filled(member, fields).fields
    typed = {name: (value,) for name, value in changes.items()}
    return replace(form, fields={**form.fields, **kept, **typed})


async def changed_by(request: PageRequest, member_id: int) -> details.LastChange | None:
    """Who changed a member's record last, and when."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        return await details.last_change(connection, timebank_id, member_id)


def _filled(member: MemberRecord, fields: Sequence[str]) -> Form:
    kept = {name: str(getattr(member, name)) for name in fields}
    before = {BEFORE + name: value for name, value in kept.items()}
    return Form.blank(**kept, **before, revision=member.revision)


def _as_sent(value: str) -> str:
    return value.strip()


def _typed(form: Form, fields: Sequence[str]) -> Details:
    chosen = {"contact_route": "none", "language": "en", "format_preference": "screen"}
    return Details(**{name: form.text(name) or chosen.get(name, "") for name in fields})


def _texts(typed: Details) -> dict[str, Any]:
    return {name: getattr(typed, name) for name in DETAILS}


def _options() -> dict[str, Any]:
    return {
        "contact_routes": list(rules.CONTACT_ROUTES.items()),
        "languages": list(rules.LANGUAGES.items()),
        "formats": list(rules.FORMATS.items()),
    }


def _change_page(
    request: PageRequest,
    member: MemberRecord,
    form: Form,
    *,
    is_self: bool = False,
    meanwhile: Sequence[tuple[str, str, str]] = (),
    changed_by: details.LastChange | None = None,
) -> Response[Any]:
    return render(
        request,
        "members/change.html",
        REFUSED if form.refusals else 200,
        form=form,
        member=member,
        is_self=is_self,
        before=[BEFORE + name for name in (OWN_DETAILS if is_self else DETAILS)],
        meanwhile=meanwhile,
        changed_by=changed_by,
        **_options(),
    )


async def _new_member_page(request: PageRequest, form: Form) -> Response[Any]:
    return render(
        request,
        "members/new.html",
        REFUSED if form.refusals else 200,
        form=form,
        kinds=list(rules.KINDS.items()),
        roles=list(rules.ROLE_WORDS.items()) if viewer(request).has_role(ADMIN) else [],
        choices=await choices(request),
        asks_about_name=any(refusal.field == "name_may_repeat" for refusal in form.refusals),
        **_options(),
    )


ROUTES: list[Any] = [new_member, add_member, change_page, change_member, about_me, change_me_page, change_me]
