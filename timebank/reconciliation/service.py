"""The use cases of reconciliation, by subject in ``importing`` and ``explaining``."""

from timebank.reconciliation.explaining import Decide, Explain, LineChanged, Undo, decide, explain, undo
from timebank.reconciliation.importing import (
    Imported,
    KeepStatement,
    Kept,
    Previewed,
    answer,
    drop,
    import_statement,
    keep,
    match_again,
    preview,
)

__all__ = [
    "Decide",
    "Explain",
    "Imported",
    "KeepStatement",
    "Kept",
    "LineChanged",
    "Previewed",
    "Undo",
    "answer",
    "decide",
    "drop",
    "explain",
    "import_statement",
    "keep",
    "match_again",
    "preview",
    "undo",
]
