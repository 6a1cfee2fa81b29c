"""What was signed stays as it is; who took a payment file."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0045"
VERSION = "1"
DESCRIPTION = "rights to change what was signed; who took payment files"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0047_signed.sql")
