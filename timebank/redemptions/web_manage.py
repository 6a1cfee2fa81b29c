"""Pages on which staff add and change what hours can be used for: the list, the form, the photo, closing, copying."""

from dataclasses import replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.budgets import queries as budgets
from timebank.db import Connection
from timebank.kit import names
from timebank.kit.actor import ADMIN, COORDINATOR
from timebank.kit.clock import today
from timebank.kit.pictures import ACCEPT, MAX_PHOTO_BYTES, remake
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payee_queries
from timebank.payees import service as payees
from timebank.payees.service import AddPayee
from timebank.redemptions import managing, offer_forms, offer_photos, offer_rules, offers, voucher_fields
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.managing import ManagedOffer
from timebank.redemptions.offer_queries import MAX_SEARCH_CHARACTERS
from timebank.redemptions.offer_rules import STATES, AddOffer, ChangeOffer
from timebank.redemptions.offers import OpenOffer
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.pages import redirect, render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]
coordinates = requires_role(COORDINATOR, ADMIN)

PLACE = "/offers/manage"
KINDS = ("training", "voucher")
MISSING = Refusal("photo_missing", "Choose a photo first.", "photo")


@get(PLACE, guards=[coordinates], include_in_schema=False)
async def show_managed(request: PageRequest) -> Response[str]:
    """Every offer with its state, what is taken, and what is committed this month."""
    asked = request.query_params
    q = asked.get("q", "").strip()[:MAX_SEARCH_CHARACTERS].replace("\0", "")
    state = asked.get("state", "") if asked.get("state", "") in STATES else ""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        clocks = await _clocks(request, connection)
        found = await managing.offers(connection, timebank_id, q=q, state=state, **clocks)
    return render(
        request,
        "redemptions/manage.html",
        form=Form.blank(q=q, state=state),
        offers=found,
        is_chosen=bool(q or state),
        states=[("", "Every state"), *STATES.items()],
        place=PLACE,
    )


@get(f"{PLACE}/new", guards=[coordinates], include_in_schema=False)
async def new_offer_page(request: PageRequest) -> Response[str]:
    """The form of a new offer: empty, or with what another one says (``copy``), for another day."""
    asked = request.query_params
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        copied = await _managed(request, connection, _number(asked.get("copy", "")))
        bank = await banks.by_id(connection, actor.timebank_id)
        kind = copied.kind if copied else _kind(asked.get("kind", KINDS[0]))
        voucher = await voucher_fields.filled(connection, actor.timebank_id, copied.id if copied else 0)
    if copied is None:
        fields = offer_forms.new_form(kind)
    else:
        fields = offer_forms.filled(copied.details, currency=bank.currency, time_zone=bank.time_zone)
        # Another day is what it is copied for.
        for part in ("day", "month", "year"):
            for name in ("starts_on", "shown_from", "shown_until"):
                fields.pop(f"{name}-{part}", None)
        fields["copy_of"] = str(copied.id)
    return await _form_page(request, kind, Form.blank(**fields, **voucher))


@post(f"{PLACE}/new", guards=[coordinates], status_code=200, include_in_schema=False)
async def add_offer(request: PageRequest) -> Response[Any]:
    """Add an offer; leads to its page, where it gets its photo."""
    form = await forms.read(request)
    kind = _kind(form.text("kind"))
    form, fields = await _read(request, form, kind)
    if isinstance(fields, list):
        return await _form_page(request, kind, form.refused(fields))
    command = AddOffer(kind=kind, copy_of=_number(form.text("copy_of")) or None, **fields)
    added = await offers.add_offer(database(request), viewer(request).actor, command, key=form.key, now=now(request))
    if isinstance(added, list):
        return await _form_page(request, kind, form.refused(_placed(added)))
    return redirect(request, f"{PLACE}/{added.offer_id}", notice="It is on offer now. Add a photo, if you have one.")


