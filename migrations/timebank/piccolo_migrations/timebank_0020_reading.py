"""Quiet hours of members."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0020"
VERSION = "1"
DESCRIPTION = "quiet hours of members"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0022_reading.sql")
