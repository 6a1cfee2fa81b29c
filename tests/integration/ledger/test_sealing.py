"""Seals: what they cover, when they are made, and how a stranger checks one entry."""

import asyncio
import hashlib
import json
import os
import sys
import textwrap
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

import ledger
from ledger import sealing
from ledger.merkle import Tree, leaf_hash, node_hash, root_of_path
from ledger.sealing import check_inclusion, inclusion, prove_seals, seal
from tests.integration.ledger.support import (
    Book,
    Server,
    capture,
    fresh_book,
    move,
    new_book_id,
    owning,
    reverse,
    set_aside,
)

TABLES = ("seal", "seal_head", "seal_leaf")


async def fill(book: Book, entries: int = 5) -> list[Any]:
    """Post some entries; return them."""
    return await book.do(ledger.post_batch, [move("issued", f"member/{1 + n % 3}", 60 + n) for n in range(entries)])


async def test_a_seal_covers_what_is_new_and_an_empty_one_is_not_made(book: Book) -> None:
    async with owning(book.server) as owner:
        assert await seal(owner, book.book_id) is None
        await fill(book, 5)
        first = await seal(owner, book.book_id)
        assert await seal(owner, book.book_id) is None
        await fill(book, 3)
        second = await seal(owner, book.book_id)
        assert await prove_seals(owner, book_id=book.book_id) == []
        heads = await owner.fetch(
            "select a.code, h.n, h.after_seq, h.seq from ledger.seal_head h "
            "join ledger.account a on a.id = h.account_id where h.book_id = $1 order by n, code",
            book.book_id,
        )

    assert first is not None
    assert second is not None
    assert (first.n, first.entries, first.previous) == (1, 5, None)
    assert (second.n, second.entries, second.previous) == (2, 3, first.digest)
    assert [tuple(head) for head in heads] == [
        ("issued", 1, 0, 5),
        ("member/1", 1, 0, 2),
        ("member/2", 1, 0, 2),
        ("member/3", 1, 0, 1),
        ("issued", 2, 5, 8),
        ("member/1", 2, 2, 3),
        ("member/2", 2, 2, 3),
        ("member/3", 2, 1, 2),
    ]


