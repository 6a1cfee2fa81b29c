"""Members help each other: what they offer and would like, asks, thanks, blocks and reports."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0018"
VERSION = "1"
DESCRIPTION = "peer support"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0020_peers.sql")
