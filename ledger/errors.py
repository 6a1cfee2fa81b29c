"""Everything the ledger raises. A refusal that a person can cause is a result, never one of these.

Errors raised inside PostgreSQL carry an SQLSTATE of our own class, ``LG``; the posting side turns them into the
classes below.
"""


class LedgerError(Exception):
    """Any misuse of the ledger. The transaction it happened in is lost; nothing was written."""

    sqlstate = "LG000"


class InvalidItem(LedgerError, ValueError):
    """An item that no ledger could accept: unbalanced legs, an amount that is no whole number, a name too long."""

    sqlstate = "LG001"


class WrongBook(LedgerError):
    """The call names another book than the one set for the transaction (``ledger.book``)."""

    sqlstate = "LG002"


class UnknownBook(LedgerError):
    """There is no such book; open it first."""

    sqlstate = "LG003"


class SecondCall(LedgerError):
    """A transaction makes one ledger write call. Two would deadlock under load: put all items into one batch."""

    sqlstate = "LG004"


class OpenedTooLate(LedgerError):
    """An account was to be opened after the ledger write of the same transaction. Open accounts first."""

    sqlstate = "LG005"


class UnknownAccount(LedgerError, LookupError):
    """There is no such account in this book."""

    sqlstate = "LG006"


class UnknownEntry(LedgerError, LookupError):
    """There is no such entry in this book."""

    sqlstate = "LG007"


class UnknownHold(LedgerError, LookupError):
    """There is no such hold in this book."""

    sqlstate = "LG008"


class UnknownUnit(LedgerError, LookupError):
    """There is no such unit; ``open_unit`` makes one."""

    sqlstate = "LG009"


class AlreadyDifferent(LedgerError):
    """A book, unit or account of this name exists already and is not the same. Its identity never changes."""

    sqlstate = "LG010"


class AccountInUse(LedgerError):
    """An account closes only when it holds nothing and no hold names it."""

    sqlstate = "LG011"


class Unbalanced(LedgerError):
    """A guard of the database: the legs of an entry do not add up to zero."""

    sqlstate = "LG012"


class Immutable(LedgerError):
    """A guard of the database: what is written in the ledger is never updated, deleted or truncated."""

    sqlstate = "LG013"


class PeriodMovedBack(LedgerError):
    """A closed period stays closed."""

    sqlstate = "LG014"


class CannotSeeAll(LedgerError):
    """A proof needs a connection that sees every book: connect as the owner of the ledger."""

    sqlstate = "LG015"


class ClockBehind(LedgerError):
    """The server's clock is over five seconds behind the last time written on an account. Set it right, try again."""

    sqlstate = "LG016"


class AccountFull(LedgerError):
    """An account has had 2,147,483,647 postings, and there is no number for another. Go on with a new account."""

    sqlstate = "LG017"


class NotYetSettled(LedgerError):
    """What was known then could still change: the moment lies ahead, or a transaction begun by then still writes."""

    sqlstate = "LG018"


class NotSealed(LedgerError):
    """No seal reaches this entry yet; the next one will."""

    sqlstate = "LG019"


class Tampered(LedgerError):
    """What is in the ledger contradicts its seals. ``prove_seals`` names the place."""

    sqlstate = "LG020"


class Inconsistent(LedgerError):
    """What the ledger relies on itself did not hold, so nothing was written. A bug: please report it."""

    sqlstate = "LG021"


BY_SQLSTATE: dict[str, type[LedgerError]] = {error.sqlstate: error for error in LedgerError.__subclasses__()}
