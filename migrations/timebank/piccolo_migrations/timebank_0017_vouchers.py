"""Codes bought in advance, our own vouchers, and suppliers who confirm without an account."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0017"
VERSION = "1"
DESCRIPTION = "vouchers"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0019_vouchers.sql")
