"""What stands in the way of spending is said in the member's language, on the page where they pressed the button."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.conftest import browsers
from tests.integration.redemptions.spending import give_hours, offer
from tests.people import Bank, Browser
from timebank import languages
from timebank.settings import Settings

Open = Callable[[], Browser]


@pytest.fixture
async def opened(db, clock) -> AsyncIterator[Open]:
    settings = Settings(database_url="postgresql://unused/", unread_languages=True)
    async with browsers(db, clock, settings) as open_browser:
        yield open_browser


@pytest.mark.parametrize(
    ("meanwhile", "sentence"),
    [
        ("update offer set is_open = false", "This is not on offer any more. Choose something else."),
        ("update offer set revision = revision + 1", "This changed a moment ago. Please look at it again."),
        ("update member set status = 'paused'", "You are paused. Come back first, under “About me”."),
    ],
)
async def test_what_changed_before_they_said_yes(bank: Bank, opened: Open, meanwhile: str, sentence: str) -> None:
    place = await offer(bank, title="Taith")
    await give_hours(bank, bank.participant.member_id or 0, 240)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update member set language = 'es' where timebank_id = $1 and id = $2", bank.id, bank.participant.member_id
        )
    browser = opened()
    await browser.sign_in(bank.db, bank.participant)
    seen = {"price": "60", "revision": "1", "bookings": "0"}
    async with bank.db.writing(bank.id) as connection:
        which = place if "offer" in meanwhile else bank.participant.member_id
        await connection.execute(f"{meanwhile} where timebank_id = $1 and id = $2", bank.id, which)
    answer = await browser.submit(f"/offers/{place}/use", seen)
    assert answer.status_code == 422
    with languages.speaking("es"):
        translated = languages.gettext(sentence)
    assert translated != sentence
    assert translated in answer.text
    assert sentence not in answer.text
