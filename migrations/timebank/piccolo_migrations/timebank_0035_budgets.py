"""Funds, cost centres, budgets and purchase orders, and what is spent of them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0035"
VERSION = "1"
DESCRIPTION = "budgets"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0037_budgets.sql")
