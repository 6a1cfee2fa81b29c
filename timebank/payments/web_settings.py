"""The page of how the time bank pays: its own account, the format of its files, days ahead, the tax year."""

from typing import Any

from litestar import Request, Response, get, post

from timebank.kit.actor import ADMIN, FINANCE
from timebank.payees import queries as payees
from timebank.payees import rules as payee_rules
from timebank.payments import settings as payment_settings
from timebank.payments.profiles import choices
from timebank.payments.settings import PaymentSettings, change_settings
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
may_change = requires_role(FINANCE, ADMIN)

FIELDS = {
    "format": "Format",
    "service_user_number": "Service user number",
    "days_ahead": "Working days ahead",
    "tax_year_month": "Month in which the tax year begins",
    "tax_year_day": "Day on which the tax year begins",
}


@get("/payments/settings", guards=[may_change])
async def settings_page(request: PageRequest) -> Response[str]:
    """How the time bank pays, and what changed about that."""
    return await _page(request, None)


@post("/payments/settings", guards=[may_change], status_code=303)
async def save_settings(request: PageRequest) -> Response[Any]:
    """Change it."""
    form = await forms.read(request)
    command = PaymentSettings(
        format=form.text("format"),
        service_user_number=form.text("service_user_number").replace(" ", ""),
        days_ahead=_whole(form.text("days_ahead")),
        tax_year_month=_whole(form.text("tax_year_month")),
        tax_year_day=_whole(form.text("tax_year_day")),
    )
    done = await change_settings(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _page(request, form.refused(done))
    return redirect(request, "/payments/settings", notice="Saved." if done.fields else "Nothing was different.")


async def _page(request: PageRequest, form: Form | None) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        chosen = await payment_settings.payment_settings(connection, timebank_id)
        changes = await payment_settings.changes(connection, timebank_id)
        own = await payees.accounts_of(connection, timebank_id, None)
        formats = await choices(connection, timebank_id)
    filled = form or Form.blank(**{field: getattr(chosen, field) for field in FIELDS})
    return render(
        request,
        "payments/settings.html",
        422 if form else 200,
        form=filled,
        in_use=next((one for one in own if one.state == payee_rules.IN_USE), None),
        waiting=next((one for one in own if one.state == payee_rules.PROPOSED), None),
        formats=formats,
        months=[(number, name) for number, name in enumerate(_MONTHS, 1)],
        changes=changes,
        fields=FIELDS,
    )


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _whole(text: str) -> int:
    """The number that was typed; -1, which is refused beside its field, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else -1


ROUTES: list[Any] = [settings_page, save_settings]
