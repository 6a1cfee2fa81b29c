"""Members' own pages: say what I did, check it, see what became of it, take it back while it waits."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.activities.photos import first_of
from timebank.claims import occasions as claims
from timebank.claims.rules import KIND_NAMES as COST_KINDS
from timebank.contributions import deputies, photos, rules, self_log, self_log_queries
from timebank.contributions.photos import Photo
from timebank.contributions.self_log import LogTime, Withdraw
from timebank.contributions.self_log_queries import Choice, LoggedTime
from timebank.contributions.words import SOMETHING_ELSE
from timebank.db import Connection
from timebank.kit import durations
from timebank.kit.clock import today
from timebank.kit.paging import cursor, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, mark, say
from timebank.members.access import note_daily
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.reading import reading_of
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]

LENGTHS = (30, 60, 90, 120, 180)
ELSE = "else"
ELSE_HINT = mark("Reading, phone calls, helping a neighbour")
MAX_RADIOS = 6
# Room for a photo that is too large, so that its form is read and what was typed stays.
MAX_FORM_WITH_PHOTO = 32 * 1_048_576
KEPT_FIELDS = ("activity", "another", "length", "own_length", "words", "again", "photo_id")
PHOTO_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": 'inline; filename="photo.jpg"',
    "Cache-Control": "private, no-store",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form says: the command when it is complete, and what is to be put right."""

    command: LogTime | None
    refusals: tuple[Refusal, ...]
    photo_id: int | None


@get("/log", guards=[signed_in])
async def log_page(
    request: PageRequest, group: FromQuery[str | None] = None, again: FromQuery[str | None] = None
) -> Response[str]:
    """Say what I did. ``again`` begins from something I logged before."""
    person = viewer(request)
    form = Form.blank(activity=group or None, day="today")
    if again and again.isascii() and again.isdecimal():
        async with database(request).reading(person.actor.timebank_id) as connection:
            before = await self_log_queries.one(connection, person.actor.timebank_id, person.subject_id, int(again))
        form = _filled(before) if before else form
    return await _log_page(request, form)


def _filled(before: LoggedTime) -> Form:
    is_usual = before.minutes in LENGTHS
    return Form.blank(
        activity=ELSE if before.activity == SOMETHING_ELSE else before.activity_id,
        length=before.minutes if is_usual else None,
        own_length=None if is_usual else durations.in_words(before.minutes),
        words=before.words or before.what,
        photo_id=before.photo_id,
        **forms.date_fields("on", before.held_on),
    )


@post("/log", guards=[signed_in], status_code=200, request_max_body_size=MAX_FORM_WITH_PHOTO)
async def check_log(request: PageRequest) -> Response[str]:
    """Look at what was typed: show it to be checked, or what has to be put right."""
    form = await forms.read(request)
    if form.has("change"):
        return await _log_page(request, form)
    photo_id, refusal = await _take_photo(request, form)
    form = replace(form, fields={**form.fields, "photo_id": (str(photo_id or ""),)})
    typed = await _read(request, form, photo_id, refusal)
    if typed.command is None or typed.refusals:
        return await _log_page(request, form.refused(typed.refusals))
    return await _check_page(request, form, typed.command)


@post("/log/save", guards=[signed_in], status_code=303)
async def save_log(request: PageRequest) -> Response[Any]:
    """Log it; leads to what happens next."""
    form = await forms.read(request)
    actor = viewer(request).actor
    photo_id, refusal = await _take_photo(request, form)
    typed = await _read(request, form, photo_id, refusal)
    if typed.command is None or typed.refusals:
        return await _log_page(request, form.refused(typed.refusals))
    logged = await self_log.log_time(database(request), actor, typed.command, key=form.key, now=now(request))
    if isinstance(logged, list):
        return await _log_page(request, form.refused(_placed(form, logged)))
    return redirect(request, f"/log/{logged.contribution_id}?new=yes")


async def _take_photo(request: PageRequest, form: Form) -> tuple[int | None, Refusal | None]:
    """The photo that goes with the form: one just chosen, one kept before, or none."""
    actor, chosen = viewer(request).actor, form.file("photo")
    if chosen is not None and chosen.filename:
        remade = await photos.remake(await _content(chosen))
        if isinstance(remade, Refusal):
            return await _kept_photo(request, form), remade
        return await photos.keep(database(request), actor, remade, now=now(request)), None
    return None if form.has("no_photo") else await _kept_photo(request, form), None


async def _content(chosen: UploadFile) -> bytes:
    # One byte more than is allowed tells that the file is too large, however large it is.
    return await chosen.read(photos.MAX_PHOTO_BYTES + 1)


