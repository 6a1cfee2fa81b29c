"""Bank statements, their lines, and what each of them is."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0034"
VERSION = "1"
DESCRIPTION = "reconciliation"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0036_reconciliation.sql")
