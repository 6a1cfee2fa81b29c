"""Members are written to in their own language, and in their quiet hours not at all."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.integration.messages.mailroom import deliveries, mail_server, messages, reached_by, set_member, tell
from tests.people import Bank
from tests.pseudo import PSEUDO, speak_pseudo
from timebank.db import UNREAD_LANGUAGES
from timebank.kit.words import Minutes, joined, say
from timebank.messages import service
from timebank.messages.delivering import Courier
from timebank.messages.packing import pack
from timebank.messages.service import Message

QUARTER = timedelta(minutes=15)
AMINA = "amina@example.test"


async def say_to(bank: Bank, member_id: int, *, unread: bool) -> None:
    message = Message(
        member_id=member_id,
        kind="test",
        subject=say("{time} were added", time=Minutes(90)),
        body=joined(say("Thank you."), say("See you soon.")),
        dedupe=f"test:{member_id}:{unread}",
    )
    async with bank.db.writing(bank.id) as connection:
        await connection.execute("select set_config($1, $2, true)", UNREAD_LANGUAGES, "on" if unread else "off")
        await service.send(connection, bank.id, [message], now=bank.now)


async def test_words_are_said_in_the_language_of_the_member(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    speak_pseudo(monkeypatch)
    amina, ben = await reached_by(bank, "none"), await reached_by(bank, "none")
    await set_member(bank, amina, language=PSEUDO)
    await say_to(bank, amina, unread=True)
    await say_to(bank, ben, unread=True)
    first, second = await messages(bank)
    assert first["subject"] == "⟦⟦⟦1 hour⟧ ⟦30 minutes⟧⟧ were added⟧"
    assert first["body"] == "⟦Thank you.⟧\n\n⟦See you soon.⟧"
    assert second["subject"] == "1 hour 30 minutes were added"
    assert second["body"] == "Thank you.\n\nSee you soon."


async def test_nobody_is_written_to_in_a_language_that_nobody_has_read(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_pseudo(monkeypatch)
    amina = await reached_by(bank, "none")
    await set_member(bank, amina, language=PSEUDO)
    await say_to(bank, amina, unread=False)
    assert [each["body"] for each in await messages(bank)] == ["Thank you.\n\nSee you soon."]


async def test_greeting_and_goodbye_are_in_the_same_language(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    speak_pseudo(monkeypatch)
    amina = await reached_by(bank, "email", "Amina", email=AMINA)
    await set_member(bank, amina, language=PSEUDO)
    await tell(bank, amina, "One")
    await tell(bank, amina, "Two")
    with mail_server() as room:
        settings = msgspec.structs.replace(room.settings, unread_languages=True)
        await pack(bank.db, bank.id, bank.now + QUARTER)
        await Courier(settings).send_mail(bank.db, bank.id, bank.now + QUARTER)
        (mail,) = room.received
    body = mail.get_body()
    assert body is not None
    text = body.get_content()
    assert mail["Subject"] == "⟦2 messages for you⟧"
    assert text.startswith("⟦Hello Amina,⟧")
    assert "⟦You get this by e-mail. Tell us if you want it another way.⟧" in text


@pytest.mark.parametrize(
    ("quiet", "hour", "goes"),
    [
        (None, 3, True),
        ((22, 7), 21, True),
        ((22, 7), 22, False),
        ((22, 7), 3, False),
        ((22, 7), 7, True),
        ((13, 15), 12, True),
        ((13, 15), 14, False),
        ((13, 15), 15, True),
    ],
)
async def test_quiet_hours_are_kept(bank: Bank, quiet: tuple[int, int] | None, hour: int, goes: bool) -> None:
    amina = await reached_by(bank, "email", email=AMINA)
    if quiet:
        await set_member(bank, amina, quiet_from=quiet[0], quiet_until=quiet[1])
    now = datetime(2026, 1, 14, hour, 0, tzinfo=UTC)  # in winter the clocks of this time bank are those of UTC
    await tell(bank, amina, "Your hours were added", now=now - QUARTER)
    with mail_server() as room:
        await pack(bank.db, bank.id, now)
        await Courier(room.settings).send_mail(bank.db, bank.id, now)
        assert len(room.received) == goes
        # Nothing is lost: it goes when the quiet is over.
        later = now.replace(hour=quiet[1] if quiet else hour) + timedelta(days=1)
        await Courier(room.settings).send_mail(bank.db, bank.id, later)
        assert len(room.received) == 1
    assert [each["state"] for each in await deliveries(bank)] == ["sent"]
