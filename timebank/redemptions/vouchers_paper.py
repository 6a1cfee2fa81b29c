"""On paper: the slip of a voucher, the poster at the till with its tally sheet, and the supplier's statement."""

import asyncio
from collections.abc import Sequence
from typing import Any

from timebank import languages, paper
from timebank.identity.service import qr_svg
from timebank.kit.money import in_words
from timebank.languages import gettext as _
from timebank.paper import Spelling
from timebank.redemptions.suppliers_statement import Statement
from timebank.redemptions.vouchers_shown import OpenedCode

USE_PATH = "/till/use/"


def use_address(base_url: str, code: str) -> str:
    """What the square of a voucher says: the address that brings its code to the supplier's page."""
    return f"{base_url}{USE_PATH}{code}"


async def slips_pdf(slips: Sequence[OpenedCode], *, base_url: str, timebank: str, contact: str, large: bool) -> bytes:
    """Slips, one on a page, as a tagged PDF: each in the language of ``slip.language``. They name the offer and the
    supplier, never the member.
    """
    data: dict[str, Any] = {
        "language": slips[0].language if slips else languages.SOURCE,
        "large": large,
        "foot": Spelling(text=timebank, otherwise=""),
        "slips": [],
    }
    for slip in slips:
        with languages.speaking(slip.language):
            said = _slip(slip, base_url=base_url, contact=contact)
        data["slips"].append(said)
        # The document has one title and one foot: those of the first.
        data |= {name: data.get(name) or said[name] for name in ("title", "page_of")}
    return await asyncio.to_thread(paper.pdf, "voucher_slip", data)


def _slip(slip: OpenedCode, *, base_url: str, contact: str) -> dict[str, Any]:
    lost = _("Lost it? Tell us. You get a new one, and this one stops working. %(contact)s")
    return {
        "language": languages.current().code,
        "title": _("Your voucher"),
        "page_of": _("Page {n} of {all}"),
        "what": Spelling(text=slip.title, otherwise=_("Voucher")),
        "supplier": Spelling(text=slip.supplier, otherwise=""),
        "at_label": _("Use it at:"),
        "qr": qr_svg(use_address(base_url, slip.code)),
        "square": _("Square code for the till"),
        "code_label": _("If the square does not work, say this code:"),
        "code": slip.shown,
        "until": _("Use it by %(day)s.") % {"day": languages.day(slip.last_day, weekday=False)}
        if slip.last_day
        else "",
        "after": _("If you do not use it, your hours come back.")
        if slip.returns_hours and not slip.is_part_used
        else _("After that day it does not work any more."),
        "how_title": _("How to use it"),
        "how": [
            _("Show this paper before you pay."),
            _("They scan the square or type the code."),
            _("Keep the paper until they say that it is done."),
        ],
        "lost": lost % {"contact": _isolated(contact)},
    }


def _isolated(text: str) -> str:
    """A text that keeps its own direction: without this a phone number runs backwards in a line of Arabic."""
    return f"\u2068{text}\u2069"


async def poster_pdf(*, address: str, supplier: str, timebank: str, contact: str) -> bytes:
    """The poster with the square that opens the supplier's page, and a sheet for days without signal."""
    data = {
        "language": languages.current().code,
        "title": _("Time bank vouchers"),
        "page_of": _("Page {n} of {all}"),
        "foot": Spelling(text=f"{timebank} – {supplier}", otherwise=""),
        "qr": qr_svg(address),
        "words": {
            "lead": Spelling(
                text=_("For the people at the till of %(supplier)s") % {"supplier": _isolated(supplier)}, otherwise=""
            ),
            "square": _("Square code that opens the page for vouchers"),
            "steps": [
                _("Scan this square with a phone. A page opens."),
                _("Scan or type the code of the voucher."),
                _("Press “Confirm”. You see “Done” and a number."),
            ],
            "keep": _("Keep this behind the till. Whoever has it can confirm vouchers."),
            "helper": _("Questions? %(contact)s") % {"contact": _isolated(contact)},
            "tally_title": _("No signal? Write it down"),
            "tally_lead": _("Write each voucher here. Type them in later, or give us this sheet."),
            "tally_heads": [_("Day"), _("Code (ten letters and numbers)"), _("Amount")],
        },
    }
    return await asyncio.to_thread(paper.pdf, "supplier_poster", data)


async def statement_pdf(shown: Statement, *, supplier: str, timebank: str, currency: str, large: bool) -> bytes:
    """One month of a supplier as a tagged PDF."""
    heads = [_("Day"), _("What"), _("Amount")] if large else [_("Day"), _("Number"), _("What"), _("Amount"), _("State")]
    lines = []
    for line in shown.lines:
        day, amount = languages.day(line.day, weekday=False), in_words(line.pence, currency)
        what = Spelling(text=line.what, otherwise=line.reference)
        lines.append([day, what, amount] if large else [day, line.reference, what, amount, _(line.state)])
    data = {
        "language": languages.current().code,
        "title": _("Statement for %(month)s") % {"month": languages.month(shown.month)},
        "page_of": _("Page {n} of {all}"),
        "large": large,
        "foot": Spelling(text=timebank, otherwise=""),
        "supplier": Spelling(text=supplier, otherwise=""),
        "words": {
            "sum_head": _("In this month"),
            "amount_head": _("Amount"),
            "lines_title": _("Each payment"),
            "nothing": _("There is nothing in this month."),
            "heads": heads,
        },
        "sums": [
            [_("You earned"), in_words(shown.total_pence, currency)],
            [_("Paid"), in_words(shown.paid_pence, currency)],
            [_("Still to be paid"), in_words(shown.total_pence - shown.paid_pence, currency)],
        ],
        "lines": lines,
        "owed_title": _("You owe us"),
        "owed_words": _("We keep it back from your next payment."),
        "owed_heads": [_("Day"), _("What"), _("Amount")],
        "owed": [
            [
                languages.day(one.day, weekday=False),
                Spelling(text=languages.translate(one.what), otherwise=one.reference),
                in_words(one.pence, currency),
            ]
            for one in shown.owed_to_us
        ],
    }
    return await asyncio.to_thread(paper.pdf, "supplier_statement", data)
