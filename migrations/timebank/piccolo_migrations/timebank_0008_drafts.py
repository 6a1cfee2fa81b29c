"""Drafts of registers."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0008"
VERSION = "1"
DESCRIPTION = "drafts of registers"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0010_drafts.sql")
