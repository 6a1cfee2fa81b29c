"""The demo's mail server: a real one, which keeps every e-mail as a file and sends none."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import socket

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
MAX_MAILS = 5_000


class _Keeper:
    """Writes what it receives into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = sum(1 for _ in folder.glob("*.eml"))

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("moved"):
            return "550 Nobody is here of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self._count >= MAX_MAILS:
            return "452 The folder is full: delete some e-mails"
        self._count += 1
        content = envelope.content
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{self._count:04d}.eml"
        (self._folder / name).write_bytes(content if isinstance(content, bytes) else (content or "").encode())
        return "250 Kept"


@contextmanager
def outbox(folder: Path) -> Iterator[str]:
    """Run the mail server until the block ends; gives its address for ``TIMEBANK_SMTP_URL``."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    controller = Controller(_Keeper(folder), hostname=HOST, port=port)
    controller.start()
    try:
        yield f"smtp://{HOST}:{port}?tls=none"
    finally:
        controller.stop()
