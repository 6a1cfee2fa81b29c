"""The rates of the time bank: what holds, what held, what waits for a second person. English, for staff."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.budgets import choosing
from timebank.kit import money
from timebank.kit.actor import ADMIN, FINANCE
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.members import queries as members
from timebank.rates import queries, rules, service, words
from timebank.rates.service import DecideRate, ProposeRate, UnknownRate
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
FOR_FINANCE = [requires_role(FINANCE, ADMIN)]
REFUSED = 422


@get("/payments/rates", guards=FOR_FINANCE, include_in_schema=False)
async def rates_page(request: PageRequest) -> Response[str]:
    """Every rate, what waits in front, and the form for a new one."""
    return await _page(request, BLANK)


@post("/payments/rates", guards=FOR_FINANCE, include_in_schema=False)
async def propose(request: PageRequest) -> Response[Any]:
    """Propose a rate."""
    form, person = await forms.read(request), viewer(request)
    kind, _, unit = form.text("what").partition("/")
    pence, from_on = money.parse(form.text("pence"), person.currency, field="pence"), form.date("from_on")
    if isinstance(pence, Refusal) or isinstance(from_on, Refusal):
        return await _page(request, form.refused([one for one in (pence, from_on) if isinstance(one, Refusal)]))
    command = ProposeRate(
        kind=kind,
        pence=pence,
        unit=unit,
        from_on=from_on,
        band=form.text("band"),
        fund_id=choosing.chosen(form.text("fund_id")),
        budget_id=choosing.chosen(form.text("budget_id")),
        note=form.text("note"),
    )
    done = await service.propose(database(request), person.actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        fields = [
            Refusal(one.code, one.message, "what" if one.field in ("kind", "unit") else one.field) for one in done
        ]
        return await _page(request, form.refused(fields))
    return redirect(request, "/payments/rates", notice="The rate is proposed. Someone else in finance confirms it.")


@post("/payments/rates/{rate_id:int}/decide", guards=FOR_FINANCE, include_in_schema=False)
async def decide(request: PageRequest, rate_id: FromPath[int]) -> Response[Any]:
    """Confirm a proposed rate, or refuse it with a reason."""
    form, person = await forms.read(request), viewer(request)
    confirm = form.text("answer") == "confirm"
    command = DecideRate(rate_id=rate_id, confirm=confirm, why=form.text(f"why-{rate_id}"))
    try:
        done = await service.decide(database(request), person.actor, command, key=form.key, now=now(request))
    except (UnknownRate, OverflowError) as error:
        raise NotFoundException from error
    if isinstance(done, list):
        fields = [Refusal(one.code, one.message, f"why-{rate_id}" if one.field == "why" else None) for one in done]
        return await _page(request, form.refused(fields))
    notice = f"The rate is in use from its day. It is number {done.version}." if confirm else "The rate is refused."
    return redirect(request, "/payments/rates", notice=notice)


async def _page(request: PageRequest, form: Form) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.rates(connection, timebank_id)
        people = {rate.proposed_by for rate in found} | {rate.decided_by for rate in found if rate.decided_by}
        names = await members.names(connection, timebank_id, sorted(people))
        choices = {
            "funds": await choosing.funds(connection, timebank_id, none="Every fund"),
            "budgets": await choosing.budgets(connection, timebank_id, person.currency, none="The group’s own"),
        }
        fund_names = await choosing.fund_names(connection, timebank_id)
        budget_names = await choosing.budget_names(connection, timebank_id)
    day = today(now(request), person.time_zone)
    return render(
        request,
        "rates/rates.html",
        REFUSED if form.refusals else 200,
        form=form,
        proposed=[rate for rate in found if rate.state == rules.PROPOSED],
        kinds=[(name, [rate for rate in found if rate.kind == kind and rate.state == rules.IN_USE])
               for kind, name in words.KIND_NAMES.items()],
        refused=[rate for rate in found if rate.state == rules.REFUSED],
        names=names,
        choices=choices,
        for_whom=lambda rate: words.for_whom(rate, fund_names),
        budget_names=budget_names,
        today=day,
        member_id=person.member_id,
        words=words,
    )  # fmt: skip


ROUTES = [rates_page, propose, decide]
