"""Offers: adding, changing, closing and opening what hours can be spent on."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.budgets import queries as budget_queries
from timebank.budgets import service as budgets
from timebank.budgets.rules import check_order_fits
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.redemptions import offer_queries, offer_rules, waiting
from timebank.redemptions.kinds import kind_of
from timebank.redemptions.offer_moves import move_bookings
from timebank.redemptions.offer_photos import copy_photo
from timebank.redemptions.offer_rules import AddOffer, ChangeOffer, OfferDetails, OfferFacts
from timebank.redemptions.people import require_active
from timebank.redemptions.voucher_terms import save_terms

__all__ = [
    "AddOffer",
    "AddedOffer",
    "ChangeOffer",
    "ChangedOffer",
    "OpenOffer",
    "add_offer",
    "change_offer",
    "open_offer",
]

COLUMNS = (
    "title", "price_minutes", "benefit_label", "summary", "description", "places", "starts_at", "place", "access_notes",
    "access", "shown_from", "shown_until", "cancel_hours", "hold_days", "payee_id", "value_pence", "monthly_pence",
    "budget_id", "order_id", "no_show", "is_for_groups", "search_key", "changed_by", "changed_at",
)  # fmt: skip
INSERT_OFFER = f"""
insert into offer (timebank_id, kind, provider_id, is_open, {", ".join(COLUMNS)})
values ($1, $2, $3, $4, {", ".join(f"${n}" for n in range(5, len(COLUMNS) + 5))})
returning id
"""  # noqa: S608 - the columns are our own
CHANGE_OFFER = f"""
update offer set revision = revision + 1, {", ".join(f"{name} = ${n}" for n, name in enumerate(COLUMNS, start=3))}
 where timebank_id = $1 and id = $2
returning revision
"""  # noqa: S608 - the columns are our own
OPEN_OFFER = """
update offer set is_open = $3, revision = revision + 1, changed_by = $4, changed_at = $5
 where timebank_id = $1 and id = $2 and is_open <> $3
"""
FORGET_GROUPS = "delete from offer_group where timebank_id = $1 and offer_id = $2"
# Only groups and organisations; a person's id is left out and shows as a difference in the count.
ADD_GROUPS = """
insert into offer_group (timebank_id, offer_id, group_id)
select m.timebank_id, $2, m.id from member m
 where m.timebank_id = $1 and m.id = any($3::bigint[]) and m.kind in ('group', 'organisation') and m.status <> 'left'
returning group_id
"""


class AddedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """The new offer."""

    offer_id: int


class ChangedOffer(msgspec.Struct, frozen=True, kw_only=True):
    """The offer was changed; ``told`` is how many people with a booking hear of another time or place."""

    offer_id: int
    revision: int
    told: int = 0


class OpenOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Put something on offer again, or close it. Bookings stay as they are."""

    offer_id: int
    is_open: bool


async def add_offer(
    db: Database, actor: Actor, command: AddOffer, *, key: str, now: datetime
) -> AddedOffer | list[Refusal]:
    """Add something that hours can be spent on. For staff.

    Refusals: ``not_allowed``, and those of :func:`add_within`.
    """
    if refusals := offer_rules.may_manage(actor):
        return refusals

    async def work(connection: Connection) -> AddedOffer:
        return AddedOffer(offer_id=await add_within(connection, actor, command, now=now))

    return await once(db, actor, "add_offer", key, command, AddedOffer, work)


