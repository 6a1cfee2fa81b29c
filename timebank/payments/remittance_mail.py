"""Sending remittance advice by e-mail: claim, send, mark."""

import time
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr

import msgspec

from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.kit import english
from timebank.kit.money import in_words
from timebank.kit.names import tidy
from timebank.kit.trouble import Trouble
from timebank.messages.mail import MailRefused, MailServer, write
from timebank.messages.rules import GAVE_UP, GIVE_UP_AFTER, next_try, shorten
from timebank.payments.files import load
from timebank.payments.formats import Batch, Payment
from timebank.payments.remittance import standing_lines
from timebank.payments.remittance_paper import TITLE, how_paid, lines_of, remittance_pdf
from timebank.settings import Settings

LEASE = timedelta(minutes=10)
ROUND_SECONDS = 20.0
NO_MAIL_SERVER = "E-mail is not set up (TIMEBANK_SMTP_URL). Remittance advice waits."
NOT_STANDING = "The payment was taken back or did not arrive before the e-mail went out."
MAX_MAIL_LINES = 200

IS_DUE = "select exists (select from remittance_sent where timebank_id = $1 and state = 'waiting' and next_at <= $2)"
CLAIM = """
update remittance_sent r set attempts = r.attempts + 1, next_at = $3
 where r.timebank_id = $1 and (r.batch_number, r.line) in (
       select c.batch_number, c.line from remittance_sent c
        where c.timebank_id = $1 and c.state = 'waiting' and c.next_at <= $2
        order by c.next_at, c.batch_number, c.line limit 1 for update skip locked)
returning r.batch_number, r.line, r.email, r.attempts, r.asked_at
"""
SENT = """
update remittance_sent set state = 'sent', sent_at = $4, trouble = ''
 where timebank_id = $1 and batch_number = $2 and line = $3
"""
AGAIN = """
update remittance_sent set next_at = $4, trouble = $5
 where timebank_id = $1 and batch_number = $2 and line = $3
"""
FAILED = """
update remittance_sent set state = 'failed', trouble = $4
 where timebank_id = $1 and batch_number = $2 and line = $3
"""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """One e-mail that is being sent."""

    batch_number: int
    line: int
    email: str
    attempts: int
    asked_at: datetime


class RemittanceMail:
    """Sends what was asked for. One that was being handed over when the machine stopped goes out again, with the same
    Message-ID; no other can be doubled.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send_due(self, db: Database, timebank_id: int, now: datetime) -> None:
        """Send for a while; the rest waits for the next round.

        Raises:
            Trouble: e-mail is not set up, or the server cannot be reached.
        """
        async with db.reading(timebank_id) as connection:
            if not await connection.fetchval(IS_DUE, timebank_id, now):
                return
            bank = await banks.by_id(connection, timebank_id)
        if self._settings.smtp_url is None:
            raise Trouble(NO_MAIL_SERVER)
        until = time.monotonic() + ROUND_SECONDS
        batches: dict[int, Batch] = {}
        async with MailServer(self._settings.smtp_url) as server:
            while time.monotonic() < until:
                async with db.writing(timebank_id) as connection:
                    row = await connection.fetchrow(CLAIM, timebank_id, now, now + LEASE)
                if row is None:
                    return
                await self._send_one(db, server, bank, batches, msgspec.convert(dict(row), Claimed), now)

    async def _send_one(
        self,
        db: Database,
        server: MailServer,
        bank: TimeBankFacts,
        batches: dict[int, Batch],
        claimed: Claimed,
        now: datetime,
    ) -> None:
        row = bank.id, claimed.batch_number, claimed.line
        async with db.reading(bank.id) as connection:
            is_standing = claimed.line in await standing_lines(connection, bank.id, claimed.batch_number)
            if is_standing and claimed.batch_number not in batches:
                found = await load(connection, bank.id, claimed.batch_number)
                assert found is not None
                batches.clear()  # one at a time: a payment run can be large
                batches[claimed.batch_number] = found
        if not is_standing:
            await _mark(db, bank.id, FAILED, *row, NOT_STANDING)
            return
        batch = batches[claimed.batch_number]
        payment = next(one for one in batch.payments if one.line == claimed.line)
        try:
            await server.send(await self._mail(batch, payment, bank, claimed, now))
        except MailRefused as refused:
            again = next_try(queued_at=claimed.asked_at, attempts=claimed.attempts, now=now)
            again = None if refused.is_final else again
            if again is not None:
                await _mark(db, bank.id, AGAIN, *row, again, shorten(refused.why))
            else:
                why = refused.why if refused.is_final else GAVE_UP.format(days=GIVE_UP_AFTER.days, why=refused.why)
                await _mark(db, bank.id, FAILED, *row, shorten(why))
        except Trouble as trouble:
            await _mark(db, bank.id, AGAIN, *row, now + LEASE, shorten(trouble.sentence))
            raise
        else:
            await _mark(db, bank.id, SENT, *row, now)

    async def _mail(
        self, batch: Batch, payment: Payment, bank: TimeBankFacts, claimed: Claimed, now: datetime
    ) -> EmailMessage:
        sender = self._settings.mail_from
        domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
        mail = write(
            sender=sender,
            to=claimed.email,
            subject=f"{TITLE} from {tidy(batch.payer)}: {in_words(payment.pence, batch.currency)}, {payment.reference}",
            text=mail_text(batch, payment, timebank=bank.name, contact=bank.help_contact),
            message_id=f"<remittance.{bank.id}.{payment.reference}@{domain}>",
            at=now,
        )
        content = await remittance_pdf(batch, [payment], timebank=bank.name, contact=bank.help_contact)
        mail.add_attachment(
            content, maintype="application", subtype="pdf", filename=f"remittance-{payment.reference}.pdf"
        )
        return mail


def mail_text(batch: Batch, payment: Payment, *, timebank: str, contact: str) -> str:
    """The e-mail in words, complete without its PDF. Pure."""
    amount = in_words(payment.pence, batch.currency)
    lines = lines_of(payment, batch.currency)
    listed = [
        f"- {', '.join(filter(None, (what, reference, invoice and f'your invoice {invoice}')))}: {each}"
        for reference, invoice, what, each in lines[:MAX_MAIL_LINES]
    ]
    if len(lines) > MAX_MAIL_LINES:
        listed.append(f"- and {len(lines) - MAX_MAIL_LINES} more: see the PDF")
    facts = [
        f"{batch.payer} is paying you {amount} on {english.day(batch.processing_on)}.",
        f"{how_paid(payment)}.",
        f"Your bank statement will show the reference {payment.reference}.",
    ]
    paragraphs = [
        f"Dear {payment.payee_name},",
        "\n".join(facts),
        "What it is for:\n" + "\n".join(listed),
        f"Questions? {contact}" if contact else "Questions? Write to us.",
        timebank,
    ]
    return "\n\n".join(paragraphs) + "\n"


async def _mark(db: Database, timebank_id: int, statement: str, *values: object) -> None:
    async with db.writing(timebank_id) as connection:
        await connection.execute(statement, *values)
