"""Files from other programs: their lines, what became of them, and who was who."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0012"
VERSION = "1"
DESCRIPTION = "imports"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0014_imports.sql")
