"""The ledger's SQL files, in order, and the grants an application's role needs. Migrations run them."""

import re
from pathlib import Path

SQL_FOLDER = Path(__file__).parent / "sql"

READABLE_TABLES = (
    "unit",
    "book",
    "account",
    "balance",
    "account_event",
    "request",
    "refusal",
    "entry",
    "forced",
    "posting",
    "entry_link",
    "hold",
    "hold_event",
    "seal",
    "seal_head",
    "seal_leaf",
)
CALLABLE_FUNCTIONS = (
    "open_unit",
    "open_book",
    "open_account",
    "set_limits",
    "set_status",
    "close_period",
    "post_batch",
    "expire_holds",
    "balance_at",
    "require_settled",
    "lock_number",
)


def sql_files() -> list[Path]:
    """The files that make the schema ``ledger``, in the order in which they run. Frozen once released."""
    return sorted(SQL_FOLDER.glob("*.sql"))


def grants_sql(role: str) -> str:
    """SQL that lets ``role`` read its own book and call the functions: nothing else, and not ``post_forced``.

    ``role`` must be a plain lower-case identifier; anything else raises ValueError.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", role):
        raise ValueError(f"not a plain role name: {role!r}")
    tables = ", ".join(f"ledger.{table}" for table in READABLE_TABLES)
    functions = ", ".join(f"ledger.{function}" for function in CALLABLE_FUNCTIONS)
    return (
        f'grant usage on schema ledger to "{role}";\n'
        f'grant select on {tables} to "{role}";\n'
        f'grant execute on function {functions} to "{role}";\n'
    )
