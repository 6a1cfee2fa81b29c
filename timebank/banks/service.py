"""Making a time bank: its row, its first rules, its book in the ledger and the accounts every time bank has."""

from datetime import date

import msgspec

from ledger import open_account, open_book
from timebank.banks import queries
from timebank.banks.rules import Rules, TimeBankFacts, check_new
from timebank.db import Connection, Database, Rollback
from timebank.kit.refusal import Refusal

MINUTES = "MIN"
EVERY_AGE = date(2000, 1, 1)

HOUR_ACCOUNTS = (
    ("issued", "Hours given to the programme", None),
    ("pot", "Community pot", 0),
    ("spent/training", "Hours spent on training", None),
    ("spent/vouchers", "Hours spent on vouchers", None),
    ("expired", "Hours that expired", None),
    ("opening", "Hours brought forward", None),
    ("corrections", "What our own mistakes cost", None),
)
MONEY_ACCOUNTS = (
    ("expense/voucher", "Vouchers"),
    ("expense/training", "Training places"),
    ("in-transit", "Payments on their way"),
    ("bank", "Bank"),
    ("suspense", "Not yet explained"),
)


class CreateTimeBank(msgspec.Struct, frozen=True, kw_only=True):
    """A new time bank. ``slug`` is its short name in addresses and commands."""

    slug: str
    name: str
    time_zone: str = "Europe/London"
    currency: str = "GBP"
    help_contact: str = ""
    holiday_region: str = ""
    for_practice: bool = False
    rules: Rules = Rules()
    decided_by: str = "the people who set it up"


async def create(db: Database, command: CreateTimeBank) -> TimeBankFacts | list[Refusal]:
    """Make a time bank, or change nothing and return it when the same one is there already."""
    try:
        async with db.globally() as connection:
            return await create_within(connection, command)
    except Rollback as rollback:
        return rollback.refusals


async def create_within(connection: Connection, command: CreateTimeBank) -> TimeBankFacts:
    """The same inside an open transaction without a tenant; afterwards the new time bank is its tenant.

    Raises:
        Rollback: with what stands in the way.
    """
    refusals = check_new(
        slug=command.slug,
        name=command.name,
        time_zone=command.time_zone,
        currency=command.currency,
        holiday_region=command.holiday_region,
        for_practice=command.for_practice,
    )
    if refusals:
        raise Rollback(refusals)
    created = await connection.fetchval(
        """
        insert into timebank (slug, name, time_zone, currency, help_contact, holiday_region)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (slug) do nothing returning id
        """,
        command.slug,
        command.name.strip(),
        command.time_zone,
        command.currency,
        command.help_contact,
        command.holiday_region,
    )
    if created is None:
        there = await queries.by_slug(connection, command.slug)
        if there is None or there.name != command.name.strip():
            raise Rollback(
                [Refusal("slug_taken", f"The short name “{command.slug}” is taken. Choose another.", "slug")]
            )
        return there
    await connection.execute("select set_config('ledger.book', $1, true)", str(created))
    await connection.execute(
        "insert into rules (timebank_id, version, document, decided_by, starts_on) values ($1, 1, $2, $3, $4)",
        created,
        msgspec.to_builtins(command.rules),
        command.decided_by,
        EVERY_AGE,
    )
    await open_book(connection, created, command.slug, command.name.strip())
    for code, name, floor in HOUR_ACCOUNTS:
        await open_account(connection, created, code=code, unit=MINUTES, account_class="system", name=name, floor=floor)
    for code, name in MONEY_ACCOUNTS:
        await open_account(
            connection, created, code=code, unit=command.currency, account_class="system", name=name, floor=None
        )
    return await queries.by_id(connection, created)
