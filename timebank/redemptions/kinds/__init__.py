"""The kinds of offer, one file each. Adding a kind is a new file and a line in ``KINDS``."""

from timebank.redemptions.kinds import peer_support, training, voucher
from timebank.redemptions.kinds.kind import Kind

KINDS: tuple[Kind, ...] = (training.KIND, voucher.KIND, peer_support.KIND)

_BY_CODE = {kind.code: kind for kind in KINDS}


def kind_of(code: str) -> Kind:
    """The kind with this code.

    Raises:
        LookupError: there is none.
    """
    return _BY_CODE[code]


def is_known(code: str) -> bool:
    """True when there is a kind with this code."""
    return code in _BY_CODE
