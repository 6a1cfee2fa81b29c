"""What the fees of a month add up to. Pure."""

from collections import Counter
from collections.abc import Sequence

from timebank.fees import rules
from timebank.fees.rules import FeeFacts


def counted(fees: Sequence[FeeFacts]) -> Counter[str]:
    """How many fees there are of each sort: ``waiting``, ``none``, ``part``, ``charity``, ``all``, ``withdrawn``."""
    return Counter((fee.how or fee.state) if fee.state == rules.CHOSEN else fee.state for fee in fees)


def summed(fees: Sequence[FeeFacts]) -> Counter[str]:
    """What fees add up to, in minor units: ``offered``, ``taken``, ``waiting`` and ``declined``."""
    sums: Counter[str] = Counter()
    for fee in fees:
        if fee.state == rules.WITHDRAWN:
            continue
        sums["offered"] += fee.pence
        if fee.state == rules.WAITING:
            sums["waiting"] += fee.offered_pence
        elif fee.choice_id is not None and not fee.is_stopped:
            sums["taken"] += fee.choice_pence or 0
            sums["declined"] += max(0, fee.offered_pence - (fee.choice_pence or 0))
        sums["taken"] += fee.gone_pence
    return sums
