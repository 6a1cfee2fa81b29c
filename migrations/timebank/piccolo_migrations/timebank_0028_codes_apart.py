"""A booking between two members leads back to their ask."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0028"
VERSION = "1"
DESCRIPTION = "more of help between members"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0030_codes_apart.sql")
