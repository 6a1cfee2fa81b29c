"""The use cases of reconciliation, by subject in ``importing``, ``running`` and ``explaining``."""

from timebank.reconciliation.explaining import Decide, Explain, LineChanged, Undo, decide, explain, undo
from timebank.reconciliation.importing import KeepStatement, Kept, Previewed, answer, drop, keep, preview
from timebank.reconciliation.running import Imported, continue_due, import_statement, match_again
from timebank.reconciliation.splitting import Join, Parts, Split, join, split

__all__ = [
    "Decide",
    "Explain",
    "Imported",
    "Join",
    "KeepStatement",
    "Kept",
    "LineChanged",
    "Parts",
    "Previewed",
    "Split",
    "Undo",
    "answer",
    "continue_due",
    "decide",
    "drop",
    "explain",
    "import_statement",
    "join",
    "keep",
    "match_again",
    "preview",
    "split",
    "undo",
]
