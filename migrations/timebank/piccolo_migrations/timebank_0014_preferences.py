"""How members want to read and be shown."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0014"
VERSION = "1"
DESCRIPTION = "how members want to read and be shown"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0016_preferences.sql")
