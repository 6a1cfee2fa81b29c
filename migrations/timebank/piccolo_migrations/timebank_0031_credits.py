"""Payables that come from no booking, payment in parts, credits, and cash."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0031"
VERSION = "1"
DESCRIPTION = "credits, requests and cash"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0033_credits.sql")
