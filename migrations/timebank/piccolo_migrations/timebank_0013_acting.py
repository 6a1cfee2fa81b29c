"""Acting for somebody."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0013"
VERSION = "1"
DESCRIPTION = "acting for somebody"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0015_acting.sql")
