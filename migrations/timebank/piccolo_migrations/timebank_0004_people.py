"""What is known of people, and who belongs with whom."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0004"
VERSION = "1"
DESCRIPTION = "details of members, consents, supporters, groups of people, files of members"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0006_people.sql")
