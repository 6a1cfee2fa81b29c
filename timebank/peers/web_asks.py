"""The page of one ask: answering, agreeing, saying how it was, thanks; and a coordinator's look at it."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.hours import queries as hours
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.ids import normalise_reference
from timebank.kit.refusal import Refusal
from timebank.kit.words import Words, say
from timebank.members.access import note_access
from timebank.peers import confirming, queries, rules, service
from timebank.peers import forms as own_forms
from timebank.peers.queries import AskLine
from timebank.peers.service import Close, Say, SayYes, Settle, Share, Suggest, Thank
from timebank.peers.words import EVENTS, HOWS, STATES, category
from timebank.signin.confirming import require_confirmed_for
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
Result = tuple[Any, Words | str]
"""What a step came to, and what the next page says about it."""


@get("/share/asks/{reference:str}", guards=[signed_in], include_in_schema=False)
async def show_ask(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One ask, for the two whom it is about, or for a coordinator."""
    return await _page(request, reference)


@post("/share/asks/{reference:str}/{step:str}", guards=[signed_in], status_code=200, include_in_schema=False)
async def take_step(request: PageRequest, reference: FromPath[str], step: FromPath[str]) -> Response[Any]:
    """Answer it, suggest something else, call it off, say how it was, thank, or settle it."""
    do, known = STEPS.get(step), normalise_reference(reference)
    if do is None or known is None:
        raise NotFoundException
    form = await forms.read(request)
    try:
        done, notice = await do(request, viewer(request).actor, known, form)
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _page(request, known, form.refused(done), step)
    return redirect(request, f"/share/asks/{known}", notice=notice)