async def test_every_kind_of_entry_is_sealed_by_what_it_says(book: Book) -> None:
    await fill(book)
    held = set_aside("member/1", "member/2", 10)
    await book.do(ledger.post, held)
    await book.do(ledger.post, capture(held.hold_id, amount=7))
    strange = move("issued", "member/1", 1, reference='"quoted"\\ \n£ \x7f \u2028', meta={"b": 1, "a": "ö"})
    undone = await book.do(ledger.post, strange)
    undoing = await book.do(ledger.post, reverse(undone.entry_id))
    async with owning(book.server) as owner:
        async with book.writing(owner):
            (forced,) = await ledger.post_forced(
                owner, book.book_id, [move("member/2", "issued", 9999)], forced_by="Ada", reason="import"
            )
        made = await seal(owner, book.book_id)
        proofs = {
            name: await inclusion(owner, book.book_id, result.entry_id)
            for name, result in (("undone", undone), ("undoing", undoing), ("forced", forced))
        }
    said = {name: json.loads(proof["entry"]) for name, proof in proofs.items()}

    assert made is not None
    assert made.entries == 9
    assert said["undone"]["reference"] == strange.reference
    assert said["undone"]["meta"] == '{"b":1,"a":"ö"}'
    assert said["undone"]["legs"] == [["issued", -1, 6, -311], ["member/1", 1, 4, 117]]
    assert said["undoing"]["reverses"] == str(undone.entry_id)
    assert (said["forced"]["forced_by"], said["forced"]["forced_reason"]) == ("Ada", "import")
    assert [leg[3] for leg in said["forced"]["legs"] if leg[0] == "member/2"] == [61 + 64 + 7 - 9999]
    for name, proof in proofs.items():
        canonical = json.dumps(said[name], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert proof["entry"] == canonical


@pytest.mark.parametrize("entries", [1, 2, 3, 7, 8, 11])
async def test_a_stranger_checks_one_entry_with_the_lines_of_the_docstring(book: Book, entries: int) -> None:
    posted = await fill(book, entries)
    async with owning(book.server) as owner:
        made = await seal(owner, book.book_id)
        proofs = [await inclusion(owner, book.book_id, entry.entry_id) for entry in posted]
    proofs = json.loads(json.dumps(proofs))
    assert made is not None
    lines = (sealing.__doc__ or "").split("database::\n")[1].split("\n``proof")[0]
    stranger: dict[str, Any] = {}
    exec(textwrap.dedent(lines), stranger)  # noqa: S102

    for proof in proofs:
        assert stranger["is_sealed"](proof, made.digest.hex())
        assert check_inclusion(proof)
        assert not stranger["is_sealed"](proof, "00" * 32)
        for wrong in spoiled(proof):
            assert not stranger["is_sealed"](wrong, made.digest.hex()), wrong
            assert not check_inclusion(wrong), wrong


def spoiled(proof: dict[str, Any]) -> list[dict[str, Any]]:
    """The proof with one thing wrong in it, in every way there is."""
    wrong = [
        proof | {"entry": proof["entry"].replace(":[[", ":[ [")},
        proof | {"path": [*proof["path"], "00" * 32]},
        proof | {"seal": proof["seal"] | {"sealed_at": "2020-01-01T00:00:00"}},
        proof | {"seal": proof["seal"] | {"entries": proof["seal"]["entries"] + 1}},
    ]
    if proof["path"]:
        wrong.append(proof | {"path": proof["path"][1:]})
        wrong.append(proof | {"path": [*proof["path"][:-1], "00" * 32]})
        wrong.append(proof | {"index": proof["index"] ^ 1})
    return wrong


def test_a_malformed_proof_is_no_proof() -> None:
    for malformed in ({}, {"seal": None}, {"seal": {}, "path": ["x"], "entry": "", "index": 0}):
        assert not check_inclusion(malformed)
    assert root_of_path(b"", 1, 1, []) is None
    assert root_of_path(b"", -1, 1, []) is None


def test_the_tree_is_the_one_of_the_rfc() -> None:
    def root(leaves: list[bytes]) -> bytes:
        """As RFC 6962 defines it, recursively."""
        if len(leaves) < 2:
            return leaves[0] if leaves else hashlib.sha256().digest()
        half = 1 << (len(leaves) - 1).bit_length() - 1
        return node_hash(root(leaves[:half]), root(leaves[half:]))

    assert leaf_hash("") == hashlib.sha256(b"\0").digest()
    for size in range(40):
        leaves = [leaf_hash(str(n)) for n in range(size)]
        tree = Tree()
        for leaf in leaves:
            tree.add(leaf)
        assert tree.root() == root(leaves)
        for index in range(size):
            following = Tree(follow=index)
            for leaf in leaves:
                following.add(leaf)
            assert following.root() == root(leaves)
            assert root_of_path(leaves[index], index, size, following.path) == root(leaves)


async def test_a_transaction_open_across_a_seal_falls_under_the_next(book: Book, server: Server) -> None:
    await fill(book)
    slow = await asyncpg.connect(server.app_url)
    async with owning(server) as owner:
        async with book.writing(slow):
            late = await ledger.post(slow, book.book_id, move("issued", "member/1", 5))
            first = await seal(owner, book.book_id)
            with pytest.raises(ledger.errors.UnknownEntry):
                await inclusion(owner, book.book_id, late.entry_id)
        with pytest.raises(ledger.errors.NotSealed):
            await inclusion(owner, book.book_id, late.entry_id)
        assert await prove_seals(owner, book_id=book.book_id) == []
        second = await seal(owner, book.book_id)
        assert (await inclusion(owner, book.book_id, late.entry_id))["seal"]["n"] == 2
        assert await prove_seals(owner, book_id=book.book_id) == []
    await slow.close()
    assert first is not None
    assert second is not None
    assert (first.entries, second.entries) == (5, 1)


async def test_sealers_wait_for_each_other_and_the_chain_does_not_fork(book: Book, server: Server) -> None:
    async def seal_and_post(n: int) -> None:
        async with owning(server) as owner:
            for _ in range(5):
                async with book.writing(owner):
                    await ledger.post(owner, book.book_id, move("issued", f"member/{n % 3 + 1}", 1))
                await seal(owner, book.book_id)

    await asyncio.gather(*(seal_and_post(n) for n in range(4)))
    async with owning(server) as owner:
        assert await seal(owner, book.book_id) is None
        assert await prove_seals(owner, book_id=book.book_id) == []
        assert await owner.fetchval("select sum(entries) from ledger.seal where book_id = $1", book.book_id) == 20


async def test_only_the_owner_seals_and_nobody_changes_a_seal(book: Book) -> None:
    await fill(book)
    with pytest.raises(ledger.CannotSeeAll):
        await seal(book.connection, book.book_id)
    with pytest.raises(ledger.CannotSeeAll):
        await prove_seals(book.connection)
    async with owning(book.server) as owner:
        with pytest.raises(ledger.errors.UnknownBook):
            await seal(owner, new_book_id())
        with pytest.raises(ledger.LedgerError, match="snapshot"):
            async with owner.transaction():
                await seal(owner, book.book_id)
        await seal(owner, book.book_id)
        for table in TABLES:
            for statement in (
                f"update ledger.{table} set n = n",
                f"delete from ledger.{table}",
                f"truncate ledger.{table} cascade",
            ):
                with pytest.raises(asyncpg.PostgresError) as caught:
                    await owner.execute(statement)
                assert caught.value.sqlstate == "LG013", statement
    for table in TABLES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await book.connection.execute(f"insert into ledger.{table} default values")


async def test_the_application_reads_the_seals_of_its_own_book_only(book: Book, server: Server) -> None:
    posted = await fill(book)
    async with owning(server) as owner:
        await seal(owner, book.book_id)
    assert check_inclusion(await book.do(inclusion, posted[0].entry_id))
    async with fresh_book(server) as other, other.writing() as connection:
        for table in TABLES:
            assert await connection.fetchval(f"select count(*) from ledger.{table}") == 0
        with pytest.raises(ledger.UnknownEntry):
            await inclusion(connection, book.book_id, posted[0].entry_id)


async def test_a_digest_written_down_is_found_again(book: Book) -> None:
    await fill(book)
    async with owning(book.server) as owner:
        first = await seal(owner, book.book_id)
        await fill(book)
        await seal(owner, book.book_id)
        assert first is not None
        for digest in (first.digest.hex(), first.digest.hex().upper()):
            assert await prove_seals(owner, book_id=book.book_id, expected={book.book_id: digest}) == []
        other = replace(first, entries=4)
        found = await prove_seals(owner, expected={book.book_id: sealing.canonical_digest(other.fields()).hex()})
        gone = new_book_id()
        found += await prove_seals(owner, book_id=book.book_id, expected={gone: first.digest.hex()})
    assert [(finding.invariant, finding.book_id) for finding in found] == [("I18", book.book_id), ("I18", gone)]


async def test_no_settings_of_the_session_change_what_is_sealed(book: Book) -> None:
    await fill(book)
    async with owning(book.server) as owner:
        await owner.execute("set timezone = 'Pacific/Auckland'; set datestyle = 'German'; set lc_monetary = 'C'")
        await owner.set_type_codec("json", encoder=str, decoder=lambda _: None, schema="pg_catalog")
        await seal(owner, book.book_id)
    async with owning(book.server) as owner:
        await owner.execute("set timezone = 'UTC'; set datestyle = 'SQL, DMY'")
        assert await prove_seals(owner, book_id=book.book_id) == []


async def command(server: Server, *arguments: str) -> tuple[int, str, str]:
    """Run ``python -m ledger`` as the owner; its exit status, what it said, and what it complained about."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ledger", *arguments, "--url", server.owner_url, "--role", "timebank_owner"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    )
    said, complained = await process.communicate()
    return process.returncode or 0, said.decode(), complained.decode()


async def test_the_commands_seal_prove_and_hand_out_proofs(book: Book, server: Server) -> None:
    number = str(book.book_id)
    (posted, *_) = await fill(book)
    status, said, _ = await command(server, "inclusion", number, str(posted.entry_id))
    assert (status, "not yet under a seal" in said) == (1, True)

    status, said, _ = await command(server, "seal", "--book", number)
    assert status == 0
    assert f"book {number}: seal 1 over 5 entries, digest " in said
    digest = said.split()[-1]
    await command(server, "seal")
    assert (await command(server, "seal"))[:2] == (0, "Nothing new to seal.\n")

    status, said, _ = await command(server, "seal", "--check", "--book", number, "--digest", f"{number}={digest}")
    assert (status, said) == (0, "Every seal holds.\n")
    status, said, _ = await command(server, "seal", "--check", "--digest", f"{number}={'ab' * 32}")
    assert (status, f"book {number}: no seal has the digest" in said) == (1, True)
    assert (await command(server, "prove", "--seals", "--book", number))[0] == 0

    status, said, _ = await command(server, "inclusion", number, str(posted.entry_id))
    assert status == 0
    assert check_inclusion(json.loads(said))
    assert json.loads(said)["digest"] == digest


async def test_a_wrong_call_is_explained(book: Book, server: Server) -> None:
    for arguments, complaint in (
        (("seal", "--digest", f"1={'ab' * 32}"), "goes with --check"),
        (("seal", "--check", "--digest", "1=short"), "N=DIGEST"),
        (("seal", "--book", str(new_book_id())), "there is no book"),
        (("inclusion", "1", str(uuid4())), "there is no entry"),
    ):
        status, _, complained = await command(server, *arguments)
        assert (status, complaint in complained) == (2, True), complained


async def test_timebank_seal_is_the_same_command(
    newest: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from timebank.cli import main

    monkeypatch.setenv("TIMEBANK_DATABASE_URL", newest.app_url)
    monkeypatch.setenv("TIMEBANK_OWNER_URL", newest.owner_url)
    async with fresh_book(newest) as book:
        await fill(book)
        assert await asyncio.to_thread(main, ["seal"]) == 0
        assert f"book {book.book_id}: seal 1 over 5 entries" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["seal", "--check"]) == 0
    monkeypatch.delenv("TIMEBANK_OWNER_URL")
    assert await asyncio.to_thread(main, ["seal"]) == 1
    assert "TIMEBANK_OWNER_URL" in capsys.readouterr().err
