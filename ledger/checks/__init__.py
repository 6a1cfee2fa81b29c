"""What a proof checks: each invariant as queries over what is stored. :mod:`ledger.proof` runs them.

A check returns a row for each place where its invariant does not hold: book, account code (where one can be named) and
a message. Nothing that can be worked out again is trusted.

A name in braces is a table as the proof looks at it: ``{posting}`` and ``{entry}`` are all rows or, incrementally,
those since the last proof; ``{start}`` is how far each account was proved then (nothing in a full proof); every other
table is always read whole, of all books or of one.

What stored data cannot show, and where it is proved instead:

- I11 (a refusal changes nothing), I12 (a batch equals one-by-one), I20 (read your writes, no deadlocks): the property
  tests against ``reference.py`` and the concurrent runner, tests/property/ledger.
- I7 in part: how much was on hold when an earlier posting was made is not kept with it; the same tests.
- I8 in part: a hold's expiry is judged by the caller's time, which is not kept; the same tests.
- I13 in part: that a role *is* refused; tests/integration/ledger/test_guards.py.
- I15 (what was known stays known): I13 and I14 keep it; tests/integration/ledger.
- I16 in part: that a balance by effective date is the sum of its postings is how it is computed; I5 proves the dates.
- I17 (acknowledged posts survive): tests/faults.
- I18 (each entry under one seal): ``ledger.sealing``, by ``--seals``.
- I19 in part: that a float or a bool is refused, tests/unit/ledger; I1 to I3 add up in numeric, where nothing wraps.
- I22 (replaying): :mod:`ledger.replay`, by ``--replay``; hledger and bean-check read the export in
  tests/integration/ledger/test_export.py.
"""

from ledger.checks.accounts import ACCOUNT_CHECKS
from ledger.checks.catalogue import CATALOGUE_CHECKS
from ledger.checks.entries import ENTRY_CHECKS
from ledger.checks.keys import KEY_CHECKS
from ledger.checks.scope import Check, Scope

CHECKS: tuple[Check, ...] = (*ENTRY_CHECKS, *ACCOUNT_CHECKS, *KEY_CHECKS, *CATALOGUE_CHECKS)
"""Every check, in the order in which a proof makes them."""

__all__ = ["CHECKS", "Check", "Scope"]
