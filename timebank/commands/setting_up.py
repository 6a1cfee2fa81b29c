"""``timebank bank create``, ``member add``, ``key`` and ``token create``: making what a new time bank needs."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from timebank.commands.common import CommandError, accepted, find_bank, with_database
from timebank.settings import Settings

if TYPE_CHECKING:
    from timebank.db import Database


def run_bank_create(options: argparse.Namespace, settings: Settings) -> int:
    """Make a time bank."""
    from timebank.banks.rules import Rules
    from timebank.banks.service import CreateTimeBank, create

    command = CreateTimeBank(
        slug=options.slug,
        name=options.name,
        time_zone=options.time_zone,
        currency=options.currency,
        help_contact=options.help_contact,
        rules=Rules(safeguarding_lead=options.safeguarding_lead),
    )

    async def run(db: "Database") -> str:
        made = accepted(await create(db, command))
        return f'{made.name} is ready as “{made.slug}”. Next: timebank member add {made.slug} "Your Name" --role admin'

    print(with_database(settings, run))
    return 0


def run_member_add(options: argparse.Namespace, settings: Settings) -> int:
    """Add a member and print a one-time sign-in link."""
    from timebank.identity.service import create_link
    from timebank.kit.actor import system
    from timebank.kit.clock import today
    from timebank.members.service import AddMember, add

    async def run(db: "Database") -> str:
        bank = await find_bank(db, options.bank)
        now = datetime.now(UTC)
        command = AddMember(
            display_name=options.name,
            email=options.email,
            phone=options.phone,
            contact_route="email" if options.email else "phone" if options.phone else "none",
            joined_on=today(now, bank.time_zone),
            roles=tuple(options.role),
        )
        added = accepted(await add(db, system(bank.id), command, key=uuid4().hex, now=now))
        path = await create_link(db, system(bank.id), added.member_id, now=now, valid_for=timedelta(days=1))
        return f"{options.name} is member number {added.number}.\nSign in once, within a day: {settings.base_url}{path}"

    print(with_database(settings, run))
    return 0


def run_key(_: argparse.Namespace, __: Settings) -> int:
    """Print a new data key. To renew one, put the new key before the old, with a comma between them."""
    from timebank.kit.vault import new_key

    print(new_key())
    return 0


def run_token_create(options: argparse.Namespace, settings: Settings) -> int:
    """Make an API token."""
    from timebank.identity.service import create_token
    from timebank.kit.actor import system

    async def run(db: "Database") -> str:
        bank = await find_bank(db, options.bank)
        async with db.reading(bank.id) as connection:
            member_id = await connection.fetchval(
                "select id from member where timebank_id = $1 and number = $2", bank.id, options.member
            )
        if member_id is None:
            raise CommandError(f"{bank.name} has no member number {options.member}")
        valid_for = timedelta(days=options.days)
        made = await create_token(
            db, system(bank.id), member_id, options.name, options.scope, now=datetime.now(UTC), valid_for=valid_for
        )
        return accepted(made)

    print(with_database(settings, run))
    return 0
