"""A real mail server that answers as it is told, and members who are reached in every way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.people import Bank
from timebank.messages import queries, service
from timebank.messages.packing import pack
from timebank.messages.service import Message
from timebank.settings import Settings

HOST = "127.0.0.1"


@dataclass
class MailRoom:
    """What a mail server received, and the answers it gives: ``to_recipient`` and ``to_data`` by address."""

    received: list[EmailMessage] = field(default_factory=list)
    to_recipient: dict[str, str] = field(default_factory=dict)
    to_data: dict[str, list[str]] = field(default_factory=dict)
    to_sender: str = ""
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """The address of the server, for the settings."""
        return f"smtp://{HOST}:{self.port}?tls=none"

    @property
    def settings(self) -> Settings:
        """The settings of an application that uses this server."""
        return Settings(smtp_url=self.url, mail_from="Time bank <hours@bank.test>", public_url="https://bank.test")

    def to(self, address: str) -> list[EmailMessage]:
        """What one address received."""
        return [mail for mail in self.received if mail["To"] == address]

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count conversations."""
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse the sender."""
        if self.to_sender:
            return self.to_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse a recipient."""
        if answer := self.to_recipient.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept or refuse the e-mail itself."""
        for address in envelope.rcpt_tos:
            if answers := self.to_data.get(address):
                return answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


@contextmanager
def mail_server(room: MailRoom | None = None, port: int = 0) -> Iterator[MailRoom]:
    """Run a mail server until the block ends."""
    room = room or MailRoom()
    controller = Controller(room, hostname=HOST, port=port or free_port())
    controller.start()
    room.port = controller.port
    try:
        yield room
    finally:
        controller.stop()


def free_port() -> int:
    """A port that nobody listens on just now."""
    import socket

    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


async def reached_by(bank: Bank, route: str, name: str = "", **details: str) -> int:
    """A new member who is reached like this; return their id."""
    member_id = await bank.member(name or None)
    given = {"email": "", "phone": "", "postal_address": "", **details}
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set contact_route = $3, email = $4, phone = $5, postal_address = $6"
            " where timebank_id = $1 and id = $2",
            bank.id,
            member_id,
            route,
            given["email"],
            given["phone"],
            given["postal_address"],
        )
    return member_id


async def tell(bank: Bank, member_id: int, subject: str, *, now: datetime | None = None, **more: Any) -> str:
    """Write a message to a member; return what it is known by."""
    known_by = more.pop("dedupe", uuid4().hex)
    message = Message(
        member_id=member_id,
        kind=more.pop("kind", "test"),
        subject=subject,
        body=more.pop("body", f"{subject}.\n\nThat is all."),
        dedupe=known_by,
        **more,
    )
    async with bank.db.writing(bank.id) as connection:
        await service.send(connection, bank.id, [message], now=now or bank.now)
    return known_by


async def deliveries(bank: Bank) -> list[dict[str, Any]]:
    """Every delivery of the time bank, oldest first."""
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch("select * from delivery where timebank_id = $1 order by id", bank.id)
    return [dict(row) for row in rows]


async def messages(bank: Bank) -> list[dict[str, Any]]:
    """Every message of the time bank, oldest first."""
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch("select * from message where timebank_id = $1 order by id", bank.id)
    return [dict(row) for row in rows]


async def a_call_and_letters(bank: Bank) -> tuple[int, int, int]:
    """A call to make, a print run, and a message to the participant: their ids and number."""
    phone = await reached_by(bank, "phone", phone="01632 960 050")
    letter = await reached_by(bank, "letter", postal_address="1 High Street\nRiverside")
    await tell(bank, phone, "Your hours were added")
    await tell(bank, letter, "Your hours were added")
    assert bank.participant.member_id is not None
    known_by = await tell(bank, bank.participant.member_id, "Your hours were added", path="/hours")
    await pack(bank.db, bank.id, bank.now)
    number = await service.print_letters(bank.db, bank.coordinator, key=uuid4().hex, now=bank.now)
    assert isinstance(number, int), number
    async with bank.db.reading(bank.id) as connection:
        call = (await queries.calls(connection, bank.id))[0]
        message_id = await connection.fetchval(
            "select id from message where timebank_id = $1 and dedupe = $2", bank.id, known_by
        )
    return call.id, number, message_id


async def set_member(bank: Bank, member_id: int, **values: object) -> None:
    """Change what the time bank knows of a member."""
    settings = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, start=3))
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            f"update member set {settings} where timebank_id = $1 and id = $2", bank.id, member_id, *values.values()
        )
