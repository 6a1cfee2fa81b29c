"""A voucher of a supplier, who is paid its face value once it is handed over. Participants never see that value."""

from timebank.redemptions.kinds.kind import Kind

HOURS_ACCOUNT = "spent/vouchers"

KIND = Kind(
    code="voucher",
    name="Voucher",
    hours_account=lambda _: HOURS_ACCOUNT,
    payable_kind="voucher",
    needs_provider=False,
    needs_date=False,
    needs_safeguarding_lead=False,
    has_waiting_list=False,
    next_steps={
        "requested": ("We get your voucher ready.", "Look at this page again to see when it is ready."),
        "accepted": ("Your voucher is ready.", "Ask us for it by the number above. We can post it too."),
    },
    accept_words="It is ready",
    fulfil_words="Handed over",
)
