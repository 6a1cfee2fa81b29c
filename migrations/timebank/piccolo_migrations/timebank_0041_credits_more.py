"""Cash less what its payee owes us, and the papers of credits."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0041"
VERSION = "1"
DESCRIPTION = "credits_more"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0043_credits_more.sql")
