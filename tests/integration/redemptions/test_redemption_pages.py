"""Pages of spending: three taps, once, in words, and never a price in pounds."""

import re
from datetime import timedelta

import pytest

from tests.integration.redemptions.spending import actor, booked, give_hours, hours, offer, payee, state, step
from timebank.redemptions.service import Booked


async def browser_of(client, bank, who):
    browser = client()
    await browser.sign_in(bank.db, who, now=bank.now)
    return browser


async def only_reference(bank) -> str:
    async with bank.db.reading(bank.id) as connection:
        return await connection.fetchval("select reference from redemption")


def key_in(page: str, action: str) -> str:
    form = re.search(rf'<form action="{re.escape(action)}".*?name="key" value="([^"]+)"', page, re.DOTALL)
    assert form, page
    return form[1]


async def test_spending_is_three_taps_and_a_double_tap_is_one_booking(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 240)
    wanted = await offer(bank, title="Lunch at the café", payee_id=await payee(bank), value_pence=950)
    browser = await browser_of(client, bank, bank.participant)

    catalogue = await browser.get("/offers")
    assert catalogue.status_code == 200
    assert "You have <bdi>4 hours</bdi> to use." in catalogue.text
    assert "You can use these now" in catalogue.text

    page = await browser.get(f"/offers/{wanted}")
    assert "Could this affect my benefits?" in page.text
    assert "This should not change most benefits. Ask us if you are not sure." in page.text
    assert "<bdi>3 hours</bdi>" in page.text

    check = await browser.get(f"/offers/{wanted}/check")
    key = key_in(check.text, f"/offers/{wanted}/use")
    first = await browser.submit(f"/offers/{wanted}/use", {"key": key})
    second = await browser.submit(f"/offers/{wanted}/use", {"key": key})
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    assert (await hours(bank, bank.participant.member_id)).set_aside == 60

    reference = await only_reference(bank)
    booking = await browser.get(first.headers["location"])
    assert booking.status_code == 200
    for words in (reference, "What happens next", "You can cancel until", "Whom to ask", "Call 01632 960 001"):
        assert words in booking.text
    # Whoever comes back because they are not sure that it worked sees that it did.
    assert "You have booked this already" not in check.text
    for path in (f"/offers/{wanted}", f"/offers/{wanted}/check"):
        assert f"/bookings/{reference}" in (await browser.get(path)).text
    for seen in (catalogue, page, check, booking):
        assert "£" not in seen.text
        assert "9.50" not in seen.text


async def test_nearly_there_says_how_much_more(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 30)
    near = await offer(bank, title="Near", price_minutes=60)
    await offer(bank, title="Far", price_minutes=600)
    browser = await browser_of(client, bank, bank.participant)
    page = await browser.get("/offers")
    assert page.text.index("Nearly there") < page.text.index("Near<") < page.text.index("For later")
    assert "You need <bdi>30 minutes</bdi> more" in page.text
    assert "You need <bdi>30 minutes</bdi> more for this." in (await browser.get(f"/offers/{near}")).text


