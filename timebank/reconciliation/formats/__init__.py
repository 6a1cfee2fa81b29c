"""Kinds of statement files. One tuple line adds another. Pure."""

from timebank.kit.refusal import Refusal
from timebank.reconciliation.formats.camt053 import is_xml, read_camt
from timebank.reconciliation.formats.model import (
    MAX_FILE_BYTES,
    Columns,
    Question,
    ReadLine,
    ReadStatement,
)
from timebank.reconciliation.formats.statement_csv import columns_question, headings_of, read_csv

__all__ = [
    "FORMATS",
    "MAX_FILE_BYTES",
    "Columns",
    "Question",
    "ReadLine",
    "ReadStatement",
    "columns_question",
    "headings_of",
    "read",
]

FORMATS = (("camt.053", "ISO 20022 statement (camt.053)"), ("csv", "CSV"))
"""Codes and names of what can be read."""


def read(data: bytes, currency: str, columns: Columns | None = None) -> ReadStatement | Question | Refusal:
    """Read a statement of whatever kind; a question when the columns of a CSV are not clear.

    Refusals: ``file_empty``, ``file_too_large``, and those of the kind of file. Never raises, whatever the bytes are.
    """
    if not data.strip():
        return Refusal("file_empty", "This file is empty. Choose the file that has your statement in it.", "file")
    if len(data) > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES // (1024 * 1024)} MB"
        text = f"This file is larger than {limit}. Ask your bank for a statement of fewer days."
        return Refusal("file_too_large", text, "file")
    return read_camt(data, currency) if is_xml(data) else read_csv(data, currency, columns)
