"""Figures of reports counted again, in Python from plain rows of random data; days at the edge of a tax year."""

import random
from collections import defaultdict
from datetime import date, timedelta

from tests.contributed import group, line, save
from tests.people import Bank
from timebank.reports import making, queries, rules
from timebank.reports.asked import Asked

FIRST, LAST = date(2025, 11, 1), date(2026, 3, 10)
ROWS = """
select a.name, a.funder, c.held_on, c.minutes, c.kind, c.member_id, c.state
  from contribution c join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
 where c.timebank_id = $1
"""


async def test_hours_by_activity_funder_and_month_are_those_of_the_rows(bank: Bank) -> None:
    chance = random.Random(17)
    funders = {"Walks": "A fund", "Talks": "A fund", "Lunch": "", "Choir": "B fund"}
    groups = [await group(bank, name, funder=funder) for name, funder in funders.items()]
    members = [await bank.member(f"Member {n}") for n in range(4)]
    for activity in groups:
        for _ in range(3):
            day = LAST - timedelta(days=chance.randrange(100))
            kinds = {} if chance.random() < 0.7 else {"kind": "staff"}
            lines = [
                line(one, chance.randrange(1, 200), held_on=day, **kinds)
                for one in chance.sample(members, chance.randrange(1, 4))
            ]
            await save(bank, activity, *lines)
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(ROWS, bank.id)
        for funder in ("", "A fund", "B fund", "no such fund"):
            for first, last in ((FIRST, LAST), (date(2026, 1, 15), date(2026, 2, 15))):
                report = await making.make(
                    connection, bank.id, Asked(first=first, last=last, funder=funder), currency="GBP", now=bank.now
                )
                given: dict[tuple[date, str, str], list[int]] = defaultdict(lambda: [0, 0])
                people: dict[tuple[date, str, str], set[int]] = defaultdict(set)
                for row in rows:
                    is_asked = first <= row["held_on"] <= last and funder in ("", row["funder"])
                    if row["state"] != "approved" or not is_asked:
                        continue
                    key = row["held_on"].replace(day=1), row["name"], row["funder"]
                    given[key][row["kind"] == "staff"] += row["minutes"]
                    if row["kind"] != "staff":
                        people[key].add(row["member_id"])
                found = {
                    (one.month, one.activity, one.funder): ([one.minutes, one.staff_minutes], one.people)
                    for one in report.hours
                }
                assert found == {key: (given[key], len(people[key])) for key in given}
                assert len(found) == len(report.hours)
                assert report.people == len(set().union(*people.values()))
                assert report.minutes == sum(one[0] for one in given.values())
                assert sum(minutes for _, minutes, _ in report.by_month) == report.minutes


async def test_a_tax_year_ends_on_the_fifth_of_april(bank: Bank) -> None:
    for day, begins in ((date(2026, 4, 5), 2025), (date(2026, 4, 6), 2026), (date(2026, 1, 1), 2025)):
        assert rules.tax_year(day, month=4, first_day=6) == date(begins, 4, 6)
        assert rules.tax_year(day, month=1, first_day=1) == date(2026, 1, 1)
    async with bank.db.reading(bank.id) as connection:
        assert await queries.paid_to(connection, bank.id, date(2025, 4, 6), date(2026, 4, 6)) == []
