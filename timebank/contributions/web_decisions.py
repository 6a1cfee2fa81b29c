"""What waits for a second person: the queue, decided in place, and who decides when an approver is away."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery

from timebank.contributions import deputies, queue, rules, service
from timebank.contributions.choosing import Chooser, labels
from timebank.contributions.deputies import NameDeputy, WithdrawDeputy
from timebank.contributions.queue import Waiting
from timebank.contributions.register_names import KnownMember
from timebank.contributions.service import Decide
from timebank.kit import durations
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.paging import cursor, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

# What an approver most often has to say; the member reads it.
READY = (
    "Please tell us a little more about what you did.",
    "This is here already. Was it another time?",
    "This looks long for that day. Please check it.",
    "Whom did you do this with? We would like to ask them.",
)
MAX_NAMED = 3
MAX_OFFERED = 500  # names that a browser suggests; others are typed in full


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is in the queue: what they look at, and the last entry of the page before."""

    show: queue.Show = "all"
    group_id: int | None = None
    after: int | None = None

    def href(self, *, show: str | None = None, after: int | None = None, at: str = "") -> str:
        """The address of this place, or of the same one with another part of the queue."""
        wanted = {
            "show": show or self.show,
            "group": self.group_id,
            "after": cursor(after) if after else "",
        }
        query = urlencode({name: value for name, value in wanted.items() if value not in ("", None, "all")})
        return "/decisions" + (f"?{query}" if query else "") + (f"#entry-{at}" if at else "")


