"""Pages of help between members: what people offer and would like, and what I offer and would like."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.hours import queries as hours
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import blocking
from timebank.members import queries as members
from timebank.peers import cards, meeting, queries, rules, service, web_asks, web_people, web_staff
from timebank.peers import forms as own_forms
from timebank.peers.cards import Card
from timebank.peers.service import AskFor, Keep
from timebank.peers.words import CATEGORIES, HOWS, STATES, TIMES
from timebank.signin.confirming import require_confirmed_for
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
SUGGESTED = 3
ASKS_SHOWN = 50


@get("/share", guards=[signed_in], include_in_schema=False)
async def browse(request: PageRequest) -> Response[str]:
    """What people offer, or would like; who fits well; what waits for me."""
    person, moment = viewer(request).actor, now(request)
    subject_id = viewer(request).subject_id
    filters = own_forms.filters(request.query_params)
    is_wishes = request.query_params.get("what") == "wishes"
    async with database(request).reading(person.timebank_id) as connection:
        is_on = await meeting.is_on(connection, person.timebank_id, moment)
        found = await (cards.wishes if is_wishes else cards.offers)(connection, person, filters)
        suggestions = await cards.suggestions(connection, person.timebank_id, subject_id, moment, SUGGESTED)
        asks = await queries.asks_of(connection, person.timebank_id, subject_id)
    if not is_on:
        return await web_people.off(request)
    return render(
        request,
        "peers/browse.html",
        form=Form.blank(q=filters.words, category=filters.category, when=filters.when, how=filters.how),
        cards=found,
        is_wishes=is_wishes,
        is_filtered=any((filters.words, filters.category, filters.when, filters.how)),
        is_full=len(found) == cards.MAX_LISTED,
        suggestions=suggestions,
        waiting=[each for each in asks if each.waits_for_me(subject_id, moment)],
        categories=CATEGORIES,
        times=TIMES,
        hows=HOWS,
    )


@get("/share/mine", guards=[signed_in], include_in_schema=False)
async def mine(request: PageRequest) -> Response[str]:
    """What I can offer, what I would like, and whom I do not want to meet."""
    person, moment = viewer(request).actor, now(request)
    subject_id = viewer(request).subject_id
    async with database(request).reading(person.timebank_id) as connection:
        is_on = await meeting.is_on(connection, person.timebank_id, moment)
        offered, wished = await cards.mine(connection, person.timebank_id, subject_id)
        member = await members.by_id(connection, person.timebank_id, subject_id)
        shown_to = await connection.fetchval(
            "select skills_shown_to from member where timebank_id = $1 and id = $2", person.timebank_id, subject_id
        )
        blocked = await blocking.blocked_by(connection, person.timebank_id, subject_id)
    if not is_on:
        return await web_people.off(request)
    can_offer = member.can_offer.strip() if member is not None else ""
    return render(
        request,
        "peers/mine.html",
        form=BLANK,
        my_offers=offered,
        my_wishes=wished,
        shown_to=shown_to,
        blocked=blocked,
        can_offer=can_offer if all(each.title != can_offer for each in offered) else "",
    )


@get("/share/offers/new", guards=[signed_in], include_in_schema=False)
async def new_offer(request: PageRequest) -> Response[str]:
    """Say what I can offer; ``?mine=yes`` begins with what the record says already."""
    form = Form.blank(minutes="60")
    if request.query_params.get("mine"):
        person = viewer(request).actor
        async with database(request).reading(person.timebank_id) as connection:
            member = await members.by_id(connection, person.timebank_id, viewer(request).subject_id)
        form = Form.blank(minutes="60", title=member.can_offer[: rules.MAX_TITLE] if member is not None else "")
    return await _edit_page(request, form, is_wish=False)


@post("/share/offers/new", guards=[signed_in], status_code=200, include_in_schema=False)
async def add_offer(request: PageRequest) -> Response[Any]:
    """Keep a new offer."""
    return await _keep(request, None, is_wish=False)


@get("/share/wishes/new", guards=[signed_in], include_in_schema=False)
async def new_wish(request: PageRequest) -> Response[str]:
    """Say what I would like."""
    return await _edit_page(request, Form.blank(minutes="60"), is_wish=True)


@post("/share/wishes/new", guards=[signed_in], status_code=200, include_in_schema=False)
async def add_wish(request: PageRequest) -> Response[Any]:
    """Keep a new wish."""
    return await _keep(request, None, is_wish=True)


@get("/share/offers/{offer_id:int}/change", guards=[signed_in], include_in_schema=False)
async def change_offer_page(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """My offer, to change it."""
    card = await _own(request, offer_id, is_wish=False)
    return await _edit_page(request, own_forms.filled(card), is_wish=False, card=card)


@post("/share/offers/{offer_id:int}/change", guards=[signed_in], status_code=200, include_in_schema=False)
async def change_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Keep my offer in other words, put it away, or show it again."""
    return await _keep(request, await _own(request, offer_id, is_wish=False), is_wish=False)


