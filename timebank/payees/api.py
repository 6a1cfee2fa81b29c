"""Payees for programs: who is paid, how, and the accounts that wait for a second person. Never a whole number."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post, put
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payees import accounts, details, queries, rules, service
from timebank.payees.accounts import (
    DecideAccount,
    Decided,
    ProposeAccount,
    Proposed,
    ProposeMyAccount,
    WithdrawAccount,
)
from timebank.payees.details import ChangePayee, OpenPayee
from timebank.payees.queries import AccountFacts, PayeeFacts
from timebank.payees.reading import Typed
from timebank.payees.service import AddPayee
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "payables:read"
WRITE = "payments:write"
NO_SUCH_PAYEE = "There is no such payee."
NO_SUCH_ACCOUNT = "There is no such account."


class ListedPayee(msgspec.Struct, frozen=True, kw_only=True):
    """A payee in the list. ``account_last_four`` is null without an account in use; ``account_waits``: one is proposed
    and not confirmed.
    """

    id: int
    name: str
    supplier_reference: str
    kind: str
    pay_by: str
    is_open: bool
    account_last_four: str | None
    account_waits: bool


class Payees(msgspec.Struct, frozen=True, kw_only=True):
    """Payees by name, at most 200: search for others."""

    payees: list[ListedPayee]


class AccountAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An account without its number. ``state`` is proposed, in_use, replaced, refused or withdrawn.

    ``checked`` is passed (the modulus rules hold), no_rule (they know nothing of the sort code), no_table (they are not
    installed), iban (its own check digits hold) or before (typed before numbers were checked).
    """

    id: int
    last_four: str
    state: str
    checked: str
    why: str
    proposed_by: int
    proposed_at: datetime
    decided_by: int | None
    decided_at: datetime | None


class LookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody saw a whole number on a page."""

    at: datetime
    who: str
    why: str
    last_four: str


class PayeeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A payee with every account there was, newest first, and who saw a whole number."""

    id: int
    name: str
    supplier_reference: str
    kind: str
    member_id: int | None
    pay_by: str
    email: str
    town: str
    country: str
    is_open: bool
    accounts: list[AccountAnswer]
    looks: list[LookAnswer]


class AccountsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts, newest first, and who saw a whole number."""

    accounts: list[AccountAnswer]
    looks: list[LookAnswer]


class NewPayee(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplier or a charity (``kind``)."""

    name: str
    supplier_reference: str = ""
    kind: str = rules.SUPPLIER


class PayeeDetails(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All details of a payee as they should be. ``pay_by`` is bank or cash, ``country`` two letters."""

    name: str
    supplier_reference: str = ""
    email: str = ""
    town: str = ""
    country: str = "GB"
    pay_by: str = rules.BY_BANK
    kind: str = rules.SUPPLIER


class IsOpen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """False closes a payee, so that nothing new is owed to them. While they are owed something, ``knows_owed`` says
    that you know it is still paid.
    """

    is_open: bool
    knows_owed: bool = False


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account as somebody typed it: a sort code and number, or an IBAN and perhaps its BIC."""

    holder: str
    sort_code: str = ""
    number: str = ""
    iban: str = ""
    bic: str = ""


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Confirm an account, or refuse it and say why."""

    confirm: bool
    why: str = ""


@get("/api/v1/payees", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def list_payees(
    request: ApiRequest, show: FromQuery[str] = "open", search: Annotated[str, QueryParameter(name="q")] = ""
) -> Response[Payees]:
    """Payees. ``show``: open, missing (no bank details), waiting (for a second person) or closed; ``q``: a part of the
    name or number.
    """
    actor = _reader(request)
    if show not in queries.VIEWS:
        return refused([Refusal("unknown_view", f"Ask for one of: {', '.join(queries.VIEWS)}.", "show")])
    async with database(request).reading(actor.timebank_id) as connection:
        rows = await queries.listed(connection, actor.timebank_id, view=show, search=search[:140], member_id=None)
    found = [
        ListedPayee(
            id=one.id,
            name=one.name,
            supplier_reference=one.supplier_reference,
            kind=one.kind,
            pay_by=one.pay_by,
            is_open=one.is_open,
            account_last_four=one.last_four,
            account_waits=one.waits,
        )
        for one in rows
    ]
    return Response(Payees(payees=found))


@post("/api/v1/payees", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def create_payee(request: ApiRequest, data: JSONBody[NewPayee]) -> Response[PayeeAnswer]:
    """Add a supplier or a charity."""
    actor, key = acting(request), idempotency_key(request)
    command = AddPayee(name=data.name, supplier_reference=data.supplier_reference, kind=data.kind)
    done = await service.add_payee(database(request), actor, command, key=key, now=now(request))
    if isinstance(done, list):
        return refused(done)
    made = await _payee(request, actor, done.payee_id)
    return Response(made, status_code=201, headers={"Location": f"/api/v1/payees/{made.id}"})


@get("/api/v1/payees/{payee_id:int}", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_payee(request: ApiRequest, payee_id: FromPath[int]) -> PayeeAnswer:
    """One payee with their accounts."""
    return await _payee(request, _reader(request), payee_id)


@put("/api/v1/payees/{payee_id:int}", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def update_payee(
    request: ApiRequest, payee_id: FromPath[int], data: JSONBody[PayeeDetails]
) -> Response[PayeeAnswer]:
    """Change the details of a payee."""
    actor, key = acting(request), idempotency_key(request)
    command = ChangePayee(payee_id=payee_id, **msgspec.structs.asdict(data))
    try:
        done = await details.change_payee(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_PAYEE) from error
    return refused(done) if isinstance(done, list) else Response(await _payee(request, actor, payee_id))


@put("/api/v1/payees/{payee_id:int}/open", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def open_or_close_payee(
    request: ApiRequest, payee_id: FromPath[int], data: JSONBody[IsOpen]
) -> Response[PayeeAnswer]:
    """Close a payee, or open them again."""
    actor, key = acting(request), idempotency_key(request)
    command = OpenPayee(payee_id=payee_id, is_open=data.is_open, knows_owed=data.knows_owed)
    try:
        done = await details.open_payee(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_PAYEE) from error
    return refused(done) if isinstance(done, list) else Response(await _payee(request, actor, payee_id))


@post("/api/v1/payees/{payee_id:int}/accounts", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def propose_account(
    request: ApiRequest, payee_id: FromPath[int], data: JSONBody[NewAccount]
) -> Response[Proposed]:
    """Propose where a payee is paid; another person confirms it."""
    return await _propose(request, payee_id, data)


@get("/api/v1/payees/ours", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_our_accounts(request: ApiRequest) -> AccountsAnswer:
    """The accounts that the time bank pays from: in use, waiting, and before."""
    actor = _reader(request)
    return AccountsAnswer(**await _accounts(request, actor, None))


@post("/api/v1/payees/ours/accounts", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def propose_our_account(request: ApiRequest, data: JSONBody[NewAccount]) -> Response[Proposed]:
    """Propose the account that the time bank pays from; another person confirms it."""
    return await _propose(request, None, data)


@post(
    "/api/v1/payees/accounts/{account_id:int}/decision",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def decide_account(request: ApiRequest, account_id: FromPath[int], data: JSONBody[Decision]) -> Response[Decided]:
    """Confirm a proposed account or refuse it. ``approvals_void``: so many payments need a new approval."""
    actor, key = acting(request), idempotency_key(request)
    command = DecideAccount(account_id=account_id, confirm=data.confirm, why=data.why)
    try:
        done = await accounts.decide(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_ACCOUNT) from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


@post(
    "/api/v1/payees/accounts/{account_id:int}/withdraw",
    tags=["payments"],
    guards=[needs_scope(WRITE)],
    status_code=200,
    **CHANGING,
)
async def withdraw_account(
    request: ApiRequest, account_id: FromPath[int], data: JSONBody[Nothing]
) -> Response[Decided]:
    """Take one's own proposal back."""
    del data
    actor, key = acting(request), idempotency_key(request)
    command = WithdrawAccount(account_id=account_id)
    try:
        done = await accounts.withdraw(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_ACCOUNT) from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=200)


