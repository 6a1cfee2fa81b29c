"""Waiting lists, who came, more time for a booking, and hours given back in part."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0016"
VERSION = "1"
DESCRIPTION = "waiting lists, who came, more time for a booking, hours given back in part"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0018_waiting.sql")
