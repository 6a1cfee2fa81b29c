"""A superuser changes what is sealed and sets everything right again: all other invariants hold, and the seals tell."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ledger
from ledger import Finding, Seal
from ledger.seals import canonical_digest
from tests.integration.ledger.support import Book, Server, capture, fresh_book, move, owning, reverse, set_aside

# Postings, numbers, balances and keys, made again from what the entries say now. The book has nothing but posts.
LAUNDER = """
delete from ledger.posting where book_id = $1;

insert into ledger.posting (book_id, account_id, seq, entry_id, amount, balance_after, recorded_at, effective_on)
select e.book_id, leg.account_id, row_number() over account, e.id, leg.amount, sum(leg.amount) over account,
       e.recorded_at, e.effective_on
from ledger.entry e cross join lateral unnest(e.accounts, e.amounts, e.seqs) as leg (account_id, amount, seq)
where e.book_id = $1
window account as (partition by leg.account_id order by e.recorded_at, leg.seq, e.id rows unbounded preceding);

update ledger.entry e
set seqs = array(
    select p.seq from unnest(e.accounts) with ordinality as leg (account_id, position)
    join ledger.posting p on p.book_id = e.book_id and p.account_id = leg.account_id and p.entry_id = e.id
    order by leg.position)
where e.book_id = $1;

update ledger.balance b
set (posted, seq, last_at) = (
    select coalesce(sum(amount), 0), count(*), coalesce(max(recorded_at), '-infinity')
    from ledger.posting p where p.book_id = b.book_id and p.account_id = b.account_id)
where b.book_id = $1;

delete from ledger.request r
where r.book_id = $1 and not exists (select from ledger.entry e where e.book_id = $1 and e.id = r.made);

insert into ledger.request (book_id, made, digest, operation, key)
select e.book_id, e.id, e.id, 'p', 'key of ' || e.id from ledger.entry e
where e.book_id = $1 and not exists (select from ledger.request r where r.book_id = $1 and r.made = e.id);

update ledger.request r
set digest = encode(substr(sha256(convert_to(row(
    'ledger/1', e.book_id, 'p', e.kind, u.code, e.effective_on - date '2000-01-01', e.reference, null, null, (
        select string_agg(row(a.code, leg.amount)::text, '' order by leg.position)
        from unnest(e.accounts, e.amounts) with ordinality as leg (account_id, amount, position)
        join ledger.account a on a.book_id = e.book_id and a.id = leg.account_id
    ))::text, 'UTF8')), 1, 16), 'hex')::uuid
from ledger.entry e join ledger.unit u on u.id = e.unit_id
where r.book_id = $1 and e.book_id = $1 and e.id = r.made
"""


ENTRY = "where book_id = $1 and id = $2"
OF_ENTRY = "where book_id = $1 and entry_id = $2"


class Cheat:
    """A superuser at work on one book, whom no trigger stops."""

    def __init__(self, connection: Any, book_id: int) -> None:
        self.connection = connection
        self.book_id = book_id

    async def run(self, statement: str, *arguments: object) -> None:
        """Change something; $1 is the book."""
        await self.connection.execute(statement, self.book_id, *arguments)

    async def launder(self) -> None:
        """Make every other invariant hold again, and see that it does."""
        for statement in LAUNDER.split(";\n"):
            await self.connection.execute(statement, self.book_id)
        assert await ledger.prove(self.connection, book_id=self.book_id) == []

    async def caught(self, *, expected: str | None = None) -> list[Finding]:
        """What the seals say."""
        written_down = {self.book_id: expected} if expected else None
        return await ledger.prove_seals(self.connection, book_id=self.book_id, expected=written_down)


@asynccontextmanager
async def cheating(book: Book) -> AsyncIterator[Cheat]:
    """A superuser's transaction, undone at the end."""
    connection = await asyncpg.connect(book.server.owner_url.replace("timebank_migrator@", "postgres@"))
    try:
        async with connection.transaction():
            await connection.execute("set local session_replication_role = replica")
            yield Cheat(connection, book.book_id)
            raise Undone
    except Undone:
        pass
    finally:
        await connection.close()


