"""The form on paper: the same words for the page, the PDF and the plain text."""

from timebank.confidence.service import Readers
from timebank.kit.words import mark

TITLE = mark("Tell someone else")
WORDS = mark("You can tell someone in confidence. You need not give your name.")
QUESTIONS = (
    (mark("What happened?"), 12),
    (mark("Who is it about? (you can leave this empty)"), 1),
    (mark("How can we reach you? (you can leave this empty)"), 1),
)
AFTERWARDS = mark(
    "Put it in an envelope. Write “In confidence” on it. Give it or post it to one of the people named above."
)


def whom(readers: Readers) -> tuple[tuple[str, str], ...]:
    """Whom to give it to: their part and how to reach them, as the rules name them."""
    named = (
        (mark("Someone independent"), readers.independent_person),
        (mark("Someone outside"), readers.outside_body),
        (mark("Safeguarding lead"), readers.safeguarding_lead),
    )
    return tuple((part, reach) for part, reach in named if reach)


def pdf_data(readers: Readers, timebank_name: str, *, large: bool) -> dict[str, object]:
    """What the template ``tell_someone`` of the room ``paper`` wants."""
    return {
        "title": TITLE,
        "timebank": timebank_name,
        "large": large,
        "words": WORDS,
        "people": [{"part": part, "reach": reach} for part, reach in whom(readers)],
        "questions": [{"words": words, "lines": lines} for words, lines in QUESTIONS],
        "afterwards": AFTERWARDS,
    }
