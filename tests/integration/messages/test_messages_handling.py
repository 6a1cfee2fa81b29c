"""What people do about messages, on pages and by the API: calls, letters, trying again, reading their own."""

from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

from pypdf import PdfReader

from tests.integration.messages.mailroom import MailRoom, deliveries, mail_server, reached_by, tell
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.kit.actor import Actor
from timebank.members.traces import TRACES
from timebank.messages import queries, service
from timebank.messages.delivering import Courier
from timebank.messages.packing import pack
from timebank.messages.service import CallMade
from timebank.settings import Settings

Open = Callable[[], Browser]
QUARTER = timedelta(minutes=15)


def codes(refused: object) -> list[str]:
    assert isinstance(refused, list), refused
    return [each.code for each in refused]


async def one_call(bank: Bank) -> queries.Delivery:
    async with bank.db.reading(bank.id) as connection:
        (call,) = await queries.calls(connection, bank.id)
    return call


async def test_a_call_is_made(bank: Bank) -> None:
    member = await reached_by(bank, "phone", "Ida", phone="01632 960 050")
    await tell(bank, member, "Your hours were added")
    await pack(bank.db, bank.id, bank.now)
    call = await one_call(bank)
    done = await service.call_made(
        bank.db,
        bank.coordinator,
        CallMade(delivery_id=call.id, seen=call.seen, outcome="no_answer"),
        key=uuid4().hex,
        now=bank.now,
    )
    assert done == call.id
    assert (await one_call(bank)).attempts == 1

    await tell(bank, member, "Your booking is accepted")
    await pack(bank.db, bank.id, bank.now)
    told, key = CallMade(delivery_id=call.id, seen=call.seen, outcome="told"), uuid4().hex
    refused = await service.call_made(bank.db, bank.coordinator, told, key=key, now=bank.now)
    assert codes(refused) == ["newer_message"], "a message that came meanwhile is not lost"

    told = CallMade(delivery_id=call.id, seen=(await one_call(bank)).seen, outcome="told")
    for _ in range(2):
        assert await service.call_made(bank.db, bank.coordinator, told, key=key, now=bank.now) == call.id
    (row,) = await deliveries(bank)
    assert (row["state"], row["settled_by"], row["attempts"]) == ("sent", bank.coordinator.member_id, 2)
    again = await service.call_made(bank.db, bank.coordinator_two, told, key=uuid4().hex, now=bank.now)
    assert codes(again) == ["call_settled"]
    async with bank.db.reading(bank.id) as connection:
        looks = await connection.fetch(
            "select what from access_log where timebank_id = $1 and subject_id = $2 order by id", bank.id, member
        )
    assert [row["what"] for row in looks][-2:] == [
        "called you; there was no answer",
        "called you with your messages",
    ]


async def test_letters_are_printed_and_arrive_a_week_later(bank: Bank) -> None:
    known_by = ""
    for n in range(3):
        member = await reached_by(bank, "letter", f"Person {n}", postal_address=f"{n} High Street\nRiverside")
        known_by = await tell(bank, member, "Your hours were added")
        await tell(bank, member, "Your booking is accepted")
    await pack(bank.db, bank.id, bank.now)
    key = uuid4().hex
    number = await service.print_letters(bank.db, bank.coordinator, key=key, now=bank.now)
    assert number == await service.print_letters(bank.db, bank.coordinator, key=key, now=bank.now)
    assert isinstance(number, int)
    nothing = await service.print_letters(bank.db, bank.coordinator, key=uuid4().hex, now=bank.now)
    assert codes(nothing) == ["nothing_to_print"]

    await tell(bank, member, "News after the printer ran")
    await pack(bank.db, bank.id, bank.now)
    async with bank.db.reading(bank.id) as connection:
        printed = await queries.printed_letters(
            connection, bank.id, await queries.batch(connection, bank.id, number), base_url="https://b.test"
        )
        assert await queries.arrived_on(connection, bank.id, known_by) is None
    assert [one.address_lines[0] for one in printed] == ["0 High Street", "1 High Street", "2 High Street"]
    assert "News after the printer ran" not in printed[2].letter.text, "what is on paper does not change"
    assert printed[0].letter.subject == "2 messages for you"

    marked = await service.letters_printed(bank.db, bank.coordinator, number, key=uuid4().hex, now=bank.now)
    assert marked == 3
    twice = await service.letters_printed(bank.db, bank.coordinator_two, number, key=uuid4().hex, now=bank.now)
    assert codes(twice) == ["printed_already"]
    async with bank.db.reading(bank.id) as connection:
        assert await queries.arrived_on(connection, bank.id, known_by) == date(2026, 3, 17)
    assert sorted(each["state"] for each in await deliveries(bank)) == ["sent", "sent", "sent", "waiting"]


