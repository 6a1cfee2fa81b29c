"""Where payees are paid, and where the time bank pays from: proposed by one person, confirmed by another.

Whole numbers are locked with a key that is not in the database. They are in no answer that is kept for retries, and the
digest of a request stands under that key too: fourteen digits are few enough to be guessed from a plain one.
"""

from datetime import datetime, timedelta

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing, vault
from timebank.kit.words import say
from timebank.members import queries as members
from timebank.payees import queries, rules, telling, weights
from timebank.payees.model import Account
from timebank.payees.queries import AccountFacts, PayeeFacts
from timebank.payees.reading import Read, Typed, canonical, read
from timebank.payees.service import member_as_payee

PURPOSE = "bank account"
ASKED = "bank account asked"
LOOK_LASTS = timedelta(minutes=10)

PROPOSE = """
insert into bank_account (timebank_id, payee_id, sealed, mark, last_four, state, checked, proposed_by, proposed_at)
values ($1, $2, $3, $4, $5, 'proposed', $6, $7, $8)
on conflict (timebank_id, coalesce(payee_id, 0)) where state = 'proposed' do nothing
returning id
"""
REPLACE = """
update bank_account set state = 'replaced'
 where timebank_id = $1 and payee_id is not distinct from $2 and state = 'in_use'
"""
DECIDE = """
update bank_account set state = $3, why = $4, decided_by = $5, decided_at = $6 where timebank_id = $1 and id = $2
"""
LOOK = """
insert into bank_account_look (timebank_id, account_id, looked_by, at, why) values ($1, $2, $3, $4, $5) returning id
"""


class ProposeAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Where a payee is to be paid; without a payee the account that the time bank pays from."""

    payee_id: int | None
    typed: Typed


class ProposeMyAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Where a member is to be paid, typed by themselves or by who acts for them."""

    typed: Typed


class DecideAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Confirm a proposed account or refuse it; ``why`` is needed to refuse."""

    account_id: int
    confirm: bool
    why: str = ""


class WithdrawAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Take one's own proposal back."""

    account_id: int


