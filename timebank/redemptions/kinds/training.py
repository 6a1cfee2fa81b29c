"""A place on a course: a date, a limited number of places, and a college that is paid for each place taken."""

from timebank.kit.words import mark
from timebank.redemptions.kinds.kind import Kind

HOURS_ACCOUNT = "spent/training"

KIND = Kind(
    code="training",
    name=mark("Training"),
    hours_account=lambda _: HOURS_ACCOUNT,
    payable_kind="training",
    needs_provider=False,
    needs_date=True,
    needs_safeguarding_lead=False,
    has_waiting_list=True,
    next_steps={
        "requested": (mark("We ask the trainer to keep your place."), mark("We tell you when it is sure.")),
        "accepted": (mark("Your place is kept for you."), mark("Come on the day. Say your name at the door.")),
    },
    accept_words="Keep the place",
    fulfil_words="They came",
)
