"""Every Piccolo class says the same as the catalogue, and every tenant's table is keyed and guarded as it must be."""

import importlib
import pkgutil

import asyncpg
import pytest
from piccolo.table import Table

import timebank

ROOMS = [
    module.name
    for module in pkgutil.iter_modules(timebank.__path__, "timebank.")
    if module.ispkg and importlib.util.find_spec(f"{module.name}.tables")
]
GLOBAL = {
    "timebank",
    "person",
    "web_session",
    "sign_in_link",
    "card",
    "sign_in_attempt",
    "api_token",
    "migration",
    "setup_link",
    "setup_draft",
    "voucher_attempt",
    "statement_try",
    "sign_in_ask",
    "sign_in_ask_member",
    "passkey",
    "passkey_challenge",
}
SAME_TYPE = {
    "BIGINT": "bigint",
    "BIGSERIAL": "bigint",
    "INTEGER": "integer",
    "TEXT": "text",
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "JSONB": "jsonb",
    "BYTEA": "bytea",
    "UUID": "uuid",
    "DATE": "date",
    "TIME": "time without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "TIMESTAMPTZ": "timestamp with time zone",
    "TEXT[]": "text[]",
    "UUID[]": "uuid[]",
    "ARRAY": "text[]",
}

TABLES = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
COLUMNS = """
select attname as name, format_type(atttypid, atttypmod) as type, not attnotnull as is_nullable
  from pg_attribute
 where attrelid = ('public.' || quote_ident($1))::regclass and attnum > 0 and not attisdropped
"""
KEYS = """
select conrelid::regclass::text as table, conname, contype::text as contype,
       (select array_agg(attname::text order by place)
          from unnest(conkey) with ordinality as key (number, place)
          join pg_attribute on attrelid = conrelid and attnum = number) as columns,
       confrelid::regclass::text as refers_to
  from pg_constraint
 where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f')
"""


def classes() -> list[type[Table]]:
    found = {}
    for room in ROOMS:
        module = importlib.import_module(f"{room}.tables")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Table) and value is not Table:
                found[value._meta.tablename] = value
    return list(found.values())


@pytest.fixture
async def owner(owner_url: str):
    connection = await asyncpg.connect(owner_url)
    await connection.execute("set role timebank_owner")
    yield connection
    await connection.close()


def test_every_room_is_looked_at() -> None:
    assert {"timebank.banks", "timebank.members", "timebank.payments"} <= set(ROOMS)


@pytest.mark.parametrize("table", classes(), ids=lambda table: table._meta.tablename)
async def test_a_class_says_what_the_catalogue_says(owner: asyncpg.Connection, table: type[Table]) -> None:
    catalogue = {row["name"]: row for row in await owner.fetch(COLUMNS, table._meta.tablename)}
    columns = {column._meta.db_column_name: column for column in table._meta.columns}
    assert set(columns) == set(catalogue)
    for name, column in columns.items():
        assert SAME_TYPE[column.column_type.upper()] == catalogue[name]["type"], name
        assert column._meta.null == catalogue[name]["is_nullable"], f"{name}: null"


async def test_every_tenants_table_is_guarded(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select relname, relrowsecurity, relforcerowsecurity,"
        " (select count(*) from pg_policy where polrelid = pg_class.oid) as policies"
        " from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    )
    tenants = [row for row in rows if row["relname"] not in GLOBAL]
    assert len(tenants) >= 15
    for row in tenants:
        assert row["relrowsecurity"], f"{row['relname']} has no row-level security"
        assert not row["relforcerowsecurity"], (
            f"{row['relname']}: forced, a back-fill changes nothing and pg_dump fails"
        )
        assert row["policies"] == 1, row["relname"]


async def test_every_key_of_a_tenants_table_begins_with_the_tenant(owner: asyncpg.Connection) -> None:
    for row in await owner.fetch(KEYS):
        if row["table"] in GLOBAL:
            continue
        if row["contype"] == "f" and row["refers_to"] in GLOBAL:
            continue
        assert row["columns"][0] == "timebank_id", f"{row['table']}.{row['conname']}: {row['columns']}"


async def test_the_application_owns_nothing_and_cannot_pass_by_the_policies(owner: asyncpg.Connection) -> None:
    role = await owner.fetchrow(
        "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = 'timebank_app'"
    )
    assert not any(role.values())
    assert await owner.fetchval("select count(*) from pg_class where relowner = 'timebank_app'::regrole") == 0
    members = await owner.fetchval("select count(*) from pg_auth_members where member = 'timebank_app'::regrole")
    assert members == 0


async def test_the_application_cannot_write_ledger_tables(app_url: str) -> None:
    connection = await asyncpg.connect(app_url)
    try:
        tables = await connection.fetch(
            "select relname from pg_class where relnamespace = 'ledger'::regnamespace and relkind = 'r'"
        )
        assert len(tables) >= 8
        for table in tables:
            rights = await connection.fetchrow(
                "select has_table_privilege($1, 'insert') or has_table_privilege($1, 'update')"
                " or has_table_privilege($1, 'delete') or has_table_privilege($1, 'truncate') as may_write",
                f"ledger.{table['relname']}",
            )
            assert not rights["may_write"], table["relname"]
    finally:
        await connection.close()
