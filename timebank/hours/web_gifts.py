"""Giving hours to somebody or to the pot: say it, check it, done; and my gifts."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.banks import queries as banks
from timebank.hours import gift_queries, pot_queries, queries, rules, service
from timebank.hours.service import Give
from timebank.kit import durations
from timebank.kit.clock import today
from timebank.kit.paging import cursor, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.members import blocking
from timebank.members.queries import by_id, names
from timebank.members.standing import find_receiver
from timebank.signin.confirming import require_confirmed_for
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
REFUSED = 422
MINE = [signed_in]
POT, SOMEBODY = "pot", "member"
TYPED = ("kind", "to", "how_long", "note")
IN_ADDRESS = ("kind", "how_long")
MAX_IN_ADDRESS = 60
MAX_TYPED = 200
# The page asks for a name and a length of time where the command has an id and minutes.
FIELDS = {"to_member_id": "to", "minutes": "how_long", "from_member_id": None}
CHOICES = (
    (SOMEBODY, say("One person")),
    (POT, say("The community pot"), say("It helps people who have no hours.")),
)


@get("/gifts", guards=MINE, include_in_schema=False)
async def show_gifts(request: PageRequest, before: FromQuery[str | None] = None) -> Response[Any]:
    """What I gave and was given, with the notes, and what I asked the pot for."""
    timebank_id, member_id = subject(request)
    keys = parse_cursor(before) if before else (None,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    size = gift_queries.PAGE
    async with database(request).reading(timebank_id) as connection:
        gifts = await gift_queries.of_member(connection, timebank_id, member_id, before=keys[0], limit=size + 1)
        asks = [] if before else await pot_queries.of_member(connection, timebank_id, member_id)
    older = f"/gifts?before={cursor(gifts[size - 1].id)}" if len(gifts) > size else None
    return render(
        request,
        "hours/gifts.html",
        gifts=gifts[:size],
        asks=asks,
        member_id=member_id,
        older=older,
        newer="/gifts" if before else None,
    )


@get("/gifts/give", guards=MINE, include_in_schema=False)
async def show_give(request: PageRequest) -> Response[Any]:
    """To whom, how much, and a note. ``?to=pot`` chooses the pot; whoever showed who they are finds what they typed."""
    asked = request.query_params
    typed = {name: asked.get(name, "")[:MAX_TYPED].replace("\0", "") for name in TYPED}
    if typed["to"] == POT:
        typed |= {"kind": POT, "to": ""}
    return await _give_page(request, Form.blank(**typed | {"kind": POT if typed["kind"] == POT else SOMEBODY}))


@post("/gifts/give", guards=MINE, include_in_schema=False)
async def check_gift(request: PageRequest) -> Response[Any]:
    """Show the gift to check; nothing has moved yet. With ``change`` back to the form."""
    form = await forms.read(request)
    if form.has("change"):
        return await _give_page(request, form)
    timebank_id, member_id = subject(request)
    found = await _gift(request, form)
    if isinstance(found, list):
        return await _give_page(request, form.refused(found))
    await _confirm_for_many(request, form, found)
    async with database(request).reading(timebank_id) as connection:
        there = await queries.balance(connection, timebank_id, member_id)
        known = await names(connection, timebank_id, [found.to_member_id or 0])
    return render(
        request,
        "hours/gift_check.html",
        form=form,
        gift=found,
        to_name=known.get(found.to_member_id or 0, ""),
        left=there.available - found.minutes,
        fields={name: form.text(name) for name in TYPED},
    )


@post("/gifts/give/send", guards=MINE, include_in_schema=False)
async def send_gift(request: PageRequest) -> Response[Any]:
    """Give it; the same form sent twice gives once."""
    form = await forms.read(request)
    found = await _gift(request, form, is_sent=True)
    if isinstance(found, list):
        return await _give_page(request, form.refused(found))
    await _confirm_for_many(request, form, found)
    given = await service.give(database(request), viewer(request).actor, found, key=form.key, now=now(request))
    if isinstance(given, list):
        return await _give_page(request, form.refused(_placed(given)))
    return redirect(request, f"/gifts/{given.gift_id}")


@get("/gifts/{gift_id:int}", guards=MINE, include_in_schema=False)
async def show_gift(request: PageRequest, gift_id: FromPath[int]) -> Response[Any]:
    """One gift, for who gave it and who received it."""
    timebank_id, member_id = subject(request)
    async with database(request).reading(timebank_id) as connection:
        gift = await gift_queries.one(connection, timebank_id, gift_id, member_id)
        if gift is None:
            raise NotFoundException
        there = await queries.balance(connection, timebank_id, member_id)
    return render(request, "hours/gift.html", gift=gift, is_mine=gift.from_member_id == member_id, there=there)


async def _confirm_for_many(request: PageRequest, form: Form, gift: Give) -> None:
    """Many hours are given only by whoever showed lately who they are; how many waits for them.

    To whom and why does not: addresses end up in the books of proxies.
    """
    typed = {name: form.text(name) for name in IN_ADDRESS if len(form.text(name)) <= MAX_IN_ADDRESS}
    await require_confirmed_for(request, gift.minutes, then=f"/gifts/give?{urlencode(typed)}")


def subject(request: PageRequest) -> tuple[int, int]:
    """The time bank, and the member whose gifts these are: the viewer, or whom they act for."""
    return viewer(request).actor.timebank_id, viewer(request).subject_id


async def _gift(request: PageRequest, form: Form, *, is_sent: bool = False) -> Give | list[Refusal]:
    """The gift that the form means. What the use case refuses anyway is refused here already, before the check page;
    when the form ``is_sent`` only what cannot be read is, so that sending it twice gives the same answer.
    """
    timebank_id, member_id = subject(request)
    refusals: list[Refusal] = []
    to: int | None = None
    minutes = durations.parse(form.text("how_long"), field="how_long")
    async with database(request).reading(timebank_id) as connection:
        if form.text("kind") != POT:
            apart = await blocking.around(connection, timebank_id, member_id)
            receiver = await find_receiver(connection, timebank_id, form.text("to"), apart=apart)
            if isinstance(receiver, Refusal):
                refusals.append(receiver)
            else:
                to = receiver
        if isinstance(minutes, Refusal):
            refusals.append(minutes)
        if refusals or isinstance(minutes, Refusal):
            return refusals
        command = Give(from_member_id=member_id, to_member_id=to, minutes=minutes, note=form.text("note"))
        if is_sent:
            return command
        day = today(now(request), viewer(request).time_zone)
        _, document = await banks.rules_in_force(connection, timebank_id, day)
        giver = await by_id(connection, timebank_id, member_id)
        is_active = giver is not None and giver.status == "active"
        known = frozenset({member_id} if is_active else set()) | ({to} if to else set())
        refusals = rules.check_gift(
            viewer(request).actor,
            from_member_id=member_id,
            to_member_id=to,
            minutes=minutes,
            most=document.max_gift_minutes,
            known=known,
        ) + rules.check_note(command.note)
        there = await queries.balance(connection, timebank_id, member_id)
    if not refusals and there.available < minutes:
        refusals.append(rules.not_enough(there.available, minutes))
    return _placed(refusals) if refusals else command


def _placed(refusals: list[Refusal]) -> list[Refusal]:
    """The refusals beside the fields of the page."""
    return [replace(one, field=FIELDS.get(one.field or "", one.field)) for one in refusals]


async def _give_page(request: PageRequest, form: Form) -> Response[Any]:
    timebank_id, member_id = subject(request)
    async with database(request).reading(timebank_id) as connection:
        there = await queries.balance(connection, timebank_id, member_id)
    return render(
        request,
        "hours/gift_give.html",
        REFUSED if form.refusals else 200,
        form=form,
        there=there,
        max_note=rules.MAX_NOTE,
        choices=CHOICES,
    )


ROUTES = [show_gifts, show_give, check_gift, send_gift, show_gift]
