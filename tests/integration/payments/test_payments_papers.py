"""Account codes, journals that agree with the ledger, remittance advice by real e-mail, audit packs checked offline."""

import asyncio
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest

from tests.checkers import program
from tests.integration.messages.mailroom import MailRoom, mail_server
from tests.integration.payments.helpers import (
    add_payee,
    approved,
    call,
    codes,
    done,
    last_payment,
    new_key,
    run,
    settle,
)
from tests.integration.payments.test_payments_api import headers
from tests.integration.redemptions.spending import booked as book
from tests.integration.redemptions.spending import give_hours, offer, paid_out
from tests.integration.redemptions.spending import step as take
from tests.integration.redemptions.vouchering import code_of, confirm, ours, spend, till
from tests.people import NOW, Bank, Browser
from timebank.kit.trouble import Trouble
from timebank.payments import papers
from timebank.payments.audit_pack import Pack
from timebank.payments.codes import SetCodes, account_codes, set_codes
from timebank.payments.files import MadeFile, MakeFile, make_file
from timebank.payments.journal import Days
from timebank.payments.outcomes import VoidBatch, void_batch
from timebank.payments.remittance import RemittancesAsked, SendRemittances, mails_of, send_remittances
from timebank.payments.remittance_mail import RemittanceMail
from timebank.payments.service import Approve, approve
from timebank.settings import Settings

Open = Callable[[], Browser]
MARCH = Days(date(2026, 3, 1), date(2026, 3, 31))
CAFE, COLLEGE = "cafe@example.test", "college@example.test"
CODES = {"voucher": "7500", "training": "7501", "bank": "1250"}


@pytest.fixture
def room() -> Iterator[MailRoom]:
    with mail_server() as running:
        yield running


def answer_of(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60, env=environment)


def said(*command: str, cwd: Path | None = None) -> str:
    done = answer_of(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def mail_to(bank: Bank, payee_id: int, address: str) -> None:
    async with bank.db.writing(bank.id) as connection:
        await connection.execute(
            "update payee set email = $3 where timebank_id = $1 and id = $2", bank.id, payee_id, address
        )


async def two_payees(bank: Bank) -> tuple[str, str]:
    """A run of two payees, the first of whom has an address and two items; their last payables."""
    cafe, college = [await add_payee(bank.db, bank.finance, name) for name in ("A Café", "B College")]
    await mail_to(bank, cafe, CAFE)
    await approved(bank, cafe, pence=1250)
    one = await approved(bank, cafe, pence=701)
    two = await approved(bank, college, kind="training", pence=9900)
    await run(bank)
    return one, two


# Account codes


async def test_codes_are_kept_and_go_into_the_next_file(bank: Bank) -> None:
    await two_payees(bank)
    refused = await make_file(bank.db, bank.finance, MakeFile(number=1, format="xero-journal"), **call())
    assert codes(refused) == ["account_code_missing"]
    await set_codes(bank.db, bank.finance, SetCodes(codes=CODES | {"fee": " 75 02 "}), **call())
    async with bank.db.reading(bank.id) as connection:
        assert await account_codes(connection, bank.id) == CODES | {"fee": "75 02"}
    made = await make_file(bank.db, bank.finance, MakeFile(number=1, format="xero-journal"), **call())
    assert isinstance(made, MadeFile), made
    # What is made stays as it was made.
    await set_codes(bank.db, bank.finance, SetCodes(codes={"voucher": "9999", "fee": ""}), **call())
    again = await make_file(bank.db, bank.finance, MakeFile(number=1, format="xero-journal"), **call())
    assert again == made
    async with bank.db.reading(bank.id) as connection:
        assert await account_codes(connection, bank.id) == CODES | {"voucher": "9999"}


async def test_codes_that_cannot_be(bank: Bank) -> None:
    assert codes(await set_codes(bank.db, bank.coordinator, SetCodes(codes={}), **call())) == ["not_finance"]
    odd = SetCodes(codes={"gold": "1", "fee": "x" * 41})
    assert codes(await set_codes(bank.db, bank.finance, odd, **call())) == ["unknown_kind", "account_code_too_long"]


# Journals of the ledger


async def journal(bank: Bank, form: Any, days: Days = MARCH) -> str:
    made = await papers.journal_of(bank.db, bank.id, days, form)
    assert isinstance(made, Pack), made
    return made.content.decode()


async def busy(bank: Bank) -> None:
    """Owed, paid, returned, rejected and void, in two months."""
    one, two = await two_payees(bank)
    await settle(bank, one, "paid")
    await settle(bank, one, "returned", reason="Account closed")
    await settle(bank, two, "rejected", reason="No such account")
    await approved(bank, await add_payee(bank.db, bank.finance, "C “quoted”; Ltd"), pence=5)
    await run(bank)
    assert not isinstance(
        await void_batch(bank.db, bank.finance, VoidBatch(number=2, reason="Not sent"), **call()), list
    )
    late = await add_payee(bank.db, bank.finance, "D")
    await approved(bank, late, pence=333, now=NOW + timedelta(days=30))


async def balances(bank: Bank) -> dict[str, int]:
    """Where every money account stands in the ledger, with the sign that accounts use."""
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            """
            select a.code, -b.posted as stands from ledger.account a
              join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
              join ledger.unit u on u.id = a.unit_id
             where a.book_id = $1 and u.code <> 'MIN' and b.posted <> 0
            """,
            bank.id,
        )
    return {row["code"]: row["stands"] for row in rows}


