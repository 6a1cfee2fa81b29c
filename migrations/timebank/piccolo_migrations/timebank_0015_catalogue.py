"""The catalogue: who may use an offer, when, its picture, and what members saved for later."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.timebank.scripts import script

ID = "timebank_0015"
VERSION = "1"
DESCRIPTION = "the catalogue: who may use an offer, when, its picture, and what members saved for later"


async def forwards() -> MigrationManager:
    """Run the script."""
    return script(ID, "0017_catalogue.sql")
