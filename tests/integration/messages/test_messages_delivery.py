"""Delivering by a real SMTP conversation: refusals, a dead server, a crash in between, digests, the night."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from tests.integration.messages.mailroom import (
    MailRoom,
    deliveries,
    free_port,
    mail_server,
    messages,
    reached_by,
    set_member,
    tell,
)
from tests.people import Bank
from timebank.banks.rules import TimeBankFacts
from timebank.banks.service import CreateTimeBank, create
from timebank.db import Database
from timebank.kit.actor import system
from timebank.kit.trouble import Trouble
from timebank.messages import mail as mail_module
from timebank.messages import queries, rules
from timebank.messages.delivering import LEASE, Courier
from timebank.messages.packing import pack
from timebank.settings import Settings

QUARTER = timedelta(minutes=15)
AMINA, BEN, CLEO = "amina@example.test", "ben@example.test", "cleo@example.test"


@pytest.fixture
def room() -> Iterator[MailRoom]:
    with mail_server() as running:
        yield running


async def round_of(bank: Bank, courier: Courier, now: datetime) -> None:
    await pack(bank.db, bank.id, now)
    await courier.send_mail(bank.db, bank.id, now)


async def states(bank: Bank) -> list[str]:
    return [each["state"] for each in await deliveries(bank)]


async def test_an_email_arrives_with_proper_headers(bank: Bank, room: MailRoom) -> None:
    amina = await reached_by(bank, "email", "Zoë Ní Bhriain", email=AMINA)
    known_by = await tell(bank, amina, "Your hours were added – 2 hours", path="/hours")
    courier, now = Courier(room.settings), bank.now + QUARTER
    await round_of(bank, courier, now - timedelta(minutes=1))
    assert room.received == []
    await round_of(bank, courier, now)
    (mail,) = room.received
    assert mail["To"] == AMINA
    assert mail["From"] == "Time bank <hours@bank.test>"
    assert mail["Subject"] == "Your hours were added – 2 hours"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@bank.test>")
    assert mail["Date"].datetime == now
    text = mail.get_content()
    assert "Hello Zoë Ní Bhriain," in text
    assert "https://bank.test/hours" in text
    (done,) = await deliveries(bank)
    assert (done["state"], done["sent_at"], done["attempts"]) == ("sent", now, 1)
    async with bank.db.reading(bank.id) as connection:
        assert await queries.arrived_on(connection, bank.id, known_by) == now.date()
    await round_of(bank, courier, now + timedelta(days=1))
    assert len(room.received) == 1


async def test_a_refused_recipient_fails_with_the_reason_and_stops_nobody(bank: Bank, room: MailRoom) -> None:
    for n, address in enumerate((AMINA, BEN, CLEO)):
        await tell(bank, await reached_by(bank, "email", f"Person {n}", email=address), "News")
    room.to_recipient[BEN] = "550 no such mailbox for ben@example.test"
    await round_of(bank, Courier(room.settings), bank.now + QUARTER)
    assert await states(bank) == ["sent", "failed", "sent"]
    why = (await deliveries(bank))[1]["trouble"]
    assert "550" in why
    assert "ben" not in why, "no personal data"
    async with bank.db.reading(bank.id) as connection:
        (failed,) = await queries.failed(connection, bank.id)
    assert failed.trouble == why


async def test_not_now_then_yes(bank: Bank, room: MailRoom) -> None:
    await tell(bank, await reached_by(bank, "email", email=AMINA), "News")
    room.to_data[AMINA] = ["451 greylisted"]
    courier, now = Courier(room.settings), bank.now + QUARTER
    await round_of(bank, courier, now)
    (waiting,) = await deliveries(bank)
    assert (waiting["state"], waiting["attempts"], waiting["next_at"]) == ("waiting", 1, now + timedelta(minutes=5))
    await round_of(bank, courier, now + timedelta(minutes=4))
    assert room.received == []
    await round_of(bank, courier, now + timedelta(minutes=5))
    assert await states(bank) == ["sent"]
    assert len(room.received) == 1


async def test_never_yes_fails_after_days(bank: Bank, room: MailRoom) -> None:
    await tell(bank, await reached_by(bank, "email", email=AMINA), "News")
    room.to_recipient[AMINA] = "450 mailbox busy"
    courier, now = Courier(room.settings), bank.now + QUARTER
    for _ in range(60):
        await round_of(bank, courier, now)
        (one,) = await deliveries(bank)
        if one["state"] == "failed":
            break
        now = one["next_at"]
    assert one["state"] == "failed"
    assert now - bank.now > rules.GIVE_UP_AFTER - rules.RETRY_LONGEST
    assert one["trouble"].startswith("We tried for 5 days.")


async def test_a_dead_server_delays_messages_and_nothing_else(bank: Bank, other_bank: Bank) -> None:
    port = free_port()
    courier = Courier(Settings(smtp_url=f"smtp://127.0.0.1:{port}?tls=none"))
    now = bank.now + QUARTER
    for each in (bank, other_bank):
        await tell(each, await reached_by(each, "email", email=AMINA), "News")
        for at in (now, now + timedelta(hours=1), now + timedelta(hours=9)):
            with pytest.raises(Trouble, match="cannot be reached"):
                await round_of(each, courier, at)
        (one,) = await deliveries(each)
        assert (one["state"], one["attempts"]) == ("waiting", 0), "a dead server costs nobody a try"
    with mail_server(port=port) as room:
        for each in (bank, other_bank):
            await round_of(each, courier, now + timedelta(hours=10))
            assert await states(each) == ["sent"]
        assert len(room.received) == 2


async def test_one_failed_connection_counts_for_the_whole_round(
    bank: Bank, other_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0
    connect = mail_module.aiosmtplib.SMTP.connect

    async def counting(self: Any, **more: Any) -> Any:
        nonlocal tried
        tried += 1
        return await connect(self, **more)

    monkeypatch.setattr(mail_module.aiosmtplib.SMTP, "connect", counting)
    courier = Courier(Settings(smtp_url=f"smtp://127.0.0.1:{free_port()}?tls=none"))
    now = bank.now + QUARTER
    for n, each in enumerate((bank, other_bank)):
        await tell(each, await reached_by(each, "email", email=AMINA), "News")
        with pytest.raises(Trouble):
            await round_of(each, courier, now + timedelta(seconds=n))
    assert tried == 1


async def test_a_refused_sender_is_nobodys_fault(bank: Bank, room: MailRoom) -> None:
    for n, address in enumerate((AMINA, BEN)):
        await tell(bank, await reached_by(bank, "email", f"Person {n}", email=address), "News")
    room.to_sender = "550 who are you"
    courier, now = Courier(room.settings), bank.now + QUARTER
    with pytest.raises(Trouble, match="sender"):
        await round_of(bank, courier, now)
    assert await states(bank) == ["waiting", "waiting"]
    room.to_sender = ""
    await round_of(bank, courier, now + timedelta(hours=1))
    assert await states(bank) == ["sent", "sent"]


async def test_killed_between_sending_and_marking_it_goes_out_again_as_the_same(
    bank: Bank, room: MailRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, address in enumerate((AMINA, BEN, CLEO)):
        await tell(bank, await reached_by(bank, "email", f"Person {n}", email=address), "News")
    send = mail_module.MailServer.send

    async def killed(self: mail_module.MailServer, mail: Any) -> None:
        await send(self, mail)
        if mail["To"] == BEN:
            raise asyncio.CancelledError

    now = bank.now + QUARTER
    with monkeypatch.context() as patch:
        patch.setattr(mail_module.MailServer, "send", killed)
        with pytest.raises(asyncio.CancelledError):
            await round_of(bank, Courier(room.settings), now)
    assert await states(bank) == ["sent", "waiting", "waiting"]

    courier = Courier(room.settings)
    await round_of(bank, courier, now + timedelta(minutes=1))
    assert await states(bank) == ["sent", "waiting", "waiting"], "the claim of the dead still holds"
    await round_of(bank, courier, now + LEASE)
    assert await states(bank) == ["sent", "sent", "sent"]
    assert len(room.to(AMINA)) == len(room.to(CLEO)) == 1, "only the one in hand can be doubled"
    first, second = room.to(BEN)
    assert first["Message-ID"] == second["Message-ID"]
    assert len({mail["Message-ID"] for mail in room.received}) == 3


async def test_a_server_that_closes_in_the_middle_costs_the_others_nothing(bank: Bank, room: MailRoom) -> None:
    for n, address in enumerate((AMINA, BEN, CLEO)):
        await tell(bank, await reached_by(bank, "email", f"Person {n}", email=address), "News")
    room.to_data[BEN] = ["421 closing"]
    courier, now = Courier(room.settings), bank.now + QUARTER
    with pytest.raises(Trouble):
        await round_of(bank, courier, now)
    assert [(each["state"], each["attempts"]) for each in await deliveries(bank)] == [
        ("sent", 1),
        ("waiting", 1),
        ("waiting", 0),
    ]
    await round_of(bank, courier, now + timedelta(minutes=1))
    assert await states(bank) == ["sent", "waiting", "sent"], "it is not claimed any more"


async def test_a_server_without_encryption_gets_nothing_where_encryption_is_required(
    bank: Bank, room: MailRoom
) -> None:
    await tell(bank, await reached_by(bank, "email", email=AMINA), "News")
    courier, now = Courier(Settings(smtp_url=room.url.replace("none", "required"))), bank.now + QUARTER
    with pytest.raises(Trouble):
        await round_of(bank, courier, now)
    assert room.received == []
    assert await states(bank) == ["waiting"]


async def test_two_at_once_send_each_once(bank: Bank, room: MailRoom) -> None:
    for n in range(30):
        await tell(bank, await reached_by(bank, "email", f"Person {n}", email=f"p{n}@example.test"), "News")
    now = bank.now + QUARTER
    await pack(bank.db, bank.id, now)
    await asyncio.gather(*(Courier(room.settings).send_mail(bank.db, bank.id, now) for _ in range(3)))
    assert len(room.received) == 30
    assert set(await states(bank)) == {"sent"}


async def test_several_messages_go_as_one(bank: Bank, room: MailRoom) -> None:
    amina = await reached_by(bank, "email", email=AMINA)
    await tell(bank, amina, "Your hours were added")
    await tell(bank, amina, "Your booking is accepted", now=bank.now + timedelta(minutes=10))
    await tell(bank, amina, "Change of place today", now=bank.now + timedelta(minutes=10), is_urgent=True)
    courier = Courier(room.settings)
    await round_of(bank, courier, bank.now + timedelta(minutes=11))
    assert [mail["Subject"] for mail in room.received] == ["Change of place today"]
    await round_of(bank, courier, bank.now + QUARTER)
    assert [mail["Subject"] for mail in room.received[1:]] == ["2 messages for you"]
    text = room.received[1].get_content()
    assert text.index("Your hours were added") < text.index("Your booking is accepted")


async def test_quiet_hours_hold_what_can_wait_and_nothing_else(bank: Bank, room: MailRoom) -> None:
    amina = await reached_by(bank, "email", email=AMINA)
    await set_member(bank, amina, quiet_from=21, quiet_until=8)
    night = datetime(2026, 3, 10, 23, tzinfo=UTC)
    courier = Courier(room.settings)
    await tell(bank, amina, "Your hours were added", now=night)
    await round_of(bank, courier, night + QUARTER)
    assert room.received == []
    await tell(bank, amina, "Somebody signed in", now=night + QUARTER, is_urgent=True)
    await round_of(bank, courier, night + QUARTER)
    assert [mail["Subject"] for mail in room.received] == ["Somebody signed in"]
    await round_of(bank, courier, night + timedelta(hours=9, minutes=15))
    assert [mail["Subject"] for mail in room.received[1:]] == ["Your hours were added"]


async def test_a_flood_becomes_a_digest_of_the_next_morning(bank: Bank, room: MailRoom) -> None:
    amina = await reached_by(bank, "email", email=AMINA)
    courier, now = Courier(room.settings), datetime(2026, 3, 10, 9, tzinfo=UTC)
    for n in range(6):
        await tell(bank, amina, f"News {n}", now=now)
        await round_of(bank, courier, now + QUARTER)
        now += timedelta(minutes=30)
    assert len(room.received) == rules.MAX_A_DAY
    await round_of(bank, courier, datetime(2026, 3, 11, 7, tzinfo=UTC))
    await round_of(bank, courier, datetime(2026, 3, 11, 8, 1, tzinfo=UTC))
    assert [mail["Subject"] for mail in room.received[3:]] == ["3 messages for you"]


async def test_whoever_left_or_paused_gets_nothing_after(bank: Bank, room: MailRoom) -> None:
    gone = await reached_by(bank, "email", "Gone", email=AMINA)
    paused = await reached_by(bank, "email", "Paused", email=BEN)
    await tell(bank, gone, "News")
    await tell(bank, paused, "News")
    now = bank.now + QUARTER
    await pack(bank.db, bank.id, now)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("update member set status = 'left' where timebank_id = $1 and id = $2", bank.id, gone)
        await connection.execute(
            "update member set status = 'paused' where timebank_id = $1 and id = $2", bank.id, paused
        )
    await tell(bank, paused, "More news", now=now)
    courier = Courier(room.settings)
    await courier.send_mail(bank.db, bank.id, now)
    await round_of(bank, courier, now + timedelta(hours=1))
    assert room.received == []
    assert await states(bank) == ["dropped", "dropped"]
    assert (await messages(bank))[-1]["state"] == "dropped"


async def test_whoever_paused_still_gets_what_is_urgent(bank: Bank, room: MailRoom) -> None:
    paused = await reached_by(bank, "email", "Paused", email=BEN)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set status = 'paused' where timebank_id = $1 and id = $2", bank.id, paused
        )
    await tell(bank, paused, "You can still stay", is_urgent=True)
    await tell(bank, paused, "News")
    await round_of(bank, Courier(room.settings), bank.now + QUARTER)
    assert [mail["Subject"] for mail in room.received] == ["You can still stay"]


async def test_a_changed_mind_goes_the_new_way_and_the_old_address_is_told(bank: Bank, room: MailRoom) -> None:
    amina = await reached_by(bank, "email", email=AMINA, postal_address="1 High Street")
    await tell(bank, amina, "News")
    await tell(bank, amina, "Your address was changed", only_route="email", only_address="old@example.test")
    now = bank.now + QUARTER
    await pack(bank.db, bank.id, now)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set contact_route = 'letter' where timebank_id = $1 and id = $2", bank.id, amina
        )
    await round_of(bank, Courier(room.settings), now + QUARTER)
    await pack(bank.db, bank.id, now + QUARTER)
    assert [mail["To"] for mail in room.received] == ["old@example.test"]
    async with bank.db.reading(bank.id) as connection:
        (letter,) = await queries.letters(connection, bank.id)
    assert [note.subject for note in letter.notes] == ["News"]


async def test_no_messages_means_the_page_only(bank: Bank) -> None:
    known_by = await tell(bank, await reached_by(bank, "none"), "News")
    await pack(bank.db, bank.id, bank.now)
    assert await deliveries(bank) == []
    assert [each["state"] for each in await messages(bank)] == ["kept"]
    async with bank.db.reading(bank.id) as connection:
        assert await queries.arrived_on(connection, bank.id, known_by) == (bank.now + timedelta(days=7)).date()
        assert await queries.arrived_on(connection, bank.id, "never written") is None


async def test_without_a_mail_server_they_wait_and_say_so_and_not_for_ever(bank: Bank) -> None:
    await tell(bank, await reached_by(bank, "email", email=AMINA), "News")
    courier, now = Courier(Settings()), bank.now + QUARTER
    with pytest.raises(Trouble, match="TIMEBANK_SMTP_URL"):
        await round_of(bank, courier, now)
    await round_of(bank, courier, now + rules.TOO_OLD_AFTER + timedelta(minutes=1))
    (one,) = await deliveries(bank)
    assert (one["state"], one["trouble"]) == ("failed", "It waited for 14 days and nobody could send it.")


# Texts --------------------------------------------------------------------------------------------------------------


class Gateway(BaseHTTPRequestHandler):
    """A gateway for texts; ``answers`` are given one after the other, then 202."""

    answers: ClassVar[list[int]] = []
    taken: ClassVar[list[tuple[dict[str, Any], str, str]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = type(self).answers.pop(0) if type(self).answers else 202
        if status == 202:
            type(self).taken.append((body, self.headers["Authorization"], self.headers["Idempotency-Key"]))
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def gateway_url() -> Iterator[str]:
    Gateway.answers, Gateway.taken = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/texts"
    server.shutdown()
    server.server_close()


async def test_a_text_goes_through_the_gateway(bank: Bank, gateway_url: str) -> None:
    await tell(bank, await reached_by(bank, "sms", phone="07700 900123"), "Your hours were added")
    courier = Courier(Settings(sms_url=gateway_url, sms_token="t0ken", public_url="https://b.test"))
    Gateway.answers = [503]
    now = bank.now + QUARTER
    await pack(bank.db, bank.id, now)
    await courier.send_texts(bank.db, bank.id, now)
    assert await states(bank) == ["waiting"]
    await courier.send_texts(bank.db, bank.id, now + timedelta(minutes=5))
    assert await states(bank) == ["sent"]
    ((body, token, key),) = Gateway.taken
    message_id = (await messages(bank))[0]["id"]
    assert body["to"] == "07700 900123"
    assert body["text"] == f"Your hours were added https://b.test/m/{message_id}"
    assert body["reference"] == key
    assert token == "Bearer t0ken"


@pytest.mark.parametrize(("status", "state"), [(422, "failed"), (429, "waiting"), (401, "waiting")])
async def test_what_a_gateway_says_no_to(bank: Bank, gateway_url: str, status: int, state: str) -> None:
    await tell(bank, await reached_by(bank, "sms", phone="07700 900123"), "News")
    Gateway.answers = [status]
    now = bank.now + QUARTER
    await pack(bank.db, bank.id, now)
    try:
        await Courier(Settings(sms_url=gateway_url)).send_texts(bank.db, bank.id, now)
    except Trouble:
        assert status == 401
    assert await states(bank) == [state]


@pytest.mark.parametrize(
    ("time_zone", "night", "morning"),
    [
        ("Europe/London", datetime(2026, 7, 1, 20, 30, tzinfo=UTC), datetime(2026, 7, 2, 7, tzinfo=UTC)),
        ("Australia/Sydney", datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC)),
    ],
)
async def test_no_text_at_night(db: Database, time_zone: str, night: datetime, morning: datetime) -> None:
    facts = await create(db, CreateTimeBank(slug=f"zone-{uuid4().hex[:8]}", name="Far away", time_zone=time_zone))
    assert isinstance(facts, TimeBankFacts)
    nobody = system(facts.id)
    bank = Bank(db, facts, night, nobody, nobody, nobody, nobody, nobody)
    await tell(bank, await reached_by(bank, "sms", phone="07700 900123"), "News", now=night, is_urgent=True)
    courier = Courier(Settings(sms_url="outbox:", public_url="https://b.test"))
    await pack(db, bank.id, night)
    await courier.send_texts(db, bank.id, night)
    (one,) = await deliveries(bank)
    assert (one["state"], one["next_at"]) == ("waiting", morning)
    await courier.send_texts(db, bank.id, morning)
    assert await states(bank) == ["sent"]
    async with db.reading(bank.id) as connection:
        (kept,) = await queries.texts(connection, bank.id)
    assert kept.body.startswith("News https://b.test/m/")
