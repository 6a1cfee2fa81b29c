"""Every debt is coded; what a run shows is kept as it was approved."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0039"
VERSION = "1"
DESCRIPTION = "coding"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0041_coding.sql")
