"""Programs of others that check our files. ``scripts/ensure_checkers.py`` installs them where it may."""

import os
import shutil
import sys
from pathlib import Path

import pytest


def program(name: str) -> str:
    """Where a program is. Without it the test is skipped and says so; where ``.ci/run`` runs, it fails."""
    found = shutil.which(name) or shutil.which(name, path=Path(sys.executable).parent)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed: nothing checked our files")
    if found is None:
        pytest.skip(f"{name} is not installed: it did not check our files")
    return found
