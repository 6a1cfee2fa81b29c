"""Formats in use: runs in every one, columns of the time bank's own with their versions, pages and the API."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.integration.payments.helpers import add_payee, approved, call, codes, new_key, run
from tests.people import Bank, Browser
from timebank.identity.service import create_token
from timebank.payees import queries as payees
from timebank.payees.model import Account
from timebank.payments import files, profiles
from timebank.payments.batches import ExportBatch, export
from timebank.payments.files import MadeFile, MakeFile, make_file
from timebank.payments.formats import FORMATS, csv_profiles
from timebank.payments.formats.payments_csv import Column
from timebank.payments.profiles import RetireProfile, SavedProfile, SaveProfile, retire_profile, save_profile

Open = Callable[[], Browser]
BANK_FORMATS = [one for one in FORMATS if one.use == "bank"]
THEIRS = Account(holder="Zoë's Café", sort_code="089999", number="66374958")
OURS = Account(holder="Riverside Time Bank", sort_code="107999", number="88837491")
ADD_ACCOUNT = """
insert into bank_account (timebank_id, payee_id, sealed, mark, last_four, state, proposed_by, proposed_at, decided_by,
                          decided_at)
values ($1, $2, $3, decode(md5($4) || md5($4), 'hex'), $5, 'in_use', $6, $8, $7, $8)
"""
SET_NUMBER = """
insert into payment_settings (timebank_id, service_user_number) values ($1, '123456')
on conflict (timebank_id) do update set service_user_number = '123456'
"""


async def with_account(bank: Bank, payee_id: int | None, account: Account) -> None:
    """An account that two people agreed on."""
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            ADD_ACCOUNT,
            bank.id,
            payee_id,
            payees.sealed(account),
            account.number + account.iban,
            account.last_four,
            bank.finance.member_id,
            bank.finance_two.member_id,
            bank.now,
        )


async def ready(bank: Bank, *, pence: int = 1250) -> int:
    """Somebody to pay by bank, who has an account, as have we; something approved."""
    payee = await add_payee(bank.db, bank.finance)
    await with_account(bank, payee, THEIRS)
    await approved(bank, payee, pence=pence)
    return payee


async def ours(bank: Bank) -> None:
    """Our own account and service user number."""
    await with_account(bank, None, OURS)
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(SET_NUMBER, bank.id)


async def signed_in(client: Open, bank: Bank, who: str = "finance") -> Browser:
    browser = client()
    await browser.sign_in(bank.db, getattr(bank, who))
    return browser


async def save(bank: Bank, **changed: Any) -> Any:
    command = SaveProfile(**({"name": "Our bank", "profile": csv_profiles.GENERIC} | changed))
    return await save_profile(bank.db, bank.finance, command, **call())


async def saved(bank: Bank, **changed: Any) -> SavedProfile:
    answer = await save(bank, **changed)
    assert isinstance(answer, SavedProfile), answer
    return answer


async def test_one_run_in_every_format_that_can_carry_it(bank: Bank) -> None:
    await ours(bank)
    await ready(bank)
    await run(bank, format="bacs18")
    made, refused = [], []
    for one in BANK_FORMATS:
        answer = await make_file(bank.db, bank.finance, MakeFile(number=1, format=one.code), **call())
        (made if isinstance(answer, MadeFile) else refused).append(one.code)
    assert refused == ["payments-csv:generic-iban", "pain001-sepa", "pain001-sepa-03"]
    async with bank.db.reading(bank.id) as connection:
        batch = await files.load(connection, bank.id, 1)
        rows = await connection.fetch("select format, content from payment_file where timebank_id = $1", bank.id)
    assert batch is not None
    stored = {row["format"]: row["content"] for row in rows}
    assert sorted(stored) == sorted(made)
    assert len(made) == len(BANK_FORMATS) - len(refused)
    for one in BANK_FORMATS:
        if one.code in stored:
            assert one.read_back(stored[one.code], batch) == batch.total
            # What is stored is what is written again, after any restart.
            assert one.write(batch) == stored[one.code]


@pytest.mark.parametrize(
    ("format_code", "code"), [("bacs18", "no_own_account"), ("pain001-uk", "no_own_account"), ("pain001-sepa", None)]
)
async def test_what_cannot_be_written_leaves_nothing_behind(bank: Bank, format_code: str, code: str | None) -> None:
    await ready(bank)
    answer = await export(bank.db, bank.finance, ExportBatch(format=format_code), **call())
    assert isinstance(answer, list)
    if code:
        assert code in codes(answer)
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from payment_batch where timebank_id = $1", bank.id) == 0
        state = await connection.fetchval("select state from payable where timebank_id = $1", bank.id)
    assert state == "approved"
    await run(bank)  # in the time bank's own format it still leaves


async def test_a_profile_has_versions_and_a_file_keeps_its_own(bank: Bank) -> None:
    await ours(bank)
    await ready(bank)
    first = await saved(bank)
    assert (first.id, first.version, first.code) == (1, 1, "payments-csv:own-1")
    made = await run(bank, format=first.code)
    changed = replace(csv_profiles.GENERIC, amounts="pence")
    second = await saved(bank, id=1, seen_version=1, profile=changed)
    assert (second.id, second.version) == (1, 2)
    answer = await make_file(bank.db, bank.finance, MakeFile(number=1, format=first.code), **call())
    assert isinstance(answer, MadeFile)
    assert answer.format == "payments-csv:own-1-2"
    again = await make_file(bank.db, bank.finance, MakeFile(number=1, format="payments-csv:own-1-1"), **call())
    assert isinstance(again, MadeFile)
    assert again.sha256 == made.sha256
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch("select format, content from payment_file where timebank_id = $1", bank.id)
        for code in ("payments-csv:own-1-3", "payments-csv:own-2", "payments-csv:own-0", "payments-csv:own-1-1-1"):
            assert await profiles.any_format(connection, bank.id, code) is None
    stored = {row["format"]: row["content"] for row in rows}
    assert sorted(stored) == ["payments-csv:own-1-1", "payments-csv:own-1-2"]
    assert b",12.50," in stored["payments-csv:own-1-1"]
    assert b",1250," in stored["payments-csv:own-1-2"]


async def test_two_changes_at_once_make_one_version(bank: Bank) -> None:
    await saved(bank)
    answers = await asyncio.gather(*(save(bank, id=1, seen_version=1, note=f"{n}") for n in range(6)))
    assert [type(one) for one in answers].count(SavedProfile) == 1
    assert {one[0].code for one in answers if isinstance(one, list)} == {"profile_changed"}
    made = await asyncio.gather(*(save(bank, name=f"Bank {n}") for n in range(5)))
    assert sorted(one.id for one in made) == [2, 3, 4, 5, 6]


async def test_what_is_refused(bank: Bank) -> None:
    await saved(bank)
    assert codes(await save(bank, name="OUR  bank")) == ["name_taken"]
    assert codes(await save(bank, name=" ")) == ["name_missing"]
    assert codes(await save(bank, name="x" * 61)) == ["name_too_long"]
    assert codes(await save(bank, name="New", note="x" * 201)) == ["note_too_long"]
    assert codes(await save(bank, id=7, name="New")) == ["unknown_profile"]
    command = SaveProfile(name="Theirs", profile=csv_profiles.GENERIC)
    assert codes(await save_profile(bank.db, bank.coordinator, command, **call())) == ["not_finance"]
    assert codes(await retire_profile(bank.db, bank.coordinator, RetireProfile(id=1), **call())) == ["not_finance"]
    assert codes(await retire_profile(bank.db, bank.finance, RetireProfile(id=2), **call())) == ["unknown_profile"]
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(SET_NUMBER, bank.id)
        await connection.execute(
            "update payment_settings set format = 'payments-csv:own-1' where timebank_id = $1", bank.id
        )
    assert codes(await retire_profile(bank.db, bank.finance, RetireProfile(id=1), **call())) == ["format_in_use"]


async def test_a_retired_profile_is_offered_no_more_and_its_name_is_free(bank: Bank) -> None:
    await saved(bank)
    assert isinstance(await retire_profile(bank.db, bank.finance, RetireProfile(id=1), **call()), SavedProfile)
    async with bank.db.reading(bank.id) as connection:
        assert await profiles.any_format(connection, bank.id, "payments-csv:own-1") is None
        assert await profiles.any_format(connection, bank.id, "payments-csv:own-1-1") is not None
        assert "Our bank" not in [name for _, name, _ in await profiles.choices(connection, bank.id)]
    assert (await saved(bank)).id == 2


def form_of(page: str) -> dict[str, Any]:
    """What the form of columns would send as it was shown."""
    fields: dict[str, Any] = {}
    for name in ("place", "heading", "text", "width"):
        fields[name] = re.findall(rf'name="{name}" value="([^"]*)"', page)
    selects = re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', page, re.DOTALL)
    fields["field"] = []
    for name, options in selects:
        chosen = re.search(r'value="([^"]*)" selected', options)
        value = chosen[1] if chosen else ""
        if name == "field":
            fields["field"].append(value)
        else:
            fields[name] = value
    for name in re.findall(r'name="(\w+)" type="checkbox" value="yes" checked', page):
        fields[name] = "yes"
    for name in ("name", "note", "seen_version"):
        found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
        if found:
            fields[name] = found[1]
    return fields


async def test_copy_look_keep_change_and_use(client: Open, bank: Bank) -> None:
    await ours(bank)
    await ready(bank)
    await run(bank)
    browser = await signed_in(client, bank)
    page = (await browser.get("/payments/formats/payments-csv:bankline/copy")).text
    form = form_of(page)
    assert len(form["field"]) == 88  # 85 columns and three empty rows
    page = (await browser.get("/payments/formats/payments-csv:generic/copy")).text
    form = form_of(page) | {"name": "Mutual of Riverside"}
    # The amount first, and a text that every line says.
    form["place"] = ["2", "3", "4", "1", "5", "6", "", ""]
    form["field"] = [*form["field"][:5], "fixed", "", ""]
    form["text"] = ["", "", "", "", "", "=99", "", ""]
    looked = await browser.submit(
        "/payments/formats/payments-csv:generic/copy", form | {"do": "preview", "key": new_key()}
    )
    assert looked.status_code == 200
    assert "12.50,••••••,••••4958,ZOES CAFE," in looked.text
    assert "66374958" not in looked.text
    assert "089999" not in looked.text.replace('value="089999"', "").replace(">089999<", "")
    async with bank.db.reading(bank.id) as connection:
        assert await profiles.profiles(connection, bank.id) == []
    key = new_key()
    for _ in range(2):  # a double click
        answer = await browser.submit("/payments/formats/payments-csv:generic/copy", form | {"key": key})
        assert (answer.status_code, answer.headers["location"]) == (303, "/payments/formats/payments-csv:own-1")
    shown = (await browser.get("/payments/formats/payments-csv:own-1")).text
    assert "Mutual of Riverside" in shown
    assert "ZOES CAFE" in shown
    assert "Zoë&#39;s Café" in shown
    assert "66374958" not in shown
    changing = form_of((await browser.get("/payments/formats/payments-csv:own-1/change")).text)
    assert changing["field"][:6] == ["amount", "sort_code", "account_number", "account_holder", "reference", "fixed"]
    assert changing["seen_version"] == "1"
    changing["letters"] = "any"
    answer = await browser.submit("/payments/formats/payments-csv:own-1/change", changing | {"key": new_key()})
    assert answer.status_code == 303
    late = await browser.submit("/payments/formats/payments-csv:own-1/change", changing | {"key": new_key()})
    assert late.status_code == 422
    assert "changed this format in the meantime" in late.text
    made = await browser.submit("/payments/batches/1/file", {"format": "payments-csv:own-1"})
    file = await browser.get(made.headers["location"])
    assert file.headers["content-type"].startswith("text/csv")
    assert file.text.splitlines()[1].startswith("12.50,089999,66374958,Zoë's Café,")
    assert file.text.splitlines()[1].endswith(",'=99")
    batch_page = (await browser.get("/payments/batches/1")).text
    assert "Mutual of Riverside" in batch_page
    answer = await browser.submit("/payments/formats/payments-csv:own-1/retire", {})
    assert (answer.status_code, answer.headers["location"]) == (303, "/payments/formats")
    assert (await browser.get("/payments/formats/payments-csv:own-1")).status_code == 404
    assert (await browser.get("/payments/formats/payments-csv:own-1-2")).status_code == 200
    assert (await browser.get(made.headers["location"])).content == file.content


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"field": ["sort_code", "", "", "", "", "", "", ""]}, "Choose the amount"),
        ({"field": ["amount", "amount", "", "", "", "", "", ""]}, "stands in two rows"),
        ({"field": ["amount", "shoe_size", "", "", "", "", "", ""]}, "from its list"),
        ({"place": ["one"] * 8}, "as a number from 1"),
        ({"width": ["999"] * 8}, "number up to 140"),
        ({"width": ["1²"] * 8}, "number up to 140"),
        ({"heading": ["x" * 61] * 8}, "at most 60 letters"),
        ({"letters": "morse"}, "Choose from the list"),
        ({"name": ""}, "Give this format a name"),
    ],
)
async def test_wrong_columns_are_said_and_nothing_is_lost(
    client: Open, bank: Bank, wrong: dict[str, Any], words: str
) -> None:
    browser = await signed_in(client, bank)
    path = "/payments/formats/payments-csv:generic/copy"
    form = form_of((await browser.get(path)).text) | {"note": "Ask Ana first"} | wrong
    answer = await browser.submit(path, form | {"key": new_key()})
    assert answer.status_code == 422
    assert words in answer.text
    assert "Ask Ana first" in answer.text
    assert all(f'value="{heading}"' in answer.text for heading in form["heading"] if heading)
    async with bank.db.reading(bank.id) as connection:
        assert await profiles.profiles(connection, bank.id) == []


async def test_every_format_has_a_page_that_shows_no_whole_account(client: Open, bank: Bank) -> None:
    await ours(bank)
    await ready(bank)
    browser = await signed_in(client, bank)
    listed = await browser.get("/payments/formats")
    assert listed.status_code == 200
    for one in FORMATS:  # before there is any run
        assert (await browser.get(f"/payments/formats/{one.code}")).status_code == 200
    await run(bank)
    for one in FORMATS:
        assert f'href="/payments/formats/{one.code}"' in listed.text
        answer = await browser.get(f"/payments/formats/{one.code}?run=1")
        assert answer.status_code == 200, one.code
        for secret in ("66374958", "88837491", "107999", "08-99-99"):
            assert secret not in answer.text, one.code
    sepa = (await browser.get("/payments/formats/pain001-sepa")).text
    assert "This run cannot be made in this format" in sepa
    assert "Euros only" in sepa
    for nowhere in ("nothing", "payments-csv:own-9", "payments-csv:generic?run=9", "payments-csv:generic?run=-1"):
        assert (await browser.get(f"/payments/formats/{nowhere}")).status_code == 404
    for nowhere in ("bacs18/copy", "payments-csv:generic/change", "payments-csv:own-1/change"):
        assert (await browser.get(f"/payments/formats/{nowhere}")).status_code == 404


async def test_another_time_bank_sees_nothing_of_it(bank: Bank, other_bank: Bank) -> None:
    await saved(bank)
    async with other_bank.db.reading(other_bank.id) as connection:
        assert await profiles.profiles(connection, other_bank.id) == []
        assert await profiles.any_format(connection, other_bank.id, "payments-csv:own-1") is None


def test_columns_survive_being_stored() -> None:
    for one in csv_profiles.SHIPPED:
        stored = msgspec.json.decode(msgspec.json.encode(one.profile))
        assert msgspec.convert(stored, type(one.profile)) == one.profile
    assert Column("empty").heading == ""


SCOPES = ("payables:read", "payments:write")


async def headers(bank: Bank, who: str = "finance", scopes: tuple[str, ...] = SCOPES) -> dict[str, str]:
    actor = getattr(bank, who)
    token = await create_token(
        bank.db, actor, actor.member_id, "Accounts", scopes, now=bank.now, valid_for=timedelta(days=1)
    )
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": new_key()}


async def test_programs_read_formats_and_keep_columns(client: Open, bank: Bank) -> None:
    browser, sent = client(), await headers(bank)
    listed = (await browser.get("/api/v1/payment-formats", headers=sent)).json()["items"]
    assert [one["code"] for one in listed] == [one.code for one in FORMATS]
    bacs = next(one for one in listed if one["code"] == "bacs18")
    assert (bacs["use"], bacs["extension"], bacs["columns"]) == ("bank", "txt", None)
    assert bacs["note"] == "Send a test file to your bank first."
    generic = (await browser.get("/api/v1/payment-formats/payments-csv:generic-99", headers=sent)).json()
    profile = generic["columns"] | {"amounts": "pence", "separator": "semicolon"}
    body = {"name": "Ours", "profile": profile}
    for _ in range(2):  # the same key, the same format
        answer = await browser.post("/api/v1/payment-formats", json=body, headers=sent)
        assert answer.status_code == 201
        assert answer.json() == {"id": 1, "version": 1, "code": "payments-csv:own-1"}
        assert answer.headers["location"] == "/api/v1/payment-formats/payments-csv:own-1"
    shown = (await browser.get("/api/v1/payment-formats/payments-csv:own-1", headers=sent)).json()
    assert (shown["code"], shown["columns"]) == ("payments-csv:own-1-1", profile)
    path = "/api/v1/payment-formats/payments-csv:own-1"
    changed = body | {"seen_version": 1, "note": "Ask Ana"}
    answer = await browser.post(path, json=changed, headers=await headers(bank))
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    answer = await browser.post(path, json=changed, headers=await headers(bank))
    assert answer.json()["code"] == "profile_changed"
    answer = await browser.post(f"{path}/retire", json={}, headers=await headers(bank))
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    assert (await browser.get(path, headers=sent)).status_code == 404
    assert (await browser.get(f"{path}-2", headers=sent)).status_code == 200
    assert (await browser.post("/api/v1/payment-formats/bacs18/retire", json={}, headers=sent)).status_code == 404


@pytest.mark.parametrize(
    ("profile", "status", "code"),
    [
        ({"columns": []}, 422, "amount_column_missing"),
        ({"columns": [{"field": "amount"}, {"field": "amount"}]}, 422, "column_twice"),
        ({"columns": [{"field": "amount"}, *[{"field": "empty"}] * 100]}, 422, "too_many_columns"),
        ({"columns": [{"field": "amount", "width": -1}]}, 422, "width_unreadable"),
        ({"columns": [{"field": "amount", "heading": "x" * 61}]}, 422, "heading_too_long"),
        ({"columns": [{"field": "shoe_size"}]}, 400, None),
        ({"columns": [{"field": "amount"}], "separator": ";"}, 400, None),
        ({"columns": [{"field": "amount"}], "amounts": "shillings"}, 400, None),
        ({"columns": [{"field": "amount"}], "more": 1}, 400, None),
        ({}, 400, None),
    ],
)
async def test_programs_hear_what_is_wrong_with_columns(
    client: Open, bank: Bank, profile: dict[str, Any], status: int, code: str | None
) -> None:
    body = {"name": "Ours", "profile": profile}
    answer = await client().post("/api/v1/payment-formats", json=body, headers=await headers(bank))
    assert answer.status_code == status
    if code:
        assert code in {error["code"] for error in answer.json().get("errors", [answer.json()])}
    async with bank.db.reading(bank.id) as connection:
        assert await profiles.profiles(connection, bank.id) == []


async def test_programs_need_the_scope_and_the_role(client: Open, bank: Bank) -> None:
    browser = client()
    body = {"name": "Ours", "profile": {"columns": [{"field": "amount"}]}}
    reader = await headers(bank, scopes=("payables:read",))
    assert (await browser.post("/api/v1/payment-formats", json=body, headers=reader)).status_code == 403
    stranger = await headers(bank, "coordinator")
    assert (await browser.get("/api/v1/payment-formats", headers=stranger)).status_code == 403
    assert (await browser.post("/api/v1/payment-formats", json=body, headers=stranger)).status_code in (403, 422)