async def test_what_failed_is_tried_again_with_the_new_address(bank: Bank) -> None:
    room = MailRoom(to_recipient={"wrong@example.test": "550 unknown"})
    with mail_server(room):
        member = await reached_by(bank, "email", email="wrong@example.test")
        await tell(bank, member, "News")
        courier, now = Courier(room.settings), bank.now + QUARTER
        await pack(bank.db, bank.id, now)
        await courier.send_mail(bank.db, bank.id, now)
        (failed,) = await deliveries(bank)
        assert failed["state"] == "failed"
        async with bank.db.writing(bank.id) as connection:
            await connection.execute(
                "update member set email = 'right@example.test' where timebank_id = $1 and id = $2", bank.id, member
            )
        later = now + timedelta(days=30)
        again = await service.try_again(bank.db, bank.coordinator, failed["id"], key=uuid4().hex, now=later)
        assert again == failed["id"]
        twice = await service.try_again(bank.db, bank.coordinator, failed["id"], key=uuid4().hex, now=later)
        assert codes(twice) == ["not_failed"]
        await pack(bank.db, bank.id, later)
        await courier.send_mail(bank.db, bank.id, later)
    assert [mail["To"] for mail in room.received] == ["right@example.test"]


async def test_only_coordinators_settle_messages(bank: Bank) -> None:
    for who in (bank.participant, bank.finance):
        assert codes(await service.print_letters(bank.db, who, key=uuid4().hex, now=bank.now)) == ["not_allowed"]
        assert codes(await service.try_again(bank.db, who, 1, key=uuid4().hex, now=bank.now)) == ["not_allowed"]


async def test_nothing_of_it_is_left_when_they_leave(bank: Bank) -> None:
    member = await reached_by(bank, "sms", phone="07700 900123")
    await tell(bank, member, "Your hours were added")
    await tell(bank, member, "Your number was changed", only_route="sms", only_address="07700 900999")
    noon = bank.now + QUARTER
    await pack(bank.db, bank.id, noon)
    await Courier(Settings(sms_url="outbox:")).send_texts(bank.db, bank.id, noon)
    async with bank.db.writing(bank.id) as connection:
        for trace in TRACES:
            if trace.table in ("message", "delivery"):
                for statement in trace.erase:
                    await connection.execute(statement, bank.id, member)
    async with bank.db.reading(bank.id) as connection:
        left = ""
        for table in ("message", "delivery", "text_outbox"):
            query = f"select coalesce(string_agg(t::text, ' '), '') from {table} t where timebank_id = $1"
            left += await connection.fetchval(query, bank.id)
    assert "07700" not in left
    assert "hours" not in left


# Pages --------------------------------------------------------------------------------------------------------------


async def test_a_participant_reads_their_messages_and_nobody_elses(client: Open, bank: Bank) -> None:
    assert bank.participant.member_id is not None
    await tell(bank, bank.participant.member_id, "Your hours were added", path="/hours")
    await tell(bank, await bank.member(), "Not for you")
    await pack(bank.db, bank.id, bank.now)
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    page = (await browser.get("/messages")).text
    assert "Your hours were added" in page
    assert "It is only here." in page
    assert "Not for you" not in page
    async with bank.db.reading(bank.id) as connection:
        ids = [row["id"] for row in await connection.fetch("select id from message order by id")]
    assert (await browser.get(f"/m/{ids[0]}")).headers["location"] == "/hours"
    assert (await browser.get(f"/m/{ids[1]}")).status_code == 404