async def test_hledger_accepts_the_journal_and_comes_to_the_ledgers_balances(bank: Bank, tmp_path: Path) -> None:
    await busy(bank)
    path = tmp_path / "all.journal"
    path.write_text(await journal(bank, "hledger", Days(date(2026, 1, 1), date(2026, 12, 31))), encoding="utf-8")
    said(program("hledger"), "-f", str(path), "check", "--strict")
    found = said(program("hledger"), "-f", str(path), "balance", "--flat", "--no-total", "-O", "csv")
    stands = [row["balance"].removesuffix(" GBP") for row in csv.DictReader(io.StringIO(found))]
    assert sorted(int(one.replace(".", "")) for one in stands) == sorted((await balances(bank)).values())
    names = said(program("hledger"), "-f", str(path), "accounts", "--declared").splitlines()
    assert {"Expenses:Voucher", "Assets:In-transit", "Assets:Bank"} <= set(names)
    assert any(name.startswith("Liabilities:Payable:C-quoted-Ltd") for name in names)
    assert " MIN" not in path.read_text(encoding="utf-8")  # hours are not in it


async def test_months_join_without_a_gap(bank: Bank, tmp_path: Path) -> None:
    """April begins where March ends, and both programs prove it."""
    await busy(bank)
    april = Days(date(2026, 4, 1), date(2026, 4, 30))
    for form, command in (("hledger", ["hledger", "check", "--strict", "-f"]), ("beancount", ["bean-check"])):
        for days in (MARCH, april, Days(date(2026, 5, 1), date(2026, 5, 31)), Days(date(1999, 1, 1), date(1999, 1, 1))):
            text = await journal(bank, form, days)
            path = tmp_path / f"{days.first}.{form}"
            path.write_text(text, encoding="utf-8")
            said(program(command[0]), *command[1:], str(path))
            assert text == await journal(bank, form, days)
    march = stands(tmp_path / "2026-03-01.hledger")
    opening = stands(tmp_path / "2026-04-01.hledger", "desc:Opening balances")
    assert march == opening != {}


def stands(path: Path, *query: str) -> dict[str, str]:
    """Every account that does not stand at nothing, as hledger adds it up."""
    found = said(program("hledger"), "-f", f"journal:{path}", "balance", "--flat", "--no-total", "-O", "csv", *query)
    return {row["account"]: row["balance"] for row in csv.DictReader(io.StringIO(found))}


async def test_a_penny_more_in_the_journal_is_noticed(bank: Bank, tmp_path: Path) -> None:
    await busy(bank)
    text = await journal(bank, "hledger")
    wrong = text.replace("  99.00 GBP", "  99.01 GBP", 1).replace("  -99.00 GBP", "  -99.01 GBP", 1)
    assert wrong != text
    path = tmp_path / "wrong.journal"
    path.write_text(wrong, encoding="utf-8")
    done = answer_of(program("hledger"), "-f", str(path), "check")
    assert done.returncode != 0
    assert "balance" in done.stderr.lower()


async def test_days_the_wrong_way_round_and_another_time_banks_ledger(bank: Bank, other_bank: Bank) -> None:
    await two_payees(bank)
    assert codes(await papers.journal_of(bank.db, bank.id, Days(MARCH.last, MARCH.first), "hledger")) == ["days_turned"]
    text = await journal(other_bank, "hledger")
    assert "Expenses" not in text


# Remittance advice


async def send(bank: Bank, number: int = 1, **more: Any) -> Any:
    return await send_remittances(bank.db, bank.finance, SendRemittances(number=number), **{**call(), **more})


