"""A person's own fees: what waits, choosing, and where the money is; and what happens to every fee to come."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.fees import queries, rules, service, words
from timebank.fees.rules import UnknownFee
from timebank.fees.service import ChooseEvery, ChooseFee
from timebank.kit import ids, money
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.payments.settings import payment_settings
from timebank.rates import queries as rates
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import signed_in, viewer

PageRequest = Request[Any, Any, Any]
REFUSED = 422
MINE = [signed_in]
# The page asks for an amount and a charity where the command has pence and a payee.
FIELDS = {"pence": "amount", "payee_id": "charity", "how_agreed": None}


@get("/me/fees", guards=MINE, include_in_schema=False)
async def my_fees(request: PageRequest) -> Response[str]:
    """What waits for me, where my money is, and what I was paid in each tax year."""
    person = viewer(request)
    timebank_id, member_id = person.actor.timebank_id, person.subject_id
    async with database(request).reading(timebank_id) as connection:
        fees = await queries.of_member(connection, timebank_id, member_id)
        totals = await queries.totals_by_tax_year(connection, timebank_id, member_id=member_id)
        every = (await queries.standing(connection, timebank_id, [member_id])).get(member_id)
        settings = await payment_settings(connection, timebank_id)
    day = today(now(request), person.time_zone)
    return render(
        request,
        "fees/mine.html",
        waiting=[fee for fee in fees if fee.state == rules.WAITING],
        others=[(fee, words.standing(fee, day, person.currency)) for fee in fees if fee.state != rules.WAITING],
        totals=totals,
        years={total.year: words.year(total.year, total.last_day) for total in totals},
        this_year=rules.tax_year(day, settings.tax_year_month, settings.tax_year_day),
        every=every,
        is_full=len(fees) == queries.MAX_LISTED,
        limit=queries.MAX_LISTED,
    )


@get("/me/fees/every", guards=MINE, include_in_schema=False)
async def show_every(request: PageRequest) -> Response[str]:
    """What happens to every fee of mine from now on."""
    person = viewer(request)
    async with database(request).reading(person.actor.timebank_id) as connection:
        found = (await queries.standing(connection, person.actor.timebank_id, [person.subject_id])).get(
            person.subject_id
        )
    chosen = Form.blank(how=found.how, charity=found.payee_id) if found else Form.blank(how="ask")
    return await _every_page(request, chosen)


@post("/me/fees/every", guards=MINE, include_in_schema=False)
async def choose_every(request: PageRequest) -> Response[Any]:
    """Change it; fees that wait already are not touched."""
    form, person = await forms.read(request), viewer(request)
    how = form.text("how")
    charity = _charity(form) if how == rules.CHARITY else None
    if isinstance(charity, Refusal):
        return await _every_page(request, form.refused([charity]))
    command = ChooseEvery(member_id=person.subject_id, how=how, payee_id=charity)
    done = await service.choose_every(database(request), person.actor, command, key=form.key, now=now(request))
    if isinstance(done, list):
        return await _every_page(request, form.refused(_placed(done)))
    return redirect(request, "/me/fees", notice=say("We keep to this from now on."))


@get("/me/fees/{reference:str}", guards=MINE, include_in_schema=False)
async def my_fee(request: PageRequest, reference: FromPath[str]) -> Response[str]:
    """One fee: what it is, how it is worked out, what I can choose, and where the money is."""
    return await _fee_page(request, _reference(reference))


@post("/me/fees/{reference:str}", guards=MINE, include_in_schema=False)
async def choose(request: PageRequest, reference: FromPath[str]) -> Response[Any]:
    """Choose what happens to it, or something else."""
    form, person = await forms.read(request), viewer(request)
    wanted = _reference(reference)
    how, seen = form.text("how"), form.text("seen_pence")
    pence = money.parse(form.text("amount"), person.currency, field="amount") if how == rules.PART else None
    charity = _charity(form) if how == rules.CHARITY else None
    if refusals := [one for one in (pence, charity) if isinstance(one, Refusal)]:
        return await _fee_page(request, wanted, form.refused(refusals))
    command = ChooseFee(
        reference=wanted,
        how=how,
        pence=None if isinstance(pence, Refusal) else pence,
        payee_id=None if isinstance(charity, Refusal) else charity,
        seen_pence=int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= 10 else None,
    )
    try:
        done = await service.choose(database(request), person.actor, command, key=form.key, now=now(request))
    except UnknownFee as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _fee_page(request, wanted, form.refused(_placed(done)))
    return redirect(request, f"/me/fees/{wanted}", notice=say("We have your choice."))


async def _fee_page(request: PageRequest, reference: str, form: Form = BLANK) -> Response[str]:
    person = viewer(request)
    timebank_id = person.actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        fee = await queries.by_reference(connection, timebank_id, reference)
        if fee is None or fee.member_id != person.subject_id:
            raise NotFoundException
        rate = await rates.one(connection, timebank_id, fee.rate_id) if fee.rate_id else None
        charities = await queries.charities(connection, timebank_id)
        until = await queries.choose_until(connection, timebank_id, fee)
        choices = await queries.choices(connection, timebank_id, fee.id)
    day = today(now(request), person.time_zone)
    is_over = until is not None and day > until and not rules.is_helped(person.actor)
    return render(
        request,
        "fees/fee.html",
        REFUSED if form.refusals else 200,
        form=form,
        fee=fee,
        rate=rate,
        steps=words.worked_out(fee, rate, person.currency),
        standing=words.standing(fee, day, person.currency),
        can_choose=fee.can_choose and not is_over,
        is_over=is_over,
        until=until,
        charities=[(str(one.id), one.name) for one in charities],
        gone=[one for one in choices if one.state == rules.GONE],
        note=rules.NOTE,
        how_names=words.HOW_NAMES,
    )


async def _every_page(request: PageRequest, form: Form) -> Response[str]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        charities = await queries.charities(connection, timebank_id)
    return render(
        request,
        "fees/every.html",
        REFUSED if form.refusals else 200,
        form=form,
        charities=[(str(one.id), one.name) for one in charities],
        note=rules.NOTE,
    )


def _charity(form: Form) -> int | Refusal:
    typed = form.text("charity")
    if typed.isascii() and typed.isdigit() and len(typed) <= 15 and int(typed):
        return int(typed)
    return Refusal("charity_missing", say("Choose a charity."), "charity")


def _placed(refusals: list[Refusal]) -> list[Refusal]:
    """The refusals beside the fields of the page."""
    return [replace(one, field=FIELDS.get(one.field or "", one.field)) for one in refusals]


def _reference(typed: str) -> str:
    reference = ids.normalise_reference(typed)
    if reference is None:
        raise NotFoundException
    return reference


ROUTES = [my_fees, show_every, choose_every, my_fee, choose]
