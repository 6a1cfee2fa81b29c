"""Money that waits: lines on first pages, and one reminder on a working day for each person who can do something."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.integration.claims.claiming import call, decided, given, sent, supplier
from tests.integration.fees.feeing import gave, paying_group, set_rate
from tests.people import NOW, Bank, Browser
from timebank.claims import service
from timebank.claims.service import Ask
from timebank.home.money import Waiting, remind, waiting_for
from timebank.kit.actor import Actor

Browsers = Callable[[], Browser]


async def told(bank: Bank) -> dict[int, list[tuple[str, str]]]:
    """What everybody was reminded of, and where it leads."""
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select member_id, body, path from message where timebank_id = $1 and kind = 'money_waiting' order by id",
            bank.id,
        )
    found: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row["member_id"], []).append((row["body"], row["path"]))
    return found


async def waits(bank: Bank, actor: Actor) -> Waiting | None:
    async with bank.db.reading(bank.id) as connection:
        return await waiting_for(connection, actor, NOW.date())


async def test_one_reminder_a_day_for_those_who_can_do_something(bank: Bank) -> None:
    await sent(bank)
    await sent(bank, actor=bank.coordinator)
    payment = await decided(bank, await sent(bank, actor=Actor(timebank_id=bank.id, member_id=await bank.member())))
    assert payment.payment
    for hours in (-10, 0, 1, 2):  # at four in the morning nobody is reminded
        await remind(bank.db, bank.id, NOW + timedelta(hours=hours))
    found = await told(bank)
    one, two = bank.coordinator.member_id or 0, bank.coordinator_two.member_id or 0
    assert found[one] == [("1 claim waits to be looked at.", "/claims")]
    assert found[two] == [("2 claims wait to be looked at.", "/claims")]
    in_finance = found[bank.finance.member_id or 0]
    assert len(in_finance) == 1
    assert in_finance[0][0].startswith("1 payment waits for approval.\n")
    assert in_finance[0][1] == "/payments"
    assert bank.participant.member_id not in found


async def test_nobody_is_reminded_of_nothing_nor_at_the_weekend(bank: Bank) -> None:
    await remind(bank.db, bank.id, NOW)
    assert await told(bank) == {}
    await sent(bank)
    saturday = NOW + timedelta(days=(5 - NOW.weekday()) % 7)
    await remind(bank.db, bank.id, saturday)
    assert await told(bank) == {}
    monday: datetime = saturday + timedelta(days=2)
    await remind(bank.db, bank.id, monday)
    assert len(await told(bank)) == 2


async def test_what_waits_for_each(bank: Bank) -> None:
    await given(bank, actor=bank.coordinator)
    async with bank.db.reading(bank.id) as connection:
        later = NOW.date() + timedelta(days=1)
        assert (await waiting_for(connection, bank.coordinator_two, later) or Waiting()).advances == 1
        assert (await waiting_for(connection, bank.coordinator, later) or Waiting()).advances == 0, "they gave it"
        assert (await waiting_for(connection, bank.coordinator_two, NOW.date()) or Waiting()).advances == 0
    assert await waits(bank, bank.participant) is None
    acting = Actor(timebank_id=bank.id, member_id=1, roles=bank.coordinator.roles, on_behalf_of=2)
    assert await waits(bank, acting) is None
    cafe = await supplier(bank)
    await service.book(
        bank.db,
        bank.coordinator,
        service.BookAccess(
            member_id=bank.participant.member_id or 0, payee_id=cafe, kind="taxi", day=NOW.date(), pence=900
        ),
        **call(),
    )
    finance = await waits(bank, bank.finance)
    assert finance is not None
    assert (finance.payables, finance.without_account, finance.decides) == (1, 1, False)


async def test_first_pages_say_what_waits(bank: Bank, client: Browsers) -> None:
    await set_rate(bank)
    await gave(bank, await paying_group(bank), bank.participant.member_id or 0)
    reference = await sent(bank)
    member, coordinator = client(), client()
    await member.sign_in(bank.db, bank.participant)
    await coordinator.sign_in(bank.db, bank.coordinator)
    assert "1 waiting" in (await coordinator.get("/")).text
    await service.ask(bank.db, bank.coordinator, Ask(reference=reference, question="Which bus?"), **call())
    page = (await member.get("/")).text
    assert "1 fee waits for your choice" in page
    assert f'href="/me/claims/{reference}">We have a question about your claim' in page
