"""What a seal is, and the text of an entry that it covers. ``sealing`` makes seals, ``seal_proof`` checks them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import CannotSeeAll

Connection = Any
"""An asyncpg connection, pooled or not. asyncpg publishes no types that fit both, hence the loose name."""

ROWS_AT_ONCE = 2000
"""Rows fetched, and leaves written, in one go: a seal takes the same memory however many entries it covers."""

# What an entry says, in one canonical text: JSON with sorted keys and no spaces, times in UTC. A leg whose posting says
# anything else loses its balance, so a change to either shows. The text is not made by a function of the database:
# whoever changes an entry there could change the function as well. Accounts and postings are looked up by their keys,
# one by one: a join would be planned as a scan of all accounts for each entry.
ENTRY_TEXTS = """
select e.book_id, e.id, '{"actor":' || to_json(e.actor)::text
    || ',"book":' || e.book_id
    || ',"effective_on":' || to_json(e.effective_on)::text
    || ',"forced_by":' || coalesce(to_json(f.forced_by)::text, 'null')
    || ',"forced_reason":' || coalesce(to_json(f.reason)::text, 'null')
    || ',"id":"' || e.id
    || '","kind":' || to_json(e.kind)::text
    || ',"legs":[' || legs.texts
    || '],"meta":' || coalesce(to_json(e.meta::text)::text, 'null')
    || ',"recorded_at":' || to_json(e.recorded_at at time zone 'UTC')::text
    || ',"reference":' || to_json(e.reference)::text
    || ',"reverses":' || coalesce((
        select to_json(string_agg(l.original_id::text, ' ' order by l.original_id))::text
        from ledger.entry_link l where l.book_id = e.book_id and l.entry_id = e.id
    ), 'null')
    || ',"unit":' || coalesce(to_json(u.code)::text, 'null')
    || '}' as text
from ledger.entry e
left join ledger.unit u on u.id = e.unit_id
left join ledger.forced f on f.book_id = e.book_id and f.entry_id = e.id
cross join lateral (
    select coalesce(string_agg(
        '[' || coalesce((
            select to_json(a.code)::text from ledger.account a where a.book_id = e.book_id and a.id = leg.account_id
        ), 'null')
        || ',' || coalesce(leg.amount::text, 'null') || ',' || coalesce(leg.seq::text, 'null') || ',' || coalesce((
            select p.balance_after::text from ledger.posting p
            where p.book_id = e.book_id and p.account_id = leg.account_id and p.seq = leg.seq and p.entry_id = e.id
              and p.amount = leg.amount and p.effective_on = e.effective_on and p.recorded_at = e.recorded_at
        ), 'null') || ']',
        ',' order by leg.position), '') as texts
    from unnest(e.accounts, e.amounts, e.seqs) with ordinality as leg (account_id, amount, seq, position)
) legs
"""

SEAL_COLUMNS = """
s.book_id, s.n, s.entries, s.merkle_root, s.heads, s.previous, s.digest,
to_json(s.sealed_at at time zone 'UTC') #>> '{}' as sealed_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Seal ``n`` of a book. ``previous`` is the digest of the one before, if any; ``sealed_at`` is in UTC."""

    book_id: int
    n: int
    entries: int
    merkle_root: bytes
    heads: bytes
    previous: bytes | None
    sealed_at: str
    digest: bytes = b""

    def fields(self) -> dict[str, int | str | None]:
        """What the digest covers, by the names that a proof uses."""
        return {
            "book": self.book_id,
            "entries": self.entries,
            "heads": self.heads.hex(),
            "merkle_root": self.merkle_root.hex(),
            "n": self.n,
            "previous": self.previous.hex() if self.previous is not None else None,
            "sealed_at": self.sealed_at,
        }


def canonical_digest(value: object) -> bytes:
    """The SHA-256 of a value as canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def heads_digest(heads: Sequence[tuple[str | None, int, int]]) -> bytes:
    """The digest of a seal's heads: account, number it starts behind, number it reaches, by the accounts' codes."""
    return canonical_digest([list(head) for head in heads])


def seal_of(row: Mapping[str, Any]) -> Seal:
    """The seal in a row with SEAL_COLUMNS."""
    return Seal(**{name: row[name] for name in Seal.__slots__})


async def prepare(connection: Connection) -> None:
    """Get a transaction ready to read everything.

    Raises:
        CannotSeeAll: the role does not see every book, and would seal or prove what little it sees.
    """
    # Compiling a query takes longer than running it for the few entries of most seals.
    await connection.execute("set local jit = off")
    if await connection.fetchval("select row_security_active('ledger.balance')"):
        raise CannotSeeAll("seals must see every book: connect as the ledger's owner")