@get("/share/wishes/{wish_id:int}/change", guards=[signed_in], include_in_schema=False)
async def change_wish_page(request: PageRequest, wish_id: FromPath[int]) -> Response[str]:
    """My wish, to change it."""
    card = await _own(request, wish_id, is_wish=True)
    return await _edit_page(request, own_forms.filled(card), is_wish=True, card=card)


@post("/share/wishes/{wish_id:int}/change", guards=[signed_in], status_code=200, include_in_schema=False)
async def change_wish(request: PageRequest, wish_id: FromPath[int]) -> Response[Any]:
    """Keep my wish in other words, put it away, or show it again."""
    return await _keep(request, await _own(request, wish_id, is_wish=True), is_wish=True)


async def _own(request: PageRequest, row_id: int, *, is_wish: bool) -> Card:
    card = await _card(request, row_id, is_wish=is_wish)
    if card.member_id != viewer(request).subject_id or not card.is_skill:
        raise NotFoundException
    return card


async def _card(request: PageRequest, row_id: int, *, is_wish: bool) -> Card:
    person = viewer(request).actor
    async with database(request).reading(person.timebank_id) as connection:
        card = await (cards.wish if is_wish else cards.offer)(connection, person, row_id)
    if card is None:
        raise NotFoundException
    return card


