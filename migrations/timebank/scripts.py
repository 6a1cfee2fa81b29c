"""Running one of this app's SQL files as a migration."""

from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.sql import running

FOLDER = Path(__file__).parent / "sql"


def script(migration_id: str, *file_names: str) -> MigrationManager:
    """A migration that runs these files of the folder ``sql``, in order."""
    return running(migration_id, "timebank", [(FOLDER / name).read_text() for name in file_names])