async def test_who_has_an_address_is_told_once_with_a_pdf(bank: Bank, room: MailRoom) -> None:
    one, _ = await two_payees(bank)
    asked = await send(bank)
    assert asked == RemittancesAsked(number=1, asked=1, before=0, without_address=1)
    again = await asyncio.gather(*(send(bank) for _ in range(4)))
    assert [each.asked for each in again] == [0, 0, 0, 0]
    job = RemittanceMail(room.settings)
    for _ in range(3):
        await job.send_due(bank.db, bank.id, NOW)
    [mail] = room.received
    reference = (await last_payment(bank.db, bank.id, one)).reference
    assert mail["To"] == CAFE
    assert "£19.51" in mail["Subject"]
    assert reference in mail["Subject"]
    assert mail["Message-ID"] == f"<remittance.{bank.id}.{reference}@bank.test>"
    body = mail.get_body()
    assert body is not None
    text = body.get_content()
    assert reference in text
    assert "£12.50" in text
    assert "£7.01" in text
    [attached] = list(mail.iter_attachments())
    assert attached.get_filename() == f"remittance-{reference}.pdf"
    pages = pypdf.PdfReader(io.BytesIO(attached.get_content())).pages
    assert reference in pages[0].extract_text()
    async with bank.db.reading(bank.id) as connection:
        mails = await mails_of(connection, bank.id, 1)
    assert (mails.sent, mails.waiting, mails.failed, mails.to_ask) == (1, 0, 0, 0)


async def test_a_refused_address_can_be_asked_again_and_a_dead_server_loses_nothing(bank: Bank, room: MailRoom) -> None:
    await two_payees(bank)
    await send(bank)
    room.to_recipient[CAFE] = "550 No such person"
    await RemittanceMail(room.settings).send_due(bank.db, bank.id, NOW)
    async with bank.db.reading(bank.id) as connection:
        mails = await mails_of(connection, bank.id, 1)
    assert (mails.failed, mails.to_ask, mails.troubles) == (
        1,
        1,
        ("The mail server refused the address (answer 550).",),
    )
    del room.to_recipient[CAFE]
    assert (await send(bank)).asked == 1
    with pytest.raises(Trouble):
        await RemittanceMail(Settings()).send_due(bank.db, bank.id, NOW)
    await RemittanceMail(room.settings).send_due(bank.db, bank.id, NOW)
    assert len(room.to(CAFE)) == 1


async def test_a_crash_after_handing_over_sends_the_same_message_again_and_no_other(bank: Bank, room: MailRoom) -> None:
    await two_payees(bank)
    await send(bank)
    claimed = "update remittance_sent set attempts = 1, next_at = $2 where timebank_id = $1"
    async with bank.db.writing(bank.id) as connection:
        # As if the machine stopped in between: claimed, never marked.
        await connection.execute(claimed, bank.id, NOW + timedelta(minutes=10))
    job = RemittanceMail(room.settings)
    await job.send_due(bank.db, bank.id, NOW + timedelta(minutes=9))
    assert room.received == []
    await job.send_due(bank.db, bank.id, NOW + timedelta(minutes=11))
    assert len(room.received) == 1


async def test_what_was_taken_back_is_not_told(bank: Bank, room: MailRoom) -> None:
    await two_payees(bank)
    await send(bank)
    await void_batch(bank.db, bank.finance, VoidBatch(number=1, reason="Not sent"), **call())
    await RemittanceMail(room.settings).send_due(bank.db, bank.id, NOW)
    assert room.received == []
    assert codes(await send(bank)) == ["batch_void"]
    assert await papers.advice_of(bank.db, bank.id, 1) is None
    assert codes(await send(bank, number=7)) == ["unknown_batch"]


async def test_members_are_not_counted_as_payees_without_an_address(bank: Bank) -> None:
    member = await add_payee(bank.db, bank.finance, "Ada", member_id=bank.participant.member_id)
    await approved(bank, member, pence=500)
    await run(bank)
    assert await send(bank) == RemittancesAsked(number=1, asked=0, before=0, without_address=0)


# Audit packs


async def pack(bank: Bank, number: int = 1) -> Pack:
    made = await papers.audit_pack_of(bank.db, bank.id, number)
    assert made is not None
    return made


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")), strict=True))