@get("/api/v1/my/accounts", tags=["payments"], guards=[needs_scope(READ)], **READING)
async def show_my_accounts(request: ApiRequest) -> AccountsAnswer:
    """Where the member of this token is paid, and who saw a whole number."""
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        payee = await queries.payee_of(connection, actor.timebank_id, actor.member_id or 0)
    found = await _accounts(request, actor, payee.id) if payee else {"accounts": [], "looks": []}
    return AccountsAnswer(**found)


@post("/api/v1/my/accounts", tags=["payments"], guards=[needs_scope(WRITE)], **CHANGING)
async def propose_my_account(request: ApiRequest, data: JSONBody[NewAccount]) -> Response[Proposed]:
    """Say where the member of this token is paid; finance confirms it."""
    actor, key = acting(request), idempotency_key(request)
    command = ProposeMyAccount(typed=Typed(**msgspec.structs.asdict(data)))
    done = await accounts.propose_mine(database(request), actor, command, key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(done, status_code=201)


async def _propose(request: ApiRequest, payee_id: int | None, data: NewAccount) -> Response[Proposed]:
    actor, key = acting(request), idempotency_key(request)
    command = ProposeAccount(payee_id=payee_id, typed=Typed(**msgspec.structs.asdict(data)))
    try:
        done = await accounts.propose(database(request), actor, command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException(NO_SUCH_PAYEE) from error
    return refused(done) if isinstance(done, list) else Response(done, status_code=201)


def _reader(request: ApiRequest) -> Actor:
    """The token's member, who works in finance or administers.

    Raises:
        PermissionDeniedException: they do not.
    """
    actor = acting(request)
    if not rules.may_read(actor):
        raise PermissionDeniedException("Only finance and administrators can read this.")
    return actor


async def _payee(request: ApiRequest, actor: Actor, payee_id: int) -> PayeeAnswer:
    async with database(request).reading(actor.timebank_id) as connection:
        payee: PayeeFacts | None = await queries.payee(connection, actor.timebank_id, payee_id)
    if payee is None:
        raise NotFoundException(NO_SUCH_PAYEE)
    return PayeeAnswer(**msgspec.structs.asdict(payee), **await _accounts(request, actor, payee.id))


async def _accounts(request: ApiRequest, actor: Actor, payee_id: int | None) -> dict[str, Any]:
    async with database(request).reading(actor.timebank_id) as connection:
        every = await queries.accounts_of(connection, actor.timebank_id, payee_id)
        looks = await queries.looks(connection, actor.timebank_id, payee_id)
    return {
        "accounts": [_account(one) for one in every],
        "looks": [msgspec.convert(one, LookAnswer, from_attributes=True) for one in looks],
    }


def _account(one: AccountFacts) -> AccountAnswer:
    return msgspec.convert(one, AccountAnswer, from_attributes=True)


ROUTES: list[Any] = [
    list_payees,
    create_payee,
    show_payee,
    update_payee,
    open_or_close_payee,
    propose_account,
    show_our_accounts,
    propose_our_account,
    decide_account,
    withdraw_account,
    show_my_accounts,
    propose_my_account,
]
