"""Fees and budgets: what is offered is held, what is taken is spent, and nobody is offered what is not there."""

from datetime import date

import msgspec
import pytest

from tests.contributed import codes, group, lead, line, save, try_save
from tests.integration.budgets.funding import budget, call, code, fund, sums
from tests.integration.fees.feeing import assert_sound, chose, fee_of, fees_of, gave, key, set_rate, try_choose
from tests.integration.fees.test_fees_arising import approved, exported, put_right
from tests.integration.payments.helpers import facts as payable_facts
from tests.people import NOW, Bank
from timebank.activities import service as activities
from timebank.activities.service import ActivityDetails, ChangeActivity
from timebank.fees import service
from timebank.fees.service import ChooseEvery, PricedFees, PriceFees
from timebank.payments import coding
from timebank.payments.coding import Code
from timebank.rates import service as rates
from timebank.rates.service import ProposeRate

HOUR = 1200


async def advisers(bank: Bank, budget_id: int | None, **more: object) -> int:
    return await group(bank, "Advisers", gives="fee", budget_id=budget_id, **more)


async def test_an_offer_is_held_and_what_is_taken_is_spent_with_its_coding(bank) -> None:
    await set_rate(bank, HOUR)
    nominal, centre = await code(bank, "nominal_code", "7200"), await code(bank, "cost_centre", "CC9")
    own = await budget(bank, pence=5000, nominal_code_id=nominal, cost_centre_id=centre)
    member = await bank.member()
    fee = await gave(bank, await advisers(bank, own), member)
    assert await sums(bank, own) == (0, 1200, 0, 3800)
    part = await chose(bank, fee, "part", pence=500)
    assert await sums(bank, own) == (500, 0, 0, 4500)
    owed = await payable_facts(bank.db, bank.id, part.payable_reference)
    assert (owed.budget_id, owed.nominal_code, owed.cost_centre) == (own, "7200", "CC9")
    await chose(bank, await fee_of(bank, fee.reference), "none")
    assert await sums(bank, own) == (0, 0, 0, 5000)
    await assert_sound(bank)


async def test_time_is_not_approved_for_a_fee_that_its_budget_cannot_pay(bank) -> None:
    await set_rate(bank, HOUR)
    own = await budget(bank, pence=3000)
    activity = await advisers(bank, own)
    one, two, three = [await bank.member() for _ in range(3)]
    refused = await try_save(bank, activity, line(one), line(two), line(three))
    assert codes(refused) == ["budget_overspent"]
    assert "has £30.00 left, and this needs £36.00" in refused[0].message
    assert "ask finance" in refused[0].message
    assert await fees_of(bank, one) == []
    await save(bank, activity, line(one), line(two))
    assert await sums(bank, own) == (0, 2400, 0, 600)
    # A leader who is no member of staff reads no figures.
    leader = await lead(bank, activity, await bank.member())
    refused = await try_save(bank, activity, line(three), actor=leader)
    assert codes(refused) == ["no_budget_left"]
    assert "£" not in refused[0].message


async def test_who_declined_takes_it_later_only_while_the_money_is_there(bank) -> None:
    await set_rate(bank, HOUR)
    own = await budget(bank, pence=1500)
    activity = await advisers(bank, own)
    one, two = await bank.member(), await bank.member()
    first = await gave(bank, activity, one)
    await chose(bank, first, "none")
    second = await gave(bank, activity, two)
    again = await fee_of(bank, first.reference)
    assert codes(await try_choose(bank, again, "all")) == ["no_budget_left"]
    assert codes(await try_choose(bank, again, "all", bank.coordinator, how_agreed="By phone")) == ["budget_overspent"]
    assert (await fee_of(bank, first.reference)).how == "none"
    await chose(bank, second, "part", pence=300)
    await chose(bank, again, "all")
    assert await sums(bank, own) == (1500, 0, 0, 0)
    await assert_sound(bank)


async def test_corrections_follow_and_what_has_left_stays_spent(bank) -> None:
    await set_rate(bank, HOUR)
    own = await budget(bank, pence=3000)
    member = await bank.member()
    fee = await gave(bank, await advisers(bank, own), member)
    await put_right(bank, fee.contribution_id, 120)
    assert await sums(bank, own) == (0, 2400, 0, 600)
    with pytest.raises(Exception, match=r"budget_overspent|has £6.00 left"):
        await put_right(bank, fee.contribution_id, 240)
    taken = await chose(bank, await fee_of(bank, fee.reference), "all")
    await approved(bank, taken.payable_reference)
    await exported(bank)
    await put_right(bank, fee.contribution_id, 150)
    assert await sums(bank, own) == (2400, 600, 0, 0)
    await put_right(bank, fee.contribution_id, 60)
    assert await sums(bank, own) == (2400, 0, 0, 600)


