"""What the next payment run takes, and what stays behind and why. One selection for the page, the API and the export.

Approvals are checked in the database, so that ten thousand payables cost no more than their sums.
"""

from collections.abc import Mapping, Sequence

import msgspec

from timebank.db import Connection
from timebank.payees.queries import accounts
from timebank.payments import credit_queries, queries, rules
from timebank.payments.credit_queries import CreditLeft
from timebank.payments.formats import PaymentFormat
from timebank.payments.rules import PayableFacts

DESTINATION = f"""
sha256(convert_to(
    netstring(y.name) || netstring(y.supplier_reference) || netstring(y.pay_by) || netstring(encode(a.mark, 'hex'))
    || netstring({queries.NOMINAL_CODE}) || netstring({queries.COST_CENTRE}) || netstring({queries.FUND}), 'UTF8'))
"""
"""The second half of ``rules.digest`` in SQL: the same characters, so the same SHA-256. A test compares them."""

PAYEE = f"""
  join payee y on y.timebank_id = $1 and y.id = p.payee_id
  left join bank_account a on a.timebank_id = $1 and a.payee_id = p.payee_id and a.state = 'in_use'
  {queries.CODED.strip()}
"""

OF_TWO = """
(p.approved_by is not null and (p.submitted_by is not null or p.created_by is null)
 and p.approved_by is distinct from p.submitted_by and substr(p.approved_digest, 1, 32) = p.content_digest)
"""
IS_GOOD = f"""
coalesce(p.is_of_two and p.approved_by is distinct from y.member_id and p.goes_to = {DESTINATION.strip()}, false)
"""
"""``rules.is_approval_good`` in SQL."""

APPROVED = f"""
select p.timebank_id, p.id, p.payee_id, p.kind, p.currency, p.due_on, p.budget_id, p.nominal_code, p.approved_by,
       substr(p.approved_digest, 33) as goes_to, {OF_TWO} as is_of_two,
       least(p.pence - p.settled_pence, coalesce(p.part_pence, p.pence)) as pence
  from payable p
 where p.timebank_id = $1 and p.state = 'approved'
"""  # noqa: S608
GROUPS = f"""
select p.payee_id, y.name as payee_name, p.kind, p.currency, y.pay_by,
       {IS_GOOD.strip()} as is_good, sum(p.payables)::bigint as payables, sum(p.pence)::bigint as pence
  from (select timebank_id, payee_id, kind, currency, budget_id, nominal_code, approved_by, goes_to, is_of_two,
               count(*) as payables, sum(pence) as pence
          from ({APPROVED}) p
         group by timebank_id, payee_id, kind, currency, budget_id, nominal_code, approved_by, goes_to, is_of_two) p
  {PAYEE.strip()}
 group by p.payee_id, y.name, p.kind, p.currency, y.pay_by, is_good
 order by y.name, p.payee_id, p.kind
"""  # noqa: S608
"""What is alike is counted first, so that ten thousand payables are compared with a few hundred payees."""

TAKEN = f"""
select p.id, p.payee_id, y.name as payee_name, p.kind, p.currency, y.pay_by, true as is_good, p.pence
  from ({APPROVED}) p
  {PAYEE.strip()}
 where {IS_GOOD.strip()} and y.pay_by = 'bank' and not (p.payee_id = any($2::bigint[]))
 order by p.due_on, p.id limit $3
"""  # noqa: S608
SPOILED = f"""
select p.id
  from ({APPROVED} and p.payee_id = any($2::bigint[])) p
  {PAYEE.strip()}
 where not {IS_GOOD.strip()}
 order by p.due_on, p.id limit $3
"""  # noqa: S608
TAKEN_GROUPS = f"""
select payee_id, payee_name, kind, currency, pay_by, is_good, count(*) as payables, sum(pence)::bigint as pence
  from ({TAKEN}) t
 group by payee_id, payee_name, kind, currency, pay_by, is_good
 order by payee_name, payee_id, kind
"""  # noqa: S608

