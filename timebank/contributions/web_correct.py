"""Correcting a saved register as a page: type what is right, see who is affected, then correct."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from timebank.contributions import corrections, register_correcting, register_people, rules
from timebank.contributions.choosing import Directory
from timebank.contributions.corrections import Correction
from timebank.contributions.queries import RegisterShown
from timebank.contributions.register_correcting import EXTRA_ROWS, Wanted
from timebank.contributions.web_registers import shown_register, stored_reference
from timebank.db import digest
from timebank.kit.actor import COORDINATOR
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]


@get("/registers/{reference:str}/correct", guards=[signed_in])
async def correct_page(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """A saved register with its times to change; one that was undone has nothing to correct."""
    register, directory = await _register(request, reference)
    if not register_correcting.counted(register):
        return redirect(request, f"/registers/{register.reference}", notice="There is nothing to correct here.")
    return _page(request, register, directory, Form.blank(**register_correcting.first_fields(register)))


@post("/registers/{reference:str}/correct", guards=[signed_in], status_code=303)
async def correct(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Show who is affected and how, and after a second look correct the register and tell them."""
    form = await forms.read(request)
    register, directory = await _register(request, reference, form)
    wanted = register_correcting.read(register, form, directory)
    options = wanted.options
    if wanted.refusals:
        return _page(request, register, directory, form.refused(wanted.refusals), options=options)
    actor = viewer(request).actor
    # What was typed after the last look is looked at again first.
    if not form.has("confirm") or form.text("seen") != _mark(wanted):
        seen = await corrections.preview_correction(database(request), actor, wanted.command, now=now(request))
        if isinstance(seen, Correction):
            return _page(request, register, directory, form, preview=seen, seen=_mark(wanted), options=options)
        refusals = seen
    else:
        done = await corrections.correct_register(
            database(request), actor, wanted.command, key=form.key, now=now(request)
        )
        if not isinstance(done, list):
            notice = "The register is corrected. Everybody affected gets a message."
            return redirect(request, f"/registers/{register.reference}", notice=notice)
        refusals = done
    names = {str(line.id): line.display_name for line in register.lines}
    names |= {f"x{at}": form.text(f"who-x{at}") for at in range(EXTRA_ROWS)}
    placed = register_correcting.placed(refusals, wanted, names)
    return _page(request, register, directory, form.refused(placed), options=options)


def _mark(wanted: Wanted) -> str:
    """Tells one correction from another."""
    return digest(wanted.command).hex()


async def _register(request: PageRequest, reference: str, form: Form = BLANK) -> tuple[RegisterShown, Directory]:
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        register = await shown_register(request, connection, stored_reference(reference))
        directory = await register_people.directory(
            connection,
            actor.timebank_id,
            only_first_names=not actor.has(COORDINATOR),
            ids=[line.member_id for line in register.lines],
            typed=[form.text(f"who-x{at}") for at in range(EXTRA_ROWS)],
        )
    return register, directory


def _page(
    request: PageRequest,
    register: RegisterShown,
    directory: Directory,
    form: Form,
    *,
    preview: Correction | None = None,
    seen: str = "",
    options: Any = None,
) -> Response[str]:
    return render(
        request,
        "contributions/correct.html",
        422 if form.refusals else 200,
        form=form,
        register=register,
        lines=[line for line, _ in register_correcting.asked_lines(register, form)],
        preview=preview,
        seen=seen,
        names=directory.shown,
        one_day=form.has("was-date"),
        extras=[f"x{at}" for at in range(EXTRA_ROWS)],
        options=options or {},
        labels=directory.labels,
        choices=register_people.choices(directory, ()),
        max_reason=rules.MAX_DECISION_REASON,
    )


ROUTES: list[Any] = [correct_page, correct]
