"""Installing a Debian package that tests need, where this process may."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

APT_TIMEOUT_SECONDS = 900


class NotInstalled(Exception):
    """apt-get did not succeed; its last line is in the message."""


def may_install() -> bool:
    """True for root on Debian itself: elsewhere a package of the same name may be something else."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    release = Path("/etc/os-release")
    lines = release.read_text("utf-8").splitlines() if release.is_file() else []
    return any(line.strip().replace('"', "") == "ID=debian" for line in lines)


def install(package: str) -> None:
    """Install ``package``, saying so on stderr.

    Raises:
        NotInstalled: apt-get did not succeed.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", package]):
        print(f"{package} is missing: {' '.join(command)}", file=sys.stderr)
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=APT_TIMEOUT_SECONDS,
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
            raise NotInstalled(f"{package} could not be installed: {' '.join(command)} said: {said}")
