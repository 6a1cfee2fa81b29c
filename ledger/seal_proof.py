"""Proving the seals (invariant I18): everything is worked out again and held against what was sealed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.merkle import Tree, leaf_hash
from ledger.model import Finding
from ledger.seals import (
    ENTRY_TEXTS,
    ROWS_AT_ONCE,
    SEAL_COLUMNS,
    Connection,
    Seal,
    canonical_digest,
    heads_digest,
    prepare,
    seal_of,
)

MAX_NAMED = 100
"""Entries named per seal and kind of finding. One changed amount changes every later balance of its account as well, so
the first ones, by id and therefore by time, tell."""

SEALS_AT_ONCE = 20
"""Seals fetched in one go: each comes with a head for every account that had moved."""

# Heads without a seal come along: their seal is missing.
SEALS = f"""
select {SEAL_COLUMNS}, coalesce(s.n, h.n) as number, h.codes, h.after_seqs, h.seqs
from (select * from ledger.seal where book_id = $1) s
full join (
    select h.n, array_agg(a.code order by a.code) as codes, array_agg(h.after_seq order by a.code) as after_seqs,
           array_agg(h.seq order by a.code) as seqs
    from ledger.seal_head h
    left join ledger.account a on a.book_id = h.book_id and a.id = h.account_id
    where h.book_id = $1
    group by h.n
) h on h.n = s.n
order by number
"""  # noqa: S608

LEAVES_AND_ENTRIES = f"""
select l.entry_id, l.hash, t.text
from ledger.seal_leaf l
left join ({ENTRY_TEXTS}) t on t.book_id = l.book_id and t.id = l.entry_id
where l.book_id = $1 and l.n = $2
order by l.entry_id
"""  # noqa: S608

LAST_HEADS = """
select distinct on (account_id) account_id, seq from ledger.seal_head where book_id = $1 order by account_id, n desc
"""

SLIPPED_IN = f"""
with head as materialized ({LAST_HEADS})
select null as account, format('entry %s lies below the heads of the seals, but under none of them: '
                               'it was slipped in, or its leaf was removed', e.id) as message
from ledger.entry e
where e.book_id = $1
  and not exists (select from ledger.seal_leaf l where l.book_id = e.book_id and l.entry_id = e.id)
  and (select bool_and(leg.seq > coalesce(h.seq, 0))
       from unnest(e.accounts, e.seqs) as leg (account_id, seq)
       left join head h on h.account_id = leg.account_id) is not true
order by e.id
"""  # noqa: S608

SEALED_TWICE = """
select null as account,
       format('entry %s is under seals %s', entry_id, string_agg(n::text, ' and ' order by n)) as message
from ledger.seal_leaf where book_id = $1 group by entry_id having count(*) > 1 order by entry_id
"""

LEAVES_OF_NO_SEAL = """
select null as account, format('entry %s has a leaf under seal %s, which does not exist', l.entry_id, l.n) as message
from ledger.seal_leaf l
where l.book_id = $1 and not exists (select from ledger.seal s where s.book_id = l.book_id and s.n = l.n)
order by l.n, l.entry_id
"""

HEADS_WENT_BACK = f"""
select a.code as account, format('the account has %s postings, but %s are sealed', coalesce(b.seq, 0), h.seq) as message
from ({LAST_HEADS}) h
left join ledger.account a on a.book_id = $1 and a.id = h.account_id
left join ledger.balance b on b.book_id = $1 and b.account_id = h.account_id
where coalesce(b.seq, 0) < h.seq
order by a.code
"""  # noqa: S608

HEADS_WITH_GAPS = """
select a.code as account, format('seal %s starts behind posting %s, but the one before ends with %s', h.n, h.after_seq,
                                 h.before) as message
