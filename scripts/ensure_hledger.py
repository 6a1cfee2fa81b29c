#!/usr/bin/env python3
"""Finds hledger, which checks the ledger's export in tests; as root on Debian installs it where it is missing.

Always exits with 0: without hledger its tests are skipped, and say so.
"""

import shutil
import sys

from scripts.debian import NotInstalled, install, may_install

PROGRAM = PACKAGE = "hledger"


def main() -> int:
    path = shutil.which(PROGRAM)
    if path is None and may_install():
        try:
            install(PACKAGE)
        except NotInstalled as error:
            print(error, file=sys.stderr)
        path = shutil.which(PROGRAM)
    print(f"hledger: {path or 'not installed, its tests are skipped; on Debian: sudo apt-get install hledger'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
