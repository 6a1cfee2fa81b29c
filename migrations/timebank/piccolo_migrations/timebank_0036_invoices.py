"""Suppliers’ invoices, what they settle, and their papers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0036"
VERSION = "1"
DESCRIPTION = "invoices"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0038_invoices.sql")
