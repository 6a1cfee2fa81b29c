"""The papers of a credit: the credit note itself, as its payee sent it."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import Actor
from timebank.kit.refusal import Refusal
from timebank.payments import documents, rules
from timebank.payments.credits import CreditChanged, locked_credit
from timebank.payments.documents import Paper, PaperContent, ReadPaper
from timebank.payments.service import abandon_if

ADD = """
insert into credit_paper (timebank_id, credit_id, file_name, media_type, content, sha256, added_by, added_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (timebank_id, credit_id, sha256) do nothing
"""
COUNT = "select count(*) from credit_paper where timebank_id = $1 and credit_id = $2"
PAPERS = """
select id, file_name, media_type, length(content) as length, sha256, added_at
  from credit_paper where timebank_id = $1 and credit_id = $2 order by id
"""
PAPER = """
select p.file_name, p.media_type, p.content, p.sha256
  from credit_paper p join credit c on c.timebank_id = p.timebank_id and c.id = p.credit_id
 where p.timebank_id = $1 and c.reference = $2 and p.id = $3
"""


class AddPaper(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a paper with a credit."""

    reference: str
    paper: ReadPaper


async def add_paper(
    db: Database, actor: Actor, command: AddPaper, *, key: str, now: datetime
) -> CreditChanged | list[Refusal]:
    """Keep a paper with a credit, with its SHA-256. The same paper twice is one. For finance.

    Refusals: ``not_finance``, ``credit_refused``, ``too_many_papers``. Raises UnknownCredit.
    """
    paper = command.paper
    content = [command.reference, paper.sha256.hex()]

    async def work(connection: Connection) -> CreditChanged:
        abandon_if(rules.check_finance(actor))
        credit = await locked_credit(connection, actor, command.reference)
        if credit.state == "refused":
            raise Rollback([Refusal("credit_refused", "This credit note was refused. Enter it anew first.", "paper")])
        abandon_if(documents.check_room(await connection.fetchval(COUNT, actor.timebank_id, credit.id)))
        row = (paper.file_name, paper.media_type, paper.content, paper.sha256, actor.member_id, now)
        await connection.execute(ADD, actor.timebank_id, credit.id, *row)
        return CreditChanged(reference=credit.reference, state=credit.state, left_pence=credit.left_pence)

    return await once(db, actor, "add_credit_paper", key, content, CreditChanged, work)


async def papers(connection: Connection, timebank_id: int, credit_id: int) -> list[Paper]:
    """The papers of a credit, in the order they came."""
    return documents.papers(await connection.fetch(PAPERS, timebank_id, credit_id))


async def paper(connection: Connection, timebank_id: int, reference: str, paper_id: int) -> PaperContent | None:
    """One paper of a credit, or None."""
    return documents.content(await connection.fetchrow(PAPER, timebank_id, reference, paper_id))
