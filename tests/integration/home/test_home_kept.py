"""What a phone may keep: whose header says so, what the kept pages say, and what they leave out."""

import json
import re
from datetime import timedelta

import pytest

from scripts import icons
from tests.integration.redemptions.spending import booked, give_hours, offer, step
from timebank.identity.service import create_link
from timebank.web.installed import MANIFEST_PATH, WORKER_PATH
from timebank.web.keeping import KEEP_HEADER
from timebank.web.static import asset_url, assets

SENTENCE = re.compile(r"[.?!]\s")
MOST_WORDS = 15
MOST_WORDS_EASY = 10


async def phone_of(bank, client, who, *, borrowed: bool = False):
    """A browser that is signed in, remembered unless it is borrowed."""
    browser = client()
    if not borrowed:
        await browser.sign_in(bank.db, who)
        return browser
    path = await create_link(bank.db, who, who.member_id, now=bank.now, valid_for=timedelta(hours=1))
    assert (await browser.post(path, data={"borrowed": "yes"})).status_code == 303
    return browser


async def choose(bank, setting: str) -> None:
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            f"update member set {setting} where timebank_id = $1 and id = $2", bank.id, bank.participant.member_id
        )


def sentences(html: str) -> list[str]:
    """The text of what is inside main, sentence by sentence; every block is at least one."""
    main = html[html.index("<main") : html.index("</main>")]
    blocks = re.split(r"</?(?:p|h\d|li|main|section|form|div)\b[^>]*>", re.sub(r"<!--|-->", "", main))
    texts = (re.sub(r"<[^>]+>", " ", block) for block in blocks)
    return [part for text in texts for part in SENTENCE.split(" ".join(text.split()) + " ") if part.strip()]


async def test_only_ones_own_remembered_phone_may_keep_something(bank, client) -> None:
    own = await phone_of(bank, client, bank.participant)
    borrowed = await phone_of(bank, client, bank.participant, borrowed=True)

    for path in ("/", "/hours", "/nowhere"):
        assert KEEP_HEADER in (await own.get(path)).headers, path
        assert KEEP_HEADER not in (await borrowed.get(path)).headers
    assert "data-keep" in (await own.get("/")).text
    assert "app.webmanifest" in (await own.get("/")).text
    for page in ((await borrowed.get("/")).text, (await client().get("/sign-in")).text):
        assert "data-keep" not in page
        assert "app.webmanifest" not in page
    assert (await borrowed.get("/offline")).status_code == 404


async def test_while_acting_and_in_practice_nothing_is_kept(bank, client) -> None:
    browser = await phone_of(bank, client, bank.coordinator)
    asked = {"reason": "Book the café course", "how_agreed": "phone"}
    await browser.submit(f"/members/{bank.participant.member_id}/act", asked)

    answer = await browser.get("/")
    assert KEEP_HEADER not in answer.headers
    assert "data-keep" not in answer.text
    assert (await browser.get("/offline")).status_code == 404

    await browser.submit("/acting/stop")
    assert KEEP_HEADER in (await browser.get("/")).headers
    assert (await browser.submit("/practice")).status_code == 303
    assert KEEP_HEADER not in (await browser.get("/")).headers


async def test_the_key_differs_for_every_session_and_way_of_reading(bank, client) -> None:
    first = await phone_of(bank, client, bank.participant)
    second = await phone_of(bank, client, bank.participant)
    keys = [(await browser.get("/")).headers[KEEP_HEADER] for browser in (first, first, second)]
    assert keys[0] == keys[1] != keys[2]

    await choose(bank, "easy_read = true")
    assert (await first.get("/")).headers[KEEP_HEADER] != keys[0]


async def test_the_kept_pages_hold_hours_and_bookings_and_no_code(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 330)
    reference = await booked(bank, await offer(bank, title="Lunch <at> the café"), bank.participant)
    await booked(bank, await offer(bank, "training", title="First aid", place="Mill Hall"), bank.participant)
    answer = await (await phone_of(bank, client, bank.participant)).get("/offline")

    pages = answer.json()["pages"]
    assert set(pages) == {"seen", "nothing", "not_sent", "no_answer"}
    assert answer.headers["cache-control"] == "no-store"
    for words in ("5 hours 30 minutes", "2 hours set aside", "Lunch &lt;at&gt; the café", "First aid", "Mill Hall",
                  "10 March 2026", "2:30pm", "does not keep codes"):  # fmt: skip
        assert words in pages["seen"], words
    for page in pages.values():
        assert reference not in page
        assert "csrf" not in page
        assert "<script" not in page
    assert "Lunch" not in "".join(pages[name] for name in ("nothing", "not_sent", "no_answer"))


async def test_who_would_rather_see_what_they_gave_sees_that_first(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 330)
    await step(bank, "fulfil", await booked(bank, await offer(bank), bank.participant))
    await choose(bank, "hours_shown = 'gave_and_used'")

    page = (await (await phone_of(bank, client, bank.participant)).get("/offline")).json()["pages"]["seen"]
    assert page.index("you used 1 hour") < page.index("You had 4 hours 30 minutes.")


@pytest.mark.parametrize(("easy", "most"), [(False, MOST_WORDS), (True, MOST_WORDS_EASY)])
async def test_every_sentence_is_short(bank, client, easy: bool, most: int) -> None:
    await give_hours(bank, bank.participant.member_id, 330)
    await booked(bank, await offer(bank, title="A swim"), bank.participant)
    if easy:
        await choose(bank, "easy_read = true")
    phone = await phone_of(bank, client, bank.participant)
    pages = [*(await phone.get("/offline")).json()["pages"].values(), (await phone.get("/install")).text]

    for page in pages:
        assert ("tb-picture" in page) is easy
        assert [each for each in sentences(page) if len(each.split()) > most] == []


async def test_signing_out_clears_pages_worker_and_what_it_kept(bank, client) -> None:
    browser = await phone_of(bank, client, bank.participant)

    assert (await browser.submit("/sign-out")).headers["clear-site-data"] == '"cache", "storage"'


async def test_the_worker_is_asked_for_again_and_answers_304_while_it_is_the_same(client) -> None:
    first = await client().get(WORKER_PATH)
    again = await client().get(WORKER_PATH, headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "no-cache"
    assert asset_url("main.css") in first.text
    assert (again.status_code, again.content) == (304, b"")


async def test_the_manifest_names_the_product_and_icons_that_exist(client) -> None:
    answer = await client().get(MANIFEST_PATH)

    manifest = json.loads(answer.text)
    assert answer.headers["content-type"].startswith("application/manifest+json")
    assert (manifest["name"], manifest["short_name"], manifest["start_url"]) == ("Timebank", "Timebank", "/")
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        image = await client().get(icon["src"])
        assert image.headers["content-type"] == "image/png"
        width, height = (int.from_bytes(image.content[at : at + 4]) for at in (16, 20))
        assert f"{width}x{height}" == icon["sizes"]


def test_the_icons_are_what_the_drawing_makes() -> None:
    for name in icons.ICONS:
        assert assets().files[assets().names[name]].bodies["identity"] == icons.icon(name), name
