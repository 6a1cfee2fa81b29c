"""``timebank demo`` and ``timebank serve``."""

import argparse
import asyncio
import shutil
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from timebank.commands.common import CommandError, addresses, refuse_taken_port
from timebank.settings import Settings


def run_demo(options: argparse.Namespace, settings: Settings) -> int:
    """Serve the demo until Ctrl-C. Repeating it keeps the data and prints new sign-in links."""
    from timebank.demo.outbox import outbox
    from timebank.demo.seed import prepare
    from timebank.demo.words import welcome
    from timebank.messages.texts import OUTBOX_URL
    from timebank.server import serve

    started = time.monotonic()
    settings = msgspec.structs.replace(
        settings,
        database_url=None,
        port=options.port,
        data_dir=options.data_dir or settings.data_dir / "demo",
        unread_languages=True,
    )
    refuse_taken_port(settings.host, settings.port)
    if options.fresh:
        _delete_demo(settings.data_dir)
    print("Starting the embedded PostgreSQL ...", flush=True)
    with addresses(settings) as where, ExitStack() as stack:
        print(f"  its data: {settings.data_dir.resolve()}", flush=True)
        if settings.smtp_url is None:
            folder = settings.data_dir.resolve() / "mail"
            settings = msgspec.structs.replace(settings, smtp_url=stack.enter_context(outbox(folder)))
            print(f"  e-mails are kept in {folder} and go nowhere", flush=True)
        if settings.sms_url is None:
            settings = msgspec.structs.replace(settings, sms_url=OUTBOX_URL)
        doors = asyncio.run(
            prepare(where.app_url, now=datetime.now(UTC), say=lambda line: print(f"  {line}", flush=True))
        )
        settings = msgspec.structs.replace(settings, database_url=where.app_url, data_key=where.data_key)

        def ready() -> None:
            print(welcome(settings.base_url, doors, seconds=time.monotonic() - started), flush=True)

        serve(settings, when_ready=ready)
    print("Stopped. The demo's data is kept; `timebank demo --fresh` starts anew.", flush=True)
    return 0


def run_serve(options: argparse.Namespace, settings: Settings) -> int:
    """Run the service until it is told to stop."""
    from timebank.server import serve

    settings = msgspec.structs.replace(settings, host=options.host or settings.host, port=options.port or settings.port)
    refuse_taken_port(settings.host, settings.port)
    with addresses(settings) as where:
        if where.is_embedded:
            print(
                "No TIMEBANK_DATABASE_URL: using the embedded PostgreSQL. Do not keep people's hours in it.", flush=True
            )
        if not where.data_key:
            print("No TIMEBANK_DATA_KEY: vouchers with codes need it. `timebank key` makes one.", flush=True)
        settings = msgspec.structs.replace(settings, database_url=where.app_url, data_key=where.data_key)
        link = asyncio.run(_setup_link(where.app_url))

        def ready() -> None:
            print(f"Serving {settings.base_url}", flush=True)
            if link is not None:
                print(
                    "There is no time bank yet. Make the first one in a browser, within a day; the link works once and"
                    f" is as good as a password:\n  {settings.base_url}{link}",
                    flush=True,
                )

        serve(settings, workers=options.workers, when_ready=ready)
    return 0


async def _setup_link(url: str) -> str | None:
    """The link for making the first time bank, when there is none. A database that cannot be used is said by the
    service itself, which waits for it.
    """
    import asyncpg

    from timebank.db import Database
    from timebank.governance.service import make_setup_link

    try:
        db = await Database.open(url, pool_size=1)
    except (OSError, asyncpg.PostgresError):
        return None
    try:
        return await make_setup_link(db, now=datetime.now(UTC))
    except (OSError, asyncpg.PostgresError):
        return None
    finally:
        await db.close()


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