class Undone(Exception):
    """Nothing of it is kept."""


async def sealed(book: Book) -> Seal:
    """Seal what there is."""
    async with owning(book.server) as owner:
        made = await ledger.seal(owner, book.book_id)
    assert made is not None
    return made


async def one_by_one(book: Book, items: Sequence[Any]) -> list[UUID]:
    """Each in a transaction of its own, so that times tell them apart."""
    return [(await book.do(ledger.post, item)).entry_id for item in items]


async def three_seals(book: Book) -> tuple[list[UUID], list[Seal]]:
    """Twelve posts, four under each seal."""
    ids: list[UUID] = []
    seals = []
    for _ in range(3):
        ids += await one_by_one(book, [move("issued", f"member/{n % 2 + 1}", 60 + n) for n in range(4)])
        seals.append(await sealed(book))
    return ids, seals


def names(findings: Sequence[Finding], *words: object) -> bool:
    """Whether one of the findings has all these words, and all are of seals."""
    assert {finding.invariant for finding in findings} <= {"I18"}
    return any(all(str(word) in finding.message for word in words) for finding in findings)


def named(findings: Sequence[Finding], ids: Sequence[UUID]) -> set[int]:
    """Which of the entries the findings name, by their place in ``ids``."""
    return {n for n, entry_id in enumerate(ids) if names(findings, entry_id)}


async def test_an_amount_changed_with_all_balances(book: Book) -> None:
    ids, seals = await three_seals(book)
    async with cheating(book) as cheat:
        await cheat.launder()
        assert await cheat.caught(expected=seals[-1].digest.hex()) == [], "laundering alone changes nothing"
        await cheat.run("update ledger.entry set amounts = array[-999, 999] where book_id = $1 and id = $2", ids[4])
        await cheat.launder()
        caught = await cheat.caught()
    # Entries before it are as they were; those after it on its accounts have other balances.
    assert named(caught, ids) == set(range(4, 12))
    assert names(caught[:1], f"entry {ids[4]}, under seal 2, was changed")


@pytest.mark.parametrize(
    "change", ["effective_on = effective_on - 1", "recorded_at = recorded_at + interval '1 microsecond'"]
)
async def test_a_date_changed_with_its_postings(book: Book, change: str) -> None:
    ids, _ = await three_seals(book)
    async with cheating(book) as cheat:
        await cheat.run(f"update ledger.entry set {change} {ENTRY}", ids[5])
        await cheat.launder()
        caught = await cheat.caught()
    assert [finding.message for finding in caught] == [f"entry {ids[5]}, under seal 2, was changed"]


async def test_an_entry_removed(book: Book) -> None:
    ids, _ = await three_seals(book)
    async with cheating(book) as cheat:
        await cheat.run("delete from ledger.entry where book_id = $1 and id = $2", ids[5])
        await cheat.launder()
        caught = await cheat.caught()
    assert names(caught, f"entry {ids[5]}, under seal 2, was removed")
    assert named(caught, ids) == set(range(5, 12))
    assert "issued" in {finding.account for finding in caught}


async def test_two_entries_swapped(book: Book) -> None:
    ids, _ = await three_seals(book)
    swap = """
        update ledger.entry e set ({columns}) = (
            select {columns} from ledger.entry o where o.book_id = $1 and o.id = any ($2) and o.id <> e.id)
        where e.book_id = $1 and e.id = any ($2)
    """
    for columns in ("amounts, accounts", "recorded_at, effective_on"):
        async with cheating(book) as cheat:
            await cheat.run(swap.format(columns=columns), [ids[1], ids[6]])
            await cheat.launder()
            caught = await cheat.caught()
        assert named(caught, ids) >= {1, 6}
        assert 0 not in named(caught, ids)