async def test_not_enough_hours_at_the_last_moment_is_a_422_that_says_how_many_more(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    wanted, other = await offer(bank), await offer(bank)
    browser = await browser_of(client, bank, bank.participant)
    await booked(bank, other, bank.participant)
    answer = await browser.submit(f"/offers/{wanted}/use")
    assert answer.status_code == 422
    assert "You need 1 hour more for this." in answer.text
    assert "<title>Error: " in answer.text
    assert (await hours(bank, bank.participant.member_id)).set_aside == 60


async def test_cancelling_frees_the_hours_and_the_page_says_so(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, await offer(bank), bank.participant)
    browser = await browser_of(client, bank, bank.participant)
    page = await browser.get(f"/bookings/{reference.lower().replace('-', ' ')}")
    assert "Cancel this booking" in page.text
    answer = await browser.submit(f"/bookings/{reference}/cancel")
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    assert "The hours are free again." in page.text
    assert "Cancel this booking" not in page.text
    assert "Cancelled" in (await browser.get("/bookings")).text
    again = await browser.submit(f"/bookings/{reference}/cancel")
    assert again.status_code == 422
    assert "is cancelled. Nothing was changed." in again.text


async def test_after_the_deadline_the_button_is_gone_and_the_form_refused(bank, client, clock) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    starts = bank.now + timedelta(days=2)
    reference = await booked(bank, await offer(bank, "training", starts_at=starts), bank.participant)
    browser = await browser_of(client, bank, bank.participant)
    clock.set(starts - timedelta(hours=1))
    assert "Cancel this booking" not in (await browser.get(f"/bookings/{reference}")).text
    answer = await browser.submit(f"/bookings/{reference}/cancel")
    assert answer.status_code == 422
    assert "It is too late to cancel here" in answer.text


async def test_somebody_elses_booking_looks_like_none(bank, client, other_bank) -> None:
    other = await bank.member()
    await give_hours(bank, other, 60)
    reference = await booked(bank, await offer(bank), actor(bank, other))
    browser = await browser_of(client, bank, bank.participant)
    assert (await browser.get(f"/bookings/{reference}")).status_code == 404
    assert (await browser.submit(f"/bookings/{reference}/cancel")).status_code in (404, 422)
    assert await state(bank, reference) == "requested"
    stranger = await browser_of(client, other_bank, other_bank.coordinator)
    assert (await stranger.get(f"/bookings/{reference}")).status_code == 404
    assert (await stranger.submit(f"/bookings/{reference}/fulfil")).status_code == 404


@pytest.mark.parametrize("path", ["/offers/999999", "/offers/99999999999999999999999", "/bookings/nonsense"])
async def test_what_does_not_exist_is_a_404(bank, client, path: str) -> None:
    browser = await browser_of(client, bank, bank.participant)
    assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/offers", "/bookings", "/bookings/to-do", "/hours", "/members/1"])
async def test_visitors_are_led_to_the_sign_in_page(client, path: str) -> None:
    answer = await client().get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


async def test_staff_see_what_is_to_do_and_decide_in_place(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 120)
    first = await booked(bank, await offer(bank, title="Lunch"), bank.participant)
    second = await booked(bank, await offer(bank, title="Swim"), bank.participant)
    browser = await browser_of(client, bank, bank.coordinator)
    page = await browser.get("/bookings/to-do")
    assert "Demo participant" in page.text
    assert "Handed over" in page.text

    answer = await browser.submit(f"/bookings/{first}/fulfil", {"back": "to-do"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/bookings/to-do")
    assert await state(bank, first) == "fulfilled"

    refused = await browser.submit(f"/bookings/{second}/decline", {"back": "to-do", "reason": ""})
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert await state(bank, second) == "requested"
    declined = await browser.submit(f"/bookings/{second}/decline", {"back": "booking", "reason": "Pool shut"})
    assert declined.headers["location"] == f"/bookings/{second}"
    assert "Pool shut" in (await browser.get(f"/bookings/{second}")).text

    theirs = await browser_of(client, bank, bank.participant)
    assert "Pool shut" in (await theirs.get(f"/bookings/{second}")).text


async def test_a_booking_says_what_there_is_for_access(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    wanted = await offer(bank, access=("step_free", "hearing_loop"), access_notes="Ring the low bell.")
    reference = await booked(bank, wanted, bank.participant)
    browser = await browser_of(client, bank, bank.participant)
    page = (await browser.get(f"/bookings/{reference}")).text
    for words in ("Step-free from the street", "Hearing loop", "Ring the low bell."):
        assert words in page
    staff = await browser_of(client, bank, bank.coordinator)
    assert "Hearing loop" in (await staff.get(f"/bookings/{reference}")).text


async def test_help_from_a_member_is_asked_for_and_never_booked_over_their_head(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    helper = await bank.member("Joan Ilesanmi")
    wanted = await offer(bank, "peer_support", provider_id=helper, title="Sorting out letters")
    browser = await browser_of(client, bank, bank.participant)
    page = (await browser.get(f"/offers/{wanted}")).text
    assert "Ask Joan Ilesanmi" in page
    assert f"/offers/{wanted}/check" not in page
    ask = f"/share/offers/{wanted}"
    for answer in (await browser.get(f"/offers/{wanted}/check"), await browser.submit(f"/offers/{wanted}/use")):
        assert (answer.status_code, answer.headers["location"]) == (303, ask)
    asked = await browser.submit(ask, {"minutes": "60", "how": "phone"})
    assert asked.headers["location"].startswith("/share/asks/")
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from redemption") == 0
        assert await connection.fetchval("select count(*) from message where member_id = $1", helper) == 1


async def test_staff_pages_are_not_for_participants(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, await offer(bank), bank.participant)
    browser = await browser_of(client, bank, bank.participant)
    assert (await browser.get("/bookings/to-do")).status_code == 403
    assert (await browser.submit(f"/bookings/{reference}/fulfil")).status_code == 403
    assert await state(bank, reference) == "requested"


async def test_a_coordinators_look_at_a_booking_is_written_down(bank, client) -> None:
    await give_hours(bank, bank.participant.member_id, 60)
    reference = await booked(bank, await offer(bank), bank.participant)
    browser = await browser_of(client, bank, bank.coordinator)
    assert (await browser.get(f"/bookings/{reference}")).status_code == 200
    async with bank.db.reading(bank.id) as connection:
        what = await connection.fetchval(
            "select what from access_log where subject_id = $1", bank.participant.member_id
        )
    assert reference in what


async def test_a_name_with_markup_and_right_to_left_letters_is_only_text(bank, client) -> None:
    other = await bank.member("<b>Zoë</b> O’Neil 🙂 שלום")
    await give_hours(bank, other, 60)
    made = await step_and_look(bank, client, other)
    assert "<b>Zoë" not in made
    assert "&lt;b&gt;Zoë&lt;/b&gt; O’Neil 🙂 שלום" in made


async def step_and_look(bank, client, member_id: int) -> str:
    made = await booked(bank, await offer(bank), actor(bank, member_id))
    assert not isinstance(made, Booked)
    await step(bank, "accept", made)
    browser = await browser_of(client, bank, bank.coordinator)
    return (await browser.get("/bookings/to-do")).text
