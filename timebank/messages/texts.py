"""Handing text messages to a gateway: one small interface, a gateway over HTTP, and the demo's outbox."""

from datetime import datetime
from typing import Protocol

import httpx
import msgspec

from timebank.db import Database
from timebank.kit.trouble import Trouble

TIMEOUT_SECONDS = 10
UNREACHABLE = "The gateway for text messages cannot be reached. Texts wait until it can."
TOKEN_REFUSED = "The gateway for text messages does not accept our token. Texts wait."  # noqa: S105 - a sentence
OUTBOX_URL = "outbox:"

KEEP = """
insert into text_outbox (timebank_id, delivery_id, body, at) values ($1, $2, $3, $4)
on conflict (timebank_id, delivery_id) do nothing
"""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """One text message. ``reference`` stays the same when it is sent again."""

    timebank_id: int
    delivery_id: int
    to: str
    body: str
    reference: str


class TextRefused(Exception):
    """The gateway said no to this text; ``is_final`` when asking again would not help."""

    def __init__(self, why: str, *, is_final: bool) -> None:
        super().__init__(why)
        self.why = why
        self.is_final = is_final


class TextGateway(Protocol):
    """Whatever takes text messages."""

    async def send(self, text: Text, *, now: datetime) -> None:
        """Hand over one text.

        Raises:
            TextRefused: the gateway said no to this one; the next may be tried.
            Trouble: it cannot be reached or says no to all of them.
        """
        ...


class HttpGateway:
    """A gateway that takes ``POST {"to", "text", "reference"}`` with a bearer token.

    The reference is also the ``Idempotency-Key``, so that a gateway that knows it sends a repeat once.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    async def send(self, text: Text, *, now: datetime) -> None:
        """See :class:`TextGateway`."""
        headers = {"Idempotency-Key": text.reference}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        body = {"to": text.to, "text": text.body, "reference": text.reference}
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.post(self._url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise Trouble(UNREACHABLE) from error
        if answer.is_success:
            return
        if answer.status_code in (401, 403):
            raise Trouble(TOKEN_REFUSED)
        is_final = 400 <= answer.status_code < 500 and answer.status_code not in (408, 425, 429)
        raise TextRefused(f"The gateway for text messages refused it (answer {answer.status_code}).", is_final=is_final)


class Outbox:
    """Keeps text messages instead of sending them: for the demo."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def send(self, text: Text, *, now: datetime) -> None:
        """See :class:`TextGateway`; a repeat is kept once."""
        async with self._db.writing(text.timebank_id) as connection:
            await connection.execute(KEEP, text.timebank_id, text.delivery_id, text.body, now)


def gateway(url: str | None, token: str, db: Database) -> TextGateway | None:
    """What the settings ask for; None when text messages are not set up."""
    if url is None:
        return None
    return Outbox(db) if url == OUTBOX_URL else HttpGateway(url, token)
