"""The command ``timebank``: try it out, run it, set it up, prove it."""

import argparse
import asyncio
import importlib.metadata
import re
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import msgspec

from timebank.settings import OWNER_ROLE, Settings, SettingsError, load

if TYPE_CHECKING:
    from timebank.banks.rules import TimeBankFacts
    from timebank.db import Database
    from timebank.kit.refusal import Refusal

Outcome = TypeVar("Outcome")

EXIT_REFUSED = 1
EXAMPLES = """\
examples:
  timebank demo                      try everything, with demo data, on http://127.0.0.1:8000
  timebank bank create riverside "Riverside Time Bank"
  timebank member add riverside "Ada Example" --role admin --role coordinator
  timebank token create riverside 1 "Spreadsheet robot" --scope members:read --scope registers:write
  timebank prove                     check every invariant of every ledger book
  timebank seal                      seal the ledger and print the digests, to be written down elsewhere

Without TIMEBANK_DATABASE_URL the embedded PostgreSQL is used: fine for trying out, not for people's hours.
"""


class CommandError(Exception):
    """A command cannot go on; the message says why and what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where the database is, for the application and for the owner's work."""

    app_url: str
    owner_url: str
    is_embedded: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 refused or a check failed, 2 wrong usage."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options, load()))
    except (CommandError, SettingsError) as error:
        print(f"timebank: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    from ledger.commands import prove, seal

    parser = argparse.ArgumentParser(
        prog="timebank",
        description="A time bank for co-production: every hour given is one hour, in a ledger that can be proved.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"timebank {importlib.metadata.version('timebank')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = _command(commands, "demo", run_demo, "serve two demo time banks, with sign-in links for every role")
    demo.add_argument("--port", type=_port, default=8000, help="port to listen on (default 8000)")
    demo.add_argument("--data-dir", type=Path, help="where to keep the demo's database (default: TIMEBANK_DATA_DIR)")
    demo.add_argument("--fresh", action="store_true", help="delete the demo's database first and start anew")

    serve = _command(commands, "serve", run_serve, "run the service")
    serve.add_argument("--host", help="address to listen on (default TIMEBANK_HOST or 127.0.0.1)")
    serve.add_argument("--port", type=_port, help="port to listen on (default TIMEBANK_PORT or 8000)")
    serve.add_argument("--workers", type=_workers, default=1, help="server processes, 1 to 32 (default 1)")

    migrate = _command(commands, "migrate", run_migrate, "bring the database to the newest version; safe to repeat")
    migrate.add_argument(
        "--bootstrap",
        action="store_true",
        help="first create the three roles and the database, as TIMEBANK_ADMIN_URL (once per server)",
    )

    prove.add_arguments(
        _command(commands, "prove", run_prove, "check every invariant of the ledger; exit 1 where one fails")
    )
    seal.add_arguments(_command(commands, "seal", run_seal, "seal the ledger, so that later tampering shows; or check"))

    bank = commands.add_parser("bank", help="time banks").add_subparsers(metavar="COMMAND", required=True)
    create = _command(bank, "create", run_bank_create, "make a time bank with its rules and accounts")
    create.add_argument("slug", help="short name in addresses and commands, such as riverside")
    create.add_argument("name", help="the name people see")
    create.add_argument("--time-zone", default="Europe/London", help="such as Europe/London (default)")
    create.add_argument("--currency", default="GBP", help="three capital letters (default GBP)")
    create.add_argument("--help-contact", default="", help="whom people call when stuck, shown on every page")
    create.add_argument("--safeguarding-lead", default="", help="without one, peer support stays off")

    member = commands.add_parser("member", help="members").add_subparsers(metavar="COMMAND", required=True)
    add = _command(member, "add", run_member_add, "add a member and print a one-time sign-in link")
    add.add_argument("bank", help="the time bank's short name")
    add.add_argument("name", help="the member's name as people see it")
    add.add_argument("--email", default="")
    add.add_argument("--phone", default="")
    add.add_argument("--role", action="append", default=[], choices=["coordinator", "finance", "admin"])

    token = commands.add_parser("token", help="API tokens").add_subparsers(metavar="COMMAND", required=True)
    make = _command(token, "create", run_token_create, "make an API token that acts as a member; it is shown once")
    make.add_argument("bank", help="the time bank's short name")
    make.add_argument("member", type=int, help="the member's number")
    make.add_argument("name", help="what the token is for")
    make.add_argument("--scope", action="append", required=True, help="such as hours:read; repeat for more")
    make.add_argument("--days", type=int, default=365, help="how long it works (default 365)")
    return parser


def _command(
    parent: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace, Settings], int],
    summary: str,
) -> argparse.ArgumentParser:
    parser = parent.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not re.fullmatch(r"\d{1,2}", text) or not 1 <= int(text) <= 32:
        raise argparse.ArgumentTypeError("a number from 1 to 32")
    return int(text)


@contextmanager
def addresses(settings: Settings) -> Iterator[Addresses]:
    """The database that the settings name, or the embedded one: started, bootstrapped and migrated, stopped at the
    end.
    """
    if settings.database_url is not None:
        yield Addresses(settings.database_url, settings.owner_url or settings.database_url, is_embedded=False)
        return
    from migrations.runner import bootstrap
    from migrations.runner import migrate as apply
    from timebank.embedded import running

    with running(settings.data_dir) as cluster:
        asyncio.run(bootstrap(cluster.admin_url, app_url=cluster.app_url, owner_url=cluster.owner_url))
        asyncio.run(apply(cluster.owner_url))
        yield Addresses(cluster.app_url, cluster.owner_url, is_embedded=True)


def run_demo(options: argparse.Namespace, settings: Settings) -> int:
    """Serve the demo until Ctrl-C. Repeating it keeps the data and prints new sign-in links."""
    from timebank.demo.seed import prepare
    from timebank.demo.words import welcome
    from timebank.server import serve

    started = time.monotonic()
    settings = msgspec.structs.replace(
        settings, database_url=None, port=options.port, data_dir=options.data_dir or settings.data_dir / "demo"
    )
    _refuse_taken_port(settings.host, settings.port)
    if options.fresh:
        _delete_demo(settings.data_dir)
    print("Starting the embedded PostgreSQL ...", flush=True)
    with addresses(settings) as where:
        print(f"  its data: {settings.data_dir.resolve()}", flush=True)
        doors = asyncio.run(
            prepare(where.app_url, now=datetime.now(UTC), say=lambda line: print(f"  {line}", flush=True))
        )
        settings = msgspec.structs.replace(settings, database_url=where.app_url)

        def ready() -> None:
            print(welcome(settings.base_url, doors, seconds=time.monotonic() - started), flush=True)

        serve(settings, when_ready=ready)
    print("Stopped. The demo's data is kept; `timebank demo --fresh` starts anew.", flush=True)
    return 0


def run_serve(options: argparse.Namespace, settings: Settings) -> int:
    """Run the service until it is told to stop."""
    from timebank.server import serve

    settings = msgspec.structs.replace(settings, host=options.host or settings.host, port=options.port or settings.port)
    _refuse_taken_port(settings.host, settings.port)
    with addresses(settings) as where:
        if where.is_embedded:
            print(
                "No TIMEBANK_DATABASE_URL: using the embedded PostgreSQL. Do not keep people's hours in it.", flush=True
            )
        settings = msgspec.structs.replace(settings, database_url=where.app_url)
        serve(settings, workers=options.workers, when_ready=lambda: print(f"Serving {settings.base_url}", flush=True))
    return 0


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


def run_bank_create(options: argparse.Namespace, settings: Settings) -> int:
    """Make a time bank."""
    from timebank.banks.rules import Rules
    from timebank.banks.service import CreateTimeBank, create
    from timebank.db import Database

    command = CreateTimeBank(
        slug=options.slug,
        name=options.name,
        time_zone=options.time_zone,
        currency=options.currency,
        help_contact=options.help_contact,
        rules=Rules(safeguarding_lead=options.safeguarding_lead),
    )

    async def run(db: Database) -> str:
        made = _accepted(await create(db, command))
        return f'{made.name} is ready as “{made.slug}”. Next: timebank member add {made.slug} "Your Name" --role admin'

    print(_with_database(settings, run))
    return 0


def run_member_add(options: argparse.Namespace, settings: Settings) -> int:
    """Add a member and print a one-time sign-in link."""
    from timebank.db import Database
    from timebank.identity.service import create_link
    from timebank.kit.actor import system
    from timebank.kit.clock import today
    from timebank.members.service import AddMember, add

    async def run(db: Database) -> str:
        bank = await _bank(db, options.bank)
        now = datetime.now(UTC)
        command = AddMember(
            display_name=options.name,
            email=options.email,
            phone=options.phone,
            contact_route="email" if options.email else "phone" if options.phone else "none",
            joined_on=today(now, bank.time_zone),
            roles=tuple(options.role),
        )
        added = _accepted(await add(db, system(bank.id), command, key=uuid4().hex, now=now))
        path = await create_link(db, system(bank.id), added.member_id, now=now, valid_for=timedelta(days=1))
        return f"{options.name} is member number {added.number}.\nSign in once, within a day: {settings.base_url}{path}"

    print(_with_database(settings, run))
    return 0


def run_token_create(options: argparse.Namespace, settings: Settings) -> int:
    """Make an API token."""
    from timebank.db import Database
    from timebank.identity.service import create_token
    from timebank.kit.actor import system

    async def run(db: Database) -> str:
        bank = await _bank(db, options.bank)
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
        return _accepted(made)

    print(_with_database(settings, run))
    return 0


def _with_database(settings: Settings, work: "Callable[[Database], Awaitable[str]]") -> str:
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


async def _bank(db: "Database", slug: str) -> "TimeBankFacts":
    from timebank.banks.queries import by_slug

    async with db.globally() as connection:
        bank = await by_slug(connection, slug)
    if bank is None:
        raise CommandError(f"there is no time bank “{slug}”; make it with: timebank bank create")
    return bank


def _accepted(outcome: "Outcome | list[Refusal]") -> "Outcome":
    if isinstance(outcome, list):
        raise CommandError(" ".join(refusal.message for refusal in outcome))
    return outcome


def _refuse_taken_port(host: str, port: int) -> None:
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


def _delete_demo(data_dir: Path) -> None:
    """Delete the embedded database of the demo, and nothing that is not one."""
    folder = data_dir / "postgres"
    if not folder.exists():
        return
    if not (folder / "PG_VERSION").exists():
        raise CommandError(f"{folder} is not a database of ours; delete it yourself if you mean to")
    if (folder / "postmaster.pid").exists():
        raise CommandError(
            "the demo is running, or did not stop cleanly; stop it first (Ctrl-C), or start it once without --fresh"
        )
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