async def _keep(request: PageRequest, card: Card | None, *, is_wish: bool) -> Response[Any]:
    form = await forms.read(request)
    keep = service.keep_wish if is_wish else service.keep_offer
    step = form.text("step")
    if card is not None and step in ("away", "again"):
        form = Form({**own_forms.filled(card).fields, "key": (form.key,)})
    command = Keep(
        offered=own_forms.offered(form),
        id=card.id if card is not None else None,
        is_shown=step != "away" and (card is None or card.is_shown or step == "again"),
    )
    kept = await keep(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(kept, list):
        return await _edit_page(request, form.refused(kept), is_wish=is_wish, card=card, status_code=422)
    if step == "away":
        notice = say("It is put away. Nobody sees it now.")
    elif is_wish:
        notice = say("Others can see what you would like.")
    else:
        notice = say("Others can see what you offer.")
    return redirect(request, "/share/mine", notice=notice)


async def _edit_page(
    request: PageRequest, form: Form, *, is_wish: bool, card: Card | None = None, status_code: int = 200
) -> Response[str]:
    person = viewer(request).actor
    async with database(request).reading(person.timebank_id) as connection:
        is_on = await meeting.is_on(connection, person.timebank_id, now(request))
    if not is_on:
        return await web_people.off(request)
    return render(
        request,
        "peers/edit.html",
        status_code,
        form=form,
        is_wish=is_wish,
        card=card,
        categories=CATEGORIES,
        times=TIMES,
        hows=HOWS,
        lengths=own_forms.lengths(card.minutes if card else None),
        action=f"/share/{'wishes' if is_wish else 'offers'}/{card.id if card else 'new'}" + ("/change" if card else ""),
    )


@get("/share/offers/{offer_id:int}", guards=[signed_in], include_in_schema=False)
async def show_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """One offer, and asking for it: when, how long, send. Whoever showed who they are finds what they chose."""
    return await _card_page(request, await _card(request, offer_id, is_wish=False), is_wish=False)


@post("/share/offers/{offer_id:int}", guards=[signed_in], status_code=200, include_in_schema=False)
async def ask_for_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Ask for it."""
    return await _ask(request, await _card(request, offer_id, is_wish=False), is_wish=False)


@get("/share/wishes/{wish_id:int}", guards=[signed_in], include_in_schema=False)
async def show_wish(request: PageRequest, wish_id: FromPath[int]) -> Response[str]:
    """One wish, and saying “I can help with this”."""
    return await _card_page(request, await _card(request, wish_id, is_wish=True), is_wish=True)


@post("/share/wishes/{wish_id:int}", guards=[signed_in], status_code=200, include_in_schema=False)
async def help_with_wish(request: PageRequest, wish_id: FromPath[int]) -> Response[Any]:
    """Offer help with it."""
    return await _ask(request, await _card(request, wish_id, is_wish=True), is_wish=True)


async def _ask(request: PageRequest, card: Card, *, is_wish: bool) -> Response[Any]:
    form, person = await forms.read(request), viewer(request)
    starts_at = own_forms.starts_at(form, person.time_zone)
    if isinstance(starts_at, Refusal):
        return await _card_page(request, card, form.refused([starts_at]), is_wish=is_wish)
    command = AskFor(
        offer_id=None if is_wish else card.id,
        wish_id=card.id if is_wish else None,
        minutes=own_forms.minutes(form),
        starts_at=starts_at,
        how=form.text("how"),
        place=form.text("place"),
        note=form.text("note"),
        reach=form.text("reach"),
    )
    if not is_wish:
        chosen = {name: form.text(name) for name in own_forms.CHOSEN if form.text(name)}
        await require_confirmed_for(request, command.minutes, then=f"/share/offers/{card.id}?{urlencode(chosen)}")
    try:
        asked = await service.ask(database(request), person.actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(asked, list):
        return await _card_page(request, card, form.refused(asked), is_wish=is_wish)
    notice = say("{name} will get your message. We tell you the answer.", name=card.name)
    return redirect(request, f"/share/asks/{asked.reference}", notice=notice)


async def _card_page(request: PageRequest, card: Card, form: Form | None = None, *, is_wish: bool) -> Response[str]:
    person, moment = viewer(request), now(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        is_on = await meeting.is_on(connection, person.actor.timebank_id, moment)
        mine_now = await hours.balance(connection, person.actor.timebank_id, person.subject_id)
    if not is_on:
        return await web_people.off(request)
    if card.member_id == person.subject_id:
        return redirect(request, "/share/mine")  # type: ignore[return-value]
    how = card.hows[0] if card.hows else "in_person"
    return render(
        request,
        "peers/card.html",
        422 if form is not None else 200,
        form=form or Form.blank(**{"minutes": str(card.minutes), "how": how, **own_forms.chosen(request.query_params)}),
        card=card,
        is_wish=is_wish,
        hours_now=mine_now,
        days=own_forms.days(moment, person.time_zone),
        clock=own_forms.times(),
        lengths=own_forms.lengths(card.minutes),
        hows=HOWS,
        needs_hours=form is not None and any(each.code == "not_enough_hours" for each in form.refusals),
    )


@get("/share/asks", guards=[signed_in], include_in_schema=False)
async def my_asks(request: PageRequest) -> Response[str]:
    """Everything that I asked and was asked."""
    person, moment = viewer(request).actor, now(request)
    subject_id = viewer(request).subject_id
    async with database(request).reading(person.timebank_id) as connection:
        asks = await queries.asks_of(connection, person.timebank_id, subject_id, limit=ASKS_SHOWN)
    return render(
        request,
        "peers/asks.html",
        me=subject_id,
        waiting=[each for each in asks if each.waits_for_me(subject_id, moment)],
        open_asks=[each for each in asks if not each.is_over and not each.waits_for_me(subject_id, moment)],
        past=[each for each in asks if each.is_over],
        states=STATES,
    )


ROUTES = [
    browse,
    mine,
    new_offer,
    add_offer,
    new_wish,
    add_wish,
    change_offer_page,
    change_offer,
    change_wish_page,
    change_wish,
    show_offer,
    ask_for_offer,
    show_wish,
    help_with_wish,
    my_asks,
    *web_asks.ROUTES,
    *web_people.ROUTES,
    *web_staff.ROUTES,
]
