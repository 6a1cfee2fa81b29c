"""Passkeys."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0023"
VERSION = "1"
DESCRIPTION = "passkeys"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0025_passkeys.sql")