@get(f"{PLACE}/{{offer_id:int}}", guards=[coordinates], include_in_schema=False)
async def change_offer_page(request: PageRequest, offer_id: FromPath[int]) -> Response[str]:
    """The form of an offer, filled in, with its photo and what else can be done with it."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        managed = await _known(request, connection, offer_id)
        bank = await banks.by_id(connection, actor.timebank_id)
        voucher = await voucher_fields.filled(connection, actor.timebank_id, offer_id)
    fields = offer_forms.filled(managed.details, currency=bank.currency, time_zone=bank.time_zone)
    return await _form_page(
        request, managed.kind, Form.blank(**fields, **voucher, revision=managed.revision), managed=managed
    )


@post(f"{PLACE}/{{offer_id:int}}", guards=[coordinates], status_code=200, include_in_schema=False)
async def change_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Change an offer. Whoever comes second sees what is different, and saves again."""
    form = await forms.read(request)
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        managed = await _known(request, connection, offer_id)
    form, fields = await _read(request, form, managed.kind)
    if isinstance(fields, list):
        return await _form_page(request, managed.kind, form.refused(fields), managed=managed)
    command = ChangeOffer(offer_id=offer_id, revision=_number(form.text("revision")), **fields)
    try:
        changed = await offers.change_offer(database(request), actor, command, key=form.key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(changed, list):
        return await _form_page(request, managed.kind, form.refused(_placed(changed)), managed=managed, mine=command)
    told = f" {changed.told} people with a booking are told." if changed.told > 1 else ""
    told = " One person with a booking is told." if changed.told == 1 else told
    return redirect(request, f"{PLACE}/{offer_id}", notice=f"Saved.{told}")


@post(f"{PLACE}/{{offer_id:int}}/open", guards=[coordinates], status_code=200, include_in_schema=False)
async def open_offer(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Close an offer, or open it again."""
    form = await forms.read(request)
    command = OpenOffer(offer_id=offer_id, is_open=form.text("open") == "yes")
    try:
        done = await offers.open_offer(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    assert not isinstance(done, list), "the guard lets nobody else in"
    notice = "It is on offer again." if command.is_open else "It is closed. Bookings stay as they are."
    return redirect(request, f"{PLACE}/{offer_id}", notice=notice)


@post(f"{PLACE}/{{offer_id:int}}/photo", guards=[coordinates], status_code=200, include_in_schema=False)
async def set_photo(request: PageRequest, offer_id: FromPath[int]) -> Response[Any]:
    """Give an offer its photo, or take it away."""
    form = await forms.read(request)
    actor, moment = viewer(request).actor, now(request)
    async with database(request).reading(actor.timebank_id) as connection:
        managed = await _known(request, connection, offer_id)
    if form.has("remove"):
        await offer_photos.remove_photo(database(request), actor, offer_id, key=form.key, now=moment)
        return redirect(request, f"{PLACE}/{offer_id}", notice="The photo is removed.")
    chosen = form.file("photo")
    remade = MISSING if chosen is None else await remake(await chosen.read(MAX_PHOTO_BYTES + 1))
    sizes = remade if isinstance(remade, Refusal) else await offer_photos.sizes_of(remade)
    if isinstance(sizes, Refusal):
        done: int | list[Refusal] = [sizes]
    else:
        words = form.text("words")
        done = await offer_photos.set_photo(database(request), actor, offer_id, sizes, words, key=form.key, now=moment)
    if isinstance(done, list):
        return await _form_page(request, managed.kind, await _again(request, managed, form, done), managed=managed)
    return redirect(request, f"{PLACE}/{offer_id}", notice="The photo is added.")


async def _again(request: PageRequest, managed: ManagedOffer, form: Form, refusals: list[Refusal]) -> Form:
    """The form of the offer as it is stored, with what was typed about the photo."""
    async with database(request).reading(viewer(request).actor.timebank_id) as connection:
        bank = await banks.by_id(connection, viewer(request).actor.timebank_id)
        voucher = await voucher_fields.filled(connection, bank.id, managed.id)
    fields = offer_forms.filled(managed.details, currency=bank.currency, time_zone=bank.time_zone)
    blank = Form.blank(**fields, **voucher, revision=managed.revision, words=form.text("words"))
    return blank.refused(refusals)


async def _read(request: PageRequest, form: Form, kind: str) -> tuple[Form, dict[str, Any] | list[Refusal]]:
    """The form and what was typed; a new supplier named in it is added first and then chosen."""
    actor = viewer(request).actor
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
    fields = offer_forms.read(form, kind, currency=bank.currency, time_zone=bank.time_zone)
    terms = voucher_fields.read(form) if kind == "voucher" else None
    refusals = [*(fields if isinstance(fields, list) else ()), *(terms if isinstance(terms, list) else ())]
    if refusals or isinstance(fields, list) or isinstance(terms, list):
        return form, refusals
    if form.text("new_payee"):
        # Nobody is added for an offer that is refused; who is there already is taken as they are.
        wrong = offer_rules.check_offer(AddOffer(kind=kind, **{**fields, "payee_id": 1}))
        payee_id = _placed(wrong) if wrong else await _supplier(request, form)
        if isinstance(payee_id, list):
            return form, payee_id
        fields["payee_id"] = payee_id
        form = replace(form, fields={**form.fields, "payee_id": (str(payee_id),), "new_payee": ("",)})
    return form, offer_forms.with_voucher(fields, terms)


async def _supplier(request: PageRequest, form: Form) -> int | list[Refusal]:
    """The supplier named in the form: the one of that name, or a new one."""
    actor, typed = viewer(request).actor, form.text("new_payee")
    async with database(request).reading(actor.timebank_id) as connection:
        known = {names.key(each.name): each.id for each in await payee_queries.payees(connection, actor.timebank_id)}
    if names.key(typed) in known:
        return known[names.key(typed)]
    key = f"{form.key[:48]}-payee"
    added = await payees.add_payee(database(request), actor, AddPayee(name=typed), key=key, now=now(request))
    return [_beside(one, "new_payee") for one in added] if isinstance(added, list) else added.payee_id


def _beside(refusal: Refusal, field: str) -> Refusal:
    """The same refusal beside another field."""
    return Refusal(refusal.code, refusal.message, field)


def _placed(refusals: list[Refusal]) -> list[Refusal]:
    """Each refusal beside the field that this form has for it."""
    return [_beside(one, "starts_on") if one.field == "starts_at" else one for one in refusals]


async def _form_page(
    request: PageRequest,
    kind: str,
    form: Form,
    *,
    managed: ManagedOffer | None = None,
    mine: ChangeOffer | None = None,
) -> Response[str]:
    actor = viewer(request).actor
    differences: list[tuple[str, str, str]] = []
    async with database(request).reading(actor.timebank_id) as connection:
        bank = await banks.by_id(connection, actor.timebank_id)
        groups = await managing.groups(connection, bank.id)
        suppliers = [(str(payee.id), payee.name) for payee in await payee_queries.payees(connection, bank.id)]
        paid_from = offer_forms.budget_choices(
            await budgets.budgets(connection, bank.id),
            await budgets.orders(connection, bank.id),
            currency=bank.currency,
            chosen=form.text("budget_id"),
        )
        if managed is not None:
            managed = await _known(request, connection, managed.id)
    if managed is not None and mine is not None and any(one.code == "changed_meanwhile" for one in form.refusals):
        differences = offer_forms.compared(
            mine, managed, groups, suppliers, currency=bank.currency, time_zone=bank.time_zone
        )
        # Saving again is meant: it is about what they have seen now.
        form = replace(form, fields={**form.fields, "revision": (str(managed.revision),)})
    return render(
        request,
        "redemptions/manage_form.html",
        422 if form.refusals else 200,
        form=form,
        kind=kind,
        kind_name=kind_of(kind).name,
        managed=managed,
        differences=differences,
        choices=offer_forms.choices(groups, suppliers, paid_from),
        texts=offer_forms.BENEFIT_TEXTS[kind],
        currency=bank.currency,
        accept=ACCEPT,
        max_words=offer_photos.MAX_WORDS,
        place=PLACE,
    )


async def _clocks(request: PageRequest, connection: Connection) -> dict[str, Any]:
    bank: TimeBankFacts = await banks.by_id(connection, viewer(request).actor.timebank_id)
    moment = now(request)
    return {"now": moment, "today": today(moment, bank.time_zone), "time_zone": bank.time_zone}


async def _managed(request: PageRequest, connection: Connection, offer_id: int) -> ManagedOffer | None:
    clocks = await _clocks(request, connection)
    return await managing.offer(connection, viewer(request).actor.timebank_id, offer_id, **clocks)


async def _known(request: PageRequest, connection: Connection, offer_id: int) -> ManagedOffer:
    """The offer.

    Raises:
        NotFoundException: there is none, or it is somebody's help.
    """
    found = await _managed(request, connection, offer_id)
    if found is None:
        raise NotFoundException
    return found


def _kind(typed: str) -> str:
    """Training or a voucher; help from members is not made here.

    Raises:
        NotFoundException: it is neither.
    """
    if typed not in KINDS:
        raise NotFoundException
    return typed


def _number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


ROUTES: list[Any] = [
    show_managed, new_offer_page, add_offer, change_offer_page, change_offer, open_offer, set_photo,
]  # fmt: skip
