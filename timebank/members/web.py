"""Pages for coordinators: finding members, giving them a link or a card to sign in.

A member's record spans rooms; it is a page of ``home``. The other pages of this room are in the ``web_*`` modules.
"""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath

from timebank.identity.rules import LINK_VALID_FOR, NotAllowed, read_pin
from timebank.identity.service import qr_data_uri, qr_svg
from timebank.kit import csv
from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import DEFAULT_PAGE_SIZE, MAX_KEY, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.members import (
    queries,
    rules,
    service,
    web_acting,
    web_agreements,
    web_choices,
    web_details,
    web_leaving,
    web_many,
    web_mine,
    web_safeguarding,
)
from timebank.members.queries import Filters, MemberRecord
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import Form
from timebank.web.pages import local, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]

NO_STORE = {"Cache-Control": "no-store"}
REFUSED = 422
FOR_COORDINATORS = [requires_role(COORDINATOR)]
MAX_LISTED = 100_000
CSV_HEADINGS = ("Number", "Name", "Takes part as", "Can share", "Messages by", "Joined on", "Status")
STATUS_WORDS = {"active": "Takes part", "paused": "Paused", "left": "Has left"}


@get("/members", guards=FOR_COORDINATORS, include_in_schema=False)
async def member_list(request: PageRequest) -> Response[Any]:
    """Members in the order of their names, or those that a search and filters find."""
    wanted, filters, fields = _asked(request)
    cursor = request.query_params.get("after", "")
    after = parse_cursor(cursor) if cursor else None
    if isinstance(after, Refusal):
        raise NotFoundException
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        page = await queries.search(
            connection,
            timebank_id,
            wanted,
            filters=filters,
            after=after[0] if after else None,
            limit=DEFAULT_PAGE_SIZE,
        )
        groups = await queries.groups(connection, timebank_id)
    asked = {name: value for name, value in fields.items() if value}
    return render(
        request,
        "members/list.html",
        form=Form.blank(**fields),
        members=page.items,
        wanted=wanted,
        is_filtered=filters != queries.NO_FILTERS,
        more=f"/members?{urlencode({**asked, 'after': page.next_cursor})}" if page.next_cursor else None,
        as_csv=f"/members/list.csv?{urlencode(asked)}",
        is_first_page=after is None,
        roles=[("", "Everybody"), ("participant", rules.PARTICIPANT_WORDS), *rules.ROLE_WORDS.items()],
        statuses=[("", "Takes part or paused"), *STATUS_WORDS.items()],
        kinds=[("", "People and groups"), *rules.KINDS.items()],
        groups=[("", "Any")] + [(group.id, group.display_name) for group in groups] if groups else [],
        status_words=STATUS_WORDS,
    )


@get("/members/list.csv", guards=FOR_COORDINATORS, include_in_schema=False)
async def member_list_csv(request: PageRequest) -> Response[str]:
    """What the list shows with this search and filters, all pages of it. No addresses: those are on the record."""
    wanted, filters, _ = _asked(request)
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        page = await queries.search(connection, timebank_id, wanted, filters=filters, after=None, limit=MAX_LISTED)
    table: list[tuple[str | int, ...]] = [CSV_HEADINGS]
    table += [
        (
            member.number,
            member.display_name,
            member.takes_part_as,
            member.can_offer,
            member.messages_by,
            member.joined_on.isoformat(),
            STATUS_WORDS[member.status],
        )
        for member in page.items
    ]
    return Response(
        "\ufeff" + csv.write(table),
        media_type="text/csv; charset=utf-8",
        headers={**NO_STORE, "Content-Disposition": 'attachment; filename="members.csv"'},
    )


def _asked(request: PageRequest) -> tuple[str, Filters, dict[str, str]]:
    """The search and the filters of an address; what is not one of the choices filters nothing."""
    fields = {
        name: request.query_params.get(name, "").strip()[: rules.MAX_SEARCH]
        for name in ("q", "role", "status", "kind", "group", "needs", "no_route")
    }
    allowed = {"role": {"participant", *rules.ROLE_WORDS}, "status": set(STATUS_WORDS), "kind": set(rules.KINDS)}
    for name, values in allowed.items():
        if fields[name] not in values:
            fields[name] = ""
    group = fields["group"]
    is_id = group.isascii() and group.isdecimal() and len(group) <= len(str(MAX_KEY)) and 0 < int(group) <= MAX_KEY
    filters = Filters(
        role=fields["role"],
        status=fields["status"],
        kind=fields["kind"],
        group_id=int(group) if is_id else None,
        has_access_needs=bool(fields["needs"]),
        has_no_route=bool(fields["no_route"]),
    )
    return fields["q"], filters, fields


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
    """The active person an address names; 404 for anybody else's id, whether it exists or not."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        member = await queries.by_id(connection, timebank_id, member_id)
    if member is None or member.status != "active" or member.kind != "person":
        raise NotFoundException
    return member


ROUTES = [
    member_list,
    member_list_csv,
    make_link,
    card_form,
    make_card,
    *web_details.ROUTES,
    *web_many.ROUTES,
    *web_agreements.ROUTES,
    *web_acting.ROUTES,
    *web_mine.ROUTES,
    *web_choices.ROUTES,
    *web_leaving.ROUTES,
    *web_safeguarding.ROUTES,
]
