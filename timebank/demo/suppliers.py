"""More whom the demo pays: suppliers with an account, one who is paid in cash, members who told us their account.

The numbers are the published examples of the modulus rules: nobody's.
"""

from datetime import datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import accepted
from timebank.kit.actor import Actor
from timebank.payees import accounts, details, queries, service
from timebank.payees.accounts import DecideAccount, ProposeAccount, ProposeMyAccount
from timebank.payees.details import ChangePayee
from timebank.payees.reading import Typed
from timebank.payees.rules import IN_CASH
from timebank.payments.settings import PaymentSettings, change_settings

HALL, PRINT, CABS = "Riverside Hall Trust (demo)", "Tide Print Co-op (demo)", "Bridge Cabs (demo)"
STALL = "Dot’s Sandwich Stall (demo)"
SUPPLIERS = {
    HALL: ("SUP-0040", "lettings@riverside-hall.example", Typed(holder=HALL, sort_code="11-87-65", number="64371389")),
    PRINT: ("SUP-0042", "accounts@tide-print.example", Typed(holder=PRINT, sort_code="30-90-70", number="12345668")),
    CABS: ("SUP-0043", "office@bridge-cabs.example", Typed(holder=CABS, sort_code="93-86-00", number="42368003")),
    STALL: ("SUP-0045", "", None),
}
NEW_CABS = Typed(holder=CABS, sort_code="20-09-15", number="41011166")
MEMBERS = {
    people.PARTICIPANT: ("93-80-63", "55065200"),
    "Kofi Mensah": ("08-60-90", "06774744"),
    "Chidi Okafor": ("07-44-56", "12345112"),
    "Nora Kelly": ("07-01-16", "34012583"),
}
WAITING = "Nora Kelly"
"""Told us an account that nobody has confirmed yet."""
FORMAT = "payments-csv:generic"


async def add_suppliers(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime
) -> dict[str, int]:
    """Add them long ago, confirm their accounts, and return the ids of all payees by name."""
    finance, administrator = actors[people.FINANCE], actors[people.ADMINISTRATOR]
    moment = anchor - timedelta(days=100)
    for number, (name, (reference, email, typed)) in enumerate(SUPPLIERS.items()):
        add = service.AddPayee(name=name, supplier_reference=reference)
        added = accepted(await service.add_payee(db, finance, add, key=f"demo-supplier-{number}", now=moment))
        change = ChangePayee(
            payee_id=added.payee_id,
            name=name,
            supplier_reference=reference,
            email=email,
            town="Riverside",
            pay_by=IN_CASH if typed is None else "bank",
        )
        accepted(await details.change_payee(db, finance, change, key=f"demo-supplier-{number}-more", now=moment))
        if typed is not None:
            await give_account(db, finance, administrator, added.payee_id, typed, f"supplier-{number}", moment)
    for number, (name, (sort_code, account)) in enumerate(MEMBERS.items()):
        mine = ProposeMyAccount(typed=Typed(holder=name, sort_code=sort_code, number=account))
        at = anchor - timedelta(days=1) if name == WAITING else moment
        told = accepted(await accounts.propose_mine(db, actors[name], mine, key=f"demo-mine-{number}", now=at))
        if name != WAITING:
            confirm = DecideAccount(account_id=told.account_id, confirm=True)
            accepted(await accounts.decide(db, finance, confirm, key=f"demo-mine-{number}-yes", now=moment))
    async with db.reading(facts.id) as connection:
        return {one.name: one.id for one in await queries.payees(connection, facts.id)}


async def give_account(
    db: Database, first: Actor, second: Actor, payee_id: int, typed: Typed, key: str, now: datetime
) -> None:
    """Let one person type a payee's account and another confirm it."""
    propose = ProposeAccount(payee_id=payee_id, typed=typed)
    proposed = accepted(await accounts.propose(db, first, propose, key=f"demo-account-{key}", now=now))
    confirm = DecideAccount(account_id=proposed.account_id, confirm=True)
    accepted(await accounts.decide(db, second, confirm, key=f"demo-account-{key}-yes", now=now))


async def choose_format(db: Database, actors: dict[str, Actor], *, now: datetime) -> None:
    """From now on payment runs leave in columns that a bank reads; earlier ones left as a list for people."""
    wanted = PaymentSettings(format=FORMAT)
    accepted(await change_settings(db, actors[people.FINANCE], wanted, key="demo-payment-settings", now=now))
