"""Whatever the mail server says, whenever the process dies: each message goes out, once unless it died in between."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.messages.mailroom import MailRoom, deliveries, mail_server, messages, reached_by, tell
from tests.people import make_bank
from timebank.db import Database
from timebank.kit.trouble import Trouble
from timebank.messages import mail as mail_module
from timebank.messages.delivering import Courier
from timebank.messages.packing import pack

PEOPLE = 3
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, PEOPLE - 1), st.booleans()),
        st.tuples(st.just("answer"), st.integers(0, PEOPLE - 1), st.sampled_from(["450 later", "421 closing"])),
        st.tuples(st.just("die after"), st.integers(1, 3)),
        st.tuples(st.just("wait"), st.sampled_from([1, 6, 16, 60, 700])),
    ),
    min_size=3,
    max_size=14,
)
SEND = mail_module.MailServer.send


@given(events=EVENTS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_each_message_goes_out(db: Database, monkeypatch: pytest.MonkeyPatch, events: list[Any]) -> None:
    bank, told, deaths, dies_after = await make_bank(db), 0, 0, 0

    async def send(self: mail_module.MailServer, mail: Any) -> None:
        nonlocal dies_after, deaths
        await SEND(self, mail)
        if dies_after == 1:
            deaths += 1
            dies_after = 0
            raise asyncio.CancelledError
        dies_after = max(dies_after - 1, 0)

    monkeypatch.setattr(mail_module.MailServer, "send", send)
    with mail_server(MailRoom()) as room:
        ids = [await reached_by(bank, "email", f"P {n}", email=f"p{n}@example.test") for n in range(PEOPLE)]
        now = bank.now

        async def one_round() -> None:
            await pack(db, bank.id, now)
            with suppress(Trouble, asyncio.CancelledError):
                await Courier(room.settings).send_mail(db, bank.id, now)

        for name, first, *rest in events:
            if name == "tell":
                told += 1
                for _ in range(2):  # the use case may be repeated
                    await tell(bank, ids[first], f"News <{told}>", now=now, is_urgent=rest[0], dedupe=f"n{told}")
            elif name == "answer":
                room.to_data.setdefault(f"p{first}@example.test", []).append(rest[0])
            elif name == "die after":
                dies_after = first
            else:
                now += timedelta(minutes=first)
            await one_round()
        dies_after = 0
        for _ in range(12):
            now += timedelta(hours=13)
            await one_round()

    assert {row["state"] for row in await messages(bank)} <= {"packed"}
    assert {row["state"] for row in await deliveries(bank)} <= {"sent"}
    copies = Counter(mail["Message-ID"] for mail in room.received)
    assert len(copies) == len(await deliveries(bank))
    assert sum(copies.values()) - len(copies) <= deaths, "only a death may double one"
    texts = [mail.get_content() + str(mail["Subject"]) for mail in room.received]
    for n in range(1, told + 1):
        assert any(f"News <{n}>" in text for text in texts), n