async def test_two_ids_swapped(book: Book) -> None:
    ids, _ = await three_seals(book)
    async with cheating(book) as cheat:
        change = "update ledger.entry set id = $3 where book_id = $1 and id = $2"
        aside = uuid4()
        for was, becomes in ((ids[1], aside), (ids[3], ids[1]), (aside, ids[3])):
            await cheat.run(change, was, becomes)
        await cheat.launder()
        caught = await cheat.caught()
    # Nothing else changes: the two say what the other said, in the same places.
    assert named(caught, ids) == {1, 3}
    assert len(caught) == 2


SLIP_IN = """
insert into ledger.entry
    (book_id, id, recorded_at, effective_on, unit_id, accounts, amounts, seqs, kind, actor, reference)
select book_id, $2, recorded_at, effective_on, unit_id, accounts, amounts, seqs, kind, actor, 'slipped in'
from ledger.entry where book_id = $1 and id = $3
"""


async def test_an_entry_slipped_in(book: Book) -> None:
    ids, _ = await three_seals(book)
    slipped = uuid4()
    async with cheating(book) as cheat:
        await cheat.run(SLIP_IN, slipped, ids[6])
        await cheat.launder()
        caught = await cheat.caught()
    assert names(caught, f"entry {slipped} lies below the heads")
    assert named(caught, ids) & set(range(6)) == set()


async def test_an_entry_moved_below_a_head_after_the_seal(book: Book) -> None:
    """The transaction was open across the seal, and its entry is honest until somebody dates it back."""
    await book.do(ledger.post, move("issued", "member/1", 10))
    other = await asyncpg.connect(book.server.app_url)
    async with book.writing(other):
        late = await ledger.post(other, book.book_id, move("issued", "member/2", 10))
        await sealed(book)
    await other.close()
    async with cheating(book) as cheat:
        assert await cheat.caught() == []
        await cheat.run(
            "update ledger.entry set recorded_at = '2020-01-01' where book_id = $1 and id = $2", late.entry_id
        )
        await cheat.launder()
        caught = await cheat.caught()
    assert names(caught, f"entry {late.entry_id} lies below the heads")


async def test_an_entry_replaced_together_with_its_leaf(book: Book) -> None:
    ids, _ = await three_seals(book)
    single = (await book.do(ledger.post, move("issued", "member/3", 1))).entry_id
    await sealed(book)
    relabel = "update ledger.entry set actor = 'nobody' where book_id = $1 and id = $2"
    replace_leaf = """
        update ledger.seal_leaf set hash = sha256('\\x00'::bytea || convert_to($3, 'UTF8'))
        where book_id = $1 and entry_id = $2
    """
    for n, entry_id, first, last in ((2, ids[5], ids[4], ids[7]), (4, single, single, single)):
        async with cheating(book) as cheat:
            proof = await ledger.inclusion(cheat.connection, book.book_id, entry_id)
            await cheat.run(relabel, entry_id)
            assert names(await cheat.caught(), f"entry {entry_id}, under seal {n}, was changed")
            changed = proof["entry"].replace('"actor":"tester"', '"actor":"nobody"')
            await cheat.run(replace_leaf, entry_id, changed)
            caught = await cheat.caught()
            with pytest.raises(ledger.Tampered):
                await ledger.inclusion(cheat.connection, book.book_id, entry_id)
        # The leaves cannot tell which one; the seal can, and says among which.
        assert len(caught) == 1
        assert names(caught, f"seal {n}:", f"of entries {first} to {last}", "do not give its root")


