"""A report put together: read once, shown as a page, a spreadsheet, a PDF and by the API."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from timebank.db import Connection
from timebank.kit import csv, money
from timebank.payments.settings import payment_settings
from timebank.reports import queries, rules
from timebank.reports.asked import Asked
from timebank.reports.queries import DaysToPay, FeesLine, HoursLine, MoneyLine
from timebank.reports.rules import Exposure

MIX_DAYS = 365
KIND_NAMES = {
    "voucher": "Vouchers",
    "training": "Training places",
    "fee": "Involvement fees",
    "expense": "Expenses",
    "access": "Access costs",
    "other": "Other",
    "peer_support": "Help between members",
}
HOW_NAMES = {"all": "Taken", "part": "Taken in part", "none": "Declined", "charity": "Given to a charity"}


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of a chart: its label, its amount in words, and how long it is, 0 to 1,000."""

    label: str
    words: str
    length: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in some days: time given, money earned and paid, fees chosen, and what may come."""

    asked: Asked
    currency: str
    people: int
    hours: list[HoursLine]
    money: list[MoneyLine]
    days_to_pay: list[DaysToPay]
    fees: list[FeesLine]
    outstanding: int
    exposures: list[Exposure]

    @property
    def minutes(self) -> int:
        """All the time that members gave."""
        return sum(line.minutes for line in self.hours)

    @property
    def staff_minutes(self) -> int:
        """Paid staff time, which is never in the hours of members."""
        return sum(line.staff_minutes for line in self.hours)

    @property
    def pence(self) -> int:
        """All that was earned."""
        return sum(line.pence for line in self.money)

    @property
    def by_activity(self) -> list[tuple[str, int]]:
        """Minutes of each activity, most first."""
        sums: dict[str, int] = {}
        for line in self.hours:
            sums[line.activity] = sums.get(line.activity, 0) + line.minutes
        return sorted(sums.items(), key=lambda one: (-one[1], one[0]))

    @property
    def by_kind(self) -> list[tuple[str, int, int, int]]:
        """Of each kind: payables, pence earned, pence paid."""
        sums: dict[str, tuple[int, int, int]] = {}
        for line in self.money:
            payables, pence, paid = sums.get(line.kind, (0, 0, 0))
            sums[line.kind] = payables + line.payables, pence + line.pence, paid + line.paid_pence
        return [(kind, *sums[kind]) for kind in sorted(sums)]

    @property
    def by_month(self) -> list[tuple[date, int, int]]:
        """Of each month: minutes given and pence earned; a month in which nothing happened is there too."""
        minutes = dict.fromkeys(rules.months(self.asked.first, self.asked.last), 0)
        pence = dict(minutes)
        for line in self.hours:
            minutes[line.month] += line.minutes
        for earned in self.money:
            pence[earned.month] += earned.pence
        return [(month, minutes[month], pence[month]) for month in minutes]


async def make(connection: Connection, timebank_id: int, asked: Asked, *, currency: str, now: datetime) -> Report:
    """Read everything that a report shows, in one snapshot."""
    used = await queries.used_since(connection, timebank_id, now - timedelta(days=MIX_DAYS))
    outstanding = await queries.outstanding_minutes(connection, timebank_id)
    span = asked.first, asked.last
    return Report(
        asked=asked,
        currency=currency,
        people=await queries.people(connection, timebank_id, *span, asked.funder),
        hours=await queries.hours(connection, timebank_id, *span, asked.funder),
        money=await queries.money(connection, timebank_id, *span, asked.funder),
        days_to_pay=await queries.days_to_pay(connection, timebank_id, *span),
        fees=await queries.fees(connection, timebank_id, *span),
        outstanding=outstanding,
        exposures=rules.forecast(outstanding, used),
    )


async def tax_years(connection: Connection, timebank_id: int, today: date) -> list[date]:
    """The first days of the tax years in which anything was paid, newest first, and always this one."""
    settings = await payment_settings(connection, timebank_id)
    begins = rules.tax_year(today, month=settings.tax_year_month, first_day=settings.tax_year_day)
    first = await queries.first_paid(connection, timebank_id)
    found = [begins]
    while first is not None and first < found[-1] and len(found) < queries.MAX_YEARS:
        found.append(date(found[-1].year - 1, begins.month, begins.day))
    return found


def bars(amounts: Sequence[tuple[str, int, str]]) -> list[Bar]:
    """Bars of a label, an amount and the amount in words, the longest 1,000 long."""
    longest = max((amount for _, amount, _ in amounts), default=0)
    return [
        Bar(label=label, words=words, length=1000 * max(amount, 0) // longest if longest > 0 else 0)
        for label, amount, words in amounts
    ]


def as_csv(report: Report) -> str:
    """Every line of a report for a spreadsheet: time in minutes, money in the time bank's currency.

    As a funder may read it: small numbers of people, and of fees, are not in it.
    """
    table: list[list[str | int]] = [
        ["What", "Activity or type", "Funder", "Month", "Minutes", "Staff minutes", "People", "Count", "Earned", "Paid"]
    ]
    for line in report.hours:
        month = csv.Plain(line.month.isoformat()[:7])
        table.append(
            ["Time given", line.activity, line.funder, month, line.minutes, line.staff_minutes,
             rules.people_words(line.people), "", "", ""]
        )  # fmt: skip
    for earned in report.money:
        month = csv.Plain(earned.month.isoformat()[:7])
        pence, paid = (csv.Plain(money.decimal(one, report.currency)) for one in (earned.pence, earned.paid_pence))
        kind = KIND_NAMES.get(earned.kind, earned.kind)
        table.append(["Money", kind, report.asked.funder, month, "", "", "", earned.payables, pence, paid])
    for fee in report.fees:
        is_shown = fee.fees >= rules.FEWEST_PEOPLE
        pence = csv.Plain(money.decimal(fee.pence, report.currency) if is_shown else "")
        table.append(["Fees", HOW_NAMES[fee.how], "", "", "", "", "", rules.people_words(fee.fees), pence, ""])
    return csv.write(table)
