"""Payments as a bank sees them, accounts of payees, closed months."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0029"
VERSION = "1"
DESCRIPTION = "payment runs"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0031_payment_runs.sql")
