"""Activities, their leaders and sessions, and who signed up and came."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0006"
VERSION = "1"
DESCRIPTION = "activities, leaders, sessions, attendance"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0008_activities.sql")
