"""Rules that people change together, settings, and making a time bank without a command line."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0010"
VERSION = "1"
DESCRIPTION = "governance"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0012_governance.sql")