def opened(made: Pack, tmp_path: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        archive.extractall(tmp_path)
    [folder] = tmp_path.iterdir()
    return folder


async def test_the_commands_of_the_readme_prove_the_pack(bank: Bank, tmp_path: Path) -> None:
    one, two = await two_payees(bank)
    await settle(bank, one, "paid")
    await settle(bank, two, "rejected", reason="No such account")
    made = await pack(bank)
    assert made == await pack(bank)
    folder = opened(made, tmp_path)
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    commands = re.findall(r"^    (\S.*)$", readme, re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["sha256sum", "python3", "hledger", "hledger", "bean-check"]
    answers = {}
    for line in commands:
        name, *rest = line.split()
        answers[line] = said(sys.executable if name == "python3" else program(name), *rest, cwd=folder)
    assert "All agrees: 2 payments, 11851" in answers["python3 check.py"]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    summed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert found == summed | {"SHA256SUMS"}
    steps = rows(folder / "steps.csv")
    assert {"approved", "exported", "paid", "rejected"} <= {row["state"] for row in steps}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("payments.csv", ",1951,", ",1952,"),
        ("trace.csv", ",701,", ",702,"),
        ("ledger.journal", "118.51", "118.52"),
        ("manifest.json", '"total_pence": 11851', '"total_pence": 11852'),
        ("files", "19.51", "19.52"),
    ],
)
async def test_a_changed_pack_is_noticed_even_with_its_checksums_put_right(
    bank: Bank, tmp_path: Path, name: str, old: str, new: str
) -> None:
    await two_payees(bank)
    folder = opened(await pack(bank), tmp_path)
    path = folder / name
    if path.is_dir():
        [path] = path.iterdir()
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    if name not in ("manifest.json", "files"):
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["sha256"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))
    done = answer_of(sys.executable, "check.py", cwd=folder)
    assert done.returncode == 1
    assert "WRONG" in done.stdout


async def test_the_trace_leads_back_to_the_hours(bank: Bank, tmp_path: Path) -> None:
    who = bank.participant
    await give_hours(bank, who.member_id or 0, 60)
    payee = await add_payee(bank.db, bank.finance)
    reference = await book(bank, await offer(bank, "voucher", payee_id=payee, value_pence=500), who)
    for name in ("accept", "fulfil"):
        await take(bank, name, reference)
    async with bank.db.reading(bank.id) as connection:
        booking = await connection.fetchrow("select entry_id from redemption where reference = $1", reference)
        payable = await connection.fetchval("select reference from payable where timebank_id = $1", bank.id)
    assert booking["entry_id"] is not None
    await paid_out(bank, payable)
    [row] = rows(opened(await pack(bank), tmp_path) / "trace.csv")
    assert (row["payable"], row["source_kind"], row["source_reference"]) == (payable, "redemption", reference)
    assert (row["hours_entry"], row["minutes"]) == (str(booking["entry_id"]), "60")


async def test_each_part_of_a_voucher_leads_to_its_booking(bank: Bank, tmp_path: Path) -> None:
    offer_id, supplier = await ours(bank, pence=500, allows_parts=True)
    reference = await spend(bank, offer_id)
    at, code = await till(bank, supplier), await code_of(bank, reference)
    for pence in (200, 300):
        assert not isinstance(await confirm(bank, at, code, pence=pence), list)
    async with bank.db.reading(bank.id) as connection:
        found = await connection.fetch("select reference from payable where timebank_id = $1 order by id", bank.id)
    first, second = [row["reference"] for row in found]
    await done(approve(bank.db, bank.finance, Approve(reference=first), **call()))
    await paid_out(bank, second)
    one, two = rows(opened(await pack(bank), tmp_path) / "trace.csv")
    assert (one["source_kind"], one["source_reference"], one["pence"]) == ("redemption", reference, "200")
    assert (two["source_kind"], two["behind"], two["pence"]) == ("voucher_use", reference, "300")
    assert one["hours_entry"] == two["hours_entry"] != ""


async def test_a_void_run_says_so_in_its_pack(bank: Bank, tmp_path: Path) -> None:
    await two_payees(bank)
    await void_batch(bank.db, bank.finance, VoidBatch(number=1, reason="Never sent"), **call())
    folder = opened(await pack(bank), tmp_path)
    assert "taken back" in (folder / "README.txt").read_text(encoding="utf-8")
    assert "All agrees" in said(sys.executable, "check.py", cwd=folder)
    said(program("hledger"), "-f", "ledger.journal", "check", "--strict", cwd=folder)
    assert await papers.audit_pack_of(bank.db, bank.id, 99) is None


# Pages


async def signed_in(client: Open, bank: Bank, who: str = "finance") -> Browser:
    browser = client()
    await browser.sign_in(bank.db, getattr(bank, who))
    return browser


