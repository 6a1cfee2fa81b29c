"""What the commands share: where the database is, a connection to it, and saying why something cannot be done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from timebank.kit import vault
from timebank.settings import Settings

if TYPE_CHECKING:
    from timebank.banks.rules import TimeBankFacts
    from timebank.db import Database
    from timebank.kit.refusal import Refusal

Outcome = TypeVar("Outcome")


class CommandError(Exception):
    """A command cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where the database is, for the application and for the owner's work, and the keys of what is locked in it."""

    app_url: str
    owner_url: str
    is_embedded: bool
    data_key: str = ""


@contextmanager
def addresses(settings: Settings) -> Iterator[Addresses]:
    """The database that the settings name, or the embedded one: started, bootstrapped and migrated, stopped at the
    end.
    """
    if settings.database_url is not None:
        if settings.data_key:
            vault.use(vault.split(settings.data_key))
        owner_url = settings.owner_url or settings.database_url
        yield Addresses(settings.database_url, owner_url, is_embedded=False, data_key=settings.data_key)
        return
    from migrations.runner import bootstrap
    from migrations.runner import migrate as apply
    from timebank.embedded import running

    with running(settings.data_dir) as cluster:
        asyncio.run(bootstrap(cluster.admin_url, app_url=cluster.app_url, owner_url=cluster.owner_url))
        asyncio.run(apply(cluster.owner_url))
        data_key = settings.data_key or ",".join(vault.key_beside(settings.data_dir))
        vault.use(vault.split(data_key))
        yield Addresses(cluster.app_url, cluster.owner_url, is_embedded=True, data_key=data_key)


def with_database(settings: Settings, work: "Callable[[Database], Awaitable[str]]") -> str:
    """Do one piece of work with the application's rights and return what to print."""
    from timebank.db import Database

    async def run(url: str) -> str:
        db = await Database.open(url, pool_size=1)
        try:
            return await work(db)
        finally:
            await db.close()

    with addresses(settings) as where:
        return asyncio.run(run(where.app_url))


async def find_bank(db: "Database", slug: str) -> "TimeBankFacts":
    """The time bank with this short name.

    Raises:
        CommandError: there is none.
    """
    from timebank.banks.queries import by_slug

    async with db.globally() as connection:
        bank = await by_slug(connection, slug)
    if bank is None:
        raise CommandError(f"there is no time bank “{slug}”; make it with: timebank bank create")
    return bank


def accepted(outcome: "Outcome | list[Refusal]") -> "Outcome":
    """What a use case did.

    Raises:
        CommandError: it was refused.
    """
    if isinstance(outcome, list):
        raise CommandError(" ".join(refusal.message for refusal in outcome))
    return outcome


def refuse_taken_port(host: str, port: int) -> None:
    """Say that a port is taken before any work is done, instead of failing after it."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"port {port} on {host} cannot be used ({error.strerror}); choose another with --port"
            ) from error
