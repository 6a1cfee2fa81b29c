"""Identifiers: ordered ids for rows, short references for people, and secrets."""

import hashlib
import secrets
import unicodedata
from uuid import UUID

import uuid_utils.compat

# Crockford's base32: no I, L, O (look like 1, 1, 0) and no U (so that chance spells fewer rude words).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_CHARACTERS = 8
REFERENCE_BITS = 5 * REFERENCE_CHARACTERS
SECRET_BYTES = 24
MAX_TYPED_REFERENCE = 40

_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SEPARATORS = "-\u2010\u2011\u2012\u2013\u2014\u2212_./ "


def uuid7() -> UUID:
    """Return a new UUID that sorts by the time it was made (RFC 9562, version 7)."""
    return uuid_utils.compat.uuid7()


def reference() -> str:
    """Return a new public reference such as ``B7K2-M9QX``: 40 random bits, easy to read out and to type.

    It names a thing; it is no secret and gives no right to see it. Uniqueness is the table's constraint.
    """
    return reference_of(secrets.randbits(REFERENCE_BITS))


def reference_of(number: int) -> str:
    """Return the reference that stands for a number of 40 bits; the same number always gives the same reference.

    Raises ValueError for a number outside 0 .. 2**40 - 1.
    """
    if not 0 <= number < 1 << REFERENCE_BITS:
        raise ValueError(f"a reference holds {REFERENCE_BITS} bits")
    letters = "".join(ALPHABET[(number >> shift) & 31] for shift in range(REFERENCE_BITS - 5, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


def normalise_reference(typed: str) -> str | None:
    """Return the reference a person meant (``b7k2 m9qx``, ``B7K2M9QX``, O for 0), or None if it cannot be one."""
    if len(typed) > MAX_TYPED_REFERENCE:
        return None
    visible = "".join(c for c in unicodedata.normalize("NFKC", typed) if unicodedata.category(c) != "Cf")
    letters = "".join(c for c in visible.upper() if c not in _SEPARATORS and not c.isspace()).translate(_LOOK_ALIKES)
    if len(letters) != REFERENCE_CHARACTERS or any(letter not in ALPHABET for letter in letters):
        return None
    return f"{letters[:4]}-{letters[4:]}"


def secret_token() -> str:
    """Return a new secret of 192 random bits, safe in a URL. Store only its ``sha256``."""
    return secrets.token_urlsafe(SECRET_BYTES)


def sha256(value: str | bytes) -> bytes:
    """Return the 32-byte SHA-256 digest of bytes, or of a text's UTF-8 bytes."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).digest()
