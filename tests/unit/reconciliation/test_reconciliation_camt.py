"""Statements as camt.053: both versions, batches, returns, and XML that was made to do harm."""

import tracemalloc
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.reconciliation.bank_files import Movement, camt_file
from timebank.kit.refusal import Refusal
from timebank.reconciliation.formats import ReadStatement, read
from timebank.reconciliation.formats.camt053 import is_xml, read_camt

OUT = Movement(-1250, "Lunch", reference="B7K2-M9QX", on=date(2026, 3, 4))
BACK = Movement(1250, "Returned", reference="B7K2-M9QX", reason="AC04", on=date(2026, 3, 6))
CURRENCY, LAUGHING = 'Ccy="GBP"', 'Ccy="&lol9;"'
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


@pytest.mark.parametrize("version", ["02", "08"])
def test_amounts_days_references_and_reasons(version: str) -> None:
    found = read(camt_file([OUT, BACK], 5000, version=version), "GBP")
    assert isinstance(found, ReadStatement), found
    assert (found.format, found.last_four, found.opening_pence, found.closing_pence) == ("camt.053", "6819", 5000, 5000)
    one, two = found.lines
    assert (one.number, one.booked_on, one.pence, one.text, one.references) == (
        1,
        date(2026, 3, 4),
        -1250,
        "Lunch",
        "B7K2-M9QX",
    )
    assert (two.pence, two.reason) == (1250, "AC04: The account is closed")


def entry(inner: str, amount: str = "30.00") -> bytes:
    written = camt_file([Movement(-3000)]).decode()
    before, _, after = written.partition("<NtryDtls>")
    tail = after.partition("</NtryDtls>")[2]
    return f"{before}{inner}{tail}".replace("30.00", amount).encode()


def part(reference: str, amount: str) -> str:
    money = f'<AmtDtls><TxAmt><Amt Ccy="GBP">{amount}</Amt></TxAmt></AmtDtls>' if amount else ""
    return f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{money}</TxDtls>"


def test_an_entry_of_several_payments_becomes_a_line_for_each() -> None:
    found = read(entry(f"<NtryDtls>{part('AAAA-0001', '10.00')}{part('AAAA-0002', '20.00')}</NtryDtls>"), "GBP")
    assert isinstance(found, ReadStatement)
    assert [(line.pence, line.references) for line in found.lines] == [(-1000, "AAAA-0001"), (-2000, "AAAA-0002")]
    assert len({line.number for line in found.lines}) == 2


@pytest.mark.parametrize("amounts", [("10.00", "19.99"), ("10.00", "")])
def test_an_entry_whose_parts_do_not_add_up_stays_whole(amounts: tuple[str, str]) -> None:
    parts = part("AAAA-0001", amounts[0]) + part("AAAA-0002", amounts[1])
    batch = "<Btch><PmtInfId>riverside-RUN-0012</PmtInfId></Btch>"
    found = read(entry(f"<NtryDtls>{batch}{parts}</NtryDtls>"), "GBP")
    assert isinstance(found, ReadStatement)
    [line] = found.lines
    assert line.pence == -3000
    assert line.references == "riverside-RUN-0012 AAAA-0001 AAAA-0002"


def test_what_is_not_booked_yet_is_counted_and_left_out() -> None:
    data = camt_file([OUT, OUT]).replace(b"<Sts>BOOK</Sts>", b"<Sts>PDNG</Sts>", 1)
    found = read(data.replace(b"-25.00", b"-12.50"), "GBP")
    assert isinstance(found, Refusal), "the sums no longer lead to the closing balance"
    without = data.replace(b">25.00<", b">12.50<")
    found = read(without, "GBP")
    assert isinstance(found, ReadStatement)
    assert (len(found.lines), found.left_out) == (1, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (camt_file([OUT, BACK], 5000).replace(b">50.00<", b">50.01<", 1), "sums_differ"),
        (camt_file([OUT]).replace(b'Ccy="GBP"', b'Ccy="EUR"'), "other_currency"),
        (camt_file([OUT]).replace(b">12.50<", b">12.505<"), "amount_unreadable"),
        (camt_file([OUT]).replace(b">12.50<", b">1234567890123456789012<"), "amount_unreadable"),
        (camt_file([OUT]).replace(b">12.50<", b">123456789012345678<"), "amount_too_large"),
        (camt_file([OUT]).replace(b">12.50<", b">-12.50<"), "amount_unreadable"),
        (camt_file([OUT]).replace(b">12.50<", b">1e3<"), "amount_unreadable"),
        (camt_file([OUT]).replace(b"<Dt>2026-03-04</Dt>", b"<Dt>2026-02-30</Dt>"), "date_unreadable"),
        (camt_file([OUT]).replace(b"DBIT", b"BOTH"), "direction_unreadable"),
        (camt_file([OUT]).replace(b"camt.053", b"camt.054"), "xml_other"),
        (b"<?xml version='1.0'?><Other/>", "xml_other"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "xml_other"),
        (b"<", "xml_broken"),
    ],
)
def test_what_cannot_be_right_is_refused(data: bytes, code: str) -> None:
    found = read(data, "GBP")
    assert isinstance(found, Refusal), found
    assert found.code == code


