"""What somebody tells in confidence."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0011"
VERSION = "1"
DESCRIPTION = "confidence"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0013_confidence.sql")