async def add_within(connection: Connection, actor: Actor, command: AddOffer, *, now: datetime) -> int:
    """Add an offer inside an open transaction and return its id; who may do so is the caller's to say.

    Raises:
        Rollback: ``unknown_member`` (the provider), ``unknown_payee``, ``unknown_group``, and those of
            ``offer_rules.check_offer``; for its budget ``unknown_budget``, ``budget_closed``, ``unknown_order`` and
            those of ``budgets.rules.check_order_fits``.
    """
    if refusals := offer_rules.check_offer(command):
        raise Rollback(refusals)
    if command.provider_id is not None:
        await require_active(connection, actor.timebank_id, command.provider_id, "provider_id")
    await _check_budget(connection, actor.timebank_id, command, None)
    first = (actor.timebank_id, command.kind, command.provider_id, command.is_open)
    try:
        offer_id: int = await connection.fetchval(INSERT_OFFER, *first, *_values(command, actor, now))
    except asyncpg.ForeignKeyViolationError as error:
        raise Rollback([_unknown_payee()]) from error
    await _keep_groups(connection, actor.timebank_id, offer_id, command.group_ids)
    await save_terms(connection, actor, offer_id, command.voucher, now=now)
    if command.copy_of is not None:
        await copy_photo(connection, actor, command.copy_of, offer_id, now=now)
    return offer_id


async def change_offer(
    db: Database, actor: Actor, command: ChangeOffer, *, key: str, now: datetime
) -> ChangedOffer | list[Refusal]:
    """Change what an offer says. Bookings keep their price; who booked hears of another time or place; more places go
    to whoever waits. For staff.

    Refusals: ``not_allowed``, ``changed_meanwhile``, those of ``offer_rules.check_details`` and
    ``offer_rules.check_moved``, ``unknown_payee``, ``unknown_group``, those about its budget in :func:`add_within`, and
    ``budget_overspent`` or ``order_overspent`` when its open bookings are more than that can pay for.

    Raises:
        LookupError: there is no such offer, or it is somebody's help, which they change themselves.
    """
    if refusals := offer_rules.may_manage(actor):
        return refusals

    async def work(connection: Connection) -> ChangedOffer:
        facts = await offer_queries.offer_facts(connection, actor.timebank_id, command.offer_id, lock=True)
        if facts is None or facts.provider_id is not None:
            raise LookupError(command.offer_id)
        return await change_within(connection, actor, command, now=now)

    return await once(db, actor, "change_offer", key, command, ChangedOffer, work)


async def change_within(connection: Connection, actor: Actor, command: ChangeOffer, *, now: datetime) -> ChangedOffer:
    """Change an offer inside an open transaction; who may do so is the caller's to say.

    Raises:
        LookupError: there is no such offer.
        Rollback: as :func:`change_offer` says.
    """
    timebank_id = actor.timebank_id
    facts = await offer_queries.offer_facts(connection, timebank_id, command.offer_id, lock=True)
    if facts is None:
        raise LookupError(command.offer_id)
    if facts.revision != command.revision:
        message = "Somebody changed this meanwhile. Look at what is different, then save again."
        raise Rollback([Refusal("changed_meanwhile", message)])
    if refusals := offer_rules.check_details(command, facts.kind):
        raise Rollback(refusals)
    bank = await banks.by_id(connection, timebank_id)
    await _check_budget(connection, timebank_id, command, facts)
    told = await move_bookings(connection, actor, facts, command, bank=bank, now=now)
    try:
        values = _values(command, actor, now)
        revision = await connection.fetchval(CHANGE_OFFER, timebank_id, command.offer_id, *values)
    except asyncpg.ForeignKeyViolationError as error:
        raise Rollback([_unknown_payee()]) from error
    await connection.execute(FORGET_GROUPS, timebank_id, command.offer_id)
    await _keep_groups(connection, timebank_id, command.offer_id, command.group_ids)
    await save_terms(connection, actor, command.offer_id, command.voucher, now=now)
    await budgets.check_promises(connection, timebank_id, command.budget_id)
    await _ask_who_waits(connection, timebank_id, command.offer_id, bank, now)
    return ChangedOffer(offer_id=command.offer_id, revision=revision, told=told)


