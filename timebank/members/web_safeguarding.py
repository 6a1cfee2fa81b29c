"""Pages of safeguarding: who leads it (for administrators), and ages, guardians and checks (for the lead and deputies).

Coordinators write down ages and guardians on a page that shows them only whether something is missing.
"""

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from timebank.kit.actor import ADMIN, COORDINATOR
from timebank.kit.clock import today
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.words import mark
from timebank.members import checks, guardians, queries, safeguarding, standing
from timebank.members.access import note_access
from timebank.members.checks import AddCheck, EndCheck
from timebank.members.guardians import RecordAge, RecordConsent, WithdrawConsent
from timebank.members.queries import MemberRecord
from timebank.members.safeguarding import NamePerson
from timebank.web import forms
from timebank.web.context import AnyConnection, database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]
REFUSED = 422


async def for_lead_and_deputies(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A guard for what only the lead and the deputies may see.

    Raises:
        NotAuthorizedException: nobody is signed in.
        PermissionDeniedException: the viewer is neither, or acts for somebody else.
    """
    signed_in(connection, handler)
    actor = viewer(connection).actor
    async with database(connection).reading(actor.timebank_id) as reading:
        if not await safeguarding.may_see(reading, actor):
            raise PermissionDeniedException


async def for_naming(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """A guard for naming people: administrators, the lead and the deputies (who may look)."""
    signed_in(connection, handler)
    if not viewer(connection).has_role(ADMIN):
        await for_lead_and_deputies(connection, handler)


FEW = [for_lead_and_deputies]
NAMING = [for_naming]
FOR_COORDINATORS = [requires_role(COORDINATOR)]


@get("/safeguarding", guards=FEW, include_in_schema=False)
async def show_safeguarding(request: PageRequest) -> Response[Any]:
    """Checks that end soon, younger members without a guardian's yes, and a way to a member's page."""
    timebank_id = viewer(request).actor.timebank_id
    wanted = request.query_params.get("q", "").strip()
    async with database(request).reading(timebank_id) as connection:
        found = await standing.find_receiver(connection, timebank_id, wanted) if wanted else None
        if isinstance(found, int):
            return redirect(request, f"/safeguarding/members/{found}")
        expiring = await checks.expiring_checks(connection, timebank_id, _today(request))
        waiting = await guardians.waiting_for_consent(connection, timebank_id)
        people = await safeguarding.people(connection, timebank_id)
    form = Form.blank(q=wanted).refused([Refusal(found.code, found.message, "q")] if found else [])
    return render(
        request,
        "members/safeguarding.html",
        form=form,
        expiring=expiring,
        waiting=waiting,
        people=people,
        day=_today(request),
    )


@get("/safeguarding/people", guards=NAMING, include_in_schema=False)
async def show_people(request: PageRequest) -> Response[Any]:
    """Who has a part in safeguarding, and a form to name somebody."""
    return await _people_page(request, Form.blank(part=safeguarding.LEAD))


@post("/safeguarding/people", guards=NAMING, include_in_schema=False)
async def name_person(request: PageRequest) -> Response[Any]:
    """Name somebody, or take a part away."""
    actor = viewer(request).actor
    form = await forms.read(request)
    member_id: int | Refusal
    if form.text("take_away").isdigit():
        member_id, part = int(form.text("take_away")[:18]), ""
    else:
        part = form.text("part")
        if part not in safeguarding.PARTS:
            return await _people_page(request, form.refused([Refusal("part_unknown", "Choose a part.", "part")]))
        async with database(request).reading(actor.timebank_id) as connection:
            member_id = await standing.find_receiver(connection, actor.timebank_id, form.text("to"))
        if isinstance(member_id, Refusal):
            return await _people_page(request, form.refused([member_id]))
    command = NamePerson(member_id=member_id, part=part)
    done = await safeguarding.name_person(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        fields = [Refusal(each.code, each.message, "to" if each.field == "member_id" else each.field) for each in done]
        return await _people_page(request, form.refused(fields))
    return redirect(request, "/safeguarding/people", notice="Saved. They are told." if part else "Saved.")


@get("/safeguarding/members/{member_id:int}", guards=FEW, include_in_schema=False)
async def show_member(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """A member's age, guardian and checks. The look is written down."""
    member = await _member(request, member_id)
    actor = viewer(request).actor
    await note_access(database(request), actor, member.id, mark("looked at your checks"), now=now(request))
    return await _member_page(request, member, Form.blank())


@post("/safeguarding/members/{member_id:int}/checks", guards=FEW, include_in_schema=False)
async def add_check(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down a check that was seen."""
    member = await _member(request, member_id)
    form = await forms.read(request)
    issued_on = form.date("issued_on")
    expires_on = form.date("expires_on") if _is_typed(form, "expires_on") else None
    wrong = [each for each in (issued_on, expires_on) if isinstance(each, Refusal)]
    if wrong or isinstance(issued_on, Refusal) or isinstance(expires_on, Refusal):
        return await _member_page(request, member, form.refused(wrong))
    command = AddCheck(
        member_id=member.id,
        kind=form.text("kind"),
        number=form.text("number"),
        issued_on=issued_on,
        expires_on=expires_on,
    )
    done = await checks.add_check(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _member_page(request, member, form.refused(done))
    return redirect(request, f"/safeguarding/members/{member.id}", notice="The check is written down.")


@post("/safeguarding/members/{member_id:int}/checks/{check_id:int}/end", guards=FEW, include_in_schema=False)
async def end_check(request: PageRequest, member_id: FromPath[int], check_id: FromPath[int]) -> Response[Any]:
    """A check counts no more."""
    member = await _member(request, member_id)
    form = await forms.read(request)
    command = EndCheck(member_id=member.id, check_id=min(check_id, MAX_KEY))
    done = await checks.end_check(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        raise NotFoundException
    return redirect(request, f"/safeguarding/members/{member.id}", notice="This check counts no more.")


@get("/members/{member_id:int}/age", guards=FOR_COORDINATORS, include_in_schema=False)
async def show_age(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down whether a member is of age, and a guardian's yes."""
    return await _age_page(request, await _member(request, member_id), Form.blank())


@post("/members/{member_id:int}/age", guards=FOR_COORDINATORS, include_in_schema=False)
async def record_age(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Keep it: of somebody of age only that they are."""
    member = await _member(request, member_id)
    form = await forms.read(request)
    born_on: date | Refusal | None = None
    if form.text("age") == "younger":
        born_on = form.date("born_on")
    elif form.text("age") != "of_age":
        born_on = Refusal("age_missing", "Choose one.", "age")
    if isinstance(born_on, Refusal):
        return await _age_page(request, member, form.refused([born_on]))
    command = RecordAge(member_id=member.id, born_on=born_on)
    done = await guardians.record_age(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _age_page(request, member, form.refused(done))
    return redirect(request, f"/members/{member.id}/age", notice="Written down.")


@post("/members/{member_id:int}/guardian", guards=FOR_COORDINATORS, include_in_schema=False)
async def record_consent(request: PageRequest, member_id: FromPath[int]) -> Response[Any]:
    """Write down a guardian's yes, or that they take it back."""
    member = await _member(request, member_id)
    form = await forms.read(request)
    db, actor = database(request), viewer(request).actor
    if form.has("withdraw"):
        command = WithdrawConsent(member_id=member.id)
        done = await guardians.withdraw_consent(db, actor, command, key=form.key, now=now(request))
    else:
        given_on = form.date("given_on")
        if isinstance(given_on, Refusal):
            return await _age_page(request, member, form.refused([given_on]))
        consent = RecordConsent(
            member_id=member.id,
            guardian_name=form.text("guardian_name"),
            guardian_contact=form.text("guardian_contact"),
            how=form.text("how"),
            given_on=given_on,
        )
        done = await guardians.record_consent(db, actor, consent, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _age_page(request, member, form.refused(done))
    return redirect(request, f"/members/{member.id}/age", notice="Written down.")


async def _people_page(request: PageRequest, form: Form) -> Response[Any]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        people = await safeguarding.people(connection, actor.timebank_id)
    return render(
        request,
        "members/safeguarding_people.html",
        REFUSED if form.refusals else 200,
        form=form,
        people=people,
        parts=[
            (safeguarding.LEAD, "Safeguarding lead", "Sees checks and what is told in confidence."),
            (safeguarding.DEPUTY, "Deputy", "Sees the same, and stands in."),
            (safeguarding.INDEPENDENT, "Independent person", "Sees only what is told in confidence."),
        ],
    )


async def _member_page(request: PageRequest, member: MemberRecord, form: Form) -> Response[Any]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        seen = await checks.checks_of(connection, timebank_id, member.id)
        age = await guardians.age_of(connection, timebank_id, member.id)
    return render(
        request,
        "members/safeguarding_member.html",
        REFUSED if form.refusals else 200,
        form=form,
        member=member,
        checks=seen,
        age=age,
        how_words=guardians.HOW_AGREED,
        kinds=list(checks.CHECK_KINDS.items()),
        day=_today(request),
    )


async def _age_page(request: PageRequest, member: MemberRecord, form: Form) -> Response[Any]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        age = await guardians.age_of(connection, timebank_id, member.id)
        in_the_way = await safeguarding.may_take_part(connection, timebank_id, member.id, _today(request))
    return render(
        request,
        "members/age.html",
        REFUSED if form.refusals else 200,
        form=form,
        member=member,
        is_known=age.is_recorded,
        is_younger=age.born_on is not None,
        has_consent=age.guardian_name != "",
        in_the_way=in_the_way,
        how=[(code, words.capitalize()) for code, words in guardians.HOW_AGREED.items()],
    )


async def _member(request: PageRequest, member_id: int) -> MemberRecord:
    """A member of this time bank who has not left; 404 for everybody else."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        member = await queries.by_id(connection, timebank_id, member_id)
    if member is None or member.status == "left":
        raise NotFoundException
    return member


def _is_typed(form: Form, name: str) -> bool:
    return any(form.text(f"{name}-{part}") for part in ("day", "month", "year"))


def _today(request: PageRequest) -> date:
    return today(now(request), viewer(request).time_zone)


ROUTES = [
    show_safeguarding, show_people, name_person, show_member, add_check, end_check, show_age, record_age,
    record_consent,
]  # fmt: skip
