"""Sending e-mails and texts: claim, send, mark.

At least once, hardly ever twice. A delivery is claimed in a transaction of its own (``for update skip locked``, for
LEASE), handed over outside any transaction, and marked as sent in a second one. Whoever dies in between leaves a claim
that runs out; the delivery then goes out again, with the same Message-ID or reference, so that mail programs and
gateways can tell that it is the same. Only the one that was being handed over can be doubled, because each is marked
before the next is sent. A server that cannot be reached costs nobody a try: the connection is opened before anything is
claimed, and one failure counts for every time bank of the round.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from timebank import languages
from timebank.banks import queries as banks
from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection, Database
from timebank.kit.trouble import Trouble
from timebank.messages import rules
from timebank.messages.mail import MailRefused, MailServer, message_id, write
from timebank.messages.rules import EMAIL, SMS, Note
from timebank.messages.texts import Text, TextGateway, TextRefused, gateway
from timebank.settings import Settings

LEASE = timedelta(minutes=10)
CLAIMED_AT_ONCE = 20
ROUND_SECONDS = 20.0
REMEMBER_DOWN = timedelta(seconds=30)
NO_MAIL_SERVER = "E-mail is not set up (TIMEBANK_SMTP_URL). E-mails wait."
NO_GATEWAY = "Text messages are not set up (TIMEBANK_SMS_URL). Texts wait."
NO_ADDRESS = "There is no e-mail address."
NO_NUMBER = "There is no phone number."

IS_DUE = """
select exists (select from delivery
 where timebank_id = $1 and channel = $2 and state = 'waiting' and next_at <= $3
   and (claimed_until is null or claimed_until <= $3)
   and not exists (select from member a where a.timebank_id = delivery.timebank_id and a.id = delivery.member_id
                      and is_quiet(a.quiet_from, a.quiet_until, $4)
                      and not exists (select from message u where u.timebank_id = a.timebank_id
                                         and u.delivery_id = delivery.id and u.is_urgent)))
"""
CLAIM = """
update delivery d set attempts = d.attempts + 1, claimed_until = $4
  from member p
 where d.timebank_id = $1 and p.timebank_id = d.timebank_id and p.id = d.member_id
   and d.id in (
    select c.id from delivery c
      join member a on a.timebank_id = c.timebank_id and a.id = c.member_id
     where c.timebank_id = $1 and c.channel = $2 and c.state = 'waiting' and c.next_at <= $3
       and (c.claimed_until is null or c.claimed_until <= $3)
       and a.status in ('active', 'paused')
       -- A pause and quiet hours hold what can wait.
       and ((a.status = 'active' and not is_quiet(a.quiet_from, a.quiet_until, $6)) or exists (
            select from message u where u.timebank_id = c.timebank_id and u.delivery_id = c.id and u.is_urgent))
     order by c.next_at, c.id
     limit $5
       for update of c skip locked)
returning d.id, d.attempts, d.created_at, d.queued_at, p.display_name, p.language,
          coalesce(nullif(d.only_address, ''), p.email) as email,
          coalesce(nullif(d.only_address, ''), p.phone) as phone,
          (select jsonb_agg(jsonb_build_object('id', m.id, 'subject', m.subject, 'body', m.body, 'path', m.path)
                            order by m.id)
             from message m where m.timebank_id = d.timebank_id and m.delivery_id = d.id) as notes
"""
RELEASE = """
update delivery set attempts = attempts - 1, claimed_until = null
 where timebank_id = $1 and id = any($2::bigint[]) and state = 'waiting' and attempts > 0
"""
SENT = """
update delivery set state = 'sent', sent_at = $3, trouble = '', claimed_until = null
 where timebank_id = $1 and id = $2 and state = 'waiting'
"""
AGAIN = """
update delivery set next_at = $3, trouble = $4, claimed_until = null
 where timebank_id = $1 and id = $2 and state = 'waiting'
"""
FAILED = """
update delivery set state = 'failed', trouble = $3, claimed_until = null
 where timebank_id = $1 and id = $2 and state = 'waiting'
