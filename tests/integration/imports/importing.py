"""What the tests of imports share: a file brought, decided, carried out, and what it left."""

from pathlib import Path
from uuid import uuid4

from ledger import balances
from tests.people import NOW, Bank
from timebank.db import Database
from timebank.imports import queries, service
from timebank.imports.rules import Answers
from timebank.imports.service import BeginImport, Brought, Previewed, Started
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal

FILES = Path(__file__).parents[2] / "files" / "imports"


async def bring(bank: Bank, format_name: str, content: bytes | str, *, actor: Actor | None = None) -> int:
    """Bring a file; return its number."""
    data = content.encode() if isinstance(content, str) else content
    command = BeginImport(format=format_name, file_name=f"{format_name}.csv", content=data)
    brought = await service.begin(bank.db, actor or bank.coordinator, command, key=uuid4().hex, now=NOW)
    assert isinstance(brought, Brought), brought
    return brought.import_id


async def decide(bank: Bank, import_id: int, **answers: object) -> None:
    """Answer what the file leaves open."""
    kept = await service.answer(bank.db, bank.coordinator, import_id, Answers(**answers), key=uuid4().hex, now=NOW)
    assert isinstance(kept, Brought), kept


async def start(bank: Bank, import_id: int, actor: Actor | None = None) -> Started | list[Refusal]:
    """Begin to carry it out."""
    return await service.start(bank.db, actor or bank.coordinator, import_id, key=uuid4().hex, now=NOW)


async def carry_out(bank: Bank, format_name: str, content: bytes | str, **answers: object) -> queries.Outcome:
    """All of it: bring, decide, start, go on to the end."""
    import_id = await bring(bank, format_name, content)
    await decide(bank, import_id, **answers)
    started = await start(bank, import_id)
    assert isinstance(started, Started), started
    return await go_on(bank, import_id)


async def go_on(bank: Bank, import_id: int) -> queries.Outcome:
    """Go on with an import that was started, to its end."""
    progress = await service.run_on(bank.db, bank.id, import_id, now=lambda: NOW)
    assert progress.state == "finished"
    return await outcome(bank.db, bank.id, import_id)


async def outcome(db: Database, timebank_id: int, import_id: int) -> queries.Outcome:
    """What became of the lines."""
    async with db.reading(timebank_id) as connection:
        return await queries.outcome(connection, timebank_id, import_id)


async def lines(bank: Bank, import_id: int) -> list[queries.Line]:
    """The report."""
    async with bank.db.reading(bank.id) as connection:
        return await queries.lines(connection, bank.id, import_id)


async def previewed(bank: Bank, import_id: int) -> Previewed:
    """What importing would do."""
    found = await service.preview(bank.db, bank.coordinator, import_id, now=NOW)
    assert isinstance(found, Previewed), found
    return found


async def minutes_by_name(bank: Bank) -> dict[str, int]:
    """Everybody's balance, by their name; the members every test bank begins with are left out while they have none."""
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch("select id, display_name from member where timebank_id = $1", bank.id)
        there = await balances(connection, bank.id, [f"member/{row['id']}" for row in rows])
    return {
        row["display_name"]: there[f"member/{row['id']}"].posted
        for row in rows
        if not row["display_name"].startswith("Demo ") or there[f"member/{row['id']}"].posted
    }
