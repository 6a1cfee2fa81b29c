"""Gifts with a note, asking the pot for hours, and printed statements that can be checked."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0019"
VERSION = "1"
DESCRIPTION = "gifts with a note, asking the pot for hours, printed statements that can be checked"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0021_statements.sql")