async def test_the_page_of_work_from_end_to_end(client: Open, bank: Bank) -> None:
    await tell(bank, await reached_by(bank, "phone", "Ida Call", phone="01632 960 050"), "Your hours were added")
    await tell(bank, await reached_by(bank, "letter", "Leo Letter", postal_address="1 High St"), "A new date")
    await pack(bank.db, bank.id, bank.now)
    browser = client()
    await browser.sign_in(bank.db, bank.coordinator)
    page = (await browser.get("/messages/to-do")).text
    assert "Ida Call" in page
    assert "1 letter waits" in page

    answer = await browser.submit("/messages/letters")
    where = answer.headers["location"]
    sheet = (await browser.get(where)).text
    assert "Leo Letter" in sheet
    assert "1 High St" in sheet
    pdf = await browser.get(f"{where}/pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf.content)).pages)
    assert "1 High St" in text
    assert "A new date" in text
    assert (await browser.submit(f"{where}/printed")).status_code == 303
    again = await browser.submit(f"{where}/printed")
    assert again.status_code == 422
    assert "marked as printed already" in again.text

    call = await one_call(bank)
    wrong = await browser.submit(f"/messages/calls/{call.id}", {"seen": "nonsense", "outcome": "told"})
    assert wrong.status_code == 422
    right = await browser.submit(f"/messages/calls/{call.id}", {"seen": str(call.seen), "outcome": "told"})
    assert right.status_code == 303
    assert "Nothing to do" in (await browser.get("/messages/to-do")).text


# The API ------------------------------------------------------------------------------------------------------------


async def headers(bank: Bank, actor: Actor, *scopes: str) -> dict[str, str]:
    assert actor.member_id is not None
    token = await create_token(
        bank.db, actor, actor.member_id, "Robot", scopes, now=bank.now, valid_for=timedelta(days=1)
    )
    return {"Authorization": f"Bearer {token}"}


async def test_the_same_by_the_api(client: Open, bank: Bank) -> None:
    assert bank.participant.member_id is not None
    await tell(bank, bank.participant.member_id, "Your hours were added")
    await tell(bank, await reached_by(bank, "phone", phone="01632 960 050"), "News")
    await tell(bank, await reached_by(bank, "letter", postal_address="1 High St"), "News")
    await pack(bank.db, bank.id, bank.now)
    browser = client()
    mine = await browser.get("/api/v1/messages", headers=await headers(bank, bank.participant, "messages:read"))
    assert [(one["subject"], one["state"]) for one in mine.json()["items"]] == [("Your hours were added", "kept")]

    async def post(path: str, body: Any = None) -> Any:
        sent = {**await headers(bank, bank.coordinator, "messages:write"), "Idempotency-Key": uuid4().hex}
        return await browser.post(path, json=body or {}, headers=sent)

    reading = await headers(bank, bank.coordinator, "messages:read")
    work = (await browser.get("/api/v1/message-work", headers=reading)).json()
    assert (work["letters"], len(work["calls"]), work["failed"]) == (1, 1, [])
    call = work["calls"][0]
    path = f"/api/v1/message-work/{call['id']}/call"
    assert (await post(path, {"outcome": "told", "seen": 0})).json()["code"] == "newer_message"
    assert (await post(path, {"outcome": "told", "seen": call["seen"]})).status_code == 200
    assert (await post(f"/api/v1/message-work/{call['id']}/try-again")).json()["code"] == "not_failed"
    run = await post("/api/v1/print-runs")
    assert run.status_code == 201, run.text
    assert run.json()["letters"][0]["address_lines"] == ["1 High St"]
    assert (await post(f"/api/v1/print-runs/{run.json()['number']}/printed")).json() == {"number": 1}
    assert (await post("/api/v1/print-runs/99/printed")).status_code == 404