async def test_a_leaf_alone_changed_does_not_accuse_the_entry(book: Book) -> None:
    ids, _ = await three_seals(book)
    async with cheating(book) as cheat:
        await cheat.run("update ledger.seal_leaf set hash = sha256('x') where book_id = $1 and entry_id = $2", ids[0])
        caught = await cheat.caught()
    assert [finding.message for finding in caught] == [
        f"entry {ids[0]}, under seal 1, is as it was sealed, but its leaf was changed"
    ]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"delete from ledger.seal_leaf {OF_ENTRY}", ("lies below the heads", "{entry}")),
        (
            f"insert into ledger.seal_leaf select book_id, 1, entry_id, hash from ledger.seal_leaf {OF_ENTRY}",
            ("{entry}", "under seals 1 and 2"),
        ),
        (f"update ledger.seal_leaf set n = 9 {OF_ENTRY}", ("{entry}", "seal 9, which does not exist")),
        (
            "update ledger.balance set seq = 2 where book_id = $1 and $2::uuid is not null",
            ("2 postings, but", "sealed"),
        ),
    ],
)
async def test_leaves_and_heads_moved(book: Book, statement: str, words: tuple[str, ...]) -> None:
    ids, _ = await three_seals(book)
    async with cheating(book) as cheat:
        await cheat.run(statement, ids[5])
        caught = await cheat.caught()
    assert names(caught, *(word.format(entry=ids[5]) for word in words)), caught


@pytest.mark.parametrize(
    "change",
    [
        "entries = entries + 1",
        "merkle_root = sha256('x')",
        "heads = sha256('x')",
        "previous = sha256('x')",
        "digest = sha256('x')",
        "sealed_at = sealed_at + interval '1 microsecond'",
        "n = 7",
    ],
)
async def test_a_seal_changed(book: Book, change: str) -> None:
    await three_seals(book)
    async with cheating(book) as cheat:
        await cheat.run(f"update ledger.seal set {change} where book_id = $1 and n = 2")
        assert names(await cheat.caught(), "seal 2 was")


@pytest.mark.parametrize("column", ["seq", "after_seq", "account_id"])
async def test_a_head_changed(book: Book, column: str) -> None:
    await three_seals(book)
    async with cheating(book) as cheat:
        await cheat.run(
            f"""
            update ledger.seal_head set {column} = {column} + 1 where book_id = $1 and n = 2 and account_id = (
                select max(account_id) from ledger.seal_head where book_id = $1 and n = 2)
            """
        )
        assert names(await cheat.caught(), "seal 2: its heads were changed")


async def remove_seal(cheat: Cheat, n: int) -> None:
    for table in ("seal", "seal_head", "seal_leaf"):
        await cheat.run(f"delete from ledger.{table} where book_id = $1 and n = $2", n)


async def test_a_seal_removed_from_the_middle(book: Book) -> None:
    ids, _ = await three_seals(book)
    async with cheating(book) as cheat:
        await remove_seal(cheat, 2)
        caught = await cheat.caught()
        assert names(caught, "before seal 3 comes seal 1")
        assert names(caught, "seal 3 starts behind posting 8, but the one before ends with 4")
        assert named(caught, ids) == {4, 5, 6, 7}
        await cheat.run("update ledger.seal set n = 2 where book_id = $1 and n = 3")
        assert names(await cheat.caught(), "seal 2 does not follow from the seal before it")


async def test_the_last_seal_removed(book: Book) -> None:
    _, seals = await three_seals(book)
    async with cheating(book) as cheat:
        await cheat.run("delete from ledger.seal where book_id = $1 and n = 3")
        assert names(await cheat.caught(), "seal 3 was removed: only its heads are left")
        await remove_seal(cheat, 3)
        # Inside, all is well: it looks like a book whose last entries were not sealed yet.
        assert await cheat.caught() == []
        assert await cheat.caught(expected=seals[1].digest.hex()) == []
        caught = await cheat.caught(expected=seals[2].digest.hex())
    assert len(caught) == 1
    assert names(caught, "no seal has the digest", seals[2].digest.hex())


async def test_all_seals_made_anew(book: Book) -> None:
    """Whoever can do this needs a digest outside to be caught."""
    ids, seals = await three_seals(book)
    async with cheating(book) as cheat:
        await remove_seal(cheat, 3)
        fields = seals[2].fields() | {"sealed_at": "2020-01-01T00:00:00"}
        await cheat.run("insert into ledger.seal_head select book_id, account_id, 3, max(seq), max(seq) + 2 "
                        "from ledger.seal_head where book_id = $1 group by 1, 2")  # fmt: skip
        await cheat.run(
            "insert into ledger.seal values ($1, 3, 4, $2, $3, $4, $5, '2020-01-01 00:00:00Z')",
            seals[2].merkle_root,
            seals[2].heads,
            seals[2].previous,
            canonical_digest(fields),
        )
        assert names(await cheat.caught(expected=seals[2].digest.hex()), "no seal has the digest")
    assert len(ids) == 12


