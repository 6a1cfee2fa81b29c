r"""Seals: tamper evidence for what is in the ledger, even against those who own the database.

A seal covers, on every account of a book, the postings behind the seal before it up to the account's last one. An
account hands out its numbers under a lock, so no entry can slip under a seal later: a transaction that was open
meanwhile falls under the next one. Each entry becomes the leaf of a Merkle tree, and the seal's digest covers the root,
the accounts' heads and the digest of the seal before. **Write the digest down outside the database**: whoever can
change everything inside can also make all seals anew, and only a digest they cannot reach tells.

A leaf covers all that an entry says: kind, legs with their numbers and balances, dates, actor, reference, meta, what it
reverses, and by whom it was forced. It does not cover the idempotency key, nor the hold that a capture ended.

Anyone can check that one entry is under a seal, with the proof that :func:`inclusion` gives, the digest that was
written down, and no database::

    import hashlib, json

    def sha256(data):
        return hashlib.sha256(data).digest()

    def is_sealed(proof, digest):
        seal, here, last = proof["seal"], proof["index"], proof["seal"]["entries"] - 1
        node = sha256(b"\0" + proof["entry"].encode())
        for sibling in map(bytes.fromhex, proof["path"]):
            if here % 2 or here == last:
                node = sha256(b"\1" + sibling + node)
                while here and here % 2 == 0:
                    here, last = here // 2, last // 2
            else:
                node = sha256(b"\1" + node + sibling)
            here, last = here // 2, last // 2
        text = json.dumps(seal, sort_keys=True, separators=(",", ":"))
        return last == 0 and node.hex() == seal["merkle_root"] and sha256(text.encode()).hex() == digest

``proof["entry"]`` is what the entry says, as JSON; each of its legs is account, amount, number and balance afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from ledger.errors import LedgerError, NotSealed, Tampered, UnknownBook, UnknownEntry
from ledger.merkle import Tree, leaf_hash, root_of_path
from ledger.seal_proof import prove_seals
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

__all__ = ["Seal", "check_inclusion", "inclusion", "prove_seals", "seal"]

MOVED = """
select b.account_id, a.code, coalesce(h.seq, 0) as after_seq, b.seq
from ledger.balance b
join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
left join lateral (
    select h.seq from ledger.seal_head h
    where h.book_id = b.book_id and h.account_id = b.account_id order by h.n desc limit 1
) h on true
where b.book_id = $1 and b.seq <> coalesce(h.seq, 0)
order by a.code
"""

NEW_ENTRIES = f"""
select t.id, t.text
from (
    select distinct p.entry_id
    from unnest($2::integer[], $3::integer[], $4::integer[]) as head (account_id, after_seq, seq)
    join ledger.posting p on p.book_id = $1 and p.account_id = head.account_id
        and p.seq > head.after_seq and p.seq <= head.seq
) new
join ({ENTRY_TEXTS}) t on t.book_id = $1 and t.id = new.entry_id
order by t.id
"""  # noqa: S608

# The seal of an entry is the first whose head on its first account reaches the entry's number there.
ENTRY_AND_SEAL = f"""
select t.text, {SEAL_COLUMNS},
       (select count(*) from ledger.seal_leaf l where l.book_id = $1 and l.n = s.n and l.entry_id < $2) as index
