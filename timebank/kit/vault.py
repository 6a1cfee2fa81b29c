"""Keeping codes secret in the database: encrypted with a key that is not in it, and found by a keyed hash.

There may be several keys, newest first: the first one locks, each of them opens. A key is put in front to renew it, and
the old one stays until nothing is locked with it any more. The keys belong to the process, like its database's address:
``use`` sets them at the start of a command, and code deep inside a transaction asks for ``vault()``.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

MAX_KEYS = 10
KEY_FILE = "data-key"
HOW_TO = (
    "TIMEBANK_DATA_KEY holds one or more keys with commas between them, newest first."
    " `make env` writes one; `timebank key` prints a new one."
)


class KeyMissing(Exception):
    """There is no key, or none of the keys opens this; the message says what to do."""


class Vault:
    """Locks and opens short texts, and gives the marks to find them by."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys, newest first.

        Raises:
            ValueError: there is none, too many, or one that is no key.
        """
        if not 1 <= len(keys) <= MAX_KEYS:
            raise ValueError(HOW_TO)
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
            self._raw = [base64.urlsafe_b64decode(key) for key in keys]
        except ValueError as error:
            raise ValueError(f"One of the keys is not 32 bytes in urlsafe base64. {HOW_TO}") from error

    def seal(self, text: str) -> bytes:
        """The text, locked with the newest key: different every time."""
        return self._fernet.encrypt(text.encode())

    def unseal(self, sealed: bytes) -> str:
        """The text again.

        Raises:
            KeyMissing: it was locked with a key that is not here any more.
        """
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise KeyMissing(f"The key that this was locked with is missing. {HOW_TO}") from error

    def marks(self, purpose: str, text: str | bytes) -> list[bytes]:
        """What the text is found by: 32 bytes for each key, the newest first. ``purpose`` keeps kinds apart."""
        content = text.encode() if isinstance(text, str) else text
        return [
            hmac.digest(hmac.digest(key, f"timebank mark {purpose}".encode(), hashlib.sha256), content, hashlib.sha256)
            for key in self._raw
        ]

    def mark(self, purpose: str, text: str | bytes) -> bytes:
        """The mark to store: under the newest key."""
        return self.marks(purpose, text)[0]

    def tokens(self, purpose: str, mark: bytes) -> list[str]:
        """The secrets of 192 bits that belong to a random mark, one for each key: the same every time."""
        return [base64.urlsafe_b64encode(each[:24]).decode() for each in self.marks(f"token {purpose}", mark)]


_in_use: list[Vault] = []


def use(keys: Sequence[str]) -> None:
    """Set the keys of this process; none at all is allowed until something is to be locked.

    Raises:
        ValueError: there are too many, or one is no key.
    """
    _in_use[:] = [Vault(keys)] if keys else []


def vault() -> Vault:
    """The vault of this process.

    Raises:
        KeyMissing: no key is set.
    """
    if not _in_use:
        raise KeyMissing(f"Codes cannot be kept without a key. {HOW_TO}")
    return _in_use[0]


def new_key() -> str:
    """A new key: 32 random bytes in urlsafe base64."""
    return Fernet.generate_key().decode()


def split(setting: str) -> list[str]:
    """The keys in a setting: with commas between them."""
    return [key for key in (part.strip() for part in setting.split(",")) if key]


def key_beside(folder: Path) -> list[str]:
    """The keys kept beside the embedded database, made when there are none; only its owner can read the file."""
    path = folder / KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return split(path.read_text())
    with os.fdopen(descriptor, "w") as file:
        file.write(new_key() + "\n")
    return split(path.read_text())
