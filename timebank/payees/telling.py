"""Who is told of new bank details: everybody in finance, and the payee by the contact that we had before."""

from datetime import datetime, timedelta

from timebank.banks import queries as banks
from timebank.db import Connection, Database
from timebank.kit.actor import Actor
from timebank.kit.trouble import Trouble
from timebank.kit.words import say
from timebank.members import queries as members
from timebank.messages.mail import MailRefused, MailServer, message_id, write
from timebank.messages.service import Message, send
from timebank.payees.queries import AccountFacts, PayeeFacts
from timebank.settings import Settings

OLD_ADDRESS_FOR = timedelta(days=30)
"""So long after an e-mail address was changed the one before is told too: a thief changes that first."""
MAX_ATTEMPTS = 8
SENT_AT_ONCE = 50
NO_MAIL_SERVER = "E-mail is not set up (TIMEBANK_SMTP_URL). E-mails to payees wait."
NOT_US = "If you do not know about this, tell us at once"

FINANCE_PEOPLE = """
select m.id from member m
 where m.timebank_id = $1 and m.status = 'active' and m.id <> all($2::bigint[])
   and exists (select from member_role r where r.timebank_id = m.timebank_id and r.member_id = m.id
                  and r.role = any($3::text[]))
 order by m.id
"""
ADDRESSES = """
select email from payee where timebank_id = $1 and id = $2 and email <> ''
union
select before from payee_change
 where timebank_id = $1 and payee_id = $2 and field = 'email' and before <> '' and at >= $3
"""
ADD_NOTICE = """
insert into payee_notice (timebank_id, payee_id, address, subject, body, created_at, next_at)
values ($1, $2, $3, $4, $5, $6, $6)
"""
ANY_DUE = "select exists (select from payee_notice where timebank_id = $1 and state = 'waiting' and next_at <= $2)"
DUE = """
select id, address, subject, body, created_at, attempts from payee_notice
 where timebank_id = $1 and state = 'waiting' and next_at <= $2
 order by next_at, id limit 1 for update skip locked
"""
SETTLE = """
update payee_notice set state = $3, attempts = attempts + 1, next_at = $4, trouble = $5
 where timebank_id = $1 and id = $2
"""


async def tell_proposed(
    connection: Connection, actor: Actor, payee: PayeeFacts | None, account_id: int, *, is_first: bool, now: datetime
) -> None:
    """Tell finance that an account waits, and the payee that somebody typed one."""
    name, path = _named(payee)
    if payee and payee.member_id == actor.member_id:
        who = f"{payee.name} says where they are paid."
    else:
        who = f"{await _name_of(connection, actor)} has typed an account for {name}."
    body = f"{who}\n\nSomeone else checks it with {name} and confirms it, or refuses it."
    await _tell_finance(
        connection, actor, payee, "Bank details wait to be checked", body, path, f"proposed:{account_id}", now
    )
    if payee is None or is_first:
        return  # nobody's money goes anywhere else
    if payee.member_id is not None and payee.member_id != actor.member_id:
        message = Message(
            member_id=payee.member_id,
            kind="bank_details",
            subject=say("Somebody typed a new account for you"),
            body=say("We check it first. Was it not you? Tell us at once."),
            path="/me/paid",
            dedupe=f"bank_account:{account_id}:proposed:payee",
            is_urgent=True,
        )
        await send(connection, actor.timebank_id, [message], now=now)
    text = "We were asked to pay you into another account. We check this before anything changes."
    await tell_payee(connection, actor.timebank_id, payee, "A new bank account for your payments", text, now=now)


async def tell_decided(
    connection: Connection,
    actor: Actor,
    payee: PayeeFacts | None,
    account: AccountFacts,
    *,
    confirmed: bool,
    why: str,
    now: datetime,
) -> None:
    """Tell finance and who typed it what was decided; the payee too when the account is in use from now on."""
    name, path = _named(payee)
    did = "confirmed" if confirmed else "refused"
    body = f"{await _name_of(connection, actor)} has {did} the account of {name} that ends in {account.last_four}."
    if why:
        body += f"\n\n{why}"
    await _tell_finance(connection, actor, payee, f"Bank details {did}", body, path, f"{did}:{account.id}", now)
    if payee is None:
        return
    if payee.member_id is not None:
        message = Message(
            member_id=payee.member_id,
            kind="bank_details",
            subject=say("We checked your account") if confirmed else say("We cannot use this account"),
            body=say("We pay into the account that ends in {last_four}.", last_four=account.last_four)
            if confirmed
            else say("Please look what is wrong, and type it again."),
            path="/me/paid",
            dedupe=f"bank_account:{account.id}:{did}:payee",
        )
        await send(connection, actor.timebank_id, [message], now=now)
    if confirmed:
        text = f"From now on we pay you into the account that ends in {account.last_four}."
        await tell_payee(connection, actor.timebank_id, payee, "Your bank account for payments", text, now=now)


