"""What an approval signs of a payable is kept beside it, so that ten thousand approvals are checked at a glance."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0040"
VERSION = "1"
DESCRIPTION = "content digest"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0042_content_digest.sql")