async def _yes(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    async with database(request).reading(actor.timebank_id) as connection:
        ask = await queries.ask(connection, actor.timebank_id, reference)
    if ask is not None and ask.receiver_id == actor.subject_id:
        await require_confirmed_for(request, ask.minutes, then=f"/share/asks/{reference}")
    command = SayYes(reference=reference, reach=form.text("reach"))
    done = await service.say_yes(database(request), actor, command, key=form.key, now=now(request))
    if not isinstance(done, list) and done.state == rules.ASKED:
        return done, say("Thank you for your yes. They look at their hours first.")
    return done, say("It is agreed. The hours are set aside.")


async def _suggest(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    starts_at = own_forms.starts_at(form, viewer(request).time_zone, needed=True)
    if isinstance(starts_at, Refusal) or starts_at is None:
        return [starts_at], ""
    command = Suggest(
        reference=reference,
        minutes=own_forms.minutes(form),
        starts_at=starts_at,
        how=form.text("how"),
        place=form.text("place"),
        words=form.text("note"),
    )
    done = await service.suggest(database(request), actor, command, key=form.key, now=now(request))
    return done, say("We ask them. You hear from us.")


async def _close(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    command = Close(reference=reference)
    done = await service.close(database(request), actor, command, key=form.key, now=now(request))
    if not isinstance(done, list) and done.state == rules.DECLINED:
        return done, say("That is fine. We tell them kindly.")
    return done, say("It is called off. No hours were used.")


async def _happened(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    minutes = own_forms.minutes(form)
    if not minutes:
        return [Refusal("minutes_missing", say("Choose how long it was."), "minutes")], ""
    return await _said(request, actor, reference, form, minutes)


async def _not(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    return await _said(request, actor, reference, form, 0)


async def _said(request: PageRequest, actor: Actor, reference: str, form: Form, minutes: int) -> Result:
    command = Say(reference=reference, minutes=minutes)
    done = await service.happened(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return done, ""
    if done.state == rules.DONE:
        return done, say("Done. The hours have moved.")
    if done.state == rules.FREE:
        return done, say("The hours are free again.")
    return done, say("Thank you. We have written it down.")


async def _share(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    command = Share(reference=reference, reach=form.text("reach"))
    done = await service.share(database(request), actor, command, key=form.key, now=now(request))
    return done, say("Saved.")


async def _thank(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    words = form.text("words")
    if not words:
        return [Refusal("words_missing", say("Write a few words first."), "words")], ""
    command = Thank(reference=reference, words=words)
    done = await service.thank(database(request), actor, command, key=form.key, now=now(request))
    return done, say("Your thanks are on their way.")


async def _unthank(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    command = Thank(reference=reference, words="")
    done = await service.thank(database(request), actor, command, key=form.key, now=now(request))
    return done, say("Your words are taken off.")


async def _settle(request: PageRequest, actor: Actor, reference: str, form: Form) -> Result:
    typed = form.text("settled")
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 5):
        return [Refusal("minutes_missing", "Choose how many minutes count.", "settled")], ""
    command = Settle(reference=reference, minutes=int(typed), reason=form.text("reason"))
    done = await service.settle(database(request), actor, command, key=form.key, now=now(request))
    return done, "It is settled. Both are told."


STEPS: dict[str, Callable[[PageRequest, Actor, str, Form], Awaitable[Result]]] = {
    "yes": _yes,
    "suggest": _suggest,
    "no": _close,
    "cancel": _close,
    "happened": _happened,
    "not-happened": _not,
    "reach": _share,
    "thanks": _thank,
    "take-thanks-off": _unthank,
    "settle": _settle,
}


async def _page(request: PageRequest, reference: str, form: Form | None = None, step: str = "") -> Response[str]:
    person, moment = viewer(request), now(request)
    actor, subject_id = person.actor, person.subject_id
    known = normalise_reference(reference)
    async with database(request).reading(actor.timebank_id) as connection:
        ask = await queries.ask(connection, actor.timebank_id, known) if known else None
        is_mine = ask is not None and ask.is_party(subject_id)
        if ask is None or not (is_mine or actor.has(COORDINATOR)):
            raise NotFoundException
        events = await queries.events(connection, actor.timebank_id, ask.id)
        thanks = await queries.thanks(connection, actor.timebank_id, ask.id)
        mine_now = await hours.balance(connection, actor.timebank_id, subject_id) if is_mine else None
        ends = await confirming.silence_ends(connection, actor.timebank_id, ask.reference, moment)
    status = 422 if form is not None else 200
    if not is_mine:
        for member_id in (ask.receiver_id, ask.helper_id):
            await note_access(database(request), actor, member_id, f"looked at ask {ask.reference}", now=moment)
        return render(
            request, "peers/ask_staff.html", status, form=form or Form.blank(), ask=ask, events=events,
            event_words=EVENTS, states=STATES, hows=HOWS, about=category(ask.category), place="/share/all",
            can_settle=ask.state == rules.SETTLING and not ask.is_party(actor.member_id),
        )  # fmt: skip
    is_receiver = subject_id == ask.receiver_id
    return render(
        request,
        "peers/ask.html",
        status,
        form=form or _filled(ask, person.time_zone),
        step=step,
        ask=ask,
        me=subject_id,
        is_receiver=is_receiver,
        other_name=ask.other_name(subject_id),
        other_id=ask.other(subject_id),
        my_reach=ask.receiver_reach if is_receiver else ask.helper_reach,
        their_reach=(ask.helper_reach if is_receiver else ask.receiver_reach) if ask.state == rules.AGREED else "",
        i_said=ask.said_by(subject_id),
        they_said=ask.said_by(ask.other(subject_id)),
        has_started=ask.has_started(moment),
        hours_now=mine_now,
        missing=max(ask.minutes - mine_now.available, 0) if mine_now and is_receiver else 0,
        silence_ends=ends,
        events=events,
        event_words=EVENTS,
        thanks=thanks,
        now=moment,
        my_thanks=next((each for each in thanks if each.from_member_id == subject_id), None),
        states=STATES,
        hows=HOWS,
        about=category(ask.category),
        days=own_forms.days(moment, person.time_zone, ask.starts_at),
        clock=own_forms.times(own_forms.local_time(ask.starts_at, person.time_zone) if ask.starts_at else None),
        lengths=own_forms.lengths(ask.minutes, ask.receiver_said, ask.helper_said),
    )


def _filled(ask: AskLine, time_zone: str) -> Form:
    when = own_forms.when_fields(ask.starts_at, time_zone)
    return Form.blank(minutes=ask.minutes, how=ask.how, place=ask.place, **when)


ROUTES = [show_ask, take_step]
