"""What leaves next is summed in the database: it must say what the rules say of each payable, whatever has changed."""

import random
from collections import Counter
from datetime import date
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tests.integration.budgets.funding import budget, code
from tests.integration.payees.accounts_made import CAFE, COLLEGE, confirmed
from tests.integration.payments.helpers import add_payee, approved, call, facts
from tests.people import Bank
from timebank.db import Connection
from timebank.payees.details import ChangePayee, change_payee
from timebank.payments import leaving, overview, queries, rules
from timebank.payments.formats import FORMATS
from timebank.payments.rules import PayableFacts

ODD = 'a "b" \\ c\n\t\x01\x7f é 漢 \u2028 3:x-'

INSERT = """
insert into payable (timebank_id, reference, kind, payee_id, pence, currency, description, due_on, state, source_kind,
                     source_id, earned_on, entry_id, created_by, created_at, submitted_by, approved_by, changed_at,
                     nominal_code, budget_id, part_pence)
values ($1, $2, $3, $4, $5, 'GBP', $6, $7, 'approved', 'request', $8, '2026-02-03', gen_random_uuid(), $9, now(), $10,
        $11, now(), $12, $13, $14)
"""


async def digests(connection: Connection, bank: Bank) -> dict[str, bytes]:
    """The digest of every payable, as the database makes it."""
    rows = await connection.fetch(
        f"select p.reference, p.content_digest || {leaving.DESTINATION} as digest from payable p {leaving.PAYEE} "
        "where p.timebank_id = $1",
        bank.id,
    )
    return {row["reference"]: row["digest"] for row in rows}


async def test_the_digest_is_the_same_in_sql(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, 'Ünïcode “quotes” "\\ \t/ 🍞')
    reference = await approved(bank, payee)
    own = await budget(bank, pence=5000, cost_centre_id=await code(bank, "cost_centre", "CC1"))
    async with bank.db.writing(bank.id) as connection:
        for change in (
            "order_number = 'PO-1'",
            "description = $2, tax_code = 'T1', part_pence = 5",
            f"budget_id = {own}",
            "due_on = '1999-12-31', nominal_code = '5010'",
        ):
            values = (reference, ODD)[: 2 if "$2" in change else 1]
            await connection.execute(f"update payable set {change} where reference = $1", *values)
            found = await queries.by_reference(connection, bank.id, reference)
            assert found is not None
            assert (await digests(connection, bank))[reference] == rules.digest(found)
    assert (found.cost_centre, found.nominal_code, found.description) == ("CC1", "5010", ODD)


@pytest.mark.parametrize("seed", range(4))
async def test_the_sums_are_those_of_the_rules_whatever_has_changed(bank: Bank, seed: int) -> None:
    chance = random.Random(seed)
    payees = [await add_payee(bank.db, bank.finance, name) for name in ("A", "Ünï “B” 🍞", "C", "D", "E")]
    await confirmed(bank, payees[0], CAFE)
    budgets = [None, await budget(bank, pence=90_000), await budget(bank, pence=90_000, nominal_code_id=None)]
    async with bank.db.writing(bank.id) as connection:
        await fill(connection, bank, payees, budgets, chance)
        before = {one.reference: one for one in await queries.in_state(connection, bank.id, rules.APPROVED)}
        assert await digests(connection, bank) == {one.reference: rules.digest(one) for one in before.values()}
        await connection.executemany(
            "update payable set approved_digest = $2 where reference = $1",
            [(one.reference, rules.digest(one)) for one in before.values() if chance.random() < 0.95],
        )
    await disturb(bank, payees, sorted(before), chance)
    async with bank.db.reading(bank.id) as connection:
        payables = await queries.in_state(connection, bank.id, rules.APPROVED)
        groups = [msgspec.convert(dict(row), leaving.Group) for row in await connection.fetch(leaving.GROUPS, bank.id)]
        taken = [row["id"] for row in await connection.fetch(leaving.TAKEN, bank.id, [], 1000)]
        spoiled = await leaving.spoiled_ids(connection, bank.id, payees, 1000)
        page = await overview.overview(connection, bank.id, FORMATS[0])
    good = [one for one in payables if rules.is_approval_good(one)]
    assert 5 < len(good) < len(payables) - 5, "a test of some of both"
    sums: Counter[Any] = Counter()
    for one in payables:
        fate = (one.payee_id, one.payee_name, one.kind, one.currency, one.pay_by, rules.is_approval_good(one))
        sums[fate, "payables"] += 1
        sums[fate, "pence"] += one.next_pence
    found = {
        ((one.payee_id, one.payee_name, one.kind, one.currency, one.pay_by, one.is_good), what): getattr(one, what)
        for one in groups
        for what in ("payables", "pence")
    }
    assert found == dict(sums)
    assert len(groups) * 2 == len(found), "each fate is one group"
    assert taken == due_first([one for one in good if one.pay_by == "bank"])
    assert spoiled == due_first([one for one in payables if one not in good])
    assert [one.id for one in page.spoiled] == sorted(spoiled)
    assert page.plan.payable_count == len(taken)


