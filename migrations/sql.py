"""Running SQL text inside a Piccolo migration."""

from collections.abc import Sequence

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from timebank.db import ENGINE


def running(migration_id: str, app_name: str, scripts: Sequence[str]) -> MigrationManager:
    """A migration that runs ``scripts`` in order, on the connection of the open transaction.

    Not through ``Table.raw``, which reads braces as parameters.
    """
    manager = MigrationManager(migration_id=migration_id, app_name=app_name, description=migration_id)

    async def run() -> None:
        transaction = ENGINE.current_transaction.get()
        if transaction is None:
            raise RuntimeError("a migration must run inside a transaction")
        for script in scripts:
            await transaction.connection.execute(script)

    manager.add_raw(run)
    return manager
