"""Dated rates, and fees for time with what people choose."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0037"
VERSION = "1"
DESCRIPTION = "rates and fees"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0039_rates_fees.sql")