async def _kept_photo(request: PageRequest, form: Form) -> int | None:
    actor, typed = viewer(request).actor, form.text("photo_id")
    if not (typed.isascii() and typed.isdecimal()):
        return None
    async with database(request).reading(actor.timebank_id) as connection:
        kept = await photos.own(connection, actor, int(typed))
    return kept.id if kept else None


async def _read(request: PageRequest, form: Form, photo_id: int | None, refusal: Refusal | None) -> Typed:
    """Read the form as far as it goes; every complaint is beside the field that it is about."""
    on = today(now(request), viewer(request).time_zone)
    refusals = [refusal] if refusal else []
    activity, minutes, day = _activity(form), _minutes(form), _day(form, on)
    refusals += [one for one in (activity, minutes, day) if isinstance(one, Refusal)]
    if isinstance(activity, Refusal) or isinstance(minutes, Refusal) or isinstance(day, Refusal):
        return Typed(None, tuple(refusals), photo_id)
    command = LogTime(
        activity_id=activity,
        held_on=day,
        minutes=minutes,
        words=form.text("words"),
        photo_id=photo_id,
        duplicate_reason=form.text("again"),
    )
    found = await self_log.check_time(database(request), viewer(request).actor, command, now=now(request))
    return Typed(command, (*refusals, *_placed(form, found)), photo_id)


def _activity(form: Form) -> int | Refusal | None:
    wanted = form.text("another") or form.text("activity")
    if wanted == ELSE:
        return None
    if wanted.isascii() and wanted.isdecimal() and len(wanted) <= 18:
        return int(wanted)
    return Refusal("unknown_activity", say("Choose what it was, or “Something else”."), "activity")


def _minutes(form: Form) -> int | Refusal:
    if own := form.text("own_length"):
        found = durations.parse(own, field="own_length")
        return self_log.own_words(found) if isinstance(found, Refusal) else found
    chosen = form.text("length")
    if chosen.isascii() and chosen.isdecimal() and int(chosen[:6]) in LENGTHS:
        return int(chosen)
    return Refusal("length_missing", say("Choose how long it took."), "length")


def _day(form: Form, on: date) -> date | Refusal:
    if any(form.text(f"on-{part}") for part in ("day", "month", "year")):
        return form.date("on")
    if form.text("day") in ("today", "yesterday"):
        return on - timedelta(days=form.text("day") == "yesterday")
    return Refusal("date_missing", say("Choose the day."), "day")


def _placed(form: Form, refusals: list[Refusal]) -> list[Refusal]:
    """Refusals beside the field that was really used: the choice, or what was typed instead of it."""
    typed = {
        "length": "own_length" if form.text("own_length") else "length",
        "day": "on" if form.text("on-day") or form.text("on-month") or form.text("on-year") else "day",
    }
    return [replace(one, field=typed.get(one.field or "", one.field)) for one in refusals]


async def _log_page(request: PageRequest, form: Form) -> Response[str]:
    person = viewer(request)
    on = today(now(request), person.time_zone)
    async with database(request).reading(person.actor.timebank_id) as connection:
        choices, is_open = await _choices(connection, person.actor.timebank_id, person.subject_id, on)
        pictures = {}
        if reading_of(request).is_easy:
            pictures = await first_of(connection, person.actor.timebank_id, [one.id for one in choices[:MAX_RADIOS]])
    near = choices if len(choices) <= MAX_RADIOS else choices[: MAX_RADIOS - 1]
    kept = form.text("photo_id")
    return render(
        request,
        "contributions/self_log.html",
        422 if form.refusals else 200,
        form=form,
        near=[(one.id, one.name, one.place) for one in near],
        others=[(one.id, one.name) for one in choices[len(near) :]],
        else_is_open=is_open,
        something_else=(ELSE, SOMETHING_ELSE, ELSE_HINT),
        photos=pictures,
        lengths=LENGTHS,
        on=on,
        yesterday=on - timedelta(days=1),
        photo_id=kept if kept.isdecimal() else "",
        accept=photos.ACCEPT,
        max_words=self_log.MAX_WORDS,
        max_reason=rules.MAX_DUPLICATE_REASON,
        asks_again=any(one.code == "duplicate" for one in form.refusals) or bool(form.text("again")),
    )


async def _choices(connection: Connection, timebank_id: int, member_id: int, on: date) -> tuple[list[Choice], bool]:
    choices = await self_log_queries.choices(connection, timebank_id, member_id, on)
    return choices, await self_log_queries.else_is_open(connection, timebank_id)