async def test_sealing_goes_on_only_where_nothing_went_back(book: Book) -> None:
    ids, _ = await three_seals(book)
    connection = await asyncpg.connect(book.server.owner_url.replace("timebank_migrator@", "postgres@"))
    try:
        # Kept for a moment, because a seal is made outside transactions.
        await connection.execute("set session_replication_role = replica")
        change = (
            "update ledger.balance set seq = seq + $2 where book_id = $1 and account_id = (select accounts[1] from "
        )
        change += "ledger.entry where book_id = $1 and id = $3)"
        await connection.execute(change, book.book_id, -1, ids[0])
        try:
            with pytest.raises(ledger.Tampered, match="postings, but"):
                await ledger.seal(connection, book.book_id)
        finally:
            await connection.execute(change, book.book_id, 1, ids[0])
        await connection.execute(change, book.book_id, 1, ids[0])
        try:
            with pytest.raises(ledger.Tampered, match="entries that do not exist"):
                await ledger.seal(connection, book.book_id)
        finally:
            await connection.execute(change, book.book_id, -1, ids[0])
    finally:
        await connection.close()


LEG = f"{OF_ENTRY} and seq = (select max(seq) from ledger.posting {OF_ENTRY})"
SINGLE_FIELDS = {
    "kind": f"update ledger.entry set kind = kind || 'x' {ENTRY}",
    "actor": f"update ledger.entry set actor = 'x' {ENTRY}",
    "reference": f"update ledger.entry set reference = reference || ' ' {ENTRY}",
    "meta": f"update ledger.entry set meta = '{{\"a\":2}}' {ENTRY}",
    "meta spacing": f"update ledger.entry set meta = (coalesce(meta::text, 'null') || ' ')::json {ENTRY}",
    "unit": f"update ledger.entry set unit_id = unit_id + 1 {ENTRY}",
    "no unit": f"update ledger.entry set unit_id = 9999 {ENTRY}",
    "effective_on": f"update ledger.entry set effective_on = effective_on - 1 {ENTRY}",
    "effective_on long ago": f"update ledger.entry set effective_on = (effective_on::text || ' BC')::date {ENTRY}",
    "effective_on never": f"update ledger.entry set effective_on = 'infinity' {ENTRY}",
    "recorded_at": f"update ledger.entry set recorded_at = recorded_at + interval '1 microsecond' {ENTRY}",
    "recorded_at never": f"update ledger.entry set recorded_at = '-infinity' {ENTRY}",
    "amounts": f"update ledger.entry set amounts = array(select -a from unnest(amounts) a) {ENTRY}",
    "one amount": f"update ledger.entry set amounts[1] = amounts[1] + 1 {ENTRY}",
    "an amount missing": f"update ledger.entry set amounts = amounts[1:1] {ENTRY}",
    "accounts": f"update ledger.entry set accounts[1] = accounts[2], accounts[2] = accounts[1] {ENTRY}",
    "an unknown account": f"update ledger.entry set accounts[1] = 2147483647 {ENTRY}",
    "seqs": f"update ledger.entry set seqs[2] = seqs[2] + 1 {ENTRY}",
    "no legs": f"update ledger.entry set accounts = '{{}}', amounts = '{{}}', seqs = '{{}}' {ENTRY}",
    "id": f"update ledger.entry set id = gen_random_uuid() {ENTRY}",
    "book": f"update ledger.entry set book_id = book_id + 1 {ENTRY}",
    "posting's amount": f"update ledger.posting set amount = amount + 1 {LEG}",
    "posting's balance": f"update ledger.posting set balance_after = balance_after + 1 {LEG}",
    "posting's entry": f"update ledger.posting set entry_id = gen_random_uuid() {LEG}",
    "posting's seq": f"update ledger.posting set seq = seq + 1000 {LEG}",
    "posting's date": f"update ledger.posting set effective_on = effective_on + 1 {LEG}",
    "posting's time": f"update ledger.posting set recorded_at = recorded_at - interval '1 second' {LEG}",
    "posting's account": f"update ledger.posting set account_id = account_id + 1000 {LEG}",
    "posting removed": f"delete from ledger.posting {LEG}",
    "forced": "insert into ledger.forced values ($1, $2, 'x', 'x') "
    "on conflict (book_id, entry_id) do update set forced_by = 'x'",
    "forced for": "insert into ledger.forced values ($1, $2, 'x', 'x') "
    "on conflict (book_id, entry_id) do update set reason = 'x'",
    "reverses": "insert into ledger.entry_link values ($1, gen_random_uuid(), 'reversal', $2)",
    "account": f"update ledger.account set code = code || 'x' where book_id = $1 and id = ("
    f"select accounts[1] from ledger.entry {ENTRY})",
    "removed": f"delete from ledger.entry {ENTRY}",
}  # fmt: skip
DROP_CHECKS = """
do $$ declare v_check text; begin
    for v_check in select conname from pg_constraint where conrelid = 'ledger.entry'::regclass and contype = 'c' loop
        execute format('alter table ledger.entry drop constraint %I', v_check);
    end loop;
end $$
"""

