"""One-time links and sessions, through the real application."""

import asyncio
from datetime import timedelta

import pytest

from timebank.db import Database
from timebank.identity import queries, rules, service
from timebank.identity.session_store import current_session
from timebank.kit.actor import Actor, system
from timebank.kit.ids import sha256
from timebank.settings import Settings

COOKIE = "timebank"
HERE = rules.device("203.0.113.9", "A test phone")


async def link(bank, actor: Actor | None = None, **more) -> str:
    actor = actor or bank.participant
    return await service.create_link(bank.db, actor, actor.member_id, now=bank.now, **more)


def secret(path: str) -> str:
    return path.rsplit("/", 1)[1]


async def sessions_of(db: Database, actor: Actor) -> list[bytes]:
    async with db.globally() as connection:
        rows = await connection.fetch(
            "select token_sha256 from web_session where timebank_id = $1 and member_id = $2",
            actor.timebank_id,
            actor.member_id,
        )
    return [row["token_sha256"] for row in rows]


async def test_a_link_opened_signs_nobody_in(bank, client) -> None:
    browser = client()
    path = await link(bank)
    for _ in range(3):
        page = await browser.get(path)
        assert page.status_code == 200
        assert bank.facts.name in page.text
        assert "<button" in page.text
    assert COOKIE not in browser.cookies
    assert await sessions_of(bank.db, bank.participant) == []


async def test_the_button_signs_in_once_and_the_secret_leaves_the_address(bank, client) -> None:
    path = await link(bank)
    browser, thief = client(), client()
    answer = await browser.post(path, data={})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert browser.cookies[COOKIE]
    again = await thief.post(path, data={})
    assert again.status_code == 410
    assert COOKIE not in thief.cookies
    assert len(await sessions_of(bank.db, bank.participant)) == 1


async def test_of_many_at_once_one_wins(bank) -> None:
    token = secret(await link(bank))
    answers = await asyncio.gather(
        *(
            service.sign_in_by_link(bank.db, token, HERE, is_remembered=True, replaces="", now=bank.now)
            for _ in range(10)
        )
    )
    assert sum(answer is not None for answer in answers) == 1
    assert len(await sessions_of(bank.db, bank.participant)) == 1


async def test_used_old_and_unknown_links_look_the_same(bank, client, clock) -> None:
    browser = client()
    used, old = await link(bank), await link(bank, valid_for=timedelta(minutes=5))
    await client().post(used, data={})
    clock.advance(timedelta(minutes=5))
    unknown = "/sign-in/link/" + "x" * len(secret(used))
    too_long = "/sign-in/link/" + "x" * 5000
    for method in ("GET", "POST"):
        answers = [await browser.request(method, path) for path in (used, old, unknown, too_long)]
        assert {answer.status_code for answer in answers} == {410}
        assert len({answer.text for answer in answers}) == 1
        assert "Ask your coordinator for a new one" in answers[0].text
    assert COOKIE not in browser.cookies


async def test_pages_with_a_secret_in_their_address_are_kept_nowhere(bank, client) -> None:
    for path in (await link(bank), "/sign-in/link/unknown", "/sign-in/card/unknown"):
        page = await client().get(path)
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"


async def test_browsers_that_do_not_say_where_a_form_comes_from_can_sign_in(bank, client) -> None:
    """Older ones, and all of them over plain http: under no-referrer they would send the form with ``Origin: null``."""
    browser = client()
    del browser.headers["Sec-Fetch-Site"], browser.headers["Origin"]
    path = await link(bank)
    page = await browser.get(path)
    assert page.headers["referrer-policy"] == "strict-origin"
    assert page.headers["cache-control"] == "no-store"
    assert (await browser.post(path, data={}, headers={"Origin": "null"})).status_code == 403
    assert (await browser.post(path, data={}, headers={"Origin": "http://timebank.test"})).status_code == 303


