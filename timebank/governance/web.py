"""Pages of the rules and the settings of a time bank; the first day and practice are in the modules beside."""

from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.governance import queries, rules, service, web_practice, web_start
from timebank.governance.queries import Version
from timebank.governance.service import ChangeRules, ChangeSettings
from timebank.kit.actor import ADMIN
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]

FOR_ADMINISTRATORS = [requires_role(ADMIN)]
REFUSED = 422
SECTION_PICTURES = dict(zip(rules.SECTIONS, ("write", "look", "hours", "question", "safe"), strict=True))
"""The picture beside every rule of a section, in Easy Read."""


@get("/rules", guards=[signed_in])
async def rules_page(request: PageRequest) -> Response[Any]:
    """The rules in force, a sentence each, and what will change."""
    _, found, day = await _versions(request)
    in_force = queries.in_force(found, day)
    coming = [(version, queries.changes_of(found, version)) for version in found if version.starts_on > day]
    return render(
        request,
        "governance/rules.html",
        sections=rules.SECTIONS,
        section_pictures=SECTION_PICTURES,
        version=in_force,
        coming=list(reversed(coming)),
        earlier=[version for version in found if version.version < in_force.version],
    )


@get("/rules/{version_number:int}", guards=[signed_in])
async def version_page(request: PageRequest, version_number: FromPath[int]) -> Response[Any]:
    """One version of the rules: what it changed, who decided it, and all of its sentences."""
    _, found, day = await _versions(request)
    version = next((each for each in found if each.version == version_number), None)
    if version is None:
        raise NotFoundException
    return render(
        request,
        "governance/version.html",
        sections=rules.SECTIONS,
        section_pictures=SECTION_PICTURES,
        version=version,
        changes=queries.changes_of(found, version),
        is_in_force=version.version == queries.in_force(found, day).version,
        is_coming=version.starts_on > day,
    )


@get("/rules/change", guards=FOR_ADMINISTRATORS)
async def change_page(request: PageRequest) -> Response[Any]:
    """The editor, filled with the newest version."""
    bank, found, day = await _versions(request)
    async with database(request).reading(bank.id) as connection:
        earliest = await service.earliest_start(connection, bank, found, day)
    form = Form.blank(
        base_version=found[0].version,
        **rules.typed(found[0].document),
        **forms.date_fields("starts_on", earliest),
    )
    return _editor(request, form)


@post("/rules/change", guards=FOR_ADMINISTRATORS, status_code=303)
async def change(request: PageRequest) -> Response[Any]:
    """Show what would change, in words; with “publish” change it and tell everybody."""
    form = await forms.read(request)
    if form.has("edit"):
        return _editor(request, form, 200)
    starts_on = form.date("starts_on")
    command = _command(form, starts_on)
    actor = viewer(request).actor
    planned = await service.plan(database(request), actor, command, now=now(request))
    if isinstance(planned, list) or isinstance(starts_on, Refusal):
        refusals = planned if isinstance(planned, list) else []
        if isinstance(starts_on, Refusal):
            refusals = [starts_on, *(each for each in refusals if each.field != "starts_on")]
        return _editor(request, form.refused(refusals))
    if not form.has("publish"):
        return render(
            request,
            "governance/preview.html",
            form=form,
            planned=planned,
            decided_by=command.decided_by,
            note=command.note,
            boxes={**command.boxes, **_others(form)},
        )
    version = await service.change_rules(database(request), actor, command, key=form.key, now=now(request))
    if isinstance(version, list):
        return _editor(request, form.refused(version))
    return redirect(request, f"/rules/{version}", notice="The change is published. Every member is told.")


@get("/settings", guards=FOR_ADMINISTRATORS)
async def settings_page(request: PageRequest) -> Response[Any]:
    """What the time bank is called, whom to ask, where it is."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
    form = Form.blank(
        name=bank.name,
        help_contact=bank.help_contact,
        time_zone=bank.time_zone,
        holiday_region=bank.holiday_region,
    )
    return render(request, "governance/settings.html", form=form)


@post("/settings", guards=FOR_ADMINISTRATORS, status_code=303)
async def change_settings(request: PageRequest) -> Response[Any]:
    """Change them."""
    form = await forms.read(request)
    command = ChangeSettings(
        name=form.text("name"),
        help_contact=form.text("help_contact"),
        time_zone=form.text("time_zone"),
        holiday_region=form.text("holiday_region"),
    )
    done = await service.change_settings(
        database(request), viewer(request).actor, command, key=form.key, now=now(request)
    )
    if isinstance(done, list):
        return render(request, "governance/settings.html", REFUSED, form=form.refused(done))
    return redirect(request, "/settings", notice="The settings are saved.")


async def _versions(request: PageRequest) -> tuple[TimeBankFacts, list[Version], date]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
        found = await queries.versions(connection, timebank_id)
    return bank, found, today(now(request), bank.time_zone)


def _editor(request: PageRequest, form: Form, status: int | None = None) -> Response[Any]:
    default = REFUSED if form.refusals else 200
    fields = [(section, [each for each in rules.EDITABLE if each.section == section]) for section in rules.SECTIONS]
    return render(
        request, "governance/change.html", status or default, form=form, fields=[each for each in fields if each[1]]
    )


def _command(form: Form, starts_on: date | Refusal) -> ChangeRules:
    base = form.text("base_version")
    return ChangeRules(
        base_version=int(base) if base.isascii() and base.isdigit() and len(base) <= 6 else 0,
        boxes={field.name: form.text(field.name) for field in rules.EDITABLE if form.has(field.name)},
        decided_by=form.text("decided_by"),
        starts_on=date.max if isinstance(starts_on, Refusal) else starts_on,
        note=form.text("note"),
    )


def _others(form: Form) -> dict[str, str]:
    names = ("base_version", "decided_by", "note", "starts_on-day", "starts_on-month", "starts_on-year")
    return {name: form.text(name) for name in names}


ROUTES: list[Any] = [
    rules_page,
    change_page,
    change,
    version_page,
    settings_page,
    change_settings,
    *web_start.ROUTES,
    *web_practice.ROUTES,
]
