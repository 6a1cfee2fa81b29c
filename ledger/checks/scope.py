"""A check, and what part of the tables it looks at."""

import re
from dataclasses import dataclass

# "offset 0" keeps the planner from turning a look-up per account into a read of all postings.
SINCE_POSTING = """(
    select p.*
    from {account} a
    left join lateral (
        select q.seq from ledger.proved q
        where q.book_id = a.book_id and q.account_id = a.id order by q.seq desc limit 1
    ) q on true
    cross join lateral (
        select * from ledger.posting p
        where p.book_id = a.book_id and p.account_id = a.id and p.seq > coalesce(q.seq, 0) offset 0
    ) p
)"""
SINCE_ENTRY = """(
    select e.*
    from (select distinct book_id, entry_id from {posting} p) since
    cross join lateral (
        select * from ledger.entry e where e.book_id = since.book_id and e.id = since.entry_id offset 0
    ) e
)"""
SINCE_START = """(
    select q.*
    from {account} a
    cross join lateral (
        select * from ledger.proved q
        where q.book_id = a.book_id and q.account_id = a.id order by q.seq desc limit 1
    ) q
)"""
NO_START = "(select * from ledger.proved where false)"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is checked: the invariant it belongs to, what it proves in a few words, and the query."""

    invariant: str
    proves: str
    query: str
    sees_old_rows: bool = False
    """It reads all rows by its nature, so an incremental proof leaves it out."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a proof looks at: one book or (None) all, everything or what was posted since the last proof."""

    book_id: int | None = None
    since_last: bool = False

    def of(self, query: str) -> str:
        """``query`` with each name in braces put in; ``$1`` is the book where there is one."""
        filled = re.sub(r"\{([a-z_]+)\}", lambda name: self._table(name[1]), query)
        return filled if filled == query else self.of(filled)

    @property
    def parameters(self) -> tuple[int, ...]:
        """What ``$1`` stands for."""
        return () if self.book_id is None else (self.book_id,)

    def _table(self, name: str) -> str:
        if name == "start":
            return SINCE_START if self.since_last else NO_START
        if self.since_last and name in ("posting", "entry"):
            return SINCE_POSTING if name == "posting" else SINCE_ENTRY
        if self.book_id is None:
            return f"ledger.{name}"
        return f"(select * from ledger.{name} where {'id' if name == 'book' else 'book_id'} = $1)"  # noqa: S608
