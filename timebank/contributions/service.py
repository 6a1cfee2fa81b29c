"""The use cases of time given, each one function and one transaction. They live in modules of their own, by subject."""

from timebank.activities.service import AddActivity, add_activity
from timebank.contributions.brought_forward import BringForward, BroughtForward, bring_forward
from timebank.contributions.corrections import (
    Affected,
    ChangedLine,
    CorrectedRegister,
    Correction,
    CorrectRegister,
    correct_register,
    preview_correction,
)
from timebank.contributions.decisions import Decide, Decided, decide
from timebank.contributions.guests import AddedGuest, AddGuest, JoinedGuest, add_guest, forget_guests, join_guest
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
    "AddGuest",
    "AddedGuest",
    "Affected",
    "Answers",
    "BringForward",
    "BroughtForward",
    "ChangedLine",
    "ConfirmUpload",
    "ConfirmedUpload",
    "CorrectRegister",
    "CorrectedRegister",
    "Correction",
    "Decide",
    "Decided",
    "JoinedGuest",
    "KeptUpload",
    "Line",
    "Previewed",
    "SaveRegister",
    "SavedRegister",
    "UndoneRegister",
    "add_activity",
    "add_guest",
    "bring_forward",
    "confirm_upload",
    "correct_register",
    "decide",
    "forget_guests",
    "join_guest",
    "keep_upload",
    "preview_correction",
    "preview_upload",
    "save_register",
    "undo_register",
]