async def test_the_page_of_codes_keeps_what_was_typed_and_leads_to_journals(client: Open, bank: Bank) -> None:
    browser = await signed_in(client, bank)
    page = await browser.get("/payments/codes")
    assert "March 2026" in page.text
    assert (await browser.get("/payments/journal?form=hledger&first=2026-03-01&last=2026-03-31")).status_code == 200
    typed = {"code_voucher": "7500", "code_fee": "x" * 41}
    answer = await browser.submit("/payments/codes", typed)
    assert answer.status_code == 422
    assert 'value="7500"' in answer.text
    assert "#code_fee" in answer.text
    answer = await browser.submit("/payments/codes", typed | {"code_fee": "7502"})
    assert answer.status_code == 303
    assert 'value="7502"' in (await browser.get("/payments/codes")).text
    days = {"first-day": "31", "first-month": "3", "first-year": "2026"}
    days |= {"last-day": "1", "last-month": "3", "last-year": "2026", "form": "beancount"}
    answer = await browser.submit("/payments/journal", days)
    assert answer.status_code == 422
    assert "last day is before the first" in answer.text
    answer = await browser.submit("/payments/journal", days | {"last-day": "31"})
    assert answer.headers["location"] == "/payments/journal?form=beancount&first=2026-03-31&last=2026-03-31"
    for odd in ("form=excel&first=2026-03-01&last=2026-03-31", "form=hledger&first=x&last=2026-03-31", ""):
        assert (await browser.get(f"/payments/journal?{odd}")).status_code == 404


async def test_the_page_of_papers(client: Open, bank: Bank) -> None:
    await two_payees(bank)
    browser = await signed_in(client, bank)
    assert "/payments/batches/1/papers" in (await browser.get("/payments/batches/1")).text
    page = await browser.get("/payments/batches/1/papers")
    assert "1 can be sent by e-mail" in page.text
    assert "1 without an e-mail address" in page.text
    answers = [await browser.submit("/payments/batches/1/remittances", {"key": new_key()}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert "1 on the way by e-mail" in (await browser.get("/payments/batches/1/papers")).text
    pdf = await browser.get("/payments/batches/1/remittances")
    assert pdf.headers["content-type"] == "application/pdf"
    assert len(pypdf.PdfReader(io.BytesIO(pdf.content)).pages) == 2
    assert (await browser.get("/payments/batches/1/lines/2/remittance")).content[:4] == b"%PDF"
    zipped = await browser.get("/payments/batches/1/audit-pack")
    assert zipped.headers["content-type"] == "application/zip"
    assert zipped.content == (await pack(bank)).content
    for nothing in ("lines/3/remittance", "remittances?part=2", "remittances?part=0"):
        assert (await browser.get(f"/payments/batches/1/{nothing}")).status_code == 404
    admin = await signed_in(client, bank, "coordinator")
    assert (await admin.get("/payments/batches/1/audit-pack")).status_code == 403


# API


async def test_programs_can_do_all_of_it(client: Open, bank: Bank) -> None:
    await two_payees(bank)
    browser, sent = client(), await headers(bank)
    answer = await browser.post("/api/v1/account-codes", json={"codes": CODES}, headers=sent)
    assert answer.status_code == 200, answer.text
    assert (await browser.get("/api/v1/account-codes", headers=sent)).json() == {"codes": CODES}
    odd = await browser.post("/api/v1/account-codes", json={"codes": {"gold": "1"}}, headers=await headers(bank))
    assert (odd.status_code, odd.json()["code"]) == (422, "unknown_kind")
    text = await browser.get("/api/v1/journal?first=2026-03-01&last=2026-03-31", headers=sent)
    assert text.text == await journal(bank, "hledger")
    asked = [
        await browser.post("/api/v1/payment-batches/1/remittances", json={}, headers=sent | {"Idempotency-Key": key})
        for key in ("one-key-1", "one-key-1", "two-key-2")
    ]
    assert [one.json()["asked"] for one in asked] == [1, 1, 0]
    for path in ("remittances", "payments/1/remittance", "audit-pack"):
        file = await browser.get(f"/api/v1/payment-batches/1/{path}", headers=sent)
        assert file.status_code == 200, path
        assert file.content[:2] in (b"%P", b"PK")
        assert (await browser.get(f"/api/v1/payment-batches/9/{path}", headers=sent)).status_code == 404
    few = await headers(bank, scopes=("hours:read",))
    assert (await browser.get("/api/v1/payment-batches/1/audit-pack", headers=few)).status_code == 403