async def _check_page(request: PageRequest, form: Form, command: LogTime) -> Response[str]:
    person = viewer(request)
    on = today(now(request), person.time_zone)
    async with database(request).reading(person.actor.timebank_id) as connection:
        choices, is_open = await _choices(connection, person.actor.timebank_id, person.subject_id, on)
    named = {one.id: one.name for one in choices}
    activity = named.get(command.activity_id) if command.activity_id is not None else None
    if activity is None and (command.activity_id is not None or not is_open):
        message = say("Choose what it was from the list.")
        return await _log_page(request, form.refused([Refusal("unknown_activity", message, "activity")]))
    return render(
        request,
        "contributions/self_log_check.html",
        form=form,
        activity=activity or SOMETHING_ELSE,
        command=command,
        # The day itself, not “yesterday”: midnight may pass before somebody says yes.
        fields={name: form.text(name) for name in KEPT_FIELDS if form.text(name)}
        | forms.date_fields("on", command.held_on),
    )


@get("/log/mine", guards=[signed_in])
async def mine_page(request: PageRequest, before: FromQuery[str | None] = None) -> Response[str]:
    """Everything I logged, newest first, and what became of it."""
    person = viewer(request)
    keys = parse_cursor(before) if before else (None,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    size = self_log_queries.PAGE
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await self_log_queries.mine(
            connection, person.actor.timebank_id, person.subject_id, before=keys[0], limit=size + 1
        )
    return render(
        request,
        "contributions/self_log_mine.html",
        logged=found[:size],
        older=f"/log/mine?before={cursor(found[size - 1].id)}" if len(found) > size else None,
        newer="/log/mine" if before else None,
        something_else=SOMETHING_ELSE,
    )


@get("/log/{contribution_id:int}", guards=[signed_in])
async def logged_page(
    request: PageRequest, contribution_id: FromPath[int], new: FromQuery[str | None] = None
) -> Response[str]:
    """What I logged, what happens next, and a way to take it back while it waits."""
    return await _logged_page(request, contribution_id, is_new=new is not None)


@post("/log/{contribution_id:int}/withdraw", guards=[signed_in], status_code=303)
async def withdraw(request: PageRequest, contribution_id: FromPath[int]) -> Response[Any]:
    """Take it back while nobody has decided."""
    form = await forms.read(request)
    command = Withdraw(contribution_id=contribution_id)
    try:
        done = await self_log.withdraw(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _logged_page(request, contribution_id, form.refused(done))
    return redirect(request, "/log/mine", notice=say("Taken back: {time}.", time=Minutes(done.minutes)))


async def _logged_page(
    request: PageRequest, contribution_id: int, form: Form = BLANK, *, is_new: bool = False
) -> Response[str]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        one = await self_log_queries.one(connection, person.actor.timebank_id, person.subject_id, contribution_id)
        is_supporter = person.acting_for is not None and person.acting_for.scope is not None  # money is not for them
        costs = (
            await claims.for_time(connection, person.actor.timebank_id, contribution_id)
            if one is not None and not is_supporter
            else []
        )
    if one is None:
        raise NotFoundException
    return render(
        request,
        "contributions/self_log_saved.html",
        422 if form.refusals else 200,
        form=form,
        one=one,
        costs=costs,
        cost_kinds=COST_KINDS,
        is_new=is_new,
        something_else=SOMETHING_ELSE,
    )


@get("/log/photos/{photo_id:int}", guards=[signed_in])
async def own_photo(request: PageRequest, photo_id: FromPath[int]) -> Response[bytes]:
    """A photo of my own that I chose just now."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        found = await photos.own(connection, actor, photo_id)
    return _picture(found)


@get("/log/{contribution_id:int}/photo", guards=[signed_in])
async def photo_of(request: PageRequest, contribution_id: FromPath[int]) -> Response[bytes]:
    """The photo that came with time given: for the member, and for those who decide. A look is written down."""
    person, db = viewer(request), database(request)
    on = today(now(request), person.time_zone)
    async with db.reading(person.actor.timebank_id) as connection:
        found = await photos.of_contribution(connection, person.actor.timebank_id, contribution_id)
        is_own = found is not None and found.member_id == person.subject_id
        may_see = is_own or await deputies.as_decider(connection, person.actor, on) is not None
    if found is None or not may_see:
        raise NotFoundException
    if not is_own:
        await note_daily(
            db, person.actor, found.member_id, mark("looked at a photo of time you gave"), now=now(request)
        )
    return _picture(found)


def _picture(found: Photo | None) -> Response[bytes]:
    if found is None:
        raise NotFoundException
    return Response(found.content, media_type=photos.MEDIA_TYPE, headers=PHOTO_HEADERS)


ROUTES: list[Any] = [
    log_page,
    check_log,
    save_log,
    mine_page,
    logged_page,
    withdraw,
    own_photo,
    photo_of,
]
