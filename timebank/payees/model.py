"""Accounts as files for banks need them. Pure."""

import msgspec

MAX_HOLDER = 70


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A bank account: a UK sort code and account number (digits only), or an IBAN with its BIC; "" for what it lacks.

    ``holder`` is the name that the account is held in, at most :data:`MAX_HOLDER` characters.
    """

    holder: str
    sort_code: str = ""
    number: str = ""
    iban: str = ""
    bic: str = ""

    @property
    def is_uk(self) -> bool:
        """True when it can be paid by sort code and account number."""
        return bool(self.sort_code and self.number)

    @property
    def last_four(self) -> str:
        """The last four digits of the account number: all that pages show."""
        return (self.number or self.iban)[-4:]
