"""Posted forms: read within limits, shown again with what was typed, refusals put beside their fields.

A handler that shows a form renders with ``form=Form.blank(minutes="1:00")``; the handler that receives it begins with
``form = await read(request)``, and after refusals renders the same template with ``form=form.refused(refusals)`` and
status 422. The macros take the form and find the value and the message of each field in it.
"""

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

import structlog
from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from timebank.kit import dates, ids, text
from timebank.kit.refusal import Refusal

MAX_FIELDS = 6_000  # a register of 500 people with several answers about each
MAX_FIELD_CHARACTERS = 60_000  # a pasted list of a thousand lines
MAX_NAME_CHARACTERS = 100
MAX_FORM_BYTES = 1_048_576  # without files; what comes with files is limited by MAX_BODY_BYTES
MAX_BODY_BYTES = 10 * 1_048_576
MAX_DRAINED_BYTES = 64 * 1_048_576
MAX_DRAIN_SECONDS = 30

CSRF_FIELD = "csrf"
KEY_FIELD = "key"
RESEND_FIELD = "resend"
HOUSEKEEPING = frozenset({CSRF_FIELD, KEY_FIELD, RESEND_FIELD})
# What a page remembers by itself: sent again with a form, but nothing that anybody typed.
REMEMBERED = frozenset({"rows", "extras", "helped", "by", "draft", "seen", "open"})

_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
_STATE_KEY = "form"

PageRequest = Request[Any, Any, Any]
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one form: what was typed, the files, and the refusals to show beside them."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, UploadFile] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    csrf: str = ""

    @classmethod
    def blank(cls, **values: str | int | Sequence[str] | None) -> "Form":
        """A form to show for the first time, filled with these values (a sequence for several choices)."""
        return cls({name: _as_texts(value) for name, value in values.items() if value is not None})

    def text(self, name: str) -> str:
        """What was typed in a field, without the spaces around it; empty when the field was not sent."""
        values = self.fields.get(name, ())
        return values[0].strip() if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value sent under a name, in order: the ticked boxes, or the cells of a column."""
        return self.fields.get(name, ())

    def has(self, name: str, value: str | None = None) -> bool:
        """True when the field was sent (a box ticked); with a value, when that value is among those sent."""
        values = self.fields.get(name, ())
        return bool(values) if value is None else value in values

    def file(self, name: str) -> UploadFile | None:
        """The file chosen in a field, or None when none was chosen."""
        return self.files.get(name)

    def date(self, name: str) -> date | Refusal:
        """The date typed into the three boxes of a date question; the month may be a name.

        Refusals: those of ``kit.dates.parse``.
        """
        day, month, year = (self.text(f"{name}-{part}") for part in ("day", "month", "year"))
        separator = "/" if text.plain(month).isdecimal() else " "
        return dates.parse(separator.join((day, month, year)).strip(), field=name)

    @property
    def key(self) -> str:
        """The idempotency key that came with the form: the same for a double tap, new for each page shown.

        Raises:
            ClientException: the form came without a usable key, so it is not one of our pages' forms.
        """
        key = self.text(KEY_FIELD)
        if not _KEY.fullmatch(key):
            raise ClientException("The form is not complete.")
        return key

    def new_key(self) -> str:
        """A fresh idempotency key; each form on a page gets its own."""
        return ids.secret_token()

    def refused(self, refusals: Iterable[Refusal]) -> "Form":
        """The same form with the refusals to show."""
        return replace(self, refusals=tuple(refusals))

    def error(self, name: str) -> str | None:
        """The message to show beside a field, or None."""
        return next((refusal.message for refusal in self.refusals if refusal.field == name), None)

    def with_csrf(self, csrf: str) -> "Form":
        """The same form carrying the viewer's csrf value, ready to be rendered."""
        return replace(self, csrf=csrf)


BLANK = Form()


def date_fields(name: str, value: date) -> dict[str, str]:
    """The three fields of a date question filled in, to give to ``Form.blank``."""
    return {f"{name}-day": str(value.day), f"{name}-month": str(value.month), f"{name}-year": str(value.year)}


async def read(request: PageRequest) -> Form:
    """Read the posted form, once for each request.

    Texts come composed (NFC), with plain line ends and no control characters. Litestar's own reader of plain forms is
    not used: it keeps the bodies of a thousand forms in memory, and people type secrets and names into forms.

    Raises:
        RequestEntityTooLarge: more fields, longer texts or more bytes than the limits of this module.
        ClientException: the body is not a readable form.
    """
    state = request.scope["state"]
    if _STATE_KEY not in state:
        try:
            state[_STATE_KEY] = await _read(request)
        except ClientException:
            if request.is_connected:
                await drain(request)
            raise
    return already_read(request)


def already_read(request: PageRequest) -> Form:
    """The form that ``read`` found earlier in this request, or a blank one."""
    found = request.scope["state"].get(_STATE_KEY)
    return found if isinstance(found, Form) else BLANK


async def _read(request: PageRequest) -> Form:
    kind, _ = request.content_type
    if kind == RequestEncodingType.MULTI_PART:
        try:
            parts = await request.form()
        except (UnicodeDecodeError, LookupError) as error:  # not UTF-8, or in an encoding that does not exist
            raise ClientException("The form is not readable text.") from error
        return _from_parts(parts)
    if kind == RequestEncodingType.URL_ENCODED:
        return _from_pairs(_pairs(await request.body()))
    return BLANK


async def drain(request: PageRequest) -> None:
    """Read and drop the rest of a body that nobody will look at, within the limits of this module.

    A browser that is still sending shows a broken connection instead of the page that explains; programs are no better.
    """
    seen = 0
    try:
        async with asyncio.timeout(MAX_DRAIN_SECONDS):
            while seen < MAX_DRAINED_BYTES:
                message = await request.receive()
                if message["type"] != "http.request" or not message["more_body"]:
                    return
                seen += len(message["body"])
    except TimeoutError:
        log.info("gave up reading a body that was too large", seconds=MAX_DRAIN_SECONDS)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    if len(body) > MAX_FORM_BYTES:
        raise RequestEntityTooLarge
    try:
        return parse_qsl(
            body.decode("ascii", "replace"), keep_blank_values=True, errors="replace", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise RequestEntityTooLarge from error


def _from_parts(parts: FormMultiDict) -> Form:
    pairs: list[tuple[str, str]] = []
    files: dict[str, UploadFile] = {}
    for name in dict.fromkeys(parts.keys()):
        for value in parts.getall(name):
            if isinstance(value, UploadFile):
                files.setdefault(name, value)
            else:
                pairs.append((name, value))
    return replace(_from_pairs(pairs), files=files)


def _from_pairs(pairs: list[tuple[str, str]]) -> Form:
    fields: dict[str, tuple[str, ...]] = {}
    total = 0
    for name, value in pairs:
        total += len(value)
        if len(name) > MAX_NAME_CHARACTERS or len(value) > MAX_FIELD_CHARACTERS or total > MAX_FORM_BYTES:
            raise RequestEntityTooLarge
        fields[name] = (*fields.get(name, ()), _clean(value))
    return Form(fields)


def _clean(value: str) -> str:
    """NFC, plain line ends, no control characters: PostgreSQL refuses a zero byte, people cannot see the rest."""
    composed = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(c for c in composed if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


def _as_texts(value: str | int | Sequence[str]) -> tuple[str, ...]:
    return (str(value),) if isinstance(value, str | int) else tuple(value)
