"""Lines of a statement can be split into parts; aged creditors stay quick."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0043"
VERSION = "1"
DESCRIPTION = "lines of a statement in parts"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0045_split_lines.sql")
