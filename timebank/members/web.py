"""Pages for coordinators: finding members, adding one, giving them a link or a card to sign in.

A member's record spans rooms; it is a page of ``home``.
"""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath

from timebank.identity.rules import LINK_VALID_FOR, NotAllowed, read_pin
from timebank.identity.service import qr_data_uri, qr_svg
from timebank.kit.actor import ADMIN, COORDINATOR
from timebank.kit.clock import today
from timebank.kit.paging import DEFAULT_PAGE_SIZE, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members import queries, rules, service, web_acting
from timebank.members.queries import MemberRecord
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import Form
from timebank.web.pages import local, redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

NO_STORE = {"Cache-Control": "no-store"}
REFUSED = 422
FOR_COORDINATORS = [requires_role(COORDINATOR)]


@get("/members", guards=FOR_COORDINATORS, include_in_schema=False)
async def member_list(request: PageRequest) -> Response[Any]:
    """Members in the order of their names, or those that a search finds."""
    wanted = request.query_params.get("q", "").strip()[: rules.MAX_SEARCH]
    cursor = request.query_params.get("after", "")
    after = parse_cursor(cursor) if cursor else None
    if isinstance(after, Refusal):
        raise NotFoundException
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        page = await queries.search(
            connection, timebank_id, wanted, after=after[0] if after else None, limit=DEFAULT_PAGE_SIZE
        )
    more = f"/members?{urlencode({'q': wanted, 'after': page.next_cursor})}" if page.next_cursor else None
    return render(
        request,
        "members/list.html",
        form=Form.blank(q=wanted),
        members=page.items,
        wanted=wanted,
        more=more,
        is_first_page=after is None,
    )


@get("/members/new", guards=FOR_COORDINATORS, include_in_schema=False)
async def new_member(request: PageRequest) -> Response[Any]:
    """The form for a new member."""
    person = viewer(request)
    day = today(now(request), person.time_zone)
    form = Form.blank(contact_route="none", **forms.date_fields("joined_on", day))
    return _new_member_page(request, form)


@post("/members/new", guards=FOR_COORDINATORS, include_in_schema=False)
async def add_member(request: PageRequest) -> Response[Any]:
    """Add the member, or show the form again with what to put right."""
    form = await forms.read(request)
    typed = {name: form.text(name) for name in ("display_name", "email", "phone", "contact_route", "can_offer")}
    joined_on = form.date("joined_on")
    if isinstance(joined_on, Refusal):
        return _new_member_page(request, form.refused([*rules.check_details(**typed), joined_on]))
    command = service.AddMember(
        **typed, joined_on=joined_on, roles=form.all("roles"), name_may_repeat=form.has("name_may_repeat")
    )
    added = await service.add(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(added, list):
        return _new_member_page(request, form.refused(added))
    return redirect(
        request, f"/members/{added.member_id}", notice=f"They are a member now. Their number is {added.number}."
    )


@post("/members/{member_id:int}/link", guards=FOR_COORDINATORS, include_in_schema=False)
async def make_link(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Make a link that signs the member in once, and show it this one time."""
    member = await _member(request, member_id)
    try:
        link = await service.make_link(database(request), viewer(request).actor, member_id, now=now(request))
    except NotAllowed as error:
        raise PermissionDeniedException from error
    address = settings(request).base_url + link.path
    return render(
        request,
        "members/link.html",
        headers=NO_STORE,
        member=member,
        address=address,
        picture=qr_data_uri(qr_svg(address)),
        ends_at=local(link.ends_at, viewer(request)),
        valid_days=LINK_VALID_FOR.days,
    )


@get("/members/{member_id:int}/card", guards=FOR_COORDINATORS, include_in_schema=False)
async def card_form(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Ask whether to make a card, and say what happens to the one before."""
    return await _card_form(request, await _member(request, member_id), Form.blank())


@post("/members/{member_id:int}/card", guards=FOR_COORDINATORS, include_in_schema=False)
async def make_card(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Make the card and show it, with its PIN, this one time: a page to print."""
    member = await _member(request, member_id)
    form = await forms.read(request)
    try:
        card = await service.issue_card(
            database(request),
            viewer(request).actor,
            member_id,
            pin=read_pin(form.text("pin")),
            replaces=form.text("replaces"),
            base_url=settings(request).base_url,
            now=now(request),
        )
    except NotAllowed as error:
        raise PermissionDeniedException from error
    if isinstance(card, list):
        return await _card_form(request, member, form.refused(card))
    return render(
        request,
        "members/card_made.html",
        headers=NO_STORE,
        member=member,
        pin=" ".join(card.pin),
        picture=qr_data_uri(card.svg),
    )


def _new_member_page(request: PageRequest, form: Form) -> Response[Any]:
    return render(
        request,
        "members/new.html",
        REFUSED if form.refusals else 200,
        form=form,
        contact_routes=list(rules.CONTACT_ROUTES.items()),
        roles=list(rules.ROLE_WORDS.items()) if viewer(request).has_role(ADMIN) else [],
        asks_about_name=any(refusal.code == "same_name" for refusal in form.refusals),
    )


async def _card_form(request: PageRequest, member: MemberRecord, form: Form) -> Response[Any]:
    made_at = await service.card_made_at(database(request), viewer(request).actor, member.id)
    return render(
        request,
        "members/card.html",
        REFUSED if form.refusals else 200,
        form=form,
        headers=NO_STORE,
        member=member,
        made_at=local(made_at, viewer(request)) if made_at else None,
        replaces=service.card_mark(made_at),
    )


async def _member(request: PageRequest, member_id: int) -> MemberRecord:
    """The active member an address names; 404 for anybody else's id, whether it exists or not."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        member = await queries.by_id(connection, timebank_id, member_id)
    if member is None or member.status != "active":
        raise NotFoundException
    return member


ROUTES = [member_list, new_member, add_member, make_link, card_form, make_card, *web_acting.ROUTES]
