"""Configuration: one frozen structure, read from the environment once, at the start of a command.

Every name begins with ``TIMEBANK_``. A value that cannot be used stops the command with a sentence that names the
variable.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import msgspec

from timebank.kit import vault

APP_ROLE = "timebank_app"
MIGRATOR_ROLE = "timebank_migrator"
OWNER_ROLE = "timebank_owner"

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
PoolSize = Annotated[int, msgspec.Meta(ge=2, le=200)]  # background work holds one and needs another


class SettingsError(Exception):
    """A setting cannot be used; the message names the variable and says what it should be."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment decides.

    ``database_url`` is for the application (role ``timebank_app``), ``owner_url`` for migrations and proofs (role
    ``timebank_migrator``), ``admin_url`` only for ``timebank migrate --bootstrap``. With no ``database_url`` the
    embedded PostgreSQL is used and its data is kept in ``data_dir``.

    ``smtp_url`` is the mail server, ``smtp://user:password@host:587?tls=auto`` (or ``required``, ``none``), or
    ``smtps://``; ``mail_from`` the sender of every e-mail. ``sms_url`` takes text messages by HTTP with ``sms_token``;
    ``outbox:`` keeps them in the database instead. Without them e-mails and texts wait.

    ``data_key`` locks what must not be readable in the database or its backups, such as voucher codes: one or more keys
    with commas between them, newest first. The embedded database has a file of its own for it.

    ``modulus_dir`` is a folder with newer official tables for UK account numbers than the package brings.

    ``unread_languages``: also offer translations that no native speaker has read yet, as the demo does.
    """

    database_url: str | None = None
    owner_url: str | None = None
    admin_url: str | None = None
    data_dir: Path = Path(".timebank")
    host: str = "127.0.0.1"
    port: Port = 8000
    public_url: str | None = None
    trusted_proxies: str = ""
    pool_size: PoolSize = 10
    command_timeout_seconds: Annotated[int, msgspec.Meta(ge=1, le=600)] = 20
    smtp_url: str | None = None
    mail_from: str = "Time bank <no-reply@localhost>"
    sms_url: str | None = None
    sms_token: str = ""
    data_key: str = ""
    modulus_dir: Path | None = None
    unread_languages: bool = False

    @property
    def base_url(self) -> str:
        """The address that links are made with, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_https(self) -> bool:
        """True when people reach the service over https, so that cookies must be ``Secure``."""
        return urlsplit(self.base_url).scheme == "https"


def default_data_dir() -> Path:
    """Where the embedded database keeps its data when nothing else is said.

    PostgreSQL refuses to run as root and the embedded one then drops to a user of its own, who must be able to reach
    the folder; so root's data goes to ``/var/lib/timebank/``, outside any home directory, one folder a checkout.
    """
    if os.geteuid() == 0:
        mark = hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:8]
        return Path("/var/lib/timebank") / f"{Path.cwd().name or 'root'}-{mark}"
    return Path(".timebank")


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    source = os.environ if environ is None else environ
    given = {
        field: value
        for field in Settings.__struct_fields__
        if (value := source.get(f"TIMEBANK_{field.upper()}", "").strip())
    }
    given.setdefault("data_dir", str(default_data_dir()))
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error))) from error
    for name in ("database_url", "owner_url", "admin_url"):
        url = getattr(settings, name)
        if url is not None and urlsplit(url).scheme not in {"postgresql", "postgres"}:
            raise SettingsError(f"TIMEBANK_{name.upper()} must begin with postgresql://")
    if settings.public_url is not None and urlsplit(settings.public_url).scheme not in {"http", "https"}:
        raise SettingsError("TIMEBANK_PUBLIC_URL must begin with http:// or https://")
    _check_messages(settings)
    if settings.data_key:
        try:
            vault.Vault(vault.split(settings.data_key))
        except ValueError as error:
            raise SettingsError(f"TIMEBANK_DATA_KEY cannot be used. {error}") from error
    return settings


def _check_messages(settings: Settings) -> None:
    """Refuse a way to send messages that could never work, before the first message waits for it."""
    if settings.smtp_url is not None:
        try:
            parts = urlsplit(settings.smtp_url)
            tls = parse_qs(parts.query).get("tls", ["auto"])[0]
            is_good = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
            is_good = is_good and tls in {"auto", "required", "none"}
        except ValueError:
            is_good = False
        if not is_good:
            raise SettingsError(
                "TIMEBANK_SMTP_URL must be like smtp://user:password@mail.example.org:587?tls=auto,"
                " with tls one of auto, required, none"
            )
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(settings.mail_from)[1]):
        raise SettingsError("TIMEBANK_MAIL_FROM must hold an e-mail address, like Time bank <hours@example.org>")
    if settings.sms_url is not None and settings.sms_url != "outbox:":
        parts = urlsplit(settings.sms_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsError("TIMEBANK_SMS_URL must begin with http:// or https://, or be outbox:")


def _decode(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind)


def _explain(message: str) -> str:
    """Turn msgspec's ``... - at `$.port` `` into a sentence that names the variable."""
    text, _, place = message.partition(" - at `$.")
    return f"TIMEBANK_{place.rstrip('`').upper()}: {text}" if place else text
