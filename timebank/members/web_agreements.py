"""Pages for what was agreed with a member: consents, supporters, groups, roles."""

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.kit.actor import ADMIN, COORDINATOR
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark, say
from timebank.members import consents, details, groups, queries, roles, rules, supporters
from timebank.members.access import note_access
from timebank.members.consents import AddTopic, Decide
from timebank.members.groups import JoinGroup, LeaveGroup, SetContact
from timebank.members.roles import SetRoles
from timebank.members.supporters import AddSupporter
from timebank.members.web_details import choices, member_chosen, member_of
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]

REFUSED = 422
FOR_COORDINATORS = [requires_role(COORDINATOR)]
HOW_TOLD = [("in_person", "In person"), ("phone", "By phone"), ("letter", "By letter")]


# Consents -----------------------------------------------------------------------------------------------------------


@get("/members/{member_id:int}/consents", guards=FOR_COORDINATORS, include_in_schema=False)
async def consents_page(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """What a member agreed to, every answer there was, and a form for a new one."""
    form = Form.blank(**forms.date_fields("decided_on", _today(request)))
    await note_access(
        database(request), viewer(request).actor, (await member_of(request, member_id)).id,
        mark("looked at your consents"), now=now(request),
    )  # fmt: skip
    return await _consents_page(request, member_id, form)


@post("/members/{member_id:int}/consents", guards=FOR_COORDINATORS, include_in_schema=False)
async def decide(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down what a member said."""
    await member_of(request, member_id)
    form = await forms.read(request)
    decided_on = form.date("decided_on")
    answer = form.text("answer")
    refusals = [decided_on] if isinstance(decided_on, Refusal) else []
    if answer not in ("given", "withdrawn"):
        refusals.insert(0, Refusal("answer_missing", "Say what they decided.", "answer"))
    if refusals or isinstance(decided_on, Refusal):
        return await _consents_page(request, member_id, form.refused(refusals))
    command = Decide(
        member_id=member_id,
        topic=form.text("topic"),
        is_given=answer == "given",
        decided_on=decided_on,
        how=form.text("how"),
    )
    done = await consents.decide(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _consents_page(request, member_id, form.refused(done))
    return redirect(request, f"/members/{member_id}/consents", notice="Written down. They are told.")


@post("/me/consents", guards=[signed_in], include_in_schema=False)
async def decide_myself(request: PageRequest) -> Response[Any]:
    """Agree to something, or withdraw it at once."""
    form = await forms.read(request)
    person = viewer(request).actor
    command = Decide(
        member_id=person.subject_id or 0,
        topic=form.text("topic"),
        is_given=form.text("answer") == "given",
        decided_on=_today(request),
        how="online",
    )
    try:
        done = await consents.decide(database(request), person, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return redirect(request, "/me", notice=done[0].message)
    return redirect(
        request, "/me", notice=say("Thank you. We will do as you say.") if done.is_new else say("That was so already.")
    )


@get("/members/consents/new", guards=FOR_COORDINATORS, include_in_schema=False)
async def new_topic(request: PageRequest) -> Response[Any]:
    """The form for something more to ask members."""
    return await _topic_page(request, Form.blank(kind="partner"))


@post("/members/consents/new", guards=FOR_COORDINATORS, include_in_schema=False)
async def add_topic(request: PageRequest) -> Response[Any]:
    """Ask members something more from now on."""
    form = await forms.read(request)
    command = AddTopic(kind=form.text("kind"), title=form.text("title"), explanation=form.text("explanation"))
    done = await consents.add_topic(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _topic_page(request, form.refused(done))
    return redirect(request, "/members/consents/new", notice="Members are asked this from now on.")


async def _topic_page(request: PageRequest, form: Form) -> Response[Any]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        topics = await consents.topics(connection, timebank_id)
    return render(request, "members/topic.html", REFUSED if form.refusals else 200, form=form, topics=topics)


async def _consents_page(request: PageRequest, member_id: int, form: Form) -> Response[Any]:
    member = await member_of(request, member_id)
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        agreed = await consents.consents(connection, timebank_id, member_id)
    return render(
        request,
        "members/consents.html",
        REFUSED if form.refusals else 200,
        form=form,
        member=member,
        consents=agreed,
        topics=[("", "Choose")] + [(one.topic.code, one.topic.title) for one in agreed.standing],
        how_told=HOW_TOLD,
    )


# Supporters ---------------------------------------------------------------------------------------------------------


@get("/members/{member_id:int}/supporters", guards=FOR_COORDINATORS, include_in_schema=False)
async def supporters_page(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Who acts for a member, who did, and a form for one more."""
    day = _today(request)
    form = Form.blank(**forms.date_fields("starts_on", day), **forms.date_fields("agreed_on", day))
    await note_access(
        database(request), viewer(request).actor, (await member_of(request, member_id)).id,
        mark("looked at your supporters"), now=now(request),
    )  # fmt: skip
    return await _supporters_page(request, member_id, form, is_self=False)


@post("/members/{member_id:int}/supporters", guards=FOR_COORDINATORS, include_in_schema=False)
async def add_supporter(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down that a member lets somebody act for them."""
    await member_of(request, member_id)
    return await _add_supporter(request, member_id, is_self=False)


@get("/me/supporters", guards=[signed_in], include_in_schema=False)
async def my_supporters_page(request: PageRequest) -> Response[Any]:
    """Who acts for me, and a form for one more."""
    member_id = await _self(request)
    form = Form.blank(**forms.date_fields("starts_on", _today(request)))
    return await _supporters_page(request, member_id, form, is_self=True)


@post("/me/supporters", guards=[signed_in], include_in_schema=False)
async def add_my_supporter(request: PageRequest) -> Response[Any]:
    """Let somebody act for me."""
    return await _add_supporter(request, await _self(request), is_self=True)


@post("/supporters/{supporter_id:int}/end", guards=[signed_in], include_in_schema=False)
async def end_supporter(request: PageRequest, supporter_id: FromPath[int]) -> Response[Any]:
    """End an agreement at once: mine, or that of a member who asked for it."""
    form = await forms.read(request)
    person = viewer(request).actor
    try:
        done = await supporters.end_supporter(database(request), person, supporter_id, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        raise NotFoundException
    is_staff = form.text("back") == "record" and person.has(COORDINATOR)
    back = f"/members/{done.member_id}/supporters" if is_staff else "/me"
    return redirect(request, back, notice=say("That has ended."))


async def _add_supporter(request: PageRequest, member_id: int, *, is_self: bool) -> Response[Any]:
    form = await forms.read(request)
    starts_on, agreed_on = form.date("starts_on"), _today(request) if is_self else form.date("agreed_on")
    has_end = any(form.text(f"ends_on-{part}") for part in ("day", "month", "year"))
    ends_on = form.date("ends_on") if has_end else None
    refusals = [found for found in (starts_on, ends_on, agreed_on) if isinstance(found, Refusal)]
    if isinstance(starts_on, Refusal) or isinstance(ends_on, Refusal) or isinstance(agreed_on, Refusal):
        return await _supporters_page(request, member_id, form.refused(refusals), is_self=is_self)
    typed = form.text("supporter")
    by = await member_chosen(request, typed)
    # On their own page a name is needed: numbers alone would let anybody read who is a member.
    if by == 0 or (is_self and typed.isdecimal()):
        unknown = Refusal(
            "supporter_unknown", "Choose somebody who is a member now, or write their number.", "supporter"
        )
        return await _supporters_page(request, member_id, form.refused([unknown]), is_self=is_self)
    command = AddSupporter(
        member_id=member_id,
        supporter_member_id=by,
        outside_name=form.text("outside_name"),
        outside_contact=form.text("outside_contact"),
        scope=form.all("scope"),
        starts_on=starts_on,
        ends_on=ends_on,
        agreed_how="online" if is_self else form.text("agreed_how"),
        agreed_on=agreed_on,
    )
    done = await supporters.add_supporter(
        database(request), viewer(request).actor, command, key=form.key, now=now(request)
    )
    if isinstance(done, list):
        return await _supporters_page(request, member_id, form.refused(done), is_self=is_self)
    back = "/me" if is_self else f"/members/{member_id}/supporters"
    return redirect(request, back, notice="Written down. Both are told.")


async def _supporters_page(request: PageRequest, member_id: int, form: Form, *, is_self: bool) -> Response[Any]:
    member = await member_of(request, member_id)
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await supporters.supporters_of(connection, timebank_id, member_id)
    day = _today(request)
    return render(
        request,
        "members/supporters.html",
        REFUSED if form.refusals else 200,
        form=form,
        member=member,
        is_self=is_self,
        now=[one for one in found if one.ended_at is None and (one.ends_on is None or one.ends_on >= day)],
        earlier=[one for one in found if one.ended_at is not None or (one.ends_on is not None and one.ends_on < day)],
        scopes=list(supporters.SCOPES.items()),
        how_told=HOW_TOLD,
        # On their own page people write a name that they know: the list of all members is not theirs to read.
        choices=[] if is_self else await choices(request),
    )


# Groups -------------------------------------------------------------------------------------------------------------


@get("/members/{member_id:int}/people", guards=FOR_COORDINATORS, include_in_schema=False)
async def people_page(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Who belongs to a group, and whom to speak to about it."""
    return await _people_page(request, member_id, Form.blank(**forms.date_fields("from_on", _today(request))))


@post("/members/{member_id:int}/people", guards=FOR_COORDINATORS, include_in_schema=False)
async def join_group(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down that somebody belongs to the group."""
    form = await forms.read(request)
    chosen = await member_chosen(request, form.text("member")) or 0
    from_on = form.date("from_on")
    if isinstance(from_on, Refusal):
        return await _people_page(request, member_id, form.refused([from_on]))
    command = JoinGroup(group_id=member_id, member_id=chosen, from_on=from_on)
    done = await _of_group(
        groups.join_group(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    )
    if isinstance(done, list):
        return await _people_page(request, member_id, form.refused(done))
    notice = "They belong to the group." if done.is_new else "They belonged to it already."
    return redirect(request, f"/members/{member_id}/people", notice=notice)


@post("/members/{member_id:int}/people/leave", guards=FOR_COORDINATORS, include_in_schema=False)
async def leave_group(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down that somebody belongs to the group no longer, from today."""
    form = await forms.read(request)
    typed = form.text("belonging")
    if not (typed.isascii() and typed.isdecimal() and len(typed) <= 18):
        raise NotFoundException
    command = LeaveGroup(group_id=member_id, belonging_id=int(typed), until_on=_today(request))
    done = await _of_group(
        groups.leave_group(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    )
    if isinstance(done, list):
        return await _people_page(request, member_id, form.refused(done))
    return redirect(request, f"/members/{member_id}/people", notice="They no longer belong to the group.")


@post("/members/{member_id:int}/people/contact", guards=FOR_COORDINATORS, include_in_schema=False)
async def set_contact(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Say whom to speak to about the group."""
    form = await forms.read(request)
    command = SetContact(group_id=member_id, member_id=await member_chosen(request, form.text("contact")))
    done = await _of_group(
        groups.set_contact(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    )
    if isinstance(done, list):
        refusals = [Refusal(found.code, found.message, "contact") for found in done]
        return await _people_page(request, member_id, form.refused(refusals))
    return redirect(request, f"/members/{member_id}/people", notice="Saved.")


async def _of_group(use_case: Any) -> groups.GroupChanged | list[Refusal]:
    try:
        done: groups.GroupChanged | list[Refusal] = await use_case
    except LookupError as error:
        raise NotFoundException from error
    return done


async def _people_page(request: PageRequest, group_id: int, form: Form) -> Response[Any]:
    group = await member_of(request, group_id)
    if group.kind == "person":
        raise NotFoundException
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        people = await groups.people_in(connection, timebank_id, group_id)
        contact = await queries.by_id(connection, timebank_id, group.contact_member_id or 0)
    return render(
        request,
        "members/people.html",
        REFUSED if form.refusals else 200,
        form=form,
        group=group,
        contact=contact,
        people=[one for one in people if one.until_on is None],
        earlier=[one for one in people if one.until_on is not None],
        choices=await choices(request),
    )


# Roles --------------------------------------------------------------------------------------------------------------


@get("/members/{member_id:int}/roles", guards=[requires_role(ADMIN)], include_in_schema=False)
async def roles_page(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """The roles of a member, to give and take away."""
    member = await member_of(request, member_id)
    return await _roles_page(request, member_id, Form.blank(roles=member.roles))


@post("/members/{member_id:int}/roles", guards=[requires_role(ADMIN)], include_in_schema=False)
async def set_roles(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Give a member exactly the ticked roles."""
    await member_of(request, member_id)
    form = await forms.read(request)
    command = SetRoles(member_id=member_id, roles=form.all("roles"))
    done = await roles.set_roles(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _roles_page(request, member_id, form.refused(done))
    words = rules.role_words(done.roles)
    return redirect(request, f"/members/{member_id}", notice=f"They take part as: {words}.")


async def _roles_page(request: PageRequest, member_id: int, form: Form) -> Response[Any]:
    member = await member_of(request, member_id)
    if member.kind != "person":
        raise NotFoundException
    return render(
        request,
        "members/roles.html",
        REFUSED if form.refusals else 200,
        form=form,
        member=member,
        roles=list(rules.ROLE_WORDS.items()),
    )


def _today(request: PageRequest) -> date:
    return today(now(request), viewer(request).time_zone)


async def _self(request: PageRequest) -> int:
    """The viewer, when they are on their own pages: acting for somebody is no way to name a supporter."""
    person = viewer(request).actor
    member = await member_of(request, person.subject_id or 0)
    if not details.may_change(person, member):
        raise NotFoundException
    return member.id


ROUTES: list[Any] = [
    consents_page, decide, decide_myself, new_topic, add_topic,
    supporters_page, add_supporter, my_supporters_page, add_my_supporter, end_supporter,
    people_page, join_group, leave_group, set_contact,
    roles_page, set_roles,
]  # fmt: skip