@get("/decisions", guards=[signed_in])
async def decisions_page(
    request: PageRequest,
    show: FromQuery[str | None] = None,
    group: FromQuery[str | None] = None,
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """What waits for a second person, oldest first, with the reason."""
    return await _decisions_page(request, await _decider(request), _place(show or "", group or "", after or ""))


@post("/decisions/{contribution_id:int}", guards=[signed_in], status_code=303)
async def decide(request: PageRequest, contribution_id: FromPath[int]) -> Response[Any]:
    """Approve or decline one contribution; leads back to the same place of the queue."""
    actor = await _decider(request)
    form = await forms.read(request)
    place = _place(form.text("show"), form.text("group"), form.text("after"))
    ready = form.text("ready")
    reason = READY[int(ready)] if ready in map(str, range(len(READY))) else form.text(f"reason-{contribution_id}")
    command = Decide(
        contribution_id=contribution_id,
        approve=form.text("decision") == "approve",
        reason="" if form.text("decision") == "approve" else reason,
    )
    try:
        decided = await service.decide(database(request), actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(decided, list):
        field = f"reason-{contribution_id}"
        placed = [replace(one, field=field) if one.field else one for one in decided]
        return await _decisions_page(request, actor, place, form.refused(placed))
    words = durations.in_words(decided.minutes)
    notice = f"{words} added." if decided.state == "approved" else f"{words} not added yet. They can read why."
    at = form.text("next")
    return redirect(request, place.href(after=place.after, at=at if at.isdecimal() else ""), notice=notice)


async def _decisions_page(request: PageRequest, actor: Actor, place: Place, form: Form = BLANK) -> Response[str]:
    on = today(now(request), viewer(request).time_zone)
    async with database(request).reading(actor.timebank_id) as connection:
        found = await queue.waiting(
            connection, actor, show=place.show, group_id=place.group_id, after=place.after, limit=queue.PAGE + 1
        )
        counts = await queue.counts(connection, actor)
        groups = await queue.groups_waiting(connection, actor.timebank_id)
        able = await deputies.deciders(connection, actor.timebank_id, on)
        waiting = found[: queue.PAGE]
        others = {one.id: able - {one.member_id, one.recorded_by, actor.member_id} for one in waiting}
        wanted = sorted({member for ids in others.values() for member in sorted(ids)[:MAX_NAMED]})
        name = await members.names(connection, actor.timebank_id, wanted)
    mine = {
        one.id: rules.may_decide(actor, member_id=one.member_id or 0, recorded_by=one.recorded_by) for one in waiting
    }
    return render(
        request,
        "contributions/decisions.html",
        422 if form.refusals else 200,
        form=form,
        waiting=waiting,
        counts=counts,
        groups=groups,
        spot=place,
        after=cursor(place.after) if place.after else "",
        older=place.href(after=waiting[-1].id) if len(found) > queue.PAGE else None,
        next_after=_next_after(waiting),
        refusals=mine,
        others={id_: [name[member] for member in sorted(ids)[:MAX_NAMED]] for id_, ids in others.items()},
        is_coordinator=viewer(request).has_role("coordinator"),
        names_deputies=deputies.decides(viewer(request).actor),
        ready=READY,
        max_reason=rules.MAX_DECISION_REASON,
    )


def _next_after(waiting: list[Waiting]) -> dict[int, int | str]:
    """For each entry the one to come back to: the next, or the top of the page when it was the first."""
    ids = [one.id for one in waiting]
    following = [*ids[1:], *ids[-2:-1]] if len(ids) > 1 else [""]
    return {id_: "" if at == 0 else following[at] for at, id_ in enumerate(ids)}


def _place(show: str, group: str, after: str) -> Place:
    keys = parse_cursor(after) if after else (None,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    group_id = int(group) if group.isascii() and group.isdecimal() and len(group) <= 18 else None
    return Place(show=next((one for one in queue.SHOWS if one == show), "all"), group_id=group_id, after=keys[0])


async def _decider(request: PageRequest) -> Actor:
    """Who decides here: by their role, or as somebody's deputy today."""
    person = viewer(request)
    if deputies.decides(person.actor):
        return person.actor
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await deputies.as_decider(connection, person.actor, today(now(request), person.time_zone))
    if found is None:
        raise PermissionDeniedException
    return found


@get("/decisions/deputies", guards=[signed_in])
async def deputies_page(request: PageRequest) -> Response[str]:
    """Who decides in whose place, and naming a deputy of one's own."""
    return await _deputies_page(request)


@post("/decisions/deputies", guards=[signed_in], status_code=303)
async def name_deputy(request: PageRequest) -> Response[Any]:
    """Name a deputy for some days."""
    actor = _approver(request)
    form = await forms.read(request)
    async with database(request).reading(actor.timebank_id) as connection:
        chosen = Chooser(await _known(connection, actor.timebank_id)).chosen(form.text("deputy"))
    starts, ends = form.date("starts"), form.date("ends")
    refusals = [one for one in (starts, ends) if isinstance(one, Refusal)]
    if chosen is None:
        refusals.insert(0, Refusal("unknown_member", "Choose a member from the list.", "deputy"))
    if chosen is None or not isinstance(starts, date) or not isinstance(ends, date):
        return await _deputies_page(request, form.refused(refusals))
    command = NameDeputy(deputy_id=chosen.id, starts_on=starts, ends_on=ends)
    named = await deputies.name_deputy(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(named, list):
        return await _deputies_page(request, form.refused(named))
    return redirect(request, "/decisions/deputies", notice=f"{chosen.display_name} can decide in your place.")


@post("/decisions/deputies/{deputy_id:int}/end", guards=[signed_in], status_code=303)
async def end_deputy(request: PageRequest, deputy_id: FromPath[int]) -> Response[Any]:
    """End at once what was given to a deputy."""
    actor = _approver(request)
    form = await forms.read(request)
    command = WithdrawDeputy(id=deputy_id)
    try:
        ended = await deputies.withdraw_deputy(database(request), actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(ended, list):
        return await _deputies_page(request, form.refused(ended))
    return redirect(request, "/decisions/deputies", notice="Ended. They cannot decide in your place any more.")


async def _deputies_page(request: PageRequest, form: Form = BLANK) -> Response[str]:
    actor = _approver(request)
    on = today(now(request), viewer(request).time_zone)
    async with database(request).reading(actor.timebank_id) as connection:
        named = await deputies.named(connection, actor.timebank_id, on)
        known = await _known(connection, actor.timebank_id)
    if not form.fields:
        form = Form.blank(**forms.date_fields("starts", on))
    return render(
        request,
        "contributions/deputies.html",
        422 if form.refusals else 200,
        form=form,
        deputies=named,
        me=actor.member_id,
        on=on,
        choices=[text for text, one in labels(known).items() if one.id != actor.member_id][:MAX_OFFERED],
    )


async def _known(connection: Any, timebank_id: int) -> list[KnownMember]:
    known = await members.known_members(connection, timebank_id)
    return [KnownMember(one.id, one.display_name, str(one.number)) for one in known]


def _approver(request: PageRequest) -> Actor:
    """Somebody who decides by a role of their own; a deputy cannot pass it on."""
    actor = viewer(request).actor
    if not deputies.decides(actor):
        raise PermissionDeniedException
    return actor


ROUTES: list[Any] = [decisions_page, decide, deputies_page, name_deputy, end_deputy]