class LookAtAccount(msgspec.Struct, frozen=True, kw_only=True):
    """See a whole number, with a reason that is written down."""

    account_id: int
    why: str


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that waits for a second person. ``checked``: see ``reading.Read``."""

    account_id: int
    payee_id: int | None
    last_four: str
    checked: str


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """``approvals_void``: so many approved payments to this payee need a new approval now."""

    account_id: int
    payee_id: int | None
    state: str
    approvals_void: int


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A look that is written down; :func:`seen` shows the number for :data:`LOOK_LASTS`."""

    look_id: int


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a proposal is compared with when it comes again: nothing of the number can be guessed from it."""

    payee_id: int | None
    mark: str


async def propose(
    db: Database, actor: Actor, command: ProposeAccount, *, key: str, now: datetime
) -> Proposed | list[Refusal]:
    """Propose an account for a payee or the time bank itself. Another person confirms it.

    Finance and the payee are told. Refusals: those of ``reading.read`` and ``rules.check_propose``, ``same_account``,
    ``already_proposed``, ``no_key``.

    Raises:
        LookupError: there is no such payee.
    """

    async def work(connection: Connection) -> Proposed:
        payee = None if command.payee_id is None else await _payee(connection, actor, command.payee_id)
        owed = await queries.owed(connection, actor.timebank_id, command.payee_id)
        refusals = rules.check_propose(
            actor,
            payee_member_id=payee.member_id if payee else None,
            is_own=payee is None,
            is_open=payee is None or payee.is_open or bool(owed.waiting),
        )
        return await _propose(connection, actor, payee, command.typed, refusals, now)

    try:
        asked = _Asked(payee_id=command.payee_id, mark=_asked(command.typed))
        return await once(db, actor, "propose_account", key, asked, Proposed, work)
    except KeyMissing:
        return [no_key()]


async def propose_mine(
    db: Database, actor: Actor, command: ProposeMyAccount, *, key: str, now: datetime
) -> Proposed | list[Refusal]:
    """Say where I am paid (or whom I act for). Refusals: those of :func:`propose`."""
    member_id = actor.subject_id
    if member_id is None:
        raise LookupError("nobody")

    async def work(connection: Connection) -> Proposed:
        names = await members.names(connection, actor.timebank_id, [member_id])
        payee_id = await member_as_payee(connection, actor.timebank_id, member_id, names[member_id])
        payee = await _payee(connection, actor, payee_id)
        return await _propose(connection, actor, payee, command.typed, [], now)

    try:
        asked = _Asked(payee_id=member_id, mark=_asked(command.typed))
        return await once(db, actor, "propose_my_account", key, asked, Proposed, work)
    except KeyMissing:
        return [no_key()]


async def decide(
    db: Database, actor: Actor, command: DecideAccount, *, key: str, now: datetime
) -> Decided | list[Refusal]:
    """Confirm or refuse a proposed account. A confirmed one takes the place of the one before.

    Approvals of payments to this payee are void from then on, because they were signed with the old account. Refusals:
    those of ``rules.check_decide``.

    Raises:
        LookupError: there is no such account.
    """
    why = command.why.strip()

    async def work(connection: Connection) -> Decided:
        account = await _account(connection, actor, command.account_id)
        payee = None if account.payee_id is None else await _payee(connection, actor, account.payee_id)
        refusals = rules.check_decide(
            actor,
            state=account.state,
            proposed_by=account.proposed_by,
            payee_member_id=payee.member_id if payee else None,
            is_own=payee is None,
            confirm=command.confirm,
            why=why,
        )
        if refusals:
            raise Rollback(refusals)
        void = 0
        if command.confirm:
            owed = await queries.owed(connection, actor.timebank_id, account.payee_id)
            void = owed.approved
            await connection.execute(REPLACE, actor.timebank_id, account.payee_id)
        state = rules.IN_USE if command.confirm else rules.REFUSED
        await connection.execute(DECIDE, actor.timebank_id, account.id, state, why, actor.member_id, now)
        await telling.tell_decided(connection, actor, payee, account, confirmed=command.confirm, why=why, now=now)
        return Decided(account_id=account.id, payee_id=account.payee_id, state=state, approvals_void=void)

    return await once(db, actor, "decide_account", key, command, Decided, work)


async def withdraw(
    db: Database, actor: Actor, command: WithdrawAccount, *, key: str, now: datetime
) -> Decided | list[Refusal]:
    """Take back a proposal of one's own, or the one for the member whom the page is about.

    Refusals: ``already_decided``, ``not_yours``. Raises LookupError when there is no such account.
    """

    async def work(connection: Connection) -> Decided:
        account = await _account(connection, actor, command.account_id)
        payee = None if account.payee_id is None else await _payee(connection, actor, account.payee_id)
        is_theirs = payee is not None and payee.member_id is not None and payee.member_id == actor.subject_id
        if actor.member_id is None or not (account.proposed_by == actor.member_id or is_theirs):
            raise Rollback([Refusal("not_yours", say("Only who typed this account can take it back."))])
        if account.state != rules.PROPOSED:
            raise Rollback([Refusal("already_decided", say("Somebody has decided about this account already."))])
        await connection.execute(DECIDE, actor.timebank_id, account.id, rules.WITHDRAWN, "", actor.member_id, now)
        return Decided(account_id=account.id, payee_id=account.payee_id, state=rules.WITHDRAWN, approvals_void=0)

    return await once(db, actor, "withdraw_account", key, command, Decided, work)


async def look(
    db: Database, actor: Actor, command: LookAtAccount, *, key: str, now: datetime
) -> Looked | list[Refusal]:
    """Write down that somebody sees a whole number, and why. :func:`seen` then shows it.

    Refusals: those of ``rules.check_look``. Raises LookupError when there is no such account.
    """
    why = command.why.strip()

    async def work(connection: Connection) -> Looked:
        account = await _account(connection, actor, command.account_id)
        refusals = rules.check_look(actor, why, is_own=account.payee_id is None)
        if refusals:
            raise Rollback(refusals)
        row = (actor.timebank_id, account.id, actor.member_id, now, why)
        return Looked(look_id=await connection.fetchval(LOOK, *row))

    return await once(db, actor, "look_at_account", key, command, Looked, work)


async def seen(
    connection: Connection, actor: Actor, look_id: int, *, now: datetime
) -> tuple[AccountFacts, Account] | None:
    """The whole number of a look, for the person who looked and for :data:`LOOK_LASTS`; else None.

    Raises:
        KeyMissing: the key that it was locked with is not here.
    """
    account_id = await queries.account_of_look(
        connection, actor.timebank_id, look_id, looked_by=actor.member_id, since=now - LOOK_LASTS
    )
    account = None if account_id is None else await queries.account(connection, actor.timebank_id, account_id)
    return None if account is None else (account, queries.opened(account.sealed))


def no_key() -> Refusal:
    """Why nothing can be kept: the data key is missing."""
    return Refusal("no_key", say("Account numbers cannot be kept safe just now. Ask your administrator for help."))


async def _propose(
    connection: Connection,
    actor: Actor,
    payee: PayeeFacts | None,
    typed: Typed,
    refusals: list[Refusal],
    now: datetime,
) -> Proposed:
    found = read(typed, weights.table())
    if refusals or not isinstance(found, Read):
        raise Rollback(refusals + (found if isinstance(found, list) else []))
    payee_id, text = payee.id if payee else None, canonical(found.account)
    before = await queries.in_use(connection, actor.timebank_id, payee_id)
    if before is not None and queries.opened(before.sealed) == found.account:
        raise Rollback([Refusal("same_account", say("This account is in use already."))])
    account_id = await connection.fetchval(
        PROPOSE,
        actor.timebank_id,
        payee_id,
        queries.sealed(found.account),
        vault().mark(PURPOSE, text),
        found.account.last_four,
        found.checked,
        actor.member_id,
        now,
    )
    if account_id is None:
        message = say("An account waits to be checked already. It must be decided or taken back first.")
        raise Rollback([Refusal("already_proposed", message)])
    await telling.tell_proposed(connection, actor, payee, account_id, is_first=before is None, now=now)
    return Proposed(account_id=account_id, payee_id=payee_id, last_four=found.account.last_four, checked=found.checked)


def _asked(typed: Typed) -> str:
    return vault().mark(ASKED, msgspec.json.encode(typed)).hex()


async def _payee(connection: Connection, actor: Actor, payee_id: int) -> PayeeFacts:
    payee = await queries.payee(connection, actor.timebank_id, payee_id)
    if payee is None:
        raise LookupError(f"payee {payee_id}")
    return payee


async def _account(connection: Connection, actor: Actor, account_id: int) -> AccountFacts:
    account = await queries.account(connection, actor.timebank_id, account_id, lock=True)
    if account is None:
        raise LookupError(f"account {account_id}")
    return account