async def test_who_changed_after_approval_is_named_and_stays_behind(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    references = [await approved(bank, payee) for _ in range(3)]
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update payable set description = 'Dinner' where reference = $1", references[1])
        page = await overview.overview(connection, bank.id, FORMATS[0])
    assert [one.reference for one in page.spoiled] == [references[1]]
    assert {one.reference for one in page.ready} == {references[0], references[2]}
    [behind] = page.plan.behind
    assert (behind.why, behind.payables, behind.pence) == (leaving.CHANGED, 1, 1250)


async def test_a_payee_that_changes_its_name_takes_every_approval_with_it(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await approved(bank, payee)
    command = ChangePayee(payee_id=payee, name="Another Café", supplier_reference="SUP-1")
    await change_payee(bank.db, bank.finance, command, **call())
    assert not rules.is_approval_good(await facts(bank.db, bank.id, reference))
    async with bank.db.reading(bank.id) as connection:
        plan = await leaving.plan(connection, bank.id, FORMATS[0])
    assert (plan.payable_count, [one.why for one in plan.behind]) == (0, [leaving.CHANGED])


async def fill(
    connection: Connection, bank: Bank, payees: list[int], budgets: list[int | None], chance: random.Random
) -> None:
    """Eighty approved payables of every sort, which nobody signed yet."""
    rows = [
        (
            bank.id, f"{uuid4().hex[:8].upper()}-{n % 10}", chance.choice(rules.KINDS), chance.choice(payees),
            chance.randrange(1, 9999), chance.choice(["Lunch", ODD, "Lunch 2"]), date(2026, 4, chance.randrange(1, 9)),
            7_000_000 + n, chance.choice([None, bank.coordinator.member_id]),
            chance.choice([None, bank.coordinator.member_id]),
            chance.choice([bank.finance, bank.finance_two]).member_id,
            chance.choice(["", "", "5010"]), chance.choice(budgets), chance.choice([None, None, 1]),
        )
        for n in range(80)
    ]  # fmt: skip
    await connection.executemany(INSERT, rows)


async def disturb(bank: Bank, payees: list[int], references: list[str], chance: random.Random) -> None:
    """Change some of what was signed: of payables, of a payee, of an account, of the usual codes."""
    changes = [
        "description = 'Other'", "pence = pence + 1", "part_pence = 2", "due_on = due_on + 1", "order_number = 'PO'",
        "approved_by = null", "nominal_code = '6000'", "tax_pence = 1", "invoice_number = 'INV 9'",
        "submitted_by = null", "budget_id = null",
    ]  # fmt: skip
    async with bank.db.writing(bank.id) as connection:
        for reference in chance.sample(references, 24):
            change = chance.choice(changes)
            await connection.execute(f"update payable set {change} where reference = $1", reference)
        kind = chance.choice(rules.KINDS)
        await connection.execute(
            "insert into nominal_default (timebank_id, kind, code, set_by, set_at) values ($1, $2, '7000', $3, now())",
            bank.id,
            kind,
            bank.finance.member_id,
        )
        await connection.execute("update payee set pay_by = 'cash' where id = $1", payees[2])
        if chance.random() < 0.5:
            await connection.execute("update payee set name = name || '.' where id = $1", chance.choice(payees))
        await connection.execute(
            "update payee set member_id = $2, kind = 'member' where id = $1", payees[3], bank.finance.member_id
        )
    if chance.random() < 0.5:
        await confirmed(bank, payees[chance.randrange(2)], COLLEGE)


def due_first(payables: list[PayableFacts]) -> list[int]:
    return [one.id for one in sorted(payables, key=lambda one: (one.due_on, one.id))]