async def test_a_planted_session_is_not_taken_over(bank, client) -> None:
    """Fixation: whatever cookie the browser brings, signing in makes a new one, and the old one is dead."""
    attacker, victim = client(), client()
    await attacker.sign_in(bank.db, bank.coordinator)
    planted = attacker.cookies[COOKIE]
    victim.cookies.set(COOKIE, planted)
    page = await victim.get(path := await link(bank))
    assert page.status_code == 200
    async with bank.db.globally() as connection:
        found = await queries.session(connection, sha256(planted))
    answer = await victim.post(path, data={"csrf": found.csrf})
    assert answer.status_code == 303
    assert COOKIE in answer.cookies
    assert answer.cookies[COOKIE] != planted
    assert await current_session(bank.db, planted, now=bank.now) is None
    assert (await attacker.get("/devices")).status_code == 303
    made_up = client()
    made_up.cookies.set(COOKIE, "chosen-by-the-attacker")
    answer = await made_up.post(await link(bank), data={})
    assert answer.cookies[COOKIE] != "chosen-by-the-attacker"
    assert await current_session(bank.db, "chosen-by-the-attacker", now=bank.now) is None


async def test_another_site_cannot_sign_a_browser_in(bank, client) -> None:
    browser = client()
    path = await link(bank)
    answer = await browser.post(path, data={}, headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.test"})
    assert answer.status_code == 403
    assert COOKIE not in browser.cookies
    assert (await browser.post(path, data={})).status_code == 303


async def test_the_cookie_cannot_be_read_and_lasts_as_asked(bank, client) -> None:
    own = (await client().post(await link(bank), data={})).headers["set-cookie"]
    borrowed = (await client().post(await link(bank), data={"borrowed": "yes"})).headers["set-cookie"]
    for cookie in (own.lower(), borrowed.lower()):
        assert cookie.startswith("timebank=")
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "path=/" in cookie
        assert "domain" not in cookie
    assert f"max-age={90 * 24 * 3600}" in own.lower()
    assert "max-age" not in borrowed.lower()


def test_over_https_the_cookie_is_bound_to_the_host() -> None:
    from timebank.identity.sessions import cookie_name, ended_cookie, session_cookie

    settings = Settings(public_url="https://hours.example.org")
    signed_in = service.SignedIn(token="t", timebank_id=1, member_id=1, roles=(), is_remembered=True)
    assert cookie_name(settings) == "__Host-timebank"
    for cookie in (session_cookie(settings, signed_in), ended_cookie(settings)):
        header = cookie.to_header(header="").lower()
        assert header.startswith("__host-timebank=")
        assert "secure" in header
        assert "path=/" in header
        assert "domain" not in header


async def test_a_session_ends_after_90_days_and_a_borrowed_one_when_left_lying(bank, client, clock) -> None:
    own, borrowed = client(), client()
    await own.post(await link(bank), data={})
    await borrowed.post(await link(bank), data={"borrowed": "yes"})
    clock.advance(timedelta(minutes=29))
    assert (await borrowed.get("/devices")).status_code == 200
    clock.advance(timedelta(minutes=29))
    assert (await borrowed.get("/devices")).status_code == 200
    clock.advance(timedelta(minutes=30))
    assert (await borrowed.get("/devices")).headers["location"] == "/sign-in?next=/devices"
    clock.advance(timedelta(days=89))
    assert (await own.get("/devices")).status_code == 200
    clock.advance(timedelta(days=1))
    assert (await own.get("/devices")).status_code == 303


async def test_seen_is_written_at_most_once_a_minute(bank) -> None:
    token = secret(await link(bank))
    signed_in = await service.sign_in_by_link(bank.db, token, HERE, is_remembered=True, replaces="", now=bank.now)

    async def seen_after(seconds: int):
        await current_session(bank.db, signed_in.token, now=bank.now + timedelta(seconds=seconds))
        async with bank.db.globally() as connection:
            return (await queries.session(connection, sha256(signed_in.token))).seen_at - bank.now

    assert await seen_after(59) == timedelta(0)
    assert await seen_after(60) == timedelta(seconds=60)
    assert await seen_after(61) == timedelta(seconds=60)


async def test_somebody_who_has_left_is_signed_out(bank, admin_url) -> None:
    import asyncpg

    token = secret(await link(bank))
    signed_in = await service.sign_in_by_link(bank.db, token, HERE, is_remembered=True, replaces="", now=bank.now)
    spare = secret(await link(bank))
    api = await service.create_token(
        bank.db, bank.participant, bank.participant.member_id, "Robot", ["hours:read"], now=bank.now
    )
    owner = await asyncpg.connect(admin_url)
    await owner.execute(
        "update member set status = 'left' where timebank_id = $1 and id = $2", bank.id, bank.participant.member_id
    )
    await owner.close()
    assert await current_session(bank.db, signed_in.token, now=bank.now) is None
    assert await service.link_facts(bank.db, spare, now=bank.now) is None
    assert await service.sign_in_by_link(bank.db, spare, HERE, is_remembered=True, replaces="", now=bank.now) is None
    async with bank.db.globally() as connection:
        assert await queries.api_token(connection, sha256(api)) is None
    with pytest.raises(LookupError):
        await link(bank)


async def test_signing_out_ends_the_session_and_clears_the_cache(bank, client) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    before = browser.cookies[COOKIE]
    answer = await browser.submit("/sign-out")
    assert answer.status_code == 303
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert COOKIE not in browser.cookies
    browser.cookies.set(COOKIE, before)
    assert (await browser.get("/devices")).status_code == 303
    assert await sessions_of(bank.db, bank.participant) == []


async def test_signing_out_needs_this_sessions_form(bank, client) -> None:
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    browser.csrf = "somebody else's"
    assert (await browser.submit("/sign-out")).status_code == 419
    assert len(await sessions_of(bank.db, bank.participant)) == 1


async def test_devices_are_listed_and_signed_out_one_by_one(bank, client) -> None:
    phone, library = client(), client()
    library.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0) Firefox/128.0"
    await phone.sign_in(bank.db, bank.participant)
    await library.sign_in(bank.db, bank.participant)
    page = (await phone.get("/devices")).text
    assert page.count("Sign out this device") >= 2
    assert "Firefox on a Windows computer" in page
    there = sha256(library.cookies[COOKIE])[:8].hex()
    assert f'value="{there}"' in page
    async with bank.db.globally() as connection:
        phone.csrf = (await queries.session(connection, sha256(phone.cookies[COOKIE]))).csrf
    answer = await phone.submit("/devices/sign-out", {"device": there})
    assert answer.headers["location"] == "/devices"
    assert (await library.get("/devices")).status_code == 303
    assert (await phone.get("/devices")).status_code == 200
    here = sha256(phone.cookies[COOKIE])[:8].hex()
    answer = await phone.submit("/devices/sign-out", {"device": here})
    assert answer.headers["location"] == "/sign-in"
    assert (await phone.get("/devices")).status_code == 303