async def tell_payee(
    connection: Connection, timebank_id: int, payee: PayeeFacts, subject: str, text: str, *, now: datetime
) -> None:
    """Write an e-mail to the payee's address, and to the one before where that changed lately. No member has one."""
    if payee.member_id is not None:
        return
    bank = await banks.by_id(connection, timebank_id)
    contact = f": {bank.help_contact}" if bank.help_contact else ""
    body = f"Hello {payee.name},\n\n{text}\n\n{NOT_US}{contact}.\n\n{bank.name}\n"
    for row in await connection.fetch(ADDRESSES, timebank_id, payee.id, now - OLD_ADDRESS_FOR):
        await connection.execute(ADD_NOTICE, timebank_id, payee.id, row["email"], subject, body, now)


class Letters:
    """Sends the e-mails to payees, as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send_due(self, db: Database, timebank_id: int, now: datetime) -> None:
        """Send what waits. Each is marked before the next is sent, so at most one can go out twice.

        Raises:
            Trouble: e-mail is not set up, or the server does not do its part. What was not sent waits.
        """
        async with db.reading(timebank_id) as connection:
            if not await connection.fetchval(ANY_DUE, timebank_id, now):
                return
        if self._settings.smtp_url is None:
            raise Trouble(NO_MAIL_SERVER)
        async with MailServer(self._settings.smtp_url) as server:
            for _ in range(SENT_AT_ONCE):
                if not await self._send_one(db, server, timebank_id, now):
                    return

    async def _send_one(self, db: Database, server: MailServer, timebank_id: int, now: datetime) -> bool:
        async with db.writing(timebank_id) as connection:
            row = await connection.fetchrow(DUE, timebank_id, now)
            if row is None:
                return False
            sender = self._settings.mail_from
            mail = write(
                sender=sender,
                to=row["address"],
                subject=row["subject"],
                text=row["body"],
                message_id=message_id(
                    sender=sender, timebank_id=timebank_id, delivery_id=-row["id"], created_at=row["created_at"]
                ),
                at=now,
            )
            state, next_at, trouble = "sent", now, ""
            try:
                await server.send(mail)
            except MailRefused as refused:
                is_over = refused.is_final or row["attempts"] + 1 >= MAX_ATTEMPTS
                state, trouble = "failed" if is_over else "waiting", refused.why[:300]
                next_at = now + timedelta(minutes=2 ** min(row["attempts"], 10))
            await connection.execute(SETTLE, timebank_id, row["id"], state, next_at, trouble)
        return True


async def _tell_finance(
    connection: Connection,
    actor: Actor,
    payee: PayeeFacts | None,
    subject: str,
    body: str,
    path: str,
    about: str,
    now: datetime,
) -> None:
    """Everybody in finance but who did it and whom it pays; administrators too about the time bank's own account."""
    but = [one for one in (actor.member_id, payee.member_id if payee else None) if one is not None]
    roles = ["finance"] if payee else ["finance", "admin"]
    rows = await connection.fetch(FINANCE_PEOPLE, actor.timebank_id, but, roles)
    messages = [
        Message(
            member_id=row["id"],
            kind="bank_details",
            subject=subject,
            body=body,
            path=path,
            dedupe=f"bank_account:{about}:{row['id']}",
        )
        for row in rows
    ]
    if messages:
        await send(connection, actor.timebank_id, messages, now=now)


async def _name_of(connection: Connection, actor: Actor) -> str:
    if actor.member_id is None:
        return "Somebody"
    return (await members.names(connection, actor.timebank_id, [actor.member_id]))[actor.member_id]


def _named(payee: PayeeFacts | None) -> tuple[str, str]:
    return (payee.name, f"/payees/{payee.id}") if payee else ("the time bank itself", "/payees/ours")
