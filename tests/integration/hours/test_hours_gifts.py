"""Giving hours on the page: say it, check it, done; the receiver is told."""

from urllib.parse import unquote

from tests.contributed import hours, messages
from tests.integration.members.test_members_acting import supporter_of
from tests.integration.redemptions.spending import actor, give_hours, key
from tests.people import make_bank
from timebank.hours import service
from timebank.hours.service import Give
from timebank.members import blocking
from timebank.signin import rules


async def browser_of(client, bank, who):
    browser = client()
    await browser.sign_in(bank.db, who, now=bank.now)
    return browser


FORM = {"kind": "member", "to": "ngozi o'brien", "how_long": "30 min", "note": "Thank you\nfor the <soup>"}


async def test_a_gift_in_three_pages(bank, client) -> None:
    friend = await bank.member("Ngozi O’Brien")
    await give_hours(bank, bank.participant.member_id, 90)
    browser = await browser_of(client, bank, bank.participant)
    assert "You can give up to 1 hour 30 minutes." in (await browser.get("/gifts/give")).text
    check = await browser.submit("/gifts/give", FORM)
    assert check.status_code in (200, 201)
    for words in ("Ngozi O’Brien", "30 minutes", "for the &lt;soup&gt;", "Only the person who gets it can give it back",
                  "1 hour"):  # fmt: skip
        assert words in check.text, words
    assert await hours(bank, friend) == [0]
    sent_key = key()
    sent = await browser.submit("/gifts/give/send", {**FORM, "key": sent_key})
    again = await browser.submit("/gifts/give/send", {**FORM, "key": sent_key})
    assert sent.status_code == again.status_code == 303
    assert sent.headers["location"] == again.headers["location"]
    assert await hours(bank, friend, bank.participant.member_id) == [30, 60]
    assert "You gave 30 minutes" in (await browser.get(sent.headers["location"])).text
    (told,) = await messages(bank, friend)
    assert told[:2] == ("gift", "You were given 30 minutes")
    assert "Demo participant gave you 30 minutes. You can use them now." in told[2]
    assert "for the <soup>" in told[2]
    theirs = await browser_of(client, bank, actor(bank, friend))
    page = (await theirs.get(sent.headers["location"])).text
    assert "You were given 30 minutes" in page
    assert "for the &lt;soup&gt;" in page
    listed = (await theirs.get("/gifts")).text
    assert "From <bdi>Demo participant</bdi>" in listed


async def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(bank, client) -> None:
    await bank.member("Ngozi O’Brien")
    await bank.member("Two Alike")
    await bank.member("Two Alike")
    await give_hours(bank, bank.participant.member_id, 20)
    browser = await browser_of(client, bank, bank.participant)
    for change, field, words in (
        ({"to": "Nobody Known"}, "to", "We do not know this name."),
        ({"to": "two alike"}, "to", "Several people have this name."),
        ({"to": "Demo participant"}, "to", "You cannot give hours to yourself."),
        ({"how_long": "a bit"}, "how_long", "length of time"),
        ({}, "how_long", "You can give up to 20 minutes now. That is 10 minutes less than you want."),
        ({"how_long": "10 min", "note": "x" * 201}, "note", "Use up to 200 letters"),
        ({"how_long": "21 hours"}, "how_long", "Give up to 20 hours at a time."),
    ):
        page = await browser.submit("/gifts/give", FORM | change)
        assert page.status_code == 422, change
        assert f'href="#{field}"' in page.text, change
        assert words in page.text, page.text
        assert (FORM | change)["how_long"] in page.text
    assert await hours(bank, bank.participant.member_id) == [20]


async def test_hours_spent_between_check_and_send(bank, client) -> None:
    friend = await bank.member("Ngozi O’Brien")
    await give_hours(bank, bank.participant.member_id, 30)
    browser = await browser_of(client, bank, bank.participant)
    await browser.submit("/gifts/give", FORM)
    spent = Give(from_member_id=bank.participant.member_id, to_member_id=None, minutes=20)
    await service.give(bank.db, bank.participant, spent, key=key(), now=bank.now)
    late = await browser.submit("/gifts/give/send", FORM)
    assert late.status_code == 422
    assert "You can give up to 10 minutes now." in late.text
    assert await hours(bank, friend) == [0]


async def test_with_no_hours_the_page_leads_on(bank, client) -> None:
    browser = await browser_of(client, bank, bank.participant)
    page = (await browser.get("/gifts/give")).text
    assert "No hours to give just now" in page
    assert 'href="/gifts/ask"' in page