async def _check_budget(
    connection: Connection, timebank_id: int, offer: OfferDetails, before: OfferFacts | None
) -> None:
    """A budget that is newly chosen is open and its order fits; it stays locked, for what is promised out of it."""
    if offer.budget_id is None:
        return
    await budgets.lock(connection, timebank_id, offer.budget_id)
    found = await budget_queries.budget(connection, timebank_id, offer.budget_id)
    if found is None:
        raise Rollback([Refusal("unknown_budget", "Choose a budget of this time bank.", "budget_id")])
    is_kept = before is not None and before.budget_id == offer.budget_id
    if not is_kept and not (found.is_open and found.fund_is_open):
        text = f"The budget “{found.name}” is closed. Choose another."
        raise Rollback([Refusal("budget_closed", text, "budget_id")])
    if offer.order_id is None or (is_kept and before is not None and before.order_id == offer.order_id):
        return
    order = await budget_queries.order(connection, timebank_id, offer.order_id)
    if order is None:
        raise Rollback([Refusal("unknown_order", "Choose a purchase order of this time bank, or none.", "budget_id")])
    if refusals := check_order_fits(order, budget_id=offer.budget_id, payee_id=offer.payee_id):
        raise Rollback([replace(one, field="budget_id") for one in refusals])


async def _ask_who_waits(
    connection: Connection, timebank_id: int, offer_id: int, bank: TimeBankFacts, now: datetime
) -> None:
    """More places, or another day, may be what somebody has waited for. The offer is locked already."""
    facts = await offer_queries.offer_facts(connection, timebank_id, offer_id)
    if facts is not None and kind_of(facts.kind).has_waiting_list:
        await waiting.fill(connection, bank, facts, now)


async def open_offer(
    db: Database, actor: Actor, command: OpenOffer, *, key: str, now: datetime
) -> ChangedOffer | list[Refusal]:
    """Close an offer or open it again. Asking for what is so already changes nothing. For staff.

    Refusals: ``not_allowed``.

    Raises:
        LookupError: there is no such offer, or it is somebody's help.
    """
    if refusals := offer_rules.may_manage(actor):
        return refusals

    async def work(connection: Connection) -> ChangedOffer:
        facts = await offer_queries.offer_facts(connection, actor.timebank_id, command.offer_id, lock=True)
        if facts is None or facts.provider_id is not None:
            raise LookupError(command.offer_id)
        values = (command.is_open, actor.member_id, now)
        await connection.execute(OPEN_OFFER, actor.timebank_id, command.offer_id, *values)
        bank = await banks.by_id(connection, actor.timebank_id)
        await _ask_who_waits(connection, actor.timebank_id, command.offer_id, bank, now)
        return ChangedOffer(offer_id=facts.id, revision=facts.revision + (facts.is_open != command.is_open))

    return await once(db, actor, "open_offer", key, command, ChangedOffer, work)


async def _keep_groups(
    connection: Connection, timebank_id: int, offer_id: int, group_ids: Iterable[int] | None
) -> None:
    if group_ids is None:
        return
    wanted = set(group_ids)
    kept = await connection.fetch(ADD_GROUPS, timebank_id, offer_id, list(wanted))
    if len(kept) != len(wanted):
        raise Rollback([Refusal("unknown_group", "Choose groups of this time bank.", "group_ids")])


def _values(offer: OfferDetails, actor: Actor, now: datetime) -> list[Any]:
    """The values of COLUMNS, tidy."""
    derived = {
        "title": tidy(offer.title),
        "summary": tidy(offer.summary),
        "description": offer.description.strip(),
        "place": tidy(offer.place),
        "access_notes": offer.access_notes.strip(),
        "access": [code for code in offer_rules.ACCESS if code in offer.access],
        "benefit_label": offer.benefit_label.strip(),
        "is_for_groups": offer.group_ids is not None,
        "search_key": offer_rules.search_key(offer),
        "changed_by": actor.member_id,
        "changed_at": now,
    }
    return [derived[name] if name in derived else getattr(offer, name) for name in COLUMNS]


def _unknown_payee() -> Refusal:
    """The composite keys refuse another time bank's supplier as well as one that does not exist."""
    return Refusal("unknown_payee", "Choose a supplier of this time bank.", "payee_id")
