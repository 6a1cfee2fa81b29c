"""Where the tables of the modulus rules come from: the official files in a folder, or those that the package brings.

Vocalink publishes new tables a few times a year. A deployment that sets ``TIMEBANK_MODULUS_DIR`` to a folder with the
official ``valacdos*.txt`` and ``scsubtab*.txt`` uses those at its next start; the last by name where there are several.
"""

from functools import cache
from pathlib import Path

from timebank.payees.modulus import Table, parse

PACKAGED = Path(__file__).parent / "weights"
_folder: list[Path] = []


def use(folder: Path | None) -> None:
    """Set the folder of this process, None for the tables of the package.

    Raises:
        ValueError: the folder has no such files, or they are not what they should be.
    """
    _folder[:] = [] if folder is None else [folder]
    table.cache_clear()
    if folder is not None and table() is None:
        raise ValueError(f"{folder} holds no valacdos*.txt")


@cache
def table() -> Table | None:
    """The tables in use; None where none is installed, and then no account number can be checked.

    Raises:
        ValueError: a file is not what it should be.
    """
    folder = _folder[0] if _folder else PACKAGED
    weights, substitutes = _last(folder, "valacdos*.txt"), _last(folder, "scsubtab*.txt")
    return None if not weights else parse(weights, substitutes)


def _last(folder: Path, pattern: str) -> str:
    found = sorted(folder.glob(pattern))
    return found[-1].read_text("utf-8-sig", "replace") if found else ""
