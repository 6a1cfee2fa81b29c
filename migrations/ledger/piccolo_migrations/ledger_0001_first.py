"""The ledger's first tables, guards, functions and policies: the library's own SQL files, frozen once released."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from ledger.schema import sql_files
from migrations.sql import running

ID = "ledger_0001"
VERSION = "1"
DESCRIPTION = "the double-entry ledger"
LAST_FILE = "0009"


async def forwards() -> MigrationManager:
    """Build the ledger."""
    return running(ID, "ledger", [path.read_text() for path in sql_files() if path.name[:4] <= LAST_FILE])
