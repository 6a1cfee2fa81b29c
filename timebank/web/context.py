"""What a handler needs from the running application: the database, the clock and the settings."""

from datetime import datetime
from typing import Any, cast

from litestar.connection import ASGIConnection

from timebank.db import Database
from timebank.settings import Settings

AnyConnection = ASGIConnection[Any, Any, Any, Any]


def database(connection: AnyConnection) -> Database:
    """The application's database."""
    return cast(Database, connection.app.state.db)


def now(connection: AnyConnection) -> datetime:
    """The present moment by the application's clock: aware, UTC."""
    return cast(datetime, connection.app.state.clock.now())


def settings(connection: AnyConnection) -> Settings:
    """How this deployment is configured."""
    return cast(Settings, connection.app.state.settings)
