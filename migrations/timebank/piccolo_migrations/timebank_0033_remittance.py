"""Codes of an accounting package, and remittance advice by e-mail."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0033"
VERSION = "1"
DESCRIPTION = "remittance advice"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0035_remittance.sql")
