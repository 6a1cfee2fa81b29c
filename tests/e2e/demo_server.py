"""The real server as people start it: ``timebank demo`` in a process of its own, with a database of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from timebank.settings import APP_ROLE, MIGRATOR_ROLE

READY = "Stop with Ctrl-C."
START_TIMEOUT_SECONDS = 200
STOP_TIMEOUT_SECONDS = 30
DOOR = re.compile(r"^  (?P<who>\S[^:\n]*): [^\n]*\n    (?P<url>http\S+)(?:   PIN (?P<pin>\S+))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Door:
    """A way in, as the demo prints it: the address of a one-time link, or of a card with its PIN."""

    url: str
    pin: str | None


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: where it is, what it printed, and the ways in by the words before the colon."""

    url: str
    data_dir: Path
    pid: int
    said: str
    doors: Mapping[str, Door]

    def database_url(self, role: str) -> str:
        """The address of the demo's database, for looking behind the pages."""
        # The sixth line of PostgreSQL's postmaster.pid is the folder of its socket.
        socket_dir = next(self.data_dir.rglob("postmaster.pid")).read_text("utf-8").splitlines()[4]
        return f"postgresql://{role}@/timebank?host={quote(socket_dir, safe='')}"

    @property
    def app_url(self) -> str:
        """For the application's role."""
        return self.database_url(APP_ROLE)

    @property
    def owner_url(self) -> str:
        """For the migrator's role, who may become the owner."""
        return self.database_url(MIGRATOR_ROLE)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_demo() -> Iterator[Demo]:
    """Start the demo on new data; stop it with the signal of Ctrl-C and insist that it ends well."""
    # Not under a home directory: as root PostgreSQL runs as another user, who has to reach the folder.
    data_dir = Path(tempfile.mkdtemp(prefix="timebank-e2e-", dir="/var/tmp"))
    port = free_port()
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "timebank"), "demo", "--port", str(port), "--data-dir", str(data_dir)],
        cwd=data_dir,
        env={name: value for name, value in os.environ.items() if not name.startswith("TIMEBANK_")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    said: list[str] = []
    ready = threading.Event()
    ended = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if READY in line:
                ready.set()
        ended.set()
        ready.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert ready.wait(START_TIMEOUT_SECONDS), f"no first page after {START_TIMEOUT_SECONDS} s:\n{''.join(said)}"
        assert not ended.is_set(), f"the demo ended with {process.wait()}:\n{''.join(said)}"
        text = "".join(said)
        doors = {found["who"]: Door(found["url"], found["pin"]) for found in DOOR.finditer(text)}
        assert doors, f"the demo printed no way in:\n{text}"
        yield Demo(f"http://127.0.0.1:{port}", data_dir, process.pid, text, doors)
        process.send_signal(signal.SIGINT)
        code = process.wait(STOP_TIMEOUT_SECONDS)
        listener.join(STOP_TIMEOUT_SECONDS)
        assert code == 0, f"after Ctrl-C the demo ended with {code}:\n{''.join(said)}"
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        listener.join(STOP_TIMEOUT_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(data_dir, ignore_errors=True)
