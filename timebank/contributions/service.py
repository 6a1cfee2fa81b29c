"""The use cases of time given, each one function and one transaction. They live in modules of their own, by subject."""

from timebank.activities.service import AddActivity, add_activity
from timebank.contributions.decisions import Decide, Decided, decide
from timebank.contributions.preview import Answers
from timebank.contributions.recording import SavedRegister
from timebank.contributions.registers import (
    SaveRegister,
    UndoneRegister,
    save_register,
    undo_register,
)
from timebank.contributions.rules import Line
from timebank.contributions.uploads import (
    ConfirmedUpload,
    ConfirmUpload,
    KeptUpload,
    Previewed,
    confirm_upload,
    keep_upload,
    preview_upload,
)

__all__ = [
    "AddActivity",
    "Answers",
    "ConfirmUpload",
    "ConfirmedUpload",
    "Decide",
    "Decided",
    "KeptUpload",
    "Line",
    "Previewed",
    "SaveRegister",
    "SavedRegister",
    "UndoneRegister",
    "add_activity",
    "confirm_upload",
    "decide",
    "keep_upload",
    "preview_upload",
    "save_register",
    "undo_register",
]
