#!/usr/bin/env python3
"""Finds the system's Chromium for the browser tests; as root on a Debian-like machine installs it where it is missing.

Prints the path of the program and exits with 0, or says in one line what to install and exits with 1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE = "chromium"
APT_TIMEOUT_SECONDS = 900


class MissingChromium(Exception):
    """There is no Chromium; the message says in one line what to do."""


def find() -> str | None:
    """The path of Chromium: what ``TIMEBANK_CHROMIUM`` names, else the first of the usual names on the path.

    Raises:
        MissingChromium: ``TIMEBANK_CHROMIUM`` names something that cannot be run.
    """
    named = os.environ.get("TIMEBANK_CHROMIUM", "").strip()
    if named:
        path = shutil.which(named)
        if path is None:
            raise MissingChromium(f"TIMEBANK_CHROMIUM names {named}, which is not a program that can be run.")
        return path
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def ensure() -> str:
    """The path of Chromium, installed first where it is missing and this process may do so.

    Raises:
        MissingChromium: there is none and it could not be installed.
    """
    path = find()
    if path is None and may_install():
        install()
        path = find()
    if path is None:
        raise MissingChromium(
            f"The browser tests need Chromium. On Debian: sudo apt-get install {PACKAGE}; "
            "elsewhere install Chromium or Chrome and name it in TIMEBANK_CHROMIUM."
        )
    return path


def may_install() -> bool:
    """True for root on a Debian-like machine whose package really is the browser (Ubuntu's only points to a snap)."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    release = Path("/etc/os-release")
    lines = release.read_text("utf-8").splitlines() if release.is_file() else []
    return any(line.strip().replace('"', "") == "ID=debian" for line in lines)


def install() -> None:
    """Install Debian's package.

    Raises:
        MissingChromium: apt-get did not succeed; its last line is in the message.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", PACKAGE]):
        print(f"Chromium is missing: {' '.join(command)}", file=sys.stderr)
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
            raise MissingChromium(f"Chromium could not be installed: {' '.join(command)} said: {said}")


def main() -> int:
    try:
        print(f"Chromium: {ensure()}")
    except MissingChromium as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
