"""Time given: exchanges, guests, hours brought forward, corrections."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0007"
VERSION = "1"
DESCRIPTION = "contributions"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0009_contributions.sql")
