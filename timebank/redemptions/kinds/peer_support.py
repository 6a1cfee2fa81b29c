"""An hour of another member: the hours go straight to the one who helps, and no money is involved."""

from timebank.kit.words import mark
from timebank.redemptions.kinds.kind import Kind


def _provider_account(provider_id: int | None) -> str:
    if provider_id is None:
        raise ValueError("peer support needs the member who gives it")
    return f"member/{provider_id}"


KIND = Kind(
    code="peer_support",
    name=mark("Help from a member"),
    hours_account=_provider_account,
    payable_kind=None,
    needs_provider=True,
    needs_date=False,
    needs_safeguarding_lead=True,
    has_waiting_list=False,
    next_steps={
        "requested": (mark("We ask the member who helps."), mark("If they say yes, you agree a day and a place.")),
        "accepted": (
            mark("They said yes."),
            mark("Meet on the day you agreed."),
            mark("Tell us when it has happened."),
        ),
    },
    accept_words="They said yes",
    fulfil_words="It happened",
)
