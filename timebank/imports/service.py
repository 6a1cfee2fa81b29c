"""Use cases of this room, each one function and one transaction."""

from timebank.imports.running import (
    Progress,
    Started,
    advance,
    cancel,
    continue_due,
    open_questions,
    run_on,
    start,
    tidy_due,
)
from timebank.imports.uploads import AddPiece, BeginImport, Brought, Previewed, add_piece, answer, begin, preview

__all__ = (
    "AddPiece",
    "BeginImport",
    "Brought",
    "Previewed",
    "Progress",
    "Started",
    "add_piece",
    "advance",
    "answer",
    "begin",
    "cancel",
    "continue_due",
    "open_questions",
    "preview",
    "run_on",
    "start",
    "tidy_due",
)
