"""“This isn’t right”: one question about an entry of mine, its answer; and the questions of those who answer."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from timebank.banks import queries as banks
from timebank.concerns import queries, rules, service
from timebank.concerns.queries import Concern
from timebank.concerns.service import Answer, Ask, HandOver
from timebank.concerns.words import change_in_words
from timebank.kit import durations
from timebank.kit.actor import ADMIN, APPROVER, COORDINATOR
from timebank.kit.clock import today
from timebank.kit.paging import cursor, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members.access import note_access
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]

answerers = requires_role(COORDINATOR, ADMIN, APPROVER)


@get("/entries/{entry_id:uuid}/not-right", guards=[signed_in])
async def entry_page(request: PageRequest, entry_id: FromPath[UUID]) -> Response[Any]:
    """One question: what is not right about this entry of mine?"""
    return await _ask_page(request, Ask(words="", entry_id=entry_id))


@post("/entries/{entry_id:uuid}/not-right", guards=[signed_in], status_code=303)
async def ask_about_entry(request: PageRequest, entry_id: FromPath[UUID]) -> Response[Any]:
    """Send the question; leads to when it is answered."""
    form = await forms.read(request)
    return await _ask(request, form, Ask(words=form.text("words"), entry_id=entry_id))


@get("/log/{contribution_id:int}/not-right", guards=[signed_in])
async def time_page(request: PageRequest, contribution_id: FromPath[int]) -> Response[Any]:
    """One question about time I gave, added or not."""
    return await _ask_page(request, Ask(words="", contribution_id=contribution_id))


@post("/log/{contribution_id:int}/not-right", guards=[signed_in], status_code=303)
async def ask_about_time(request: PageRequest, contribution_id: FromPath[int]) -> Response[Any]:
    """Send the question about time I gave."""
    form = await forms.read(request)
    return await _ask(request, form, Ask(words=form.text("words"), contribution_id=contribution_id))


async def _ask(request: PageRequest, form: Form, command: Ask) -> Response[Any]:
    actor = viewer(request).actor
    try:
        asked = await service.ask(database(request), actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(asked, list):
        return await _ask_page(request, command, form.refused(asked))
    return redirect(request, f"/queries/{asked.concern_id}?sent=yes")


async def _ask_page(request: PageRequest, command: Ask, form: Form = BLANK) -> Response[Any]:
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await service.about(connection, person.actor, command)
        if found is None:
            raise NotFoundException
        earlier = await queries.earlier(connection, person.actor.timebank_id, found.member_id, found.key)
        on = today(now(request), person.time_zone)
        version = await queries.rules_of(connection, person.actor.timebank_id, found.entry_id)
        _, in_force = await banks.rules_in_force(connection, person.actor.timebank_id, on)
    is_open = [one["id"] for one in earlier if one["state"] == "open"]
    if is_open and not form.refusals:
        return redirect(request, f"/queries/{is_open[0]}")
    return render(
        request,
        "concerns/ask.html",
        422 if form.refusals else 200,
        form=form,
        about=found,
        rules_version=version,
        action=request.url.path,
        before=earlier[-1]["id"] if earlier else None,
        is_used_up=len(earlier) >= rules.MAX_ROUNDS,
        answer_days=in_force.answer_days,
        in_force=in_force,
        max_asked=rules.MAX_ASKED,
    )


@get("/queries", guards=[signed_in])
async def mine_page(request: PageRequest, before: FromQuery[str | None] = None) -> Response[str]:
    """What I asked, newest first, and the answers."""
    person = viewer(request)
    last = _last(before)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await queries.of_member(
            connection, person.actor.timebank_id, person.subject_id, before=last, limit=queries.PAGE + 1
        )
    shown = found[: queries.PAGE]
    return render(
        request,
        "concerns/mine.html",
        concerns=shown,
        on=today(now(request), person.time_zone),
        older=f"/queries?before={cursor(shown[-1].id)}" if len(found) > queries.PAGE else None,
        newer="/queries" if before else None,
    )


@get("/queries/to-answer", guards=[answerers])
async def to_answer_page(
    request: PageRequest, show: FromQuery[str | None] = None, after: FromQuery[str | None] = None
) -> Response[str]:
    """What waits for an answer: mine, all, and what is overdue; the most urgent first."""
    person = viewer(request)
    wanted: queries.Show = next((one for one in queries.SHOWS if one == show), "mine")
    on = today(now(request), person.time_zone)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = await queries.to_answer(
            connection,
            person.actor.timebank_id,
            person.actor.member_id or 0,
            wanted,
            on=on,
            sees_all=person.has_role(COORDINATOR),
            after=_last(after),
            limit=queries.PAGE + 1,
        )
        counts = await queries.counts(connection, person.actor.timebank_id, person.actor.member_id, on=on)
        _, in_force = await banks.rules_in_force(connection, person.actor.timebank_id, on)
    shown = found[: queries.PAGE]
    return render(
        request,
        "concerns/to_answer.html",
        concerns=shown,
        show=wanted,
        counts=counts,
        sees_all=person.has_role(COORDINATOR),
        on=on,
        independent_person=in_force.independent_person,
        further=f"/queries/to-answer?show={wanted}&after={cursor(shown[-1].id)}" if len(found) > queries.PAGE else None,
    )


@get("/queries/{query_id:int}", guards=[signed_in])
async def query_page(
    request: PageRequest, query_id: FromPath[int], sent: FromQuery[str | None] = None
) -> Response[str]:
    """One question: for the member its state and answer, for the owner a way to answer it."""
    return await _query_page(request, query_id, is_new=sent is not None)


@post("/queries/{query_id:int}/answer", guards=[answerers], status_code=303)
async def answer_query(request: PageRequest, query_id: FromPath[int]) -> Response[Any]:
    """Answer a question; the member is told."""
    form = await forms.read(request)
    outcome = form.text("outcome")
    refusals: list[Refusal] = []
    minutes: int | None = None
    if outcome == "corrected":
        minutes, refusals = _typed_minutes(form)
    elif outcome != "upheld":
        refusals = [Refusal("outcome_missing", "Choose whether it stays as it is.", "outcome")]
    if refusals:
        return await _query_page(request, query_id, form.refused(refusals))
    command = Answer(
        concern_id=query_id,
        outcome="corrected" if outcome == "corrected" else "upheld",
        words=form.text("words"),
        minutes=minutes,
    )
    actor = viewer(request).actor
    try:
        answered = await service.answer(database(request), actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(answered, list):
        return await _query_page(request, query_id, form.refused(answered))
    return redirect(request, "/queries/to-answer", notice="Your answer is sent.")


def _typed_minutes(form: Form) -> tuple[int | None, list[Refusal]]:
    """The time that an answer says; “nothing” takes time out. Elsewhere ``direction`` says which way hours go."""
    typed = form.text("minutes")
    if typed.casefold() in ("0", "0:00", "nothing", "none"):
        return 0, []
    minutes = durations.parse(typed, field="minutes")
    if isinstance(minutes, Refusal):
        return None, [minutes]
    return (-minutes if form.text("direction") == "from" else minutes), []


@post("/queries/{query_id:int}/hand-over", guards=[answerers], status_code=303)
async def hand_over(request: PageRequest, query_id: FromPath[int]) -> Response[Any]:
    """Let somebody else answer."""
    form = await forms.read(request)
    command = HandOver(concern_id=query_id, reason=form.text("reason"))
    actor = viewer(request).actor
    try:
        given = await service.hand_over(database(request), actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(given, list):
        return await _query_page(request, query_id, form.refused(given))
    return redirect(request, "/queries/to-answer", notice="Somebody else answers it now. They and the member are told.")


async def _query_page(
    request: PageRequest, query_id: int, form: Form = BLANK, *, is_new: bool = False
) -> Response[str]:
    person, db = viewer(request), database(request)
    actor = person.actor
    on = today(now(request), person.time_zone)
    async with db.reading(actor.timebank_id) as connection:
        concern = await queries.one(connection, actor.timebank_id, query_id)
        if concern is None or not rules.may_see(actor, member_id=concern.member_id, owner_id=concern.owner_id):
            raise NotFoundException
        steps = await queries.steps(connection, actor.timebank_id, concern.id)
        again = await queries.earlier(connection, actor.timebank_id, concern.member_id, concern.about)
        _, in_force = await banks.rules_in_force(connection, actor.timebank_id, on)
        counted = await queries.counts_as(connection, actor.timebank_id, concern)
        about = await queries.about_of(connection, actor.timebank_id, concern)
        excluded = await service.excluded_from(connection, actor.timebank_id, concern)
    context: dict[str, Any] = {
        "concern": concern,
        "steps": steps,
        "on": on,
        "in_force": in_force,
        "other_rounds": [one["id"] for one in again if one["id"] != concern.id],
        "change": change_in_words(concern.changed_minutes),
    }
    status = 422 if form.refusals else 200
    if concern.member_id == actor.subject_id:
        can_ask_again = not concern.is_open and concern.round < rules.MAX_ROUNDS and len(again) < rules.MAX_ROUNDS
        return render(
            request,
            "concerns/query.html",
            status,
            form=form,
            is_new=is_new,
            again=_where(concern) if can_ask_again else None,
            **context,
        )
    await note_access(db, actor, concern.member_id, mark("looked at a question you asked"), now=now(request))
    may_answer = concern.is_open and (concern.owner_id == actor.member_id or concern.owner_id is None)
    return render(
        request,
        "concerns/answer.html",
        status,
        form=form,
        may_answer=may_answer and (concern.owner_id is not None or bool(in_force.independent_person)),
        may_hand_over=concern.is_open
        and concern.owner_id is not None
        and (concern.owner_id == actor.member_id or (person.has_role(COORDINATOR) and actor.member_id not in excluded)),
        counted=counted,
        made_by=about.made_by if about else "",
        max_answer=rules.MAX_ANSWER,
        max_reason=rules.MAX_REASON,
        place="/queries/to-answer",
        **context,
    )


def _where(concern: Concern) -> str:
    """The address at which the member asks about the same thing again."""
    if concern.about.startswith("time:"):
        return f"/log/{concern.contribution_id}/not-right"
    return f"/entries/{concern.entry_id}/not-right"


def _last(typed: str | None) -> int | None:
    keys = parse_cursor(typed) if typed else (None,)
    if isinstance(keys, Refusal):
        raise NotFoundException
    return keys[0]


ROUTES: list[Any] = [
    entry_page,
    ask_about_entry,
    time_page,
    ask_about_time,
    mine_page,
    to_answer_page,
    query_page,
    answer_query,
    hand_over,
]
