"""Statement files as banks make them, and the steps of importing one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from xml.sax.saxutils import escape

from tests.integration.payments.helpers import call, last_payment
from tests.people import NOW, Bank
from timebank.kit.actor import Actor
from timebank.kit.money import decimal
from timebank.reconciliation import queries, service, standing
from timebank.reconciliation.rules import LineFacts
from timebank.reconciliation.service import Explain, Imported, KeepStatement, Kept, LineChanged
from timebank.reconciliation.standing import Position

TODAY = NOW.date()


@dataclass(frozen=True)
class Movement:
    """One movement on the account; ``pence`` above zero came in."""

    pence: int
    text: str = ""
    on: date = TODAY
    reference: str = ""
    reason: str = ""


def csv_file(movements: Sequence[Movement], opening: int | None = None) -> bytes:
    """A CSV with one column for amounts, and a balance when the opening one is known."""
    rows = ["Date,Description,Reference,Amount" + (",Balance" if opening is not None else "")]
    balance = opening or 0
    for one in movements:
        balance += one.pence
        cells = [f"{one.on:%d/%m/%Y}", f'"{one.text}"', one.reference, decimal(one.pence, "GBP")]
        rows.append(",".join(cells + ([decimal(balance, "GBP")] if opening is not None else [])))
    return "\r\n".join(rows).encode() + b"\r\n"


def camt_file(
    movements: Sequence[Movement], opening: int = 0, *, version: str = "02", account: str = "GB29NWBK60161331926819"
) -> bytes:
    """A camt.053 with an entry for each movement."""
    closing = opening + sum(one.pence for one in movements)
    first = min((one.on for one in movements), default=TODAY)
    last = max((one.on for one in movements), default=TODAY)
    status = "<Sts>BOOK</Sts>" if version == "02" else "<Sts><Cd>BOOK</Cd></Sts>"
    entries = "".join(_entry(one, status) for one in movements)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-10T00:00:00Z</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S1</Id><Acct><Id><IBAN>{account}</IBAN></Id></Acct>"
        f"{_balance('OPBD', opening, first)}{_balance('CLBD', closing, last)}{entries}"
        "</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _balance(code: str, pence: int, on: date) -> str:
    return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(pence)}<Dt><Dt>{on}</Dt></Dt></Bal>"


def _amount(pence: int) -> str:
    mark = "DBIT" if pence < 0 else "CRDT"
    return f'<Amt Ccy="GBP">{decimal(abs(pence), "GBP")}</Amt><CdtDbtInd>{mark}</CdtDbtInd>'


def _entry(one: Movement, status: str) -> str:
    back = f"<RtrInf><Rsn><Cd>{one.reason}</Cd></Rsn></RtrInf>" if one.reason else ""
    reference = f"<EndToEndId>{escape(one.reference)}</EndToEndId>" if one.reference else ""
    return (
        f"<Ntry>{_amount(one.pence)}{status}<BookgDt><Dt>{one.on}</Dt></BookgDt><NtryDtls><TxDtls>"
        f"<Refs>{reference}</Refs><RmtInf><Ustrd>{escape(one.text)}</Ustrd></RmtInf>{back}"
        "</TxDtls></NtryDtls></Ntry>"
    )


async def kept(bank: Bank, content: bytes, *, actor: Actor | None = None, now: Any = None) -> Any:
    """Keep a file; its id, or the refusals."""
    command = KeepStatement(file_name="march.csv", content=content)
    done = await service.keep(bank.db, actor or bank.finance, command, **(call() | ({"now": now} if now else {})))
    return done.statement_id if isinstance(done, Kept) else done


async def bring(bank: Bank, content: bytes, **answers: Any) -> Imported:
    """Keep a file and import it."""
    from timebank.reconciliation.rules import Answers

    statement_id = await kept(bank, content)
    assert isinstance(statement_id, int), statement_id
    if answers:
        done = await service.answer(bank.db, bank.finance, statement_id, Answers(**answers), **call())
        assert isinstance(done, Kept) or [one.code for one in done] == ["imported_already"], done
    imported = await service.import_statement(bank.db, bank.finance, statement_id, **call())
    assert isinstance(imported, Imported), imported
    return imported


async def refused(bank: Bank, content: bytes) -> list[str]:
    """Keep a file and try to import it; the codes of the refusals."""
    statement_id = await kept(bank, content)
    done = statement_id
    if isinstance(statement_id, int):
        done = await service.import_statement(bank.db, bank.finance, statement_id, **call())
    assert isinstance(done, list), done
    return [one.code for one in done]


async def position(bank: Bank) -> Position:
    """Where reconciliation stands."""
    async with bank.db.reading(bank.id) as connection:
        return await standing.position(connection, bank.id, "GBP")


async def unexplained(bank: Bank) -> list[LineFacts]:
    """Lines in suspense, oldest first."""
    async with bank.db.reading(bank.id) as connection:
        return await queries.unexplained(connection, bank.id)


async def explain(bank: Bank, line_id: int, kind: str, *, actor: Actor | None = None, **more: Any) -> Any:
    """Say what a line is."""
    command = Explain(line_id=line_id, kind=kind, **{"note": "The bank's letter", **more})
    return await service.explain(bank.db, actor or bank.finance, command, **call())


async def explained(bank: Bank, line_id: int, kind: str, **more: Any) -> LineChanged:
    """Say what a line is, and be believed."""
    done = await explain(bank, line_id, kind, **more)
    assert isinstance(done, LineChanged), done
    return done


async def sent(bank: Bank, payable: str) -> str:
    """The end-to-end id of the last payment of a payable."""
    return (await last_payment(bank.db, bank.id, payable)).reference


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


async def an_unexplained_line(bank: Bank, what: str) -> str:
    """The id of a line in suspense, or of its statement, the same however often it is asked for."""
    done = await bring(bank, csv_file([Movement(-701, "A stranger")]))
    [line] = await unexplained(bank)
    return str(line.id if what == "line" else done.statement_id)
