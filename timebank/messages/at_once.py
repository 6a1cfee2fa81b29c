"""Handing something over at once, outside the queue of messages: a code that is of no use in ten minutes.

What it says is kept nowhere; that something went out, and why it could not, is kept as a delivery.
"""

from datetime import datetime

from timebank.db import Database
from timebank.kit.trouble import Trouble
from timebank.messages.mail import MailRefused, MailServer, message_id, write
from timebank.messages.rules import EMAIL, shorten
from timebank.messages.texts import Text, TextRefused, gateway
from timebank.settings import Settings

NEW = """
insert into delivery (timebank_id, member_id, channel, only_address, state, attempts, created_at, queued_at, next_at,
                      sent_at)
values ($1, $2, $3, $4, 'sent', 1, $5, $5, $5, $5)
returning id
"""
FAILED = """
update delivery set state = 'failed', sent_at = null, trouble = $3 where timebank_id = $1 and id = $2
"""


async def hand_over(
    db: Database,
    settings: Settings,
    *,
    timebank_id: int,
    member_id: int,
    channel: str,
    to: str,
    subject: str,
    text: str,
    now: datetime,
) -> bool:
    """Send one e-mail or text message now; False when it could not be done. A text message says ``text`` only."""
    async with db.writing(timebank_id) as connection:
        delivery_id: int = await connection.fetchval(NEW, timebank_id, member_id, channel, to, now)
    try:
        if channel == EMAIL:
            await _mail(settings, timebank_id, delivery_id, to, subject, text, now)
        else:
            await _text(db, settings, timebank_id, delivery_id, to, text, now)
    except (Trouble, MailRefused, TextRefused) as error:
        why = error.sentence if isinstance(error, Trouble) else error.why
        async with db.writing(timebank_id) as connection:
            await connection.execute(FAILED, timebank_id, delivery_id, shorten(why))
        return False
    return True


async def _mail(
    settings: Settings, timebank_id: int, delivery_id: int, to: str, subject: str, text: str, now: datetime
) -> None:
    if settings.smtp_url is None:
        raise Trouble("E-mail is not set up (TIMEBANK_SMTP_URL).")
    sender = settings.mail_from
    named = message_id(sender=sender, timebank_id=timebank_id, delivery_id=delivery_id, created_at=now)
    async with MailServer(settings.smtp_url) as server:
        await server.send(write(sender=sender, to=to, subject=subject, text=text, message_id=named, at=now))


async def _text(
    db: Database, settings: Settings, timebank_id: int, delivery_id: int, to: str, text: str, now: datetime
) -> None:
    taker = gateway(settings.sms_url, settings.sms_token, db)
    if taker is None:
        raise Trouble("Text messages are not set up (TIMEBANK_SMS_URL).")
    reference = f"{timebank_id}-{delivery_id}-{int(now.timestamp())}"
    await taker.send(
        Text(timebank_id=timebank_id, delivery_id=delivery_id, to=to, body=text, reference=reference), now=now
    )
