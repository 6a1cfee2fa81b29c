"""Each refusal in plain words. The codes are stable: callers, tests and interfaces depend on them."""

from collections.abc import Mapping
from types import MappingProxyType

from ledger.model import Refused

MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "insufficient": "There is not enough in {account}.",
        "ceiling": "{account} would hold more than it may.",
        "overflow": "{account} cannot hold a number that large.",
        "frozen_account": "{account} is frozen: nothing may be added or taken until it is opened again.",
        "closed_account": "{account} is closed.",
        "unknown_account": "There is no account {account}.",
        "unit_mismatch": "{account} counts another unit.",
        "unknown_hold": "There is no such hold.",
        "hold_exists": "A hold with this id was placed before.",
        "hold_not_open": "The hold has already been captured, cancelled or timed out.",
        "hold_expired": "The hold's time has passed.",
        "hold_not_expired": "The hold's time has not passed yet.",
        "over_hold": "More is asked for than was set aside.",
        "unknown_entry": "There is no such entry.",
        "already_reversed": "The entry has already been reversed.",
        "is_reversal": "The entry is itself a reversal and cannot be reversed.",
        "closed_period": "The books are closed for that date.",
        "overloaded": "Too many wait already. Try again in a moment.",
        "key_reused": "This key was used before for something else.",
    }
)


def refused(key: str, code: str, account: str | None) -> Refused:
    """The refusal ``code`` in plain words."""
    return Refused(key=key, code=code, account=account, message=MESSAGES[code].format(account=account or "the account"))
