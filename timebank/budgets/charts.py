"""Bars of budgets as SVG made by the server; the table beside them says the same in figures. Pure."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from timebank.budgets.rules import BudgetFacts
from timebank.kit.money import in_words

WIDTH, HEIGHT, GAP = 600, 22, 2
PARTS = ("spent", "booked", "ordered", "left")


def widths(parts: Sequence[int], width: int = WIDTH) -> list[int]:
    """How wide each part is in a bar of ``width``: in proportion, adding up, and at least 2 where there is anything."""
    total = sum(parts)
    if total <= 0:
        return [0 for _ in parts]
    found, before, so_far = [], 0, 0
    for part in parts:
        so_far += part
        upto = width * so_far // total
        found.append(max(upto - before, 2 if part > 0 else 0))
        before = upto
    while sum(found) > width:
        widest = max(range(len(found)), key=lambda n: found[n])
        found[widest] -= 1
    return found


def bar(budget: BudgetFacts, currency: str) -> Markup:
    """One budget: spent, booked, on order, left. It has a title, and is drawn without a word of style."""
    amounts = (budget.spent_pence, budget.booked_pence, budget.ordered_pence, max(budget.left_pence, 0))
    said = ", ".join(
        f"{in_words(pence, currency)} {words}"
        for pence, words in zip(amounts, ("spent", "booked", "on order", "left"), strict=True)
    )
    pieces, at = [], 0
    for name, width in zip(PARTS, widths(amounts), strict=True):
        if width:
            inner = max(width - GAP, 1)
            pieces.append(f'<rect class="tb-bar__{name}" x="{at}" y="0" width="{inner}" height="{HEIGHT}"/>')
        at += width
    title = escape(f"{budget.name}: {said}")
    # Every part of it is our own markup or escaped.
    return Markup(  # noqa: S704
        f'<svg class="tb-bar" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" '
        f'preserveAspectRatio="none">{"".join(pieces)}</svg>'
    )
