"""Codes to sign in with."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0022"
VERSION = "1"
DESCRIPTION = "codes to sign in with"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0024_sign_in_codes.sql")
