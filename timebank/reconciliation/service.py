"""The use cases of reconciliation, by subject in ``importing``, ``running`` and ``explaining``."""

from timebank.reconciliation.explaining import Decide, Explain, LineChanged, Undo, decide, explain, undo
from timebank.reconciliation.importing import KeepStatement, Kept, Previewed, answer, drop, keep, preview
from timebank.reconciliation.running import Imported, continue_due, import_statement, match_again

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
    "continue_due",
    "decide",
    "drop",
    "explain",
    "import_statement",
    "keep",
    "match_again",
    "preview",
    "undo",
]
