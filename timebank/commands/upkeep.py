"""``timebank migrate``, ``prove`` and ``seal``: what is done as the database's owner."""

import argparse
import asyncio
from collections.abc import Callable, Coroutine

from timebank.commands.common import CommandError, addresses
from timebank.settings import OWNER_ROLE, Settings


def run_migrate(options: argparse.Namespace, settings: Settings) -> int:
    """Bring the database to the newest version."""
    from migrations.runner import MigrationError, bootstrap
    from migrations.runner import migrate as apply

    if settings.database_url is None:
        with addresses(settings):
            print("The embedded database is the newest.")
        return 0
    if settings.owner_url is None:
        raise CommandError("set TIMEBANK_OWNER_URL: the application's own role may not change tables")
    if options.bootstrap and settings.admin_url is None:
        raise CommandError("--bootstrap needs TIMEBANK_ADMIN_URL: the address of a superuser")
    try:
        if options.bootstrap and settings.admin_url is not None:
            asyncio.run(bootstrap(settings.admin_url, app_url=settings.database_url, owner_url=settings.owner_url))
        applied = asyncio.run(apply(settings.owner_url))
    except MigrationError as error:
        raise CommandError(str(error)) from error
    print("\n".join(f"applied {name}" for name in applied) or "Nothing to do: the database is the newest.")
    return 0


def run_prove(options: argparse.Namespace, settings: Settings) -> int:
    """Check every invariant of every book, as the ledger's owner."""
    from ledger.commands import prove

    return _run_as_owner(prove.run, options, settings)


def run_seal(options: argparse.Namespace, settings: Settings) -> int:
    """Seal what is new in every book, or check the seals, as the ledger's owner."""
    from ledger.commands import seal

    return _run_as_owner(seal.run, options, settings)


def _run_as_owner(
    run: Callable[[argparse.Namespace], Coroutine[None, None, int]], options: argparse.Namespace, settings: Settings
) -> int:
    with addresses(settings) as where:
        if not where.is_embedded and settings.owner_url is None:
            raise CommandError("set TIMEBANK_OWNER_URL: this reads every time bank, which the application may not")
        options.url, options.role = where.owner_url, OWNER_ROLE
        return asyncio.run(run(options))
