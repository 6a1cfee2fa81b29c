"""Photos and words as evidence, deputies of approvers, and questions about entries."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0009"
VERSION = "1"
DESCRIPTION = "concerns"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0011_concerns.sql")