from (
    select *, coalesce(lag(seq) over (partition by account_id order by n), 0) as before
    from ledger.seal_head where book_id = $1
) h
left join ledger.account a on a.book_id = $1 and a.id = h.account_id
where h.after_seq <> h.before
order by h.n, a.code
"""

CHECKS = (SLIPPED_IN, SEALED_TWICE, LEAVES_OF_NO_SEAL, HEADS_WENT_BACK, HEADS_WITH_GAPS)


async def prove_seals(
    connection: Connection, *, book_id: int | None = None, expected: Mapping[int, str] | None = None
) -> list[Finding]:
    """Check every seal of every book (or of one) in one snapshot; an empty list means that no seal was contradicted.

    ``expected`` maps books, which are checked too, to a digest (in hex) that was written down when a seal was made:
    without it nobody can tell when the last seals were removed, or all of them made anew. Names each changed, removed
    and inserted entry, at most 100 per seal. About 50,000 entries a second on two cores, in bounded memory.

    Raises:
        CannotSeeAll: the role does not see every book.
    """
    if not connection.is_in_transaction():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await prove_seals(connection, book_id=book_id, expected=expected)
    await prepare(connection)
    expected = expected or {}
    books = await connection.fetch("select id from ledger.book where $1::bigint is null or id = $1", book_id)
    findings = []
    for book in sorted({row["id"] for row in books} | expected.keys()):
        chain = Chain(book)
        await chain.read(connection)
        if book in expected and expected[book].lower() not in chain.digests:
            chain.find(
                f"no seal has the digest {expected[book]}: seals were removed or made anew since it was written down"
            )
        for check in CHECKS:
            for row in await connection.fetch(f"{check} limit {MAX_NAMED}", book):
                chain.find(row["message"], account=row["account"])
        findings += chain.findings
    return findings


@dataclass
class Chain:
    """The seals of one book as they are read, in order."""

    book_id: int
    findings: list[Finding] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    last: Seal | None = None
    last_n: int = 0

    def find(self, message: str, *, account: str | None = None) -> None:
        """Note one more place where the seals do not hold."""
        self.findings.append(Finding(invariant="I18", book_id=self.book_id, account=account, message=message))

    async def read(self, connection: Connection) -> None:
        """Check each seal against the one before it, its heads, its leaves and their entries."""
        async for row in connection.cursor(SEALS, self.book_id, prefetch=SEALS_AT_ONCE):
            if row["n"] is None:
                self.find(f"seal {row['number']} was removed: only its heads are left")
                continue
            seal = seal_of(row)
            heads = zip(row["codes"] or (), row["after_seqs"] or (), row["seqs"] or (), strict=True)
            self._link(seal, heads_digest(list(heads)))
            await self._read_entries(connection, seal)

    def _link(self, seal: Seal, heads: bytes) -> None:
        if seal.n != self.last_n + 1:
            self.find(f"before seal {seal.n} comes seal {self.last_n}: what was between them was removed")
        elif seal.previous != (self.last.digest if self.last else None):
            self.find(f"seal {seal.n} does not follow from the seal before it: one of them was replaced")
        if seal.heads != heads:
            self.find(f"seal {seal.n}: its heads were changed")
        if seal.digest != canonical_digest(seal.fields()):
            self.find(f"seal {seal.n} was changed: it does not give its own digest")
        else:
            self.digests.add(seal.digest.hex())
        self.last, self.last_n = seal, seal.n

    async def _read_entries(self, connection: Connection, seal: Seal) -> None:
        """Hold each entry against its leaf. The two roots tell which of the two was changed."""
        leaves, entries = Tree(), Tree()
        differing, removed = Named(), Named()
        ends: list[object] = []  # the first and the last entry
        async for row in connection.cursor(LEAVES_AND_ENTRIES, self.book_id, seal.n, prefetch=ROWS_AT_ONCE):
            leaves.add(row["hash"])
            ends[1:] = [row["entry_id"]]
            if row["text"] is None:
                removed.add(row["entry_id"])
                continue
            hash_now = leaf_hash(row["text"])
            entries.add(hash_now)
            if hash_now != row["hash"]:
                differing.add(row["entry_id"])
        leaves_are_true = leaves.root() == seal.merkle_root
        are_changed = leaves_are_true or entries.root() != seal.merkle_root
        for entry_id in removed.first:
            self.find(f"entry {entry_id}, under seal {seal.n}, was removed")
        for entry_id in differing.first:
            what = "was changed" if are_changed else "is as it was sealed, but its leaf was changed"
            self.find(f"entry {entry_id}, under seal {seal.n}, {what}")
        for kind, named in (("removed", removed), ("changed", differing)):
            if named.count > MAX_NAMED:
                self.find(f"seal {seal.n}: {named.count - MAX_NAMED} more entries were {kind}")
        if not leaves_are_true and are_changed:
            among = f", of entries {ends[0]} to {ends[-1]}," if ends else ""
            self.find(
                f"seal {seal.n}: its {leaves.size} leaves{among} do not give its root over {seal.entries}: "
                "entries were changed, removed or slipped in together with their leaves"
            )


@dataclass
class Named:
    """The first entries of a kind, and how many there are."""

    first: list[object] = field(default_factory=list)
    count: int = 0

    def add(self, entry_id: object) -> None:
        """Count one more."""
        self.count += 1
        if self.count <= MAX_NAMED:
            self.first.append(entry_id)
