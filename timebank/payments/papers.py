"""What leaves as a file for accounts, payees and auditors, read in one snapshot: for pages, API and command alike."""

from ledger.export import Form
from timebank.banks import queries as banks
from timebank.db import Database
from timebank.kit.refusal import Refusal
from timebank.payments.audit_pack import Pack, audit_pack
from timebank.payments.journal import EXTENSIONS, Days, check_days, journal
from timebank.payments.remittance import advice_pdf


async def journal_of(db: Database, timebank_id: int, days: Days, form: Form) -> Pack | list[Refusal]:
    """The ledger's money entries of these days. Refusals: those of ``check_days``."""
    async with db.snapshot(timebank_id) as connection:
        refusals = await check_days(connection, timebank_id, days)
        if refusals:
            return refusals
        bank = await banks.by_id(connection, timebank_id)
        pieces = [piece async for piece in journal(connection, timebank_id, days, form, name=bank.name)]
    name = f"{bank.slug}-journal-{days.first.isoformat()}-{days.last.isoformat()}.{EXTENSIONS[form]}"
    return Pack(name, "".join(pieces).encode())


async def audit_pack_of(db: Database, timebank_id: int, number: int) -> Pack | None:
    """The audit pack of a payment run, or None."""
    async with db.snapshot(timebank_id) as connection:
        return await audit_pack(connection, timebank_id, number)


async def advice_of(
    db: Database, timebank_id: int, number: int, *, line: int | None = None, part: int = 1, large: bool = False
) -> Pack | None:
    """Remittance advice of one payment, or of many: part 1 has the first ones."""
    async with db.snapshot(timebank_id) as connection:
        content = await advice_pdf(connection, timebank_id, number, line=line, part=part, large=large)
    which = f"part-{part}" if line is None else f"line-{line}"
    return None if content is None else Pack(f"remittance-{number:04d}-{which}.pdf", content)
