"""Pausing, leaving, and what few may see of a member."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0005"
VERSION = "1"
DESCRIPTION = "leaving"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0007_leaving.sql")
