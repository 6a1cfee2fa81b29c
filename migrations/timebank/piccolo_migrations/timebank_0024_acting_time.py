"""Why somebody logged time for a member, kept with the time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0024"
VERSION = "1"
DESCRIPTION = "acting time"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0026_acting_time.sql")