from ledger.entry e
join ({ENTRY_TEXTS}) t on t.book_id = e.book_id and t.id = e.id
left join lateral (
    select h.n from ledger.seal_head h
    where h.book_id = e.book_id and h.account_id = e.accounts[1] and h.seq >= e.seqs[1] order by h.n limit 1
) h on true
left join ledger.seal s on s.book_id = e.book_id and s.n = h.n
where e.book_id = $1 and e.id = $2
"""  # noqa: S608

LEAVES = "select hash from ledger.seal_leaf where book_id = $1 and n = $2 order by entry_id"


async def seal(connection: Connection, book_id: int) -> Seal | None:
    """Seal every entry of the book that is not yet under a seal; None if there is none.

    Takes a snapshot of its own, so ``connection`` must be the ledger's owner outside a transaction. Sealers of one book
    wait for each other. About 50,000 entries a second on two cores.

    Raises:
        CannotSeeAll: the role does not see every book.
        UnknownBook: there is no such book.
        Tampered: an account has fewer postings than are sealed, or postings without an entry.
    """
    if connection.is_in_transaction():
        raise LedgerError("a seal is made from a snapshot of its own: not within a transaction")
    # Before the transaction, because its snapshot must see the seal for which this one waited.
    await connection.execute("select pg_advisory_lock(ledger.lock_number('seal', $1))", book_id)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await prepare(connection)
            return await _seal(connection, book_id)
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock(ledger.lock_number('seal', $1))", book_id)


async def _seal(connection: Connection, book_id: int) -> Seal | None:
    if not await connection.fetchval("select exists (select from ledger.book where id = $1)", book_id):
        raise UnknownBook(f"there is no book {book_id}")
    moved = await connection.fetch(MOVED, book_id)
    if not moved:
        return None
    for head in moved:
        if head["seq"] < head["after_seq"]:
            raise Tampered(f"{head['code']} has {head['seq']} postings, but {head['after_seq']} were sealed")
    last = await connection.fetchrow(
        "select n, digest from ledger.seal where book_id = $1 order by n desc limit 1", book_id
    )
    n = last["n"] + 1 if last else 1
    tree = await _write_leaves(connection, book_id, n, moved)
    if tree.size == 0:
        raise Tampered(f"{moved[0]['code']} has postings of entries that do not exist")
    made = Seal(
        book_id=book_id,
        n=n,
        entries=tree.size,
        merkle_root=tree.root(),
        heads=heads_digest([(head["code"], head["after_seq"], head["seq"]) for head in moved]),
        previous=last["digest"] if last else None,
        sealed_at=await connection.fetchval("select to_json(clock_timestamp() at time zone 'UTC') #>> '{}'"),
    )
    made = replace(made, digest=canonical_digest(made.fields()))
    await connection.execute(
        """
        insert into ledger.seal (book_id, n, entries, merkle_root, heads, previous, digest, sealed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8::text::timestamp at time zone 'UTC')
        """,
        made.book_id,
        made.n,
        made.entries,
        made.merkle_root,
        made.heads,
        made.previous,
        made.digest,
        made.sealed_at,
    )
    await connection.copy_records_to_table(
        "seal_head",
        schema_name="ledger",
        columns=("book_id", "n", "account_id", "after_seq", "seq"),
        records=[(book_id, n, head["account_id"], head["after_seq"], head["seq"]) for head in moved],
    )
    return made


async def _write_leaves(connection: Connection, book_id: int, n: int, moved: Sequence[Any]) -> Tree:
    """Store a leaf for each entry that the moved heads bring in; return the tree above them."""
    tree = Tree()
    columns = [[head[name] for head in moved] for name in ("account_id", "after_seq", "seq")]
    entries = await connection.cursor(NEW_ENTRIES, book_id, *columns)
    while rows := await entries.fetch(ROWS_AT_ONCE):
        leaves = [(book_id, n, row["id"], leaf_hash(row["text"])) for row in rows]
        for leaf in leaves:
            tree.add(leaf[3])
        await connection.copy_records_to_table(
            "seal_leaf", schema_name="ledger", columns=("book_id", "n", "entry_id", "hash"), records=leaves
        )
    return tree


async def inclusion(connection: Connection, book_id: int, entry_id: UUID) -> dict[str, Any]:
    """The proof that an entry is under a seal, as plain JSON values; the module's docstring shows how to check it.

    Reads all leaves of that seal. Works for any role that may read the book, with ``ledger.book`` set where row-level
    security applies.

    Raises:
        UnknownEntry: there is no such entry in this book.
        NotSealed: no seal reaches it yet.
        Tampered: it is not what was sealed.
    """
    if not connection.is_in_transaction():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await inclusion(connection, book_id, entry_id)
    row = await connection.fetchrow(ENTRY_AND_SEAL, book_id, entry_id)
    if row is None:
        raise UnknownEntry(f"there is no entry {entry_id} in book {book_id}")
    if row["n"] is None:
        raise NotSealed(f"the entry {entry_id} is not yet under a seal")
    found = seal_of(row)
    tree = Tree(follow=row["index"])
    async for leaf in connection.cursor(LEAVES, book_id, found.n, prefetch=ROWS_AT_ONCE):
        tree.add(leaf["hash"])
    tree.root()
    proof = {
        "entry": row["text"],
        "index": row["index"],
        "path": [sibling.hex() for sibling in tree.path],
        "seal": found.fields(),
        "digest": found.digest.hex(),
    }
    if not check_inclusion(proof):
        raise Tampered(f"the entry {entry_id} or seal {found.n} is not what it was: prove the seals")
    return proof


def check_inclusion(proof: Mapping[str, Any]) -> bool:
    """Whether ``proof`` holds together: the entry's text leads to its seal's root, and the seal's fields to ``digest``.

    Pure. It says nothing about who made the seal: compare ``proof["digest"]`` with the one that was written down.
    Anything malformed is False.
    """
    try:
        seal_fields = proof["seal"]
        path = [bytes.fromhex(sibling) for sibling in proof["path"]]
        root = root_of_path(leaf_hash(proof["entry"]), proof["index"], seal_fields["entries"], path)
        return (
            root is not None
            and root.hex() == seal_fields["merkle_root"]
            and canonical_digest(seal_fields).hex() == proof["digest"]
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
