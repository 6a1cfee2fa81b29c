"""Bank details of the demo: our own account, those of the suppliers, and one that waits for a second person.

The numbers are the published examples of the modulus rules: nobody's.
"""

from datetime import datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.offers import COLLEGE, LEISURE, QUAY_CAFE
from timebank.demo.steps import Refused
from timebank.kit.actor import Actor
from timebank.payees import accounts, details, queries
from timebank.payees.accounts import DecideAccount, ProposeAccount, Proposed
from timebank.payees.details import ChangePayee
from timebank.payees.reading import Typed

OURS = Typed(holder="Riverside Time Bank (demo)", sort_code="10-79-99", number="88837491")
ACCOUNTS = {
    QUAY_CAFE: Typed(holder="Quay Cafe CIC (demo)", sort_code="08-99-99", number="66374958"),
    COLLEGE: Typed(holder="Riverside College (demo)", sort_code="20-29-59", number="63748472"),
}
WAITING = {LEISURE: Typed(holder="Harbour Leisure (demo)", sort_code="87-14-27", number="46238510")}
MAILS = {QUAY_CAFE: "accounts@quay-cafe.example", COLLEGE: "finance@riverside-college.example"}
TOWNS = {QUAY_CAFE: "Riverside", COLLEGE: "Riverside", LEISURE: "Harbour"}


async def add_accounts(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime) -> None:
    """Propose and confirm accounts before the demo's payments are approved, and leave one to be confirmed."""
    finance, administrator = actors[people.FINANCE], actors[people.ADMINISTRATOR]
    moment = anchor - timedelta(days=30)
    async with db.reading(facts.id) as connection:
        found = {one.name: one for one in await queries.payees(connection, facts.id)}
    for name, town in TOWNS.items():
        payee = found[name]
        command = ChangePayee(
            payee_id=payee.id,
            name=payee.name,
            supplier_reference=payee.supplier_reference,
            email=MAILS.get(name, ""),
            town=town,
            kind=payee.kind,
        )
        changed = await details.change_payee(db, finance, command, key=f"demo-town-{payee.id}", now=moment)
        if isinstance(changed, list):
            raise Refused(changed)
    ready: dict[int | None, Typed] = {None: OURS} | {found[name].id: typed for name, typed in ACCOUNTS.items()}
    for payee_id, typed in ready.items():
        account_id = await _propose(db, finance, payee_id, typed, moment)
        confirm = DecideAccount(account_id=account_id, confirm=True)
        done = await accounts.decide(db, administrator, confirm, key=f"demo-account-{account_id}", now=moment)
        if isinstance(done, list):
            raise Refused(done)
    for name, typed in WAITING.items():
        await _propose(db, administrator, found[name].id, typed, anchor - timedelta(days=1))


async def _propose(db: Database, actor: Actor, payee_id: int | None, typed: Typed, now: datetime) -> int:
    command = ProposeAccount(payee_id=payee_id, typed=typed)
    done = await accounts.propose(db, actor, command, key=f"demo-account-of-{payee_id or 0}", now=now)
    if not isinstance(done, Proposed):
        raise Refused(done)
    return done.account_id