async def test_nobody_signs_somebody_elses_device_out(bank, client) -> None:
    mine, theirs = client(), client()
    await mine.sign_in(bank.db, bank.participant)
    await theirs.sign_in(bank.db, bank.coordinator)
    await mine.submit("/devices/sign-out", {"device": sha256(theirs.cookies[COOKIE])[:8].hex()})
    assert (await theirs.get("/devices")).status_code == 200


async def test_after_signing_in_people_land_where_they_wanted_to_go(bank, client) -> None:
    async def lands(actor: Actor, wanted: str | None) -> str:
        data = {} if wanted is None else {"next": wanted}
        return (await client().post(await link(bank, actor), data=data)).headers["location"]

    assert await lands(bank.participant, None) == "/"
    assert await lands(bank.coordinator, None) == "/groups"
    assert await lands(bank.finance, None) == "/payments"
    assert await lands(bank.participant, "/offers?kind=voucher") == "/offers?kind=voucher"
    for elsewhere in ("https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/sign-out", "/a\nb"):
        assert await lands(bank.participant, elsewhere) in ("/", "/ab"), elsewhere


async def test_the_sign_in_page_is_open_and_leads_on_whoever_is_signed_in(bank, client) -> None:
    browser = client()
    page = await browser.get("/sign-in")
    assert page.status_code == 200
    assert "With your card" in page.text
    await browser.sign_in(bank.db, bank.finance)
    assert (await browser.get("/sign-in")).headers["location"] == "/payments"


async def test_a_page_costs_one_look_up_and_assets_none(bank, client, monkeypatch) -> None:
    from timebank.identity import sessions

    asked = []
    real = sessions.current_session

    async def counting(*arguments, **named):
        asked.append(arguments)
        return await real(*arguments, **named)

    monkeypatch.setattr(sessions, "current_session", counting)
    browser = client()
    await browser.sign_in(bank.db, bank.participant)
    asked.clear()
    await browser.get("/devices")
    assert len(asked) == 1
    for path in ("/healthz", "/readyz", "/static/none.css", "/api/v1/members"):
        await browser.get(path)
    assert len(asked) == 1


