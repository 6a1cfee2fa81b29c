"""Members hear what becomes of their money; a cost can name the time given that it belongs to."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0042"
VERSION = "1"
DESCRIPTION = "members hear of their money; costs of time given"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0044_claims_told.sql")
