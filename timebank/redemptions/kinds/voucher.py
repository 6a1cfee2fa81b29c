"""A voucher of a supplier, who is paid its face value once it is handed over. Participants never see that value."""

from timebank.kit.words import mark
from timebank.redemptions.kinds.kind import Kind

HOURS_ACCOUNT = "spent/vouchers"

KIND = Kind(
    code="voucher",
    name=mark("Voucher"),
    hours_account=lambda _: HOURS_ACCOUNT,
    payable_kind="voucher",
    needs_provider=False,
    needs_date=False,
    needs_safeguarding_lead=False,
    has_waiting_list=False,
    next_steps={
        "requested": (mark("We get your voucher ready."), mark("We tell you when it is ready.")),
        "accepted": (
            mark("Your voucher is ready."),
            mark("Ask us for it by the number above. We can post it too."),
        ),
    },
    accept_words="It is ready",
    fulfil_words="Handed over",
)