async def test_standing_choices_are_paid_at_once_and_declined_ones_need_no_money(bank) -> None:
    await set_rate(bank, HOUR)
    own = await budget(bank, pence=1200)
    activity = await advisers(bank, own)
    takes, declines = await bank.member(), await bank.member()
    for member_id, how in ((takes, "all"), (declines, "none")):
        command = ChooseEvery(member_id=member_id, how=how)
        assert not isinstance(await service.choose_every(bank.db, bank.coordinator, command, key=key(), now=NOW), list)
    await save(bank, activity, line(takes), line(declines))
    assert await sums(bank, own) == (1200, 0, 0, 0)
    assert codes(await try_save(bank, activity, line(takes, duplicate_reason="Two"))) == ["budget_overspent"]


async def test_a_fee_that_was_coded_to_another_budget_is_new_to_its_own(bank) -> None:
    await set_rate(bank, HOUR)
    own, other = await budget(bank, pence=1200), await budget(bank, pence=5000)
    activity = await advisers(bank, own)
    one, two = await bank.member(), await bank.member()
    taken = await chose(bank, await gave(bank, activity, one), "part", pence=1000)
    coded = Code(reference=taken.payable_reference, budget_id=other)
    assert not isinstance(await coding.code(bank.db, bank.finance, coded, **call(bank)), list)
    await gave(bank, activity, two)
    assert (await sums(bank, own), await sums(bank, other)) == ((0, 1200, 0, 0), (1000, 0, 0, 4000))
    [fee] = await fees_of(bank, one)
    assert codes(await try_choose(bank, fee, "part", pence=900)) == ["no_budget_left"]
    assert (await sums(bank, own), await sums(bank, other)) == ((0, 1200, 0, 0), (1000, 0, 0, 4000))


async def test_dates_count_when_the_time_is_approved(bank) -> None:
    await set_rate(bank, HOUR)
    later = await budget(bank, pence=9000, starts_on=date(2026, 4, 1))
    activity = await advisers(bank, later)
    refused = await try_save(bank, activity, line(await bank.member()))
    assert codes(refused) == ["outside_budget"]


async def test_a_rate_names_the_budget_of_groups_without_one(bank) -> None:
    member = await bank.member()
    grant = await fund(bank)
    activity = await advisers(bank, None, band="Adviser", fund_id=grant)
    waiting = await gave(bank, activity, member)
    assert waiting.state == "no_rate"
    own, other = await budget(bank, pence=5000, fund_id=grant), await budget(bank, pence=5000)
    await set_rate(bank, HOUR, band="Adviser", fund_id=grant, budget_id=own)
    priced = await service.price(bank.db, bank.finance, PriceFees(), key=key(), now=NOW)
    assert priced == PricedFees(priced=1, without_rate=0)
    assert await sums(bank, own) == (0, 1200, 0, 3800)
    await gave(bank, activity, member)
    assert await sums(bank, own) == (0, 2400, 0, 2600)
    # The group's own budget comes first.
    await gave(bank, await group(bank, "Readers", gives="fee", band="Adviser", fund_id=grant, budget_id=other), member)
    assert await sums(bank, other) == (0, 1200, 0, 3800)


async def test_what_a_rate_and_a_group_may_be_paid_from(bank) -> None:
    grant, other = await fund(bank), await fund(bank)
    own = await budget(bank, pence=5000, fund_id=grant)
    late = await budget(bank, pence=5000, starts_on=date(2026, 6, 1))

    async def proposed(**fields: object):
        command = ProposeRate(**{"kind": "fee", "unit": "hour", "pence": 1, "from_on": date(2026, 3, 1)} | fields)
        return codes(await rates.propose(bank.db, bank.finance, command, key=key(), now=NOW))

    assert await proposed(fund_id=other, budget_id=own) == ["other_fund"]
    assert await proposed(fund_id=10**9) == ["unknown_fund"]
    assert await proposed(budget_id=late) == ["outside_budget"]
    assert await proposed(kind="mileage", unit="mile", budget_id=own) == ["unwanted_budget"]

    async def changed(**fields: object):
        details = msgspec.structs.replace(ActivityDetails(name="Advisers"), **fields)
        given = {name: getattr(details, name) for name in ActivityDetails.__struct_fields__}
        command = ChangeActivity(activity_id=activity, **given)
        return await activities.change_activity(bank.db, bank.coordinator, command, **call(bank))

    activity = await group(bank, "Advisers")
    assert codes(await changed(fund_id=other, budget_id=own)) == ["other_fund"]
    assert codes(await changed(budget_id=10**9)) == ["unknown_budget"]
    assert codes(await changed(fund_id=2**63)) == ["unknown_fund"]
    assert await changed(fund_id=grant, budget_id=own) == activity
