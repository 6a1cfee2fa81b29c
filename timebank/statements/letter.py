"""The letter that explains time-bank hours to a benefits office, or to anybody else who asks.

It says what hours are and whom to ask. It never says what a benefit will be, and nothing of what its member gave or
used unless they asked for a statement to be added.
"""

from datetime import date

from timebank import languages
from timebank.languages import day, gettext
from timebank.paper import Spelling
from timebank.statements.paper import Printed, Subject, check_part, period_words, statement_part


def parts(subject: Subject, help_contact: str, *, with_statement: bool) -> list[tuple[bool, str]]:
    """The letter in short paragraphs; True before a heading."""
    added = (
        gettext("They asked us to add a statement of their hours. It follows this letter.")
        if with_statement
        else gettext("It does not say how much time this member gave or used.")
    )
    ask = (
        gettext("Please ask us if something is not clear: {contact}.").format(contact=help_contact.rstrip("."))
        if help_contact
        else gettext("Please ask us if something is not clear.")
    )
    return [
        (
            False,
            gettext("{name} is a member of {timebank}. They asked us to explain what hours mean here.").format(
                name=subject.name, timebank=subject.timebank
            ),
        ),
        (True, gettext("What a time bank is")),
        (False, gettext("In a time bank, people help each other. They also help to shape local services.")),
        (
            False,
            gettext("We write down the time that each person gives. One hour counts as one hour, whatever the work."),
        ),
        (
            False,
            gettext(
                "Members can use hours for help from another member. "
                "They can also use them for a place on a course or something from a local partner."
            ),
        ),
        (True, gettext("Hours are not money")),
        (False, gettext("Hours are not wages. Nobody can buy, sell or exchange them for money.")),
        (False, gettext("We never give hours a value in money. An hour is only ever an hour.")),
        (True, gettext("What this letter does not say")),
        (False, added),
        (
            False,
            gettext(
                "It does not say how any benefit should treat hours. That is for the office that decides about it."
            ),
        ),
        (True, gettext("Whom to ask")),
        (False, ask),
        (False, gettext("We can tell you more when this member agrees.")),
    ]


def pdf_data(
    subject: Subject, help_contact: str, printed: Printed | None, *, on: date, large: bool
) -> dict[str, object]:
    """What the template ``hours_letter`` of the room ``paper`` wants."""
    said = parts(subject, help_contact, with_statement=printed is not None)
    # A name that no font of ours can set must not become question marks in a letter to an office.
    member = gettext("Member {number}").format(number=subject.number)
    statement = None
    if printed is not None:
        statement = statement_part(printed.dated) | {
            "title": gettext("Statement of hours"),
            "lines": [
                Spelling(text=subject.name, otherwise=member),
                period_words(printed.dated.first, printed.dated.last),
            ],
        }
    return {
        "title": gettext("What time-bank hours are"),
        "language": languages.current().code,
        "large": large,
        "page_of": gettext("Page {n} of {all}"),
        "foot": subject.timebank,
        "timebank": subject.timebank,
        "date": day(on, weekday=False),
        "greeting": gettext("To whom it may concern"),
        "parts": [
            {"heading": is_heading, "text": Spelling(text=text, otherwise=text.replace(subject.name, member))}
            for is_heading, text in said
        ],
        "signed": gettext("Signed for {timebank}").format(timebank=subject.timebank),
        "statement": statement,
        "check": check_part(printed) if printed is not None else None,
    }


def as_text(subject: Subject, help_contact: str, *, on: date) -> str:
    """The letter as plain text, without a statement."""
    said = [subject.timebank, day(on, weekday=False), "", gettext("To whom it may concern"), ""]
    for is_heading, text in parts(subject, help_contact, with_statement=False):
        said += ["", text.upper()] if is_heading else [text]
    return "\n".join([*said, "", gettext("Signed for {timebank}").format(timebank=subject.timebank)]) + "\n"
