"""A place on a course: a date, a limited number of places, and a college that is paid for each place taken."""

from timebank.redemptions.kinds.kind import Kind

HOURS_ACCOUNT = "spent/training"

KIND = Kind(
    code="training",
    name="Training",
    hours_account=lambda _: HOURS_ACCOUNT,
    payable_kind="training",
    needs_provider=False,
    needs_date=True,
    needs_safeguarding_lead=False,
    has_waiting_list=True,
    next_steps={
        "requested": ("We ask the trainer to keep your place.", "Look at this page again to see when it is sure."),
        "accepted": ("Your place is kept for you.", "Come on the day. Say your name at the door."),
    },
    accept_words="Keep the place",
    fulfil_words="They came",
)
