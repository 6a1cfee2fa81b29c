"""A time bank's own columns for payment files."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0032"
VERSION = "1"
DESCRIPTION = "formats"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0034_formats.sql")
