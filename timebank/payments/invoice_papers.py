"""The papers of an invoice."""

from datetime import datetime

from timebank.db import Connection, Database, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments import documents, rules
from timebank.payments.documents import ReadPaper
from timebank.payments.invoice_steps import add_event, locked
from timebank.payments.invoices import Entered
from timebank.payments.service import abandon_if

ADD_PAPER = """
insert into supplier_invoice_paper (timebank_id, invoice_id, file_name, media_type, content, sha256, added_by, added_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, invoice_id, sha256) do nothing
"""


async def add_paper(
    db: Database, actor: Actor, invoice_id: int, paper: ReadPaper, *, key: str, now: datetime
) -> Entered | list[Refusal]:
    """Keep a paper with its invoice, with its SHA-256. The same paper twice is one. For finance.

    Refusals: ``not_finance``, ``too_many_papers``. Raises UnknownInvoice.
    """

    async def work(connection: Connection) -> Entered:
        abandon_if(rules.check_finance(actor))
        invoice = await locked(connection, actor, invoice_id)
        abandon_if(documents.check_room(invoice.papers))
        row = (paper.file_name, paper.media_type, paper.content, paper.sha256, actor.member_id, now)
        await connection.execute(ADD_PAPER, actor.timebank_id, invoice.id, *row)
        await add_event(connection, actor, invoice.id, f"Paper added: {paper.file_name}", now)
        return Entered(invoice_id=invoice.id, state=invoice.state)

    return await once(db, actor, "add_invoice_paper", key, [invoice_id, paper.sha256.hex()], Entered, work)
