"""Bringing a database from empty to the newest in one step, under a lock, in one transaction; and creating the
roles.
"""

import hashlib
import io
import os
from contextlib import redirect_stdout
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

from ledger.schema import sql_files
from migrations.piccolo_conf import APPS
from timebank.db import ENGINE
from timebank.settings import APP_ROLE, MIGRATOR_ROLE, OWNER_ROLE

ADVISORY_LOCK = 0x74696D65  # "time": two migrations at once wait for each other
MINIMUM_SERVER_VERSION = 150_000


class MigrationError(Exception):
    """The database cannot be brought to the newest version; the message says why and what to do."""


async def bootstrap(admin_url: str, *, app_url: str, owner_url: str) -> None:
    """Create the three roles and the database, where they are missing. Run as a superuser, once per cluster.

    The owner cannot log in; the migrator may become the owner; the application has only what migrations grant it.
    Passwords, where the two addresses carry them, are set.
    """
    app, owner = _parts(app_url), _parts(owner_url)
    for parts, role in ((app, APP_ROLE), (owner, MIGRATOR_ROLE)):
        if parts["user"] != role:
            raise MigrationError(f"the address must name the role {role}, not {parts['user'] or 'nobody'}")
    connection = await asyncpg.connect(admin_url)
    try:
        await _ensure_role(connection, OWNER_ROLE, "nologin", None)
        await _ensure_role(connection, MIGRATOR_ROLE, "login noinherit", owner["password"])
        await _ensure_role(connection, APP_ROLE, "login noinherit nobypassrls", app["password"])
        await connection.execute(f"grant {OWNER_ROLE} to {MIGRATOR_ROLE}")
        database = app["database"]
        if not await connection.fetchval("select exists (select from pg_database where datname = $1)", database):
            await connection.execute(
                f"create database {_identifier(database)} owner {OWNER_ROLE} encoding 'UTF8' template template0"
            )
        await connection.execute(f"revoke all on database {_identifier(database)} from public")
        await connection.execute(f"grant connect on database {_identifier(database)} to {APP_ROLE}, {MIGRATOR_ROLE}")
        await connection.execute(f"grant create on database {_identifier(database)} to {OWNER_ROLE}")
    finally:
        await connection.close()


async def migrate(owner_url: str) -> list[str]:
    """Apply every migration that has not run yet; return their ids, empty when the database was already newest.

    One transaction and one advisory lock cover all of them and Piccolo's own records, so a failure leaves nothing
    behind.
    """
    os.environ["PICCOLO_CONF"] = "migrations.piccolo_conf"
    ENGINE.config = {"dsn": owner_url, "server_settings": {"application_name": "timebank-migrate"}}
    try:
        async with ENGINE.transaction(allow_nested=False) as transaction:
            connection = transaction.connection
            await _check_server(connection)
            await connection.execute(f"set local role {OWNER_ROLE}")
            await connection.execute("select pg_advisory_xact_lock($1)", ADVISORY_LOCK)
            await _own_public_schema(connection)
            before = await applied(connection)
            await _check_ledger(connection)
            for app in APPS:
                with redirect_stdout(io.StringIO()):
                    outcome = await ForwardsMigrationManager(app_name=app).run()
                if not outcome.success:
                    raise MigrationError(outcome.message or f"migrations of {app} failed")
            after = await applied(connection)
            await connection.execute(f"comment on schema ledger is '{ledger_fingerprint()}'")
    finally:
        ENGINE.config = {}
    return [name for name in after if name not in before]


async def applied(connection: Any) -> list[str]:
    """Ids of the migrations that this database has had, in order."""
    if await connection.fetchval("select to_regclass('migration')") is None:
        return []
    return [row["name"] for row in await connection.fetch("select name from migration order by id")]


def ledger_fingerprint() -> str:
    """What the ledger's SQL files say, in one word; kept in the database as the comment of its schema."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sql_files())).hexdigest()


async def _check_ledger(connection: Any) -> None:
    """Until the first release the ledger's SQL files change in place, and a database from before has other tables."""
    exists, known = await connection.fetchrow(
        "select to_regnamespace('ledger') is not null, obj_description(to_regnamespace('ledger'), 'pg_namespace')"
    )
    if exists and known != ledger_fingerprint():
        raise MigrationError(
            "this database was made before the first release, by a version whose ledger had another shape. "
            "Start with a new one; the demo does so with `make demo FRESH=1`."
        )


async def _check_server(connection: Any) -> None:
    version = connection.get_server_version()
    if version.major * 10_000 < MINIMUM_SERVER_VERSION:
        raise MigrationError(f"PostgreSQL 15 or newer is needed; this server is version {version.major}")


async def _own_public_schema(connection: Any) -> None:
    if not await connection.fetchval("select has_schema_privilege(current_user, 'public', 'create')"):
        raise MigrationError(
            f"{OWNER_ROLE} may not create tables here. "
            "Run `timebank migrate --bootstrap` first, with TIMEBANK_ADMIN_URL set."
        )


async def _ensure_role(connection: Any, role: str, options: str, password: str | None) -> None:
    exists = await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role)
    verb = "alter" if exists else "create"
    secret = f" password {await connection.fetchval('select quote_literal($1)', password)}" if password else ""
    await connection.execute(f"{verb} role {role} with {options}{secret}")


def _parts(url: str) -> dict[str, str]:
    split = urlsplit(url)
    return {
        "user": unquote(split.username or ""),
        "password": unquote(split.password or ""),
        "database": unquote(split.path.lstrip("/")),
    }


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