async def test_the_rules_limit_one_gift(db) -> None:
    bank = await make_bank(db, max_gift_minutes=60)
    await give_hours(bank, bank.participant.member_id, 600)
    for minutes, is_given in ((60, True), (61, False)):
        gift = Give(from_member_id=bank.participant.member_id, to_member_id=None, minutes=minutes)
        given = await service.give(bank.db, bank.participant, gift, key=key(), now=bank.now)
        assert isinstance(given, list) is not is_given


async def test_a_supporter_sees_gifts_and_gives_none(bank, client) -> None:
    """Whoever acts for somebody never passes their hours on, nor decides who may check their papers."""
    subject = await bank.member("Grace Helped")
    await give_hours(bank, subject, 60)
    helper, _ = await supporter_of(bank, subject, "see_hours", "book")
    browser = await browser_of(client, bank, helper)
    began = await browser.submit(f"/supporting/{subject}", {f"reason-{subject}": "Look at the hours"})
    assert began.status_code == 303
    assert (await browser.get("/gifts")).status_code == 200
    assert (await browser.get("/statement")).status_code == 200
    assert (await browser.submit("/gifts/give/send", {"kind": "pot", "how_long": "10 min"})).status_code == 403
    assert (await browser.submit("/statement/checks", {"answer": "on"})).status_code == 403
    assert (await browser.submit("/gifts/ask", {"how_long": "1 hour"})).status_code == 303
    assert await hours(bank, subject, "pot") == [60, 0]


async def test_those_who_keep_apart_give_each_other_nothing(bank, client) -> None:
    """To each the other is as little there as somebody unknown, by name and by number, on the page and in the API."""
    friend = await bank.member("Ngozi O’Brien")
    await give_hours(bank, bank.participant.member_id, 90)
    await give_hours(bank, friend, 90)
    async with bank.db.writing(bank.id) as connection:
        await blocking.block(connection, bank.id, friend, bank.participant.member_id, bank.now)
        number = await connection.fetchval(
            "select number from member where timebank_id = $1 and id = $2", bank.id, friend
        )
    browser = await browser_of(client, bank, bank.participant)
    for typed in ("Ngozi O’Brien", str(number)):
        page = await browser.submit("/gifts/give", FORM | {"to": typed})
        assert page.status_code == 422
        assert "We do not know this name." in page.text
        assert (await browser.submit("/gifts/give/send", FORM | {"to": typed})).status_code == 422
    for giver, receiver in ((bank.participant, friend), (actor(bank, friend), bank.participant.member_id)):
        gift = Give(from_member_id=giver.member_id, to_member_id=receiver, minutes=10)
        refused = await service.give(bank.db, giver, gift, key=key(), now=bank.now)
        assert [each.code for each in refused] == ["unknown_member"]
    assert await hours(bank, friend, bank.participant.member_id) == [90, 90]
    namesake = await bank.member("Ngozi O’Brien")
    assert (await browser.submit("/gifts/give/send", FORM)).status_code == 303
    assert await hours(bank, namesake) == [30]


async def test_many_hours_are_given_only_by_whoever_shows_who_they_are(bank, client, clock) -> None:
    await bank.member("Ngozi O’Brien")
    await give_hours(bank, bank.participant.member_id, 2000)
    browser = await browser_of(client, bank, bank.participant)
    much = FORM | {"how_long": "11 hours", "note": "Thank you"}
    assert (await browser.submit("/gifts/give", much)).status_code in (200, 201), "who has just signed in is not asked"
    clock.advance(rules.CONFIRMED_WHILE_TYPING)
    for path in ("/gifts/give", "/gifts/give/send"):
        assert (await browser.submit(path, FORM)).status_code in (200, 201, 303)
        sent = await browser.submit(path, much)
        location = sent.headers["location"]
        assert location.startswith("/confirm?next=/gifts/give%3F")
    back = (await browser.get(unquote(location.removeprefix("/confirm?next=")))).text
    assert "11 hours" in back
    for private in ("ngozi", "thank"):
        assert private not in unquote(location).lower(), "an address is read by others"
        assert private not in back.lower()
    long = await browser.submit("/gifts/give", much | {"note": "ث" * 200})
    assert len(unquote(long.headers["location"])) < 500, "the confirm page takes no longer address"
    assert await hours(bank, bank.participant.member_id) == [1970]
