"""Pages of offers: what hours can be used for, one offer, what was saved, and the last look before booking."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.redemptions import (
    offer_photos,
    offer_queries,
    offer_rules,
    queries,
    rules,
    saved,
    service,
    waiting_queries,
)
from timebank.redemptions.kinds import KINDS, is_known
from timebank.redemptions.offer_queries import WHEN, OfferCard, Reader, Wanted
from timebank.redemptions.offer_rules import ACCESS, Seen
from timebank.redemptions.readers import reader_of
from timebank.redemptions.saved import SaveOffer
from timebank.redemptions.service import RequestRedemption
from timebank.redemptions.vouchers_promised import promised
from timebank.signin.confirming import require_confirmed_for
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

SECTION_SHOWN = 12
"""How many offers of each part the first page shows; the rest are one tap away."""
PAGE_SIZE = 24
AFFORDABLE_SHOWN = 3
SECTIONS = ("now", "soon", "later", "full")
MAX_CHOSEN = 100
ASK_PATH = "/share/offers/"
"""Where somebody asks a member for their help; it is booked once both have agreed."""


@get("/offers", guards=[signed_in], include_in_schema=False)
async def show_offers(request: PageRequest) -> Response[str]:
    """What the member can use their hours for: now, soon, later; all of it or what they look for."""
    wanted, chosen = _wanted(request)
    (person, member_id), moment = _me(request), now(request)
    async with database(request).reading(person.timebank_id) as connection:
        reader, mine, _ = await reader_of(
            connection, person.timebank_id, member_id, moment, sees_saved=person.on_behalf_of is None
        )
        found = await offer_queries.catalogue(connection, reader, wanted)
        places = await offer_queries.places(connection, reader)
    part = request.query_params.get("show", "")
    shown, total = _shown(offer_queries.sections(found), part, _page_number(request))
    return render(
        request,
        "redemptions/offers.html",
        form=Form.blank(**chosen),
        hours_now=mine,
        sections=shown,
        part=part if part in SECTIONS else "",
        page=_page_number(request),
        pages=-(-total // PAGE_SIZE),
        wanted=wanted,
        choices=_choices(reader, places),
        address=lambda **changes: _address(chosen, changes),
        next_month=offer_rules.first_of_next_month(reader.today),
        sees_saved=viewer(request).acting_for is None,
    )


@get("/offers/saved", guards=[signed_in], include_in_schema=False)
async def show_saved(request: PageRequest) -> Response[str]:
    """What the member saved for later. Not for whoever acts for them."""
    (person, member_id), moment = _own(request), now(request)
    async with database(request).reading(person.timebank_id) as connection:
        reader, mine, _ = await reader_of(
            connection, person.timebank_id, member_id, moment, sees_saved=person.on_behalf_of is None
        )
        found = await offer_queries.saved(connection, reader)
    return render(
        request,
        "redemptions/saved.html",
        hours_now=mine,
        offers=found,
        now=moment,
        next_month=offer_rules.first_of_next_month(reader.today),
    )


@get("/offers/{offer_id:int}", guards=[signed_in], include_in_schema=False)
async def show_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """One offer: the price, what will be left, and the note on benefits, before anything is spent."""
    return await _offer_page(request, offer_id, "redemptions/offer.html")


@get("/offers/{offer_id:int}/photo/{size:str}", guards=[signed_in], include_in_schema=False)
async def show_photo(request: PageRequest, offer_id: FromPath[int], size: FromPath[str]) -> Response[bytes]:
    """The picture of an offer: ``small``, ``medium`` or ``full``."""
    person, member_id = _me(request)
    async with database(request).reading(person.timebank_id) as connection:
        bank = await banks.by_id(connection, person.timebank_id)
        found = await offer_photos.content(
            connection,
            person.timebank_id,
            member_id,
            offer_id,
            size,
            today=today(now(request), bank.time_zone),
            sees_all=person.has(COORDINATOR),
        )
    if found is None:
        raise NotFoundException
    return Response(found, media_type=offer_photos.MEDIA_TYPES[size], headers={"Cache-Control": "no-store"})


@post("/offers/{offer_id:int}/save", guards=[signed_in], status_code=200, include_in_schema=False)
async def save_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Save an offer for later, or take it off the list; leads back to where the button was."""
    person, _ = _own(request)
    form = await forms.read(request)
    command = SaveOffer(offer_id=offer_id, is_saved=form.text("saved") != "no")
    try:
        done = await saved.save_offer(database(request), person, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _offer_page(request, offer_id, "redemptions/offer.html", _refused(form, done), 422)
    back = "/offers/saved" if form.text("back") == "saved" else f"/offers/{offer_id}"
    notice = "Saved. You find it under “Saved for later”." if done.is_saved else "It is off your list."
    return redirect(request, back, notice=notice)


@get("/offers/{offer_id:int}/check", guards=[signed_in], include_in_schema=False)
async def check_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """The last look before hours are used; for many hours at once only after showing who one is."""
    if asking := await _asking(request, offer_id):
        return asking
    await _confirm_for_many(request, offer_id)
    return await _offer_page(request, offer_id, "redemptions/check.html")


@post("/offers/{offer_id:int}/use", guards=[signed_in], status_code=200, include_in_schema=False)
async def use_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Use the hours: one booking, however often the button is pressed; at the price that the page showed or not."""
    person, member_id = _me(request)
    form = await forms.read(request)
    if asking := await _asking(request, offer_id):
        return asking
    await _confirm_for_many(request, offer_id)
    command = RequestRedemption(
        offer_id=offer_id, member_id=member_id, how_agreed=_how_agreed(request), seen=_seen(form)
    )
    booked = await service.request(database(request), person, command, key=form.key, now=now(request))
    if isinstance(booked, list):
        return await _offer_page(request, offer_id, "redemptions/check.html", _refused(form, booked), 422)
    return redirect(request, f"/bookings/{booked.reference}")


def _refused(form: Form, refusals: list[Refusal]) -> Form:
    """The form with what was refused; these pages have no boxes that a refusal could lead to."""
    return form.refused([Refusal(one.code, one.message) for one in refusals])


async def _asking(request: PageRequest, offer_id: int) -> Response[Any] | None:
    """Help from a member is asked for on the page where both agree; None for everything else."""
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        facts = await offer_queries.offer_facts(connection, viewer(request).actor.timebank_id, offer_id)
    return None if facts is None or facts.provider_id is None else redirect(request, f"{ASK_PATH}{offer_id}")


async def _confirm_for_many(request: PageRequest, offer_id: int) -> None:
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        facts = await offer_queries.offer_facts(connection, viewer(request).actor.timebank_id, offer_id)
    if facts is not None:
        await require_confirmed_for(request, facts.price_minutes)


async def _offer_page(
    request: PageRequest, offer_id: int, template: str, form: Form = BLANK, status_code: int = 200
) -> Response[str]:
    (person, member_id), moment = _me(request), now(request)
    async with database(request).reading(person.timebank_id) as connection:
        reader, mine, bank = await reader_of(
            connection, person.timebank_id, member_id, moment, sees_saved=person.on_behalf_of is None
        )
        offer = await offer_queries.offer(connection, reader, offer_id, sees_all=person.has(COORDINATOR))
        facts = await offer_queries.offer_facts(connection, person.timebank_id, offer_id)
        if offer is None or facts is None:
            raise NotFoundException
        standing = await offer_queries.standing(
            connection, person.timebank_id, offer_id, member_id, today=reader.today, time_zone=reader.time_zone
        )
        open_ones, _ = await queries.bookings_of(connection, person.timebank_id, member_id)
        turn = await waiting_queries.turn_for(connection, person.timebank_id, member_id, offer_id)
        voucher = await promised(connection, facts, bank, moment)
        others: list[OfferCard] = []
        if offer.short_minutes or form.refusals:
            found = await offer_queries.catalogue(connection, reader)
            others = [card for card in found.now if card.id != offer_id][:AFFORDABLE_SHOWN]
    return render(
        request,
        template,
        status_code,
        form=form,
        offer=offer,
        hours_now=mine,
        left=mine.available - offer.price_minutes,
        why_not=_why_not(
            offer,
            standing,
            member_id,
            has_started=bool(offer.starts_at and offer.starts_at <= moment),
            has_place=turn is not None and turn.state == "offered",
        ),
        turn=turn,
        promised=voucher,
        standing=standing,
        # Whoever came back because they were not sure sees that it did work, before they use their hours twice.
        booked=next((each.reference for each in open_ones if each.offer_id == offer_id), None),
        cancel_until=rules.cancel_until(facts, moment, bank),
        others=others,
        next_month=standing.next_month,
        sees_saved=viewer(request).acting_for is None,
        now=moment,
    )


def _why_not(
    offer: OfferCard, standing: offer_rules.Standing, member_id: int, *, has_started: bool, has_place: bool
) -> str:
    """Why this cannot be booked now, as a word for the template; empty when it can."""
    reasons = (
        ("closed", not offer.is_open or not offer.is_shown),
        ("started", has_started),
        ("own", offer.provider_id == member_id),
        ("groups", not standing.may_use),
        ("full", offer.is_full and not has_place),
        ("used_up", offer.is_used_up),
        ("closed", offer.is_unfunded),
        ("short", offer.short_minutes > 0),
    )
    return next((word for word, is_so in reasons if is_so), "")


def _wanted(request: PageRequest) -> tuple[Wanted, dict[str, Any]]:
    """What the address asks for, and the same for the form and for links."""
    asked = request.query_params
    kind, when = asked.get("kind", ""), asked.get("when", "")
    wanted = Wanted(
        q=asked.get("q", "").strip()[: offer_queries.MAX_SEARCH_CHARACTERS].replace("\0", ""),
        kind=kind if is_known(kind) else "",
        place=asked.get("place", "")[: offer_rules.MAX_PLACE].replace("\0", ""),
        when=when if when in WHEN else "",
        access=tuple(code for code in ACCESS if code in asked.getall("access", [])[:MAX_CHOSEN]),
    )
    fields = {name: getattr(wanted, name) for name in ("q", "kind", "place", "when", "access")}
    return wanted, {name: value for name, value in fields.items() if value}


def _address(chosen: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """The address of the catalogue with what is chosen, and with changes; an empty change takes a choice away."""
    kept = {name: value for name, value in {**chosen, **changes}.items() if value}
    query = urlencode(kept, doseq=True)
    return f"/offers?{query}" if query else "/offers"


def _shown(sections: Any, part: str, page: int) -> tuple[list[tuple[str, list[OfferCard], int]], int]:
    """Each part with the offers to show and how many there are; with ``part`` one page of that one alone."""
    if part not in SECTIONS:
        return [(code, list(cards[:SECTION_SHOWN]), len(cards)) for code, cards in sections], 0
    first = (page - 1) * PAGE_SIZE
    chosen = [(code, list(cards[first : first + PAGE_SIZE]), len(cards)) for code, cards in sections if code == part]
    return chosen, sum(total for _, _, total in chosen)


def _choices(reader: Reader, places: list[str]) -> dict[str, list[tuple[str, str]]]:
    """What the filters offer to choose from."""
    return {
        "kind": [(kind.code, kind.name) for kind in KINDS if kind.code in reader.kinds],
        "place": [(place, place) for place in places],
        "when": list(WHEN.items()),
        "access": list(ACCESS.items()),
    }


def _page_number(request: PageRequest) -> int:
    typed = request.query_params.get("page", "1")
    return int(typed) if typed.isascii() and typed.isdigit() and 0 < len(typed) <= 3 and int(typed) else 1


def _seen(form: Form) -> Seen | None:
    """What the page showed that the button was on; a page of before that did not say passes."""
    numbers = {name: form.text(name) for name in ("price", "revision", "bookings")}
    if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in numbers.values()):
        return None
    return Seen(
        price_minutes=int(numbers["price"]), revision=int(numbers["revision"]), bookings=int(numbers["bookings"])
    )


def _me(request: PageRequest) -> tuple[Actor, int]:
    """Who is looking, and whose hours they look at."""
    return viewer(request).actor, viewer(request).subject_id


def _own(request: PageRequest) -> tuple[Actor, int]:
    """The member about their own list.

    Raises:
        PermissionDeniedException: while acting for somebody.
    """
    if viewer(request).acting_for is not None:
        raise PermissionDeniedException
    return _me(request)


def _how_agreed(request: PageRequest) -> str:
    """Why somebody else does this for the member and how they agreed; nothing for one's own."""
    acting = viewer(request).acting_for
    return acting.in_words if acting else ""


ROUTES = [show_offers, show_saved, show_offer, show_photo, save_offer, check_offer, use_offer]
