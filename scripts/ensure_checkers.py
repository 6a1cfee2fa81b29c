#!/usr/bin/env python3
"""Finds the programs that check our files in tests; as root on Debian installs those that are missing.

Always exits with 0: without one of them its tests are skipped, and say so.
"""

import shutil
import sys

from scripts.debian import NotInstalled, install, may_install

PACKAGES = {"hledger": "hledger", "ledger": "ledger", "xmllint": "libxml2-utils"}
"""Program -> its Debian package."""


def main() -> int:
    for program, package in PACKAGES.items():
        path = shutil.which(program)
        if path is None and may_install():
            try:
                install(package)
            except NotInstalled as error:
                print(error, file=sys.stderr)
            path = shutil.which(program)
        missing = f"not installed, its tests are skipped; on Debian: sudo apt-get install {package}"
        print(f"{program}: {path or missing}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
