"""The files that people bring from other programs: one module for each program, each with its formats. Pure."""

from timebank.imports.formats import cyclos, komunitin, spreadsheet, timeoverflow
from timebank.imports.formats.base import Field, Format, ReadFile, read

__all__ = ("BY_NAME", "FORMATS", "Field", "Format", "ReadFile", "read")

FORMATS: tuple[Format, ...] = (
    *timeoverflow.FORMATS,
    *komunitin.FORMATS,
    *cyclos.FORMATS,
    *spreadsheet.FORMATS,
)
BY_NAME = {each.name: each for each in FORMATS}
