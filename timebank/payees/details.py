"""What finance keeps about a payee: how they are paid, where advice goes, whether they are paid at all."""

import re
from datetime import datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.money import in_words
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.members.rules import check_email
from timebank.payees import queries, rules, telling
from timebank.payees.queries import Owed, PayeeFacts

MAX_TOWN = 35
FIELDS = ("name", "supplier_reference", "email", "town", "country", "pay_by", "kind")

CHANGE = """
update payee set name = $3, supplier_reference = $4, email = $5, town = $6, country = $7, pay_by = $8, kind = $9
 where timebank_id = $1 and id = $2
"""
SAME_NAME = """
select exists (select from payee where timebank_id = $1 and id <> $2 and name = $3 and kind <> 'member')
"""
OPEN = "update payee set is_open = $3 where timebank_id = $1 and id = $2"
HISTORY = """
insert into payee_change (timebank_id, payee_id, field, before, after, by_id, at) values ($1, $2, $3, $4, $5, $6, $7)
"""


class ChangePayee(msgspec.Struct, frozen=True, kw_only=True):
    """All details of a payee as they should be. ``kind``: supplier or charity; a member keeps name and kind.

    ``pay_by``: bank or cash; ``country``: two letters (ISO 3166).
    """

    payee_id: int
    name: str
    supplier_reference: str = ""
    email: str = ""
    town: str = ""
    country: str = "GB"
    pay_by: str = rules.BY_BANK
    kind: str = rules.SUPPLIER


class OpenPayee(msgspec.Struct, frozen=True, kw_only=True):
    """Close a payee, so that nothing new is owed to them, or open them again.

    ``knows_owed``: whoever closes them knows that what is owed already is still paid.
    """

    payee_id: int
    is_open: bool
    knows_owed: bool = False


class ChangedPayee(msgspec.Struct, frozen=True, kw_only=True):
    """``fields``: what is different now."""

    payee_id: int
    fields: tuple[str, ...]


async def change_payee(
    db: Database, actor: Actor, command: ChangePayee, *, key: str, now: datetime
) -> ChangedPayee | list[Refusal]:
    """Change the details of a payee; each change is kept with who made it. For finance.

    A new name or number, or paying in cash, voids approvals, as they were signed with the old ones. A changed e-mail
    address is told to the one before. Refusals: ``not_finance``, ``payee_exists``, and those of :func:`check`.

    Raises:
        LookupError: there is no such payee.
    """
    wanted = _tidied(command)

    async def work(connection: Connection) -> ChangedPayee:
        payee = await queries.payee(connection, actor.timebank_id, wanted.payee_id, lock=True)
        if payee is None:
            raise LookupError(f"payee {wanted.payee_id}")
        is_member = payee.member_id is not None
        new = msgspec.structs.replace(wanted, name=payee.name, kind=payee.kind, email="") if is_member else wanted
        refusals = rules.check_finance(actor) + check(new, is_member=is_member)
        if await connection.fetchval(SAME_NAME, actor.timebank_id, payee.id, new.name) and not is_member:
            refusals.append(Refusal("payee_exists", f"There is already a payee called “{new.name}”.", "name"))
        if refusals:
            raise Rollback(refusals)
        values = [getattr(new, field) for field in FIELDS]
        await connection.execute(CHANGE, actor.timebank_id, payee.id, *values)
        changed = tuple(field for field in FIELDS if getattr(payee, field) != getattr(new, field))
        for field in changed:
            await _keep(connection, actor, payee, field, getattr(payee, field), getattr(new, field), now)
        if "email" in changed and payee.email:
            text = "Somebody changed the e-mail address to which we write about your payments."
            await telling.tell_payee(connection, actor.timebank_id, payee, "Your e-mail address", text, now=now)
        return ChangedPayee(payee_id=payee.id, fields=changed)

    return await once(db, actor, "change_payee", key, command, ChangedPayee, work)


async def open_payee(
    db: Database, actor: Actor, command: OpenPayee, *, key: str, now: datetime
) -> ChangedPayee | list[Refusal]:
    """Close a payee or open them again. What is owed already stays in every queue and is still paid. For finance.

    Refusals: ``not_finance``, ``still_owed`` (until they know it). Raises LookupError when there is no such payee.
    """

    async def work(connection: Connection) -> ChangedPayee:
        payee = await queries.payee(connection, actor.timebank_id, command.payee_id, lock=True)
        if payee is None:
            raise LookupError(f"payee {command.payee_id}")
        if refusals := rules.check_finance(actor):
            raise Rollback(refusals)
        if payee.is_open == command.is_open:
            return ChangedPayee(payee_id=payee.id, fields=())
        owed = await queries.owed(connection, actor.timebank_id, payee.id)
        if owed.waiting and not command.is_open and not command.knows_owed:
            currency = (await banks.by_id(connection, actor.timebank_id)).currency
            raise Rollback([_still_owed(owed, currency)])
        await connection.execute(OPEN, actor.timebank_id, payee.id, command.is_open)
        words = {True: "open", False: "closed"}
        await _keep(connection, actor, payee, "is_open", words[payee.is_open], words[command.is_open], now)
        return ChangedPayee(payee_id=payee.id, fields=("is_open",))

    return await once(db, actor, "open_payee", key, command, ChangedPayee, work)


def check(new: ChangePayee, *, is_member: bool = False) -> list[Refusal]:
    """Refusals of the fields: those of ``rules.check_name``, ``email_unreadable``, ``email_too_long``,
    ``town_too_long``, ``country_unknown``, ``pay_by_unknown``, ``payee_kind_unknown``.
    """
    refusals = rules.check_name(new.name, new.supplier_reference) + check_email(new.email)
    if len(new.town) > MAX_TOWN:
        refusals.append(Refusal("town_too_long", f"Shorten the town to {MAX_TOWN} letters or fewer.", "town"))
    if not re.fullmatch("[A-Z]{2}", new.country):
        refusals.append(Refusal("country_unknown", "Enter the country as two letters, like GB or IE.", "country"))
    if new.pay_by not in (rules.BY_BANK, rules.IN_CASH):
        refusals.append(Refusal("pay_by_unknown", "Choose by bank or in cash.", "pay_by"))
    if not is_member and new.kind not in (rules.SUPPLIER, rules.CHARITY):
        refusals.append(Refusal("payee_kind_unknown", "Choose supplier or charity.", "kind"))
    return refusals


def _still_owed(owed: Owed, currency: str) -> Refusal:
    payments = "1 payment" if owed.waiting == 1 else f"{owed.waiting} payments"
    message = (
        f"We still owe them {in_words(owed.waiting_pence, currency)} in {payments}. "
        "Pay it first, or tick that it is paid although they are closed."
    )
    return Refusal("still_owed", message, "knows_owed")


def _tidied(command: ChangePayee) -> ChangePayee:
    return msgspec.structs.replace(
        command,
        name=tidy(command.name),
        supplier_reference=tidy(command.supplier_reference),
        email=command.email.strip(),
        town=tidy(command.town),
        country=command.country.strip().upper() or "GB",
    )


async def _keep(
    connection: Connection, actor: Actor, payee: PayeeFacts, field: str, before: str, after: str, now: datetime
) -> None:
    row = (actor.timebank_id, payee.id, field, before, after, actor.member_id, now)
    await connection.execute(HISTORY, *row)
