"""Bank details: two people, one account in use, everybody told, nothing to be read in the database."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.payees.accounts_made import (
    ABROAD,
    CAFE,
    COLLEGE,
    OURS,
    call,
    confirmed,
    in_use,
    proposed,
    states,
)
from tests.integration.payments.helpers import add_payee, approved, codes, facts
from tests.people import NOW, Bank
from timebank.db import KeyReused, digest
from timebank.kit import vault
from timebank.kit.actor import Actor
from timebank.payees import accounts, queries
from timebank.payees.accounts import (
    DecideAccount,
    LookAtAccount,
    Looked,
    ProposeAccount,
    Proposed,
    ProposeMyAccount,
    WithdrawAccount,
)
from timebank.payees.details import OpenPayee, open_payee
from timebank.payees.reading import Typed
from timebank.payments.rules import is_approval_good


async def decide(bank: Bank, actor: Actor, account_id: int, *, confirm: bool = True, why: str = "") -> Any:
    command = DecideAccount(account_id=account_id, confirm=confirm, why=why)
    return await accounts.decide(bank.db, actor, command, **call())


async def messages(bank: Bank) -> list[tuple[int, str]]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select member_id, subject from message where timebank_id = $1 and kind = 'bank_details' order by id",
            bank.id,
        )
    return [(row["member_id"], row["subject"]) for row in rows]


async def test_an_account_is_in_use_after_a_second_person_confirmed_it(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    account_id = await proposed(bank.db, bank.finance, payee)
    assert await in_use(bank, payee) is None
    done = await decide(bank, bank.finance_two, account_id)
    assert (done.state, done.approvals_void) == ("in_use", 0)
    account = await in_use(bank, payee)
    assert account is not None
    assert (account.sort_code, account.number, account.holder) == ("089999", "66374958", "Corner Cafe Ltd")
    assert await messages(bank) == [
        (bank.finance_two.member_id, "Bank details wait to be checked"),
        (bank.finance.member_id, "Bank details confirmed"),
    ]


async def test_nobody_confirms_what_they_typed(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    account_id = await proposed(bank.db, bank.finance, payee)
    assert codes(await decide(bank, bank.finance, account_id)) == ["own_proposal"]
    assert codes(await decide(bank, bank.finance, account_id, confirm=False, why="x")) == ["own_proposal"]
    assert await in_use(bank, payee) is None
    # And the database itself refuses it.
    async with bank.db.writing(bank.id) as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "update bank_account set state = 'in_use', decided_by = proposed_by, decided_at = now() where id = $1",
                account_id,
            )


async def test_nobody_confirms_the_account_that_pays_them(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance, "Demo finance", member_id=bank.finance.member_id)
    account_id = await proposed(bank.db, bank.finance_two, payee)
    assert codes(await decide(bank, bank.finance, account_id)) == ["own_account"]
    third = await bank.member("Third in finance", "finance")
    other = Actor(timebank_id=bank.id, member_id=third, roles=frozenset({"finance"}))
    assert (await decide(bank, other, account_id)).state == "in_use"


@pytest.mark.parametrize("who", ["participant", "coordinator"])
async def test_others_neither_propose_nor_decide_nor_look(bank: Bank, who: str) -> None:
    actor = getattr(bank, who)
    payee = await add_payee(bank.db, bank.finance)
    command = ProposeAccount(payee_id=payee, typed=CAFE)
    assert codes(await accounts.propose(bank.db, actor, command, **call())) == ["not_finance"]
    account_id = await proposed(bank.db, bank.finance, payee)
    assert "not_finance" in codes(await decide(bank, actor, account_id))
    look = LookAtAccount(account_id=account_id, why="Curious")
    assert codes(await accounts.look(bank.db, actor, look, **call())) == ["not_finance"]
    assert codes(await accounts.withdraw(bank.db, actor, WithdrawAccount(account_id=account_id), **call())) == [
        "not_yours"
    ]


async def test_an_administrator_decides_only_about_the_time_banks_own_account(bank: Bank) -> None:
    admin = Actor(timebank_id=bank.id, member_id=await bank.member("Ada", "admin"), roles=frozenset({"admin"}))
    ours = await proposed(bank.db, bank.finance, None, OURS)
    assert (await decide(bank, admin, ours)).state == "in_use"
    account = await in_use(bank, None)
    assert account is not None
    assert account.number == "63748472"
    theirs = await proposed(bank.db, bank.finance, await add_payee(bank.db, bank.finance))
    assert codes(await decide(bank, admin, theirs)) == ["not_finance"]


async def test_a_new_account_takes_the_place_of_the_old_one_and_voids_approvals(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await confirmed(bank, payee)
    reference, other = await approved(bank, payee), await approved(bank, await add_payee(bank.db, bank.finance))
    assert is_approval_good(await facts(bank.db, bank.id, reference))
    account_id = await proposed(bank.db, bank.finance_two, payee, COLLEGE)
    assert is_approval_good(await facts(bank.db, bank.id, reference)), "a proposal changes nothing"
    done = await decide(bank, bank.finance, account_id)
    assert done.approvals_void == 1
    assert not is_approval_good(await facts(bank.db, bank.id, reference))
    assert is_approval_good(await facts(bank.db, bank.id, other))
    assert await states(bank, payee) == ["in_use", "replaced"]


async def test_refusing_needs_a_reason_and_leaves_the_old_account(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await confirmed(bank, payee)
    account_id = await proposed(bank.db, bank.finance, payee, COLLEGE)
    refused = await decide(bank, bank.finance_two, account_id, confirm=False)
    assert [(one.code, one.field) for one in refused] == [("why_missing", "why")]
    assert (await decide(bank, bank.finance_two, account_id, confirm=False, why="They rang")).state == "refused"
    account = await in_use(bank, payee)
    assert account is not None
    assert account.number == "66374958"
    assert codes(await decide(bank, bank.finance_two, account_id)) == ["already_decided"]


async def test_one_account_waits_at_a_time_and_can_be_taken_back(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    first = await proposed(bank.db, bank.finance, payee)
    again = ProposeAccount(payee_id=payee, typed=COLLEGE)
    assert codes(await accounts.propose(bank.db, bank.finance_two, again, **call())) == ["already_proposed"]
    withdrawing = WithdrawAccount(account_id=first)
    assert codes(await accounts.withdraw(bank.db, bank.finance_two, withdrawing, **call())) == ["not_yours"]
    done = await accounts.withdraw(bank.db, bank.finance, withdrawing, **call())
    assert not isinstance(done, list)
    assert codes(await accounts.withdraw(bank.db, bank.finance, withdrawing, **call())) == ["already_decided"]
    await proposed(bank.db, bank.finance_two, payee, COLLEGE)
    assert await states(bank, payee) == ["proposed", "withdrawn"]


async def test_the_account_in_use_is_not_proposed_again(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await confirmed(bank, payee)
    command = ProposeAccount(payee_id=payee, typed=CAFE)
    assert codes(await accounts.propose(bank.db, bank.finance, command, **call())) == ["same_account"]
    renamed = Typed(holder="Corner Café Limited", sort_code=CAFE.sort_code, number=CAFE.number)
    await proposed(bank.db, bank.finance, payee, renamed)


async def test_a_double_press_proposes_once_and_a_changed_one_is_noticed(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    command, same = ProposeAccount(payee_id=payee, typed=CAFE), call()
    first, second = [await accounts.propose(bank.db, bank.finance, command, **same) for _ in range(2)]
    assert isinstance(first, Proposed)
    assert first == second
    with pytest.raises(KeyReused):
        await accounts.propose(bank.db, bank.finance, ProposeAccount(payee_id=payee, typed=COLLEGE), **same)


async def test_two_people_confirm_at_once_and_one_of_them_did(bank: Bank) -> None:
    third = Actor(timebank_id=bank.id, member_id=await bank.member("Third", "finance"), roles=frozenset({"finance"}))
    for confirm in (True, False):
        payee = await add_payee(bank.db, bank.finance)
        account_id = await proposed(bank.db, bank.finance, payee)
        answers = await asyncio.gather(
            decide(bank, bank.finance_two, account_id), decide(bank, third, account_id, confirm=confirm, why="No")
        )
        refused = [one for one in answers if isinstance(one, list)]
        assert [codes(one) for one in refused] == [["already_decided"]]
        assert len(await states(bank, payee)) == 1


async def test_two_people_propose_at_once_and_one_waits(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    answers = await asyncio.gather(
        *(
            accounts.propose(bank.db, actor, ProposeAccount(payee_id=payee, typed=typed), **call())
            for actor, typed in ((bank.finance, CAFE), (bank.finance_two, COLLEGE))
        )
    )
    assert sorted(isinstance(one, Proposed) for one in answers) == [False, True]
    assert await states(bank, payee) == ["proposed"]


async def test_nothing_of_the_number_can_be_read_or_guessed_in_the_database(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    command = ProposeAccount(payee_id=payee, typed=CAFE)
    key = call()
    await accounts.propose(bank.db, bank.finance, command, **key)
    async with bank.db.reading(bank.id) as connection:
        row = await connection.fetchrow("select t::text as text from bank_account t where timebank_id = $1", bank.id)
        kept = await connection.fetchrow(
            "select digest, response::text as response from idempotency where timebank_id = $1 and key = $2",
            bank.id,
            key["key"],
        )
    everything = row["text"] + kept["response"]
    for part in ("66374958", "089999", "08-99-99", "Corner Cafe"):
        assert part not in everything
    assert kept["digest"] != digest(command), "fourteen digits can be guessed from a plain digest"
    assert json.loads(kept["response"])["last_four"] == "4958"


async def test_a_whole_number_is_seen_by_who_asked_with_a_reason_for_a_few_minutes(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    account_id = (await confirmed(bank, payee)).account_id
    missing = await accounts.look(bank.db, bank.finance, LookAtAccount(account_id=account_id, why=" "), **call())
    assert codes(missing) == ["why_missing"]
    look = await accounts.look(bank.db, bank.finance, LookAtAccount(account_id=account_id, why="Rang them"), **call())
    assert isinstance(look, Looked)
    async with bank.db.reading(bank.id) as connection:
        found = await accounts.seen(connection, bank.finance, look.look_id, now=NOW + timedelta(minutes=9))
        assert found is not None
        assert found[1].number == "66374958"
        assert await accounts.seen(connection, bank.finance_two, look.look_id, now=NOW) is None
        late = NOW + accounts.LOOK_LASTS + timedelta(seconds=1)
        assert await accounts.seen(connection, bank.finance, look.look_id, now=late) is None
        looks = await queries.looks(connection, bank.id, payee)
    assert [(one.who, one.why, one.last_four) for one in looks] == [("Demo finance", "Rang them", "4958")]


async def test_a_member_says_where_they_are_paid_and_finance_confirms_it(bank: Bank) -> None:
    mine = ProposeMyAccount(typed=CAFE)
    done = await accounts.propose_mine(bank.db, bank.participant, mine, **call())
    assert isinstance(done, Proposed)
    assert done.payee_id is not None
    assert [who for who, _ in await messages(bank)] == [bank.finance.member_id, bank.finance_two.member_id]
    assert (await decide(bank, bank.finance, done.account_id)).state == "in_use"
    assert (bank.participant.member_id, "We checked your account") in await messages(bank)
    withdrawing = WithdrawAccount(account_id=done.account_id)
    assert codes(await accounts.withdraw(bank.db, bank.participant, withdrawing, **call())) == ["already_decided"]


async def test_a_member_is_told_when_somebody_else_types_an_account_in_place_of_theirs(bank: Bank) -> None:
    mine = await accounts.propose_mine(bank.db, bank.participant, ProposeMyAccount(typed=CAFE), **call())
    assert isinstance(mine, Proposed)
    await decide(bank, bank.finance, mine.account_id)
    await proposed(bank.db, bank.finance, mine.payee_id, COLLEGE)
    assert (bank.participant.member_id, "Somebody typed a new account for you") in await messages(bank)


async def test_a_coordinator_who_acts_for_a_member_types_their_account(bank: Bank) -> None:
    acting = Actor(timebank_id=bank.id, member_id=bank.coordinator.member_id, on_behalf_of=bank.participant.member_id)
    done = await accounts.propose_mine(bank.db, acting, ProposeMyAccount(typed=CAFE), **call())
    assert isinstance(done, Proposed)
    async with bank.db.reading(bank.id) as connection:
        payee = await queries.payee_of(connection, bank.id, bank.participant.member_id or 0)
        assert await queries.payee_of(connection, bank.id, bank.coordinator.member_id or 0) is None
    assert payee is not None
    assert payee.id == done.payee_id


async def test_another_payee_with_the_same_account_is_found_however_it_was_typed(bank: Bank) -> None:
    first, second = await add_payee(bank.db, bank.finance), await add_payee(bank.db, bank.finance)
    await confirmed(bank, first)
    await confirmed(bank, None, OURS)
    await proposed(bank.db, bank.finance, second)
    key = vault.vault()
    async with bank.db.reading(bank.id) as connection:
        twins, is_ours = await queries.twins(connection, bank.id, second, key.marks(accounts.PURPOSE, "08999966374958"))
        assert [one.id for one in twins] == [first]
        assert not is_ours
        twins, is_ours = await queries.twins(connection, bank.id, second, key.marks(accounts.PURPOSE, "20295963748472"))
        assert (twins, is_ours) == ([], True)


async def test_a_closed_payee_takes_no_account(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    await open_payee(bank.db, bank.finance, OpenPayee(payee_id=payee, is_open=False), **call())
    command = ProposeAccount(payee_id=payee, typed=ABROAD)
    assert codes(await accounts.propose(bank.db, bank.finance, command, **call())) == ["payee_closed"]


async def test_another_time_banks_accounts_do_not_exist(bank: Bank, other_bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    account_id = await proposed(bank.db, bank.finance, payee)
    with pytest.raises(LookupError):
        await accounts.propose(bank.db, other_bank.finance, ProposeAccount(payee_id=payee, typed=COLLEGE), **call())
    for attempt in (
        accounts.decide(bank.db, other_bank.finance, DecideAccount(account_id=account_id, confirm=True), **call()),
        accounts.withdraw(bank.db, other_bank.finance, WithdrawAccount(account_id=account_id), **call()),
        accounts.look(bank.db, other_bank.finance, LookAtAccount(account_id=account_id, why="x"), **call()),
    ):
        with pytest.raises(LookupError):
            await attempt
    assert await states(bank, payee) == ["proposed"]


async def test_without_a_data_key_nothing_is_kept(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    payee = await add_payee(bank.db, bank.finance)
    monkeypatch.setattr(vault, "_in_use", [])
    command = ProposeAccount(payee_id=payee, typed=CAFE)
    assert codes(await accounts.propose(bank.db, bank.finance, command, **call())) == ["no_key"]
    assert await states(bank, payee) == []