CHANGED, NO_ACCOUNT, CASH, COVERED, TOO_MANY = "changed", "no_account", "cash", "covered", "too_many"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Approved payables of one payee, kind and currency that share a fate, and their sum in minor units."""

    payee_id: int
    payee_name: str
    kind: str
    currency: str
    pay_by: str
    is_good: bool
    payables: int
    pence: int


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """Approved payables of one payee that the next payment run leaves behind; ``why`` is one of the words above."""

    why: str
    payee_id: int
    payee_name: str
    payables: int
    pence: int
    credit_pence: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The next payment run in sums: ``groups`` leave; ``credited`` is kept back of each payee's, in minor units."""

    groups: tuple[Group, ...]
    credited: dict[int, int]
    behind: tuple[Behind, ...]

    @property
    def payable_count(self) -> int:
        """How many payables leave."""
        return sum(group.payables for group in self.groups)

    @property
    def payee_count(self) -> int:
        """How many payments the bank makes: one for each payee."""
        return len({group.payee_id for group in self.groups})

    @property
    def pence(self) -> int:
        """What leaves the bank, in minor units: less what is kept back for credits."""
        return sum(group.pence for group in self.groups) - self.credited_pence

    @property
    def credited_pence(self) -> int:
        """What is kept back for credits, in minor units."""
        return sum(self.credited.values())


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What an export takes now, locked; ``credits`` are those to keep back from, of the payees in it."""

    payables: tuple[PayableFacts, ...]
    spoiled: tuple[PayableFacts, ...]
    credited: dict[int, int]
    credits: tuple[CreditLeft, ...]
    behind: tuple[Behind, ...]


async def plan(connection: Connection, timebank_id: int, payment_format: PaymentFormat) -> Plan:
    """The next payment run in this format, as sums; locks nothing.

    Raises:
        KeyMissing: the key that an account was locked with is not here.
    """
    groups = [msgspec.convert(dict(row), Group) for row in await connection.fetch(GROUPS, timebank_id)]
    payable = [group for group in groups if group.is_good and group.pay_by == "bank"]
    unreached = await _unreached(connection, timebank_id, {group.payee_id for group in payable}, payment_format)
    taken = [group for group in payable if group.payee_id not in unreached]
    limit = rules.MAX_PER_BATCH
    left_over = max(0, sum(group.payables for group in taken) - limit)
    if left_over:
        rows = await connection.fetch(TAKEN_GROUPS, timebank_id, sorted(unreached), limit)
        taken = [msgspec.convert(dict(row), Group) for row in rows]
    left = credit_queries.by_payee(await credit_queries.left(connection, timebank_id))
    credited, covered = net(_sums(taken), left)
    behind = [
        *_behind(CHANGED, [group for group in groups if not group.is_good]),
        *_behind(NO_ACCOUNT, [group for group in payable if group.payee_id in unreached]),
        *_behind(CASH, [group for group in groups if group.is_good and group.pay_by == "cash"], left),
        *_behind(COVERED, [group for group in taken if group.payee_id in covered], left),
    ]
    if left_over:
        behind.append(Behind(why=TOO_MANY, payee_id=0, payee_name="", payables=left_over, pence=0))
    return Plan(
        groups=tuple(group for group in taken if group.payee_id not in covered),
        credited=credited,
        behind=tuple(behind),
    )


async def select(connection: Connection, timebank_id: int, payment_format: PaymentFormat) -> Selection:
    """What an export in this format takes now; payables and credits are locked, in the order of their ids."""
    groups = [msgspec.convert(dict(row), Group) for row in await connection.fetch(GROUPS, timebank_id)]
    payees = {group.payee_id for group in groups if group.is_good and group.pay_by == "bank"}
    unreached = await _unreached(connection, timebank_id, payees, payment_format)
    rows = await connection.fetch(TAKEN, timebank_id, sorted(unreached), rules.MAX_PER_BATCH)
    found = await queries.lock_approved(connection, timebank_id, [row["id"] for row in rows])
    # Checked again, now that nobody can change them.
    payables = [one for one in found if rules.is_approval_good(one) and one.pay_by == "bank"]
    sums: dict[int, int] = {}
    for payable in payables:
        sums[payable.payee_id] = sums.get(payable.payee_id, 0) + payable.next_pence
    left = await credit_queries.left(connection, timebank_id, sorted(sums), lock=True)
    owing = credit_queries.by_payee(left)
    credited, covered = net(sums, owing)
    spoiled = await spoiled_ids(
        connection, timebank_id, [one.payee_id for one in groups if not one.is_good], rules.MAX_NAMED
    )
    good = [group for group in groups if group.is_good]
    return Selection(
        payables=tuple(one for one in payables if one.payee_id not in covered),
        spoiled=tuple(await queries.by_ids(connection, timebank_id, spoiled)),
        credited=credited,
        credits=tuple(one for one in left if one.payee_id in credited),
        behind=(
            *_behind(NO_ACCOUNT, [group for group in good if group.payee_id in unreached]),
            *_behind(COVERED, [group for group in good if group.payee_id in covered], owing),
        ),
    )


async def spoiled_ids(connection: Connection, timebank_id: int, payees: Sequence[int], limit: int) -> list[int]:
    """The first payables of these payees that changed after they were approved."""
    return [row["id"] for row in await connection.fetch(SPOILED, timebank_id, sorted(set(payees)), limit)]


def net(owed: Mapping[int, int], credit: Mapping[int, int]) -> tuple[dict[int, int], frozenset[int]]:
    """What is kept back of each payee's payment, and the payees whose credits cover all that is owed to them.

    A bank moves a penny at least. Who owes us as much as we owe them, or more, gets no payment: see
    ``credits.settle_debt``.
    """
    covered = frozenset(payee_id for payee_id, pence in owed.items() if credit.get(payee_id, 0) >= pence)
    kept = {payee_id: credit[payee_id] for payee_id in owed if payee_id not in covered and credit.get(payee_id)}
    return kept, covered


async def _unreached(
    connection: Connection, timebank_id: int, payees: set[int], payment_format: PaymentFormat
) -> set[int]:
    """The payees that this format cannot pay, because it needs an account that they do not have."""
    if not payees or payment_format.reaches(None):
        return set()
    known = await accounts(connection, timebank_id, sorted(payees))
    return {payee_id for payee_id in payees if not payment_format.reaches(known.get(payee_id))}


def _sums(groups: Sequence[Group]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for group in groups:
        sums[group.payee_id] = sums.get(group.payee_id, 0) + group.pence
    return sums


def _behind(why: str, groups: Sequence[Group], credit: Mapping[int, int] | None = None) -> list[Behind]:
    """One line for each payee."""
    found: dict[int, Behind] = {}
    for group in groups:
        before = found.get(group.payee_id)
        found[group.payee_id] = Behind(
            why=why,
            payee_id=group.payee_id,
            payee_name=group.payee_name,
            payables=group.payables + (before.payables if before else 0),
            pence=group.pence + (before.pence if before else 0),
            credit_pence=(credit or {}).get(group.payee_id, 0),
        )
    return list(found.values())
