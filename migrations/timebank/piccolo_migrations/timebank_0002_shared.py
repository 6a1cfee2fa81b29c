"""What several rooms need at once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0002"
VERSION = "1"
DESCRIPTION = "kinds of members, more roles, more about activities"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0004_shared.sql")