async def test_a_session_is_one_query(bank) -> None:
    token = secret(await link(bank))
    signed_in = await service.sign_in_by_link(bank.db, token, HERE, is_remembered=True, replaces="", now=bank.now)
    async with bank.db.globally() as connection:
        asked = []
        with connection.query_logger(lambda record: asked.append(record.query)):
            found = await queries.session(connection, sha256(signed_in.token))
    assert len(asked) == 1
    assert (found.member_id, found.timebank_slug) == (bank.participant.member_id, bank.facts.slug)


async def test_many_sessions_and_links_push_the_oldest_out(bank) -> None:
    begun = []
    for number in range(rules.MAX_SESSIONS_PER_MEMBER + 2):
        now = bank.now + timedelta(seconds=number)
        path = await service.create_link(bank.db, bank.participant, bank.participant.member_id, now=now)
        signed_in = await service.sign_in_by_link(bank.db, secret(path), HERE, is_remembered=True, replaces="", now=now)
        begun.append(signed_in.token)
    assert len(await sessions_of(bank.db, bank.participant)) == rules.MAX_SESSIONS_PER_MEMBER
    assert await current_session(bank.db, begun[0], now=now) is None
    assert await current_session(bank.db, begun[-1], now=now) is not None
    paths = [
        await service.create_link(
            bank.db, bank.participant, bank.participant.member_id, now=now + timedelta(seconds=number)
        )
        for number in range(rules.MAX_OPEN_LINKS_PER_MEMBER + 1)
    ]
    later = now + timedelta(minutes=2)
    assert await service.link_facts(bank.db, secret(paths[0]), now=later) is None
    assert await service.link_facts(bank.db, secret(paths[-1]), now=later) is not None


async def test_only_digests_are_stored(bank) -> None:
    path = await link(bank)
    spare = secret(await link(bank))
    signed_in = await service.sign_in_by_link(
        bank.db, secret(path), HERE, is_remembered=True, replaces="", now=bank.now
    )
    async with bank.db.globally() as connection:
        for table in ("web_session", "sign_in_link"):
            rows = await connection.fetch(f"select {table}::text as line from {table} where timebank_id = $1", bank.id)
            assert rows
            assert not any(plain in row["line"] for row in rows for plain in (signed_in.token, spare))


async def test_a_coordinator_cannot_become_finance(bank) -> None:
    """The second pair of eyes on a payment would be the same person's."""
    for make in (
        lambda member_id: service.create_link(bank.db, bank.coordinator, member_id, now=bank.now),
        lambda member_id: service.issue_card(bank.db, bank.coordinator, member_id, now=bank.now),
        lambda member_id: service.create_token(
            bank.db, bank.coordinator, member_id, "Robot", ["payments:write"], now=bank.now
        ),
    ):
        with pytest.raises(service.NotAllowed):
            await make(bank.finance.member_id)
        assert await make(bank.participant.member_id)
    with pytest.raises(service.NotAllowed):
        await service.create_link(bank.db, bank.participant, bank.coordinator.member_id, now=bank.now)
    assert await service.create_link(bank.db, system(bank.id), bank.finance.member_id, now=bank.now)


async def test_no_link_for_another_time_banks_member(bank, other_bank) -> None:
    for member_id in (other_bank.participant.member_id, 2**62, -1):
        with pytest.raises(LookupError):
            await service.create_link(bank.db, bank.coordinator, member_id, now=bank.now)
    with pytest.raises(ValueError, match="30 days"):
        await link(bank, valid_for=timedelta(days=31))


async def test_look_ups_are_for_the_application_only(db: Database, owner_url: str) -> None:
    import asyncpg

    owner = await asyncpg.connect(owner_url)
    await owner.execute("set role timebank_owner")
    rows = await owner.fetch(
        """
        select proname, proconfig, prosecdef,
               (select bool_or(grantee = 0) from aclexplode(proacl)) as is_public,
               has_function_privilege('timebank_app', oid, 'execute') as for_app
          from pg_proc where pronamespace = 'public'::regnamespace and proname like 'find\\_%'
        """
    )
    await owner.close()
    expected = {
        *("find_session", "find_sign_in_link", "find_card", "find_api_token", "find_check_in_code"),
        *("find_asked_members", "find_members_by_address", "find_statement_code", "find_supplier_link", "find_passkey"),
    }
    assert {row["proname"] for row in rows} == expected
    for row in rows:
        assert row["prosecdef"]
        assert row["proconfig"] == ['search_path=""']
        assert not row["is_public"]
        assert row["for_app"]
