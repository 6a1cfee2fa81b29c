"""The kind of ledger entry that this room makes. ``home`` says it in the words of its member."""

PUT_RIGHT = "query_put_right"
"""An answer that puts an entry right which is not time given: ``corrections`` to the member, or back."""
