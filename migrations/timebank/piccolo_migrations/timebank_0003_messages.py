"""Messages to members."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0003"
VERSION = "1"
DESCRIPTION = "messages"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0005_messages.sql")
