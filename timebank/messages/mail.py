"""Handing e-mails to a mail server: one connection for many, and what its answers mean."""

import ssl
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from timebank.kit.trouble import Trouble

TIMEOUT_SECONDS = 10
UNREACHABLE = "The mail server cannot be reached. E-mails wait until it can."
SENDER_REFUSED = "The mail server does not accept our sender address or password. E-mails wait."
PERMANENT = 500


class MailRefused(Exception):
    """The server said no to this e-mail; ``is_final`` when asking again would not help."""

    def __init__(self, why: str, *, is_final: bool) -> None:
        super().__init__(why)
        self.why = why
        self.is_final = is_final


def write(*, sender: str, to: str, subject: str, text: str, message_id: str, at: datetime) -> EmailMessage:
    """An e-mail in plain text. ``message_id`` stays the same when it is sent again, so that the copies are known."""
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: answering machines keep quiet
    mail["Content-Language"] = "en"
    mail.set_content(text)
    return mail


def message_id(*, sender: str, timebank_id: int, delivery_id: int, created_at: datetime) -> str:
    """The same for every try of one delivery, and never the same for another."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{timebank_id}.{delivery_id}.{int(created_at.timestamp() * 1_000_000)}@{domain}>"


class MailServer:
    """A connection to the mail server: open while the block lasts.

    ``url`` is ``smtp://user:password@host:587?tls=auto``: ``auto`` encrypts when the server can, ``required`` insists,
    ``none`` does not. ``smtps://`` encrypts from the start.

    Raises (on entering):
        Trouble: it cannot be reached, or does not accept the password.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        tls = parse_qs(parts.query).get("tls", ["auto"])[0]
        is_wrapped = parts.scheme == "smtps"
        self._client = aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port or (465 if is_wrapped else 587),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=is_wrapped,
            start_tls=False if is_wrapped else {"auto": None, "required": True, "none": False}[tls],
            local_hostname="localhost",
            timeout=TIMEOUT_SECONDS,
        )

    async def __aenter__(self) -> "MailServer":
        try:
            await self._client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Trouble(SENDER_REFUSED) from error
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise Trouble(UNREACHABLE) from error
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._client.quit()
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()

    async def send(self, mail: EmailMessage) -> None:
        """Hand over one e-mail; it is the server's when this returns.

        Raises:
            MailRefused: the server said no to this one; the next may be tried.
            Trouble: it said no to all of them, or the connection is lost; nothing is known about this one then.
        """
        try:
            await self._client.send_message(mail)
        except aiosmtplib.SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            raise MailRefused(
                f"The mail server refused the address (answer {code}).", is_final=code >= PERMANENT
            ) from error
        except aiosmtplib.SMTPSenderRefused as error:
            raise Trouble(SENDER_REFUSED) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise MailRefused("The mail server cannot write to this address.", is_final=True) from error
        except aiosmtplib.SMTPResponseException as error:
            if error.code == aiosmtplib.SMTPStatus.domain_unavailable:  # 421: it closes
                raise Trouble(UNREACHABLE) from error
            raise MailRefused(
                f"The mail server refused the e-mail (answer {error.code}).", is_final=error.code >= PERMANENT
            ) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Trouble(UNREACHABLE) from error
