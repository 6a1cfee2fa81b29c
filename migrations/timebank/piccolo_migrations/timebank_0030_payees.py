"""Details of payees with their history, how an account was checked, letters to payees."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0030"
VERSION = "1"
DESCRIPTION = "payees"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0032_payees.sql")
