#!/usr/bin/env python3
"""Finds the system's Chromium for the browser tests; as root on a Debian-like machine installs it where it is missing.

Prints the path of the program and exits with 0, or says in one line what to install and exits with 1.
"""

import os
import shutil
import sys

from scripts.debian import NotInstalled, install, may_install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE = "chromium"


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
        try:
            install(PACKAGE)
        except NotInstalled as error:
            raise MissingChromium(str(error)) from error
        path = find()
    if path is None:
        raise MissingChromium(
            f"The browser tests need Chromium. On Debian: sudo apt-get install {PACKAGE}; "
            "elsewhere install Chromium or Chrome and name it in TIMEBANK_CHROMIUM."
        )
    return path


def main() -> int:
    try:
        print(f"Chromium: {ensure()}")
    except MissingChromium as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
