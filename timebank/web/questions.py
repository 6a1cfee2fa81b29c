"""What fields of participants' forms ask, for a page that knows only their names: the one of a form that is too old."""

from collections.abc import Mapping

from timebank.kit.words import mark

QUESTIONS: Mapping[str, str] = {
    "about": mark("Who is it about?"),
    "access": mark("What do you need there?"),
    "access_needs": mark("What helps you to take part?"),
    "activity": mark("What was it?"),
    "amount": mark("How much is used now?"),
    "can_offer": mark("What can you share?"),
    "contact_route": mark("How may we send you messages?"),
    "date": mark("Which day was it?"),
    "day": mark("Which day?"),
    "details": mark("A few more words, if you like"),
    "display_name": mark("Name"),
    "email": mark("E-mail"),
    "emergency_name": mark("Whom should we call in an emergency?"),
    "emergency_phone": mark("Their phone number"),
    "format_preference": mark("How do you like to read?"),
    "happened": mark("What happened?"),
    "hours_shown": mark("What should we show first?"),
    "how": mark("How?"),
    "how_long": mark("How much time?"),
    "hows": mark("How?"),
    "kind": mark("What kind?"),
    "language": mark("Language"),
    "length": mark("How much time?"),
    "minutes": mark("How much time?"),
    "on": mark("Which day was it?"),
    "phone": mark("Phone"),
    "place": mark("Where?"),
    "postal_address": mark("Address for letters"),
    "quiet_from": mark("Quiet from"),
    "quiet_until": mark("Quiet until"),
    "reach": mark("How can they reach you?"),
    "starts_on": mark("From which day?"),
    "times": mark("When can you?"),
    "title": mark("In your own words"),
    "to": mark("Who gets them?"),
    "when": mark("When?"),
    "words": mark("In your own words"),
}
"""Field -> its question, as the catalogues know it."""
