"""The ledger's first tables, guards, functions and policies: the library's own frozen SQL files."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from ledger.schema import sql_files
from migrations.sql import running

ID = "ledger_0001"
VERSION = "1"
DESCRIPTION = "the double-entry ledger"
FILES = ("0001", "0002", "0003", "0004", "0005")


async def forwards() -> MigrationManager:
    """Build the ledger."""
    return running(ID, "ledger", [path.read_text() for path in sql_files() if path.name[:4] in FILES])