"""
WAIT_FOR_MORNING = """
update delivery set next_at = $3
 where timebank_id = $1 and channel = 'sms' and state = 'waiting' and next_at <= $2
"""


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is ours for a while, and what is needed to send it."""

    id: int
    attempts: int
    created_at: datetime
    queued_at: datetime
    display_name: str
    language: str
    email: str
    phone: str
    notes: tuple[Note, ...]


class Refused(Exception):
    """This one was refused; ``is_final`` when asking again would not help."""

    def __init__(self, why: str, *, is_final: bool) -> None:
        super().__init__(why)
        self.why = why
        self.is_final = is_final


Send = Callable[[Claimed], Awaitable[None]]


class Courier:
    """Takes deliveries out of the house, as the settings say. One for the whole application."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._down_until: dict[str, tuple[datetime, Trouble]] = {}

    async def send_mail(self, db: Database, timebank_id: int, now: datetime) -> None:
        """Send the e-mails of one time bank that are due.

        Raises:
            Trouble: e-mail is not set up, or the server does not do its part. What was not sent waits.
        """
        if not await self._is_due(db, timebank_id, EMAIL, now):
            return
        if self._settings.smtp_url is None:
            raise Trouble(NO_MAIL_SERVER)
        self._refuse_if_down(EMAIL, now)
        async with db.reading(timebank_id) as connection:
            bank = await banks.by_id(connection, timebank_id)
        try:
            async with MailServer(self._settings.smtp_url) as server:

                async def send(claimed: Claimed) -> None:
                    await self._send_one_mail(server, bank, claimed, now)

                await self._send_due(db, timebank_id, EMAIL, send, now)
        except Trouble as trouble:
            self._down_until[EMAIL] = (now + REMEMBER_DOWN, trouble)
            raise

    async def send_texts(self, db: Database, timebank_id: int, now: datetime) -> None:
        """Send the texts of one time bank that are due; at night they wait for the morning.

        Raises:
            Trouble: text messages are not set up, or the gateway does not do its part. What was not sent waits.
        """
        if not await self._is_due(db, timebank_id, SMS, now):
            return
        async with db.writing(timebank_id) as connection:
            bank = await banks.by_id(connection, timebank_id)
            allowed_at = rules.not_at_night(now, bank.time_zone)
            if allowed_at > now:
                await connection.execute(WAIT_FOR_MORNING, timebank_id, now, allowed_at)
                return
        taker = gateway(self._settings.sms_url, self._settings.sms_token, db)
        if taker is None:
            raise Trouble(NO_GATEWAY)
        self._refuse_if_down(SMS, now)

        async def send(claimed: Claimed) -> None:
            await self._send_one_text(taker, timebank_id, claimed, now)

        try:
            await self._send_due(db, timebank_id, SMS, send, now)
        except Trouble as trouble:
            self._down_until[SMS] = (now + REMEMBER_DOWN, trouble)
            raise

    def _refuse_if_down(self, channel: str, now: datetime) -> None:
        """One failed connection counts for every time bank of the round: not five hundred time-outs."""
        until, trouble = self._down_until.get(channel, (None, None))
        if until is not None and trouble is not None and until - REMEMBER_DOWN <= now < until:
            raise Trouble(trouble.sentence)

    async def _is_due(self, db: Database, timebank_id: int, channel: str, now: datetime) -> bool:
        async with db.reading(timebank_id) as connection:
            hour = await _hour(connection, timebank_id, now)
            return bool(await connection.fetchval(IS_DUE, timebank_id, channel, now, hour))

    async def _send_due(self, db: Database, timebank_id: int, channel: str, send: Send, now: datetime) -> None:
        """Claim and send until nothing is due or the round is over."""
        ends = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < ends:
            async with db.writing(timebank_id) as connection:
                hour = await _hour(connection, timebank_id, now)
                rows = await connection.fetch(CLAIM, timebank_id, channel, now, now + LEASE, CLAIMED_AT_ONCE, hour)
            waiting = [msgspec.convert({**row, "notes": row["notes"] or []}, Claimed) for row in rows]
            if not waiting:
                return
            while waiting:
                if time.monotonic() >= ends:
                    await _release(db, timebank_id, waiting)
                    return
                claimed = waiting.pop(0)
                try:
                    await _try(db, timebank_id, claimed, send, now)
                except Trouble:
                    await _release(db, timebank_id, waiting)
                    raise

    async def _send_one_mail(self, server: MailServer, bank: TimeBankFacts, claimed: Claimed, now: datetime) -> None:
        if not claimed.email:
            raise Refused(NO_ADDRESS, is_final=True)
        letter = rules.compose(
            claimed.notes,
            display_name=claimed.display_name,
            timebank_name=bank.name,
            help_contact=bank.help_contact,
            base_url=self._settings.base_url,
            channel=EMAIL,
            language=languages.spoken(claimed.language, unread=self._settings.unread_languages),
        )
        sender = self._settings.mail_from
        mail = write(
            sender=sender,
            to=claimed.email,
            subject=letter.subject,
            text=letter.text,
            message_id=message_id(
                sender=sender, timebank_id=bank.id, delivery_id=claimed.id, created_at=claimed.created_at
            ),
            at=now,
        )
        try:
            await server.send(mail)
        except MailRefused as refused:
            raise Refused(refused.why, is_final=refused.is_final) from refused

    async def _send_one_text(self, taker: TextGateway, timebank_id: int, claimed: Claimed, now: datetime) -> None:
        if not claimed.phone:
            raise Refused(NO_NUMBER, is_final=True)
        text = Text(
            timebank_id=timebank_id,
            delivery_id=claimed.id,
            to=claimed.phone,
            body=rules.text_message(
                claimed.notes,
                base_url=self._settings.base_url,
                language=languages.spoken(claimed.language, unread=self._settings.unread_languages),
            ),
            reference=f"{timebank_id}-{claimed.id}-{int(claimed.created_at.timestamp())}",
        )
        try:
            await taker.send(text, now=now)
        except TextRefused as refused:
            raise Refused(refused.why, is_final=refused.is_final) from refused


async def _hour(connection: Connection, timebank_id: int, now: datetime) -> int:
    """The hour on the clocks of the time bank, for the quiet hours of its members."""
    return rules.local(now, (await banks.by_id(connection, timebank_id)).time_zone).hour


async def _try(db: Database, timebank_id: int, claimed: Claimed, send: Send, now: datetime) -> None:
    """Send one and mark how it went.

    Raises:
        Trouble: it is not about this one. It is tried again later, as it may have gone out.
    """
    try:
        await send(claimed)
    except Refused as refused:
        await _put_off(db, timebank_id, claimed, refused.why, now, is_final=refused.is_final)
        return
    except Trouble as trouble:
        await _put_off(db, timebank_id, claimed, trouble.sentence, now, is_final=False)
        raise
    async with db.writing(timebank_id) as connection:
        await connection.execute(SENT, timebank_id, claimed.id, now)


async def _put_off(
    db: Database, timebank_id: int, claimed: Claimed, why: str, now: datetime, *, is_final: bool
) -> None:
    again = None if is_final else rules.next_try(queued_at=claimed.queued_at, attempts=claimed.attempts, now=now)
    async with db.writing(timebank_id) as connection:
        if again is not None:
            await connection.execute(AGAIN, timebank_id, claimed.id, again, rules.shorten(why))
            return
        if not is_final:
            why = rules.GAVE_UP.format(days=rules.GIVE_UP_AFTER.days, why=why)
        await connection.execute(FAILED, timebank_id, claimed.id, rules.shorten(why))


async def _release(db: Database, timebank_id: int, claimed: list[Claimed]) -> None:
    """Give back what was claimed and not tried."""
    if claimed:
        async with db.writing(timebank_id) as connection:
            await connection.execute(RELEASE, timebank_id, [each.id for each in claimed])
