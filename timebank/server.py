"""Running the application under Granian."""

import os
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from timebank.settings import Settings

READY_TIMEOUT_SECONDS = 30
BACKLOG = 1024


def serve(settings: Settings, *, workers: int = 1, when_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; call ``when_ready`` once the first page can be fetched.

    Workers read the settings from the environment, as Granian starts them as new processes.
    """
    names = (
        "database_url", "host", "port", "public_url", "smtp_url", "mail_from", "sms_url", "sms_token", "data_key",
        "unread_languages",
    )  # fmt: skip
    for name in names:
        value = getattr(settings, name)
        if value is not None:
            os.environ[f"TIMEBANK_{name.upper()}"] = str(value)
    if workers > 1:
        # Otherwise /metrics would answer for whichever process happens to be asked.
        folder = tempfile.TemporaryDirectory(prefix="timebank-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder.name
    server = Server(
        "timebank.app:from_environment",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=workers,
        factory=True,
        backlog=BACKLOG,
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
    )
    threading.Thread(target=_tell_when_ready, args=(settings, when_ready), daemon=True).start()
    server.serve()


def _tell_when_ready(settings: Settings, when_ready: Callable[[], None]) -> None:
    """Fetch the first page until it comes; a page, not a health check, is what people wait for."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    address = f"http://{host}:{settings.port}/sign-in"
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5):
                when_ready()
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
