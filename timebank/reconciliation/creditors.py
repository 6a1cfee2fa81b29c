"""Aged creditors: what is owed to each payee, by how long ago it was earned. Pure but for its one query."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from timebank.db import Connection
from timebank.kit import csv
from timebank.kit.csv import Plain
from timebank.kit.money import decimal

LAST_DAYS = (30, 60, 90)
"""The last day of each age; the last age is open."""
AGES = ("0 to 30 days", "31 to 60 days", "61 to 90 days", "Over 90 days")
MAX_PAYEES = 2_000

# What is on its way has left the payee's account in the ledger, so it stands apart. Added up before names are looked
# for: an index (payable_owed) holds all that the first sum needs.
OWED = """
with owed as (
    select p.payee_id, p.earned_on, sum(p.pence - p.settled_pence)::bigint as pence
      from payable p
     where p.timebank_id = $1 and p.state not in ('paid', 'cancelled')
     group by p.payee_id, p.earned_on),
sent as (
    select p.payee_id, p.earned_on, sum(t.pence)::bigint as pence
      from payment_attempt t
      join payable p on p.timebank_id = t.timebank_id and p.id = t.payable_id
     where t.timebank_id = $1 and t.is_live and p.state not in ('paid', 'cancelled')
     group by p.payee_id, p.earned_on)
select y.id, y.name, o.earned_on, o.pence - coalesce(s.pence, 0) as pence, coalesce(s.pence, 0) as on_its_way
  from owed o
  join payee y on y.timebank_id = $1 and y.id = o.payee_id
  left join sent s on s.payee_id = o.payee_id and s.earned_on = o.earned_on
 order by lower(y.name), y.id, o.earned_on
"""
IN_LEDGER = """
select coalesce(sum(b.posted), 0)::bigint from ledger.account a
  join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
 where a.book_id = $1 and a.code like 'payable/%'
"""


@dataclass(slots=True)
class Creditor:
    """One payee: what is owed by age, and what is on its way, in minor units."""

    payee_id: int
    name: str
    ages: list[int] = field(default_factory=lambda: [0] * len(AGES))
    on_its_way: int = 0

    @property
    def pence(self) -> int:
        """All that is owed and not on its way."""
        return sum(self.ages)


@dataclass(frozen=True, slots=True)
class Creditors:
    """Everybody to whom something is owed. ``ledger_pence`` is the sum of their accounts: it must be ``pence``."""

    payees: tuple[Creditor, ...]
    ages: tuple[int, ...]
    on_its_way: int
    ledger_pence: int

    @property
    def pence(self) -> int:
        """All that is owed and not on its way."""
        return sum(self.ages)


async def creditors(connection: Connection, timebank_id: int, today: date) -> Creditors:
    """What is owed on this day, by payee and age: days since it was earned. At most :data:`MAX_PAYEES` are listed."""
    rows = await connection.fetch(OWED, timebank_id)
    found = aged(rows, today)
    ages = tuple(sum(one.ages[n] for one in found) for n in range(len(AGES)))
    on_its_way = sum(one.on_its_way for one in found)
    ledger: int = await connection.fetchval(IN_LEDGER, timebank_id)
    return Creditors(tuple(found[:MAX_PAYEES]), ages, on_its_way, ledger)


def aged(rows: list[Any], today: date) -> list[Creditor]:
    """Amounts by payee and day, added up by age, in the order of the rows."""
    found: dict[int, Creditor] = {}
    for row in rows:
        one = found.setdefault(row["id"], Creditor(row["id"], row["name"]))
        one.ages[age((today - row["earned_on"]).days)] += row["pence"]
        one.on_its_way += row["on_its_way"]
    return list(found.values())


def age(days: int) -> int:
    """Which of :data:`AGES` a number of days belongs to."""
    return next((n for n, last in enumerate(LAST_DAYS) if days <= last), len(LAST_DAYS))


def as_csv(found: Creditors, currency: str) -> str:
    """The list for a spreadsheet, with its totals in the last line."""
    heading: list[str | int] = ["Payee", *AGES, "Owed", "On its way", "Currency"]
    table = [heading]
    for one in found.payees:
        amounts = [Plain(decimal(pence, currency)) for pence in (*one.ages, one.pence, one.on_its_way)]
        table.append([one.name, *amounts, currency])
    sums = [Plain(decimal(pence, currency)) for pence in (*found.ages, found.pence, found.on_its_way)]
    table.append(["Total", *sums, currency])
    return csv.write(table)
