"""What a phone may keep for when there is no signal, and whose it is (see ``assets/worker.js``).

A phone keeps something only for a member on their own phone, never on a borrowed one, in practice, or while they act
for somebody. Every answer to such a member carries a key that differs for every session and way of reading; when the
worker meets another key, or a page without one, it forgets.
"""

import hashlib

from timebank.web.viewer import Viewer

KEEP_HEADER = "Timebank-Keep"
MAX_DAYS = 14
"""Older than this, what was kept is not shown: it would no longer be true."""
_KEY_CHARACTERS = 16


def keep_key(person: Viewer) -> str | None:
    """The key of what this viewer's phone may keep; None when it may keep nothing. Says nothing about who they are."""
    if not person.may_keep:
        return None
    parts = (person.csrf, person.language, str(person.is_easy), str(person.is_large))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_KEY_CHARACTERS]