@pytest.mark.parametrize("cut", range(1, len(camt_file([OUT, BACK])), 37))
def test_a_file_that_is_cut_off_anywhere_is_refused_whole(cut: int) -> None:
    assert isinstance(read(camt_file([OUT, BACK])[:cut], "GBP"), Refusal)


def laughs(name: str = "lol") -> str:
    entities = "".join(f'<!ENTITY {name}{n} "' + f"&{name}{n - 1};" * 10 + '">' for n in range(1, 10))
    return f'<!DOCTYPE Document [<!ENTITY {name}0 "ha">{entities}]>'


def hostile(secret: Path) -> dict[str, bytes]:
    body = camt_file([OUT]).decode().removeprefix(HEAD)
    return {
        "billion laughs": f"{HEAD}{laughs()}{body.replace('Lunch', '&lol9;')}".encode(),
        "laughs in an attribute": f"{HEAD}{laughs()}{body.replace(CURRENCY, LAUGHING)}".encode(),
        "laughs in UTF-16": f"{HEAD}{laughs()}{body}".replace("UTF-8", "UTF-16").encode("utf-16"),
        "a file of ours": f'{HEAD}<!DOCTYPE Document [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
        f"{body.replace('Lunch', '&x;')}".encode(),
        "an address": f'{HEAD}<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/evil.dtd">{body}'.encode(),
        "a parameter entity": f'{HEAD}<!DOCTYPE D [<!ENTITY % p SYSTEM "{secret.as_uri()}">%p;]>{body}'.encode(),
        "UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE Document+AFsAXQA+-',
        "deep": b"<a>" * 100_000 + b"</a>" * 100_000,
        "an entity that is not there": f"{HEAD}{body.replace('Lunch', '&nothing;')}".encode(),
    }


@pytest.mark.parametrize("name", hostile(Path("/nowhere")))
def test_xml_made_to_do_harm_is_refused_in_words_and_costs_nothing(name: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("QUITE-SECRET")
    data = hostile(secret)[name]
    assert is_xml(data), "it would be read as a CSV"
    tracemalloc.start()
    found = read_camt(data, "GBP")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, Refusal), name
    assert found.code in ("xml_unsafe", "xml_broken"), found
    assert "QUITE-SECRET" not in found.message
    assert peak < 20 * 1024 * 1024


def test_a_hundred_megabytes_are_refused_before_they_are_read() -> None:
    found = read(b"<?xml version='1.0'?><a>" + b"x" * (100 * 1024 * 1024), "GBP")
    assert isinstance(found, Refusal)
    assert found.code == "file_too_large"


def test_several_accounts_in_one_file_are_not_mixed() -> None:
    one, two = camt_file([OUT]).decode(), camt_file([BACK], account="GB94BARC10201530093459").decode()
    statement = two[two.index("<Stmt>") : two.index("</BkToCstmrStmt>")]
    found = read(one.replace("</BkToCstmrStmt>", f"{statement}</BkToCstmrStmt>").encode(), "GBP")
    assert isinstance(found, Refusal)
    assert found.code == "several_accounts"


def test_statements_of_several_days_in_one_file_are_one() -> None:
    one, two = camt_file([OUT], 5000).decode(), camt_file([BACK], 3750).decode()
    statement = two[two.index("<Stmt>") : two.index("</BkToCstmrStmt>")]
    found = read(one.replace("</BkToCstmrStmt>", f"{statement}</BkToCstmrStmt>").encode(), "GBP")
    assert isinstance(found, ReadStatement)
    assert (found.opening_pence, found.closing_pence, len(found.lines)) == (5000, 5000, 2)
    broken = statement.replace("37.50", "36.50").replace(">50.00<", ">49.00<")
    found = read(one.replace("</BkToCstmrStmt>", f"{broken}</BkToCstmrStmt>").encode(), "GBP")
    assert isinstance(found, Refusal)
    assert found.code == "sums_differ"


@settings(deadline=None)
@given(st.data())
def test_no_damaged_xml_breaks_the_reader(data: st.DataObject) -> None:
    good = camt_file([OUT, BACK], 5000)
    at = data.draw(st.integers(0, len(good) - 1))
    end = min(len(good), at + data.draw(st.integers(0, 60)))
    damaged = good[:at] + data.draw(st.binary(max_size=20)) + good[end:]
    assert isinstance(read(damaged, "GBP"), ReadStatement | Refusal) or not damaged.lstrip().startswith(b"<")
