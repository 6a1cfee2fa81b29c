"""What the page of a payee shows: the account in use, the one that waits with its warnings, and what happened."""

from datetime import date, datetime, timedelta

import msgspec

from timebank.db import Connection
from timebank.kit.clock import today
from timebank.kit.vault import KeyMissing, vault
from timebank.payees import queries, rules
from timebank.payees.accounts import PURPOSE
from timebank.payees.model import Account
from timebank.payees.queries import AccountFacts, Change, Look, Owed, PayeeFacts, Twin
from timebank.payees.reading import canonical
from timebank.web.viewer import Viewer


class Warnings(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever confirms an account should know first.

    ``twins``: other payees with this account; ``is_ours``: the time bank's own has this number; ``due_on``: something
    falls due within :data:`rules.WARN_FOR_DAYS` days; ``new_email_at``: their e-mail address was changed lately.
    """

    twins: tuple[Twin, ...] = ()
    is_ours: bool = False
    due_on: date | None = None
    new_email_at: datetime | None = None


class ShownPayee(msgspec.Struct, frozen=True, kw_only=True):
    """A payee, or the time bank itself where ``payee`` is None. ``holders`` and ``is_iban`` are by account id.

    ``why_not``: why the viewer cannot confirm what waits, "" when they can. ``is_new``: the account in use was
    confirmed within :data:`rules.WARN_FOR_DAYS` days, and was not the first.
    """

    payee: PayeeFacts | None
    in_use: AccountFacts | None
    waiting: AccountFacts | None
    before: tuple[AccountFacts, ...]
    holders: dict[int, str]
    is_iban: dict[int, bool]
    key_is_missing: bool
    warnings: Warnings
    owed: Owed
    why_not: str
    is_mine: bool
    is_new: bool
    looks: tuple[Look, ...]
    changes: tuple[Change, ...]

    @property
    def path(self) -> str:
        """The address of this page."""
        return path_of(self.payee.id if self.payee else None)


def path_of(payee_id: int | None) -> str:
    """The address of a payee's page, of the time bank's own account for None."""
    return "/payees/ours" if payee_id is None else f"/payees/{payee_id}"


async def payee(connection: Connection, person: Viewer, payee_id: int | None, *, now: datetime) -> ShownPayee | None:
    """Everything about one payee, or None when there is none. Whole numbers are not in it."""
    timebank_id = person.actor.timebank_id
    facts = None if payee_id is None else await queries.payee(connection, timebank_id, payee_id)
    if payee_id is not None and facts is None:
        return None
    every = await queries.accounts_of(connection, timebank_id, payee_id)
    in_use = next((one for one in every if one.state == rules.IN_USE), None)
    waiting = next((one for one in every if one.state == rules.PROPOSED), None)
    opened = _opened([one for one in (in_use, waiting) if one])
    owed = await queries.owed(connection, timebank_id, payee_id)
    changes = await queries.changes(connection, timebank_id, payee_id) if payee_id else []
    warned_after = now - timedelta(days=rules.WARN_FOR_DAYS)
    warnings = Warnings()
    if waiting is not None:
        account = opened.get(waiting.id)
        twins: list[Twin] = []
        is_ours = False
        if account is not None:
            marks = vault().marks(PURPOSE, canonical(account))
            twins, is_ours = await queries.twins(connection, timebank_id, payee_id, marks)
        soon = today(now, person.time_zone) + timedelta(days=rules.WARN_FOR_DAYS)
        warnings = Warnings(
            twins=tuple(twins),
            is_ours=is_ours,
            due_on=owed.due_on if owed.due_on and owed.due_on <= soon else None,
            new_email_at=next((one.at for one in changes if one.field == "email" and one.at > warned_after), None),
        )
    return ShownPayee(
        payee=facts,
        in_use=in_use,
        waiting=waiting,
        before=tuple(one for one in every if one not in (in_use, waiting)),
        holders={account_id: account.holder for account_id, account in opened.items()},
        is_iban={account_id: not account.is_uk for account_id, account in opened.items()},
        key_is_missing=len(opened) < sum(one is not None for one in (in_use, waiting)),
        warnings=warnings,
        owed=owed,
        why_not=_why_not(person, facts, waiting),
        is_mine=waiting is not None and waiting.proposed_by == person.member_id,
        is_new=bool(
            in_use
            and in_use.decided_at
            and in_use.decided_at > warned_after
            and any(one.state == rules.REPLACED for one in every)
        ),
        looks=tuple(await queries.looks(connection, timebank_id, payee_id)),
        changes=tuple(changes),
    )


def _opened(facts: list[AccountFacts]) -> dict[int, Account]:
    """The accounts by id, without those whose key is missing."""
    found = {}
    for one in facts:
        try:
            found[one.id] = queries.opened(one.sealed)
        except KeyMissing:
            continue
    return found


def _why_not(person: Viewer, payee: PayeeFacts | None, waiting: AccountFacts | None) -> str:
    if waiting is None:
        return ""
    refusals = rules.check_decide(
        person.actor,
        state=waiting.state,
        proposed_by=waiting.proposed_by,
        payee_member_id=payee.member_id if payee else None,
        is_own=payee is None,
        confirm=True,
        why="",
    )
    return refusals[0].message if refusals else ""
