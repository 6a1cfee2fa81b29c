"""A cost can be for time that the member gave: chosen in one list with sessions, and shown on both."""

from collections.abc import Callable
from datetime import time

from tests.contributed import codes, group, line, rows, save
from tests.integration.activities.planning import planned, signed_up
from tests.integration.claims.claiming import booked, bus, call, decided, read, sent
from tests.people import Bank, Browser
from timebank.claims import service
from timebank.claims.service import AddLine, LookAgain, Moved

Browsers = Callable[[], Browser]


async def gave(bank: Bank, member_id: int | None, name: str = "Gardeners") -> int:
    """Time that is added, and its number."""
    await save(bank, await group(bank, name), line(member_id or 0, 90))
    return int((await rows(bank))[-1]["id"])


async def test_a_cost_names_the_time_it_was_for(bank: Bank, client: Browsers) -> None:
    given = await gave(bank, bank.participant.member_id)
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    page = (await browser.get("/me/claims/new?kind=bus")).text
    assert f'<option value="t{given}"' in page
    assert "Gardeners" in page
    fields = {"kind": "bus", "amount": "4.20", "day": "today", "session": f"t{given}", "no_receipt_why": "None given"}
    added = await browser.submit("/me/claims/new", fields)
    assert added.status_code == 303, added.text
    where = added.headers["location"]
    changing = (await browser.get(f"{where}/lines/1")).text
    assert f'<option value="t{given}" selected' in changing
    reference = where.rpartition("/")[2]
    sent_off = await browser.submit(f"{where}/send", {})
    assert sent_off.status_code == 303
    assert "Gardeners" in (await browser.get(where)).text
    coordinator = client()
    await coordinator.sign_in(bank.db, bank.coordinator)
    shown = (await coordinator.get(f"/claims/{reference}")).text
    assert "1 hour 30 minutes" in shown
    assert "given in" in shown


async def test_a_session_that_they_signed_up_for_stands_in_the_list(bank: Bank, client: Browsers) -> None:
    [session] = await planned(bank, await group(bank, "Gardeners"), day=bank.now.date(), at=time(19))
    await signed_up(bank, session, bank.participant)
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    page = await browser.get("/me/claims/new?kind=bus")
    assert page.status_code == 200
    assert f'<option value="{session}">Gardeners, ' in page.text


async def test_time_of_somebody_else_or_not_added_is_refused(bank: Bank) -> None:
    other = await gave(bank, await bank.member(), "Bakers")
    own = await gave(bank, bank.participant.member_id)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update contribution set state = 'undone' where timebank_id = $1 and id = $2", bank.id, own
        )
    for number in (other, own, 0, -1, 2**62, 2**63 - 1):
        command = AddLine(line=bus(contribution_id=number))
        assert codes(await service.add_line(bank.db, bank.participant, command, **call())) == ["unknown_time"], number


async def test_the_trace_leads_to_the_claim_and_to_the_time(bank: Bank, client: Browsers) -> None:
    given = await gave(bank, bank.participant.member_id)
    reference = await sent(bank, bus(contribution_id=given))
    payment = (await decided(bank, reference)).payment
    taxi = await booked(bank)
    finance = client()
    await finance.sign_in(bank.db, bank.finance)
    page = (await finance.get(f"/reports/trace?q={payment}")).text
    assert f'href="/claims/{reference}"' in page
    assert "Time given." in page
    assert "Gardeners" in page
    page = (await finance.get(f"/reports/trace?q={taxi.payment}")).text
    assert f'href="/claims/access/{taxi.reference}"' in page
    assert (await finance.get(f"/claims/access/{taxi.reference}")).status_code == 200


async def test_what_is_looked_at_again_still_names_it(bank: Bank) -> None:
    given = await gave(bank, bank.participant.member_id)
    reference = await sent(bank, bus(contribution_id=given))
    await decided(bank, reference, 1)
    again = await service.look_again(
        bank.db, bank.participant, LookAgain(reference=reference, words="It was far"), **call()
    )
    assert isinstance(again, Moved), again
    assert [one.contribution_id for one in (await read(bank, again.reference)).lines] == [given]
