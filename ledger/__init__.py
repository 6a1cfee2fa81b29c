"""A double-entry ledger in PostgreSQL: books, accounts, balanced entries, holds, and a proof for every balance.

The tour, from the first call to the last:

* :func:`install` makes the tables and functions in a database; :func:`within` opens the transaction of one book.
* :func:`open_book`, :func:`open_account`: a book is one self-contained set of accounts, an account counts one unit.
* :func:`post` and :func:`post_batch` carry out items: :class:`Post` an entry of two or more legs, :class:`PlaceHold` to
  set an amount aside, :class:`Capture` or :class:`Void` to end a hold, :class:`Reverse` to take an entry back. One call
  in a transaction. What a person can cause comes back as :class:`Refused`, with a stable code; misuse raises a
  :class:`LedgerError`. Every item has a key: under the same key the same item takes effect once, however often sent.
* :class:`Batcher` puts the items of many callers into shared transactions.
* :func:`balance`, :func:`balance_at`, :func:`statement`, :func:`entry` and :func:`hold` read.
* :func:`expire_holds`, :func:`set_limits`, :func:`set_status`, :func:`close_period`, :func:`post_forced` keep house.
* :func:`prove` checks every invariant, :func:`seal` makes later tampering show, :func:`inclusion` proves one entry to
  somebody without access. ``python -m ledger --help`` does these from the command line.

Amounts are integers in the unit's smallest part (minutes, pence) and credit-positive: ``a -> b`` is ``-n`` on a and
``+n`` on b. ``EXAMPLES.md`` beside this file shows the things people do first, and the tests run it.
:mod:`ledger.reference` says in 300 lines of plain Python what the rules are.
"""

from ledger.batching import Batcher, Settled
from ledger.errors import (
    AccountFull,
    AccountInUse,
    AlreadyDifferent,
    CannotSeeAll,
    ClockBehind,
    Immutable,
    Inconsistent,
    InvalidItem,
    LedgerError,
    NotSealed,
    NotYetSettled,
    OpenedTooLate,
    PeriodMovedBack,
    SecondCall,
    Tampered,
    Unbalanced,
    UnknownAccount,
    UnknownBook,
    UnknownEntry,
    UnknownHold,
    UnknownUnit,
    WrongBook,
)
from ledger.model import (
    Balance,
    Capture,
    Entry,
    Finding,
    Held,
    Hold,
    Item,
    Leg,
    PlaceHold,
    Post,
    Posted,
    Refused,
    Result,
    Reverse,
    StatementLine,
    Status,
    Void,
    Voided,
)
from ledger.posting import (
    close_period,
    expire_holds,
    open_account,
    open_book,
    open_unit,
    post,
    post_batch,
    post_forced,
    set_limits,
    set_status,
)
from ledger.proof import Report, make_report, prove
from ledger.reading import balance, balance_at, balances, entry, hold, statement
from ledger.schema import grants_sql, install, sql_files, within
from ledger.sealing import Seal, check_inclusion, inclusion, prove_seals, seal

__all__ = [
    "AccountFull",
    "AccountInUse",
    "AlreadyDifferent",
    "Balance",
    "Batcher",
    "CannotSeeAll",
    "Capture",
    "ClockBehind",
    "Entry",
    "Finding",
    "Held",
    "Hold",
    "Immutable",
    "Inconsistent",
    "InvalidItem",
    "Item",
    "LedgerError",
    "Leg",
    "NotSealed",
    "NotYetSettled",
    "OpenedTooLate",
    "PeriodMovedBack",
    "PlaceHold",
    "Post",
    "Posted",
    "Refused",
    "Report",
    "Result",
    "Reverse",
    "Seal",
    "SecondCall",
    "Settled",
    "StatementLine",
    "Status",
    "Tampered",
    "Unbalanced",
    "UnknownAccount",
    "UnknownBook",
    "UnknownEntry",
    "UnknownHold",
    "UnknownUnit",
    "Void",
    "Voided",
    "WrongBook",
    "balance",
    "balance_at",
    "balances",
    "check_inclusion",
    "close_period",
    "entry",
    "expire_holds",
    "grants_sql",
    "hold",
    "inclusion",
    "install",
    "make_report",
    "open_account",
    "open_book",
    "open_unit",
    "post",
    "post_batch",
    "post_forced",
    "prove",
    "prove_seals",
    "seal",
    "set_limits",
    "set_status",
    "sql_files",
    "statement",
    "within",
]
