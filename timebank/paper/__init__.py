"""Printed pages as tagged PDF: ``pdf(template, data)``. Templates are in ``templates/``, in Typst's language.

A page is also there as HTML and as plain text, made by the room whose page it is, from the same data.
"""

from timebank.paper.typesetting import PaperError, Spelling, pdf

__all__ = ("PaperError", "Spelling", "pdf")