a_post = st.tuples(
    st.sampled_from(["member/1", "member/2", "member/3", "capped"]),
    st.integers(1, 20),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.none() | st.dictionaries(st.sampled_from("ab"), st.integers() | st.text('é"\\ ', max_size=3), max_size=2),
)


@settings(max_examples=25, deadline=None)
@given(
    posts=st.lists(a_post, min_size=1, max_size=4),
    more=st.sampled_from(["nothing", "reversal", "forced", "capture"]),
    tampering=st.sampled_from(sorted(SINGLE_FIELDS)),
    which=st.integers(0, 10),
)
async def test_any_single_field_of_a_sealed_entry_is_found(
    server: Server, posts: list[Any], more: str, tampering: str, which: int
) -> None:
    await tamper_with_one(server, posts, more, tampering, which)


@pytest.mark.parametrize("tampering", SINGLE_FIELDS)
async def test_each_field_is_found(server: Server, tampering: str) -> None:
    await tamper_with_one(
        server, [("member/1", 5, "a", {"a": 1}), ("member/2", 5, "b", None)], "reversal", tampering, 1
    )


async def tamper_with_one(server: Server, posts: list[Any], more: str, tampering: str, which: int) -> None:
    async with fresh_book(server) as book:
        items = [move("issued", to, amount, reference=text, meta=meta or {}) for to, amount, text, meta in posts]
        ids = [posted.entry_id for posted in await book.do(ledger.post_batch, items)]
        if more == "reversal":
            ids.append((await book.do(ledger.post, reverse(ids[0]))).entry_id)
        if more == "capture":
            held = set_aside("member/3", "member/1", 5)
            await book.do(ledger.post, held)
            ids.append((await book.do(ledger.post, capture(held.hold_id))).entry_id)
        if more == "forced":
            async with owning(server) as owner, book.writing(owner):
                (forced,) = await ledger.post_forced(
                    owner, book.book_id, [move("member/1", "issued", 99)], forced_by="Ada", reason="import"
                )
                ids.append(forced.entry_id)
        await sealed(book)
        victim = ids[which % len(ids)]
        async with cheating(book) as cheat:
            await cheat.connection.execute(DROP_CHECKS)
            assert await cheat.caught() == []
            await cheat.run(SINGLE_FIELDS[tampering], victim)
            caught = await cheat.caught()
        assert names(caught, f"entry {victim}, under seal 1, was"), (tampering, caught)
