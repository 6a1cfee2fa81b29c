"""The service's first tables, their row-level security, and the rights of the application's role."""

from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from ledger.schema import grants_sql
from migrations.sql import running
from timebank.settings import APP_ROLE

ID = "timebank_0001"
VERSION = "1"
DESCRIPTION = "the service's tables"
FOLDER = Path(__file__).parents[1] / "sql"


async def forwards() -> MigrationManager:
    """Build the tables, then say who may do what."""
    files = [FOLDER / "0001_tables.sql", FOLDER / "0002_row_level_security.sql", FOLDER / "0003_lookups.sql"]
    return running(ID, "timebank", [*(path.read_text() for path in files), grants_sql(APP_ROLE)])
