"""Claims for expenses, their receipts, and access costs."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0038"
VERSION = "1"
DESCRIPTION = "claims and access costs"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0040_claims.sql")
