"""pain.001: valid by the XSD, read by another parser, the same bytes for the same run."""

import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.payments.examples import batch, item, payment
from tests.unit.payments.golden import NAMES, euros, pounds
from timebank.payees.model import Account
from timebank.payments.formats import Batch, UnreadableFileError, find_format
from timebank.payments.formats.pain001 import FORMATS, Pain001, remittance_text

UK, SEPA, UK_03, SEPA_03 = FORMATS


def run_for(made: Pain001) -> Batch:
    return pounds() if made.scheme == "uk" else euros()


def texts(content: bytes, version: str) -> dict[str, list[str]]:
    """The text of every element by its path below the document, by the standard library's parser."""
    space = f"{{urn:iso:std:iso:20022:tech:xsd:pain.001.001.{version}}}"
    found: dict[str, list[str]] = {}

    def walk(element: ET.Element, path: str) -> None:
        here = f"{path}/{element.tag.removeprefix(space)}"
        if element.text and element.text.strip():
            found.setdefault(here.removeprefix("/Document/CstmrCdtTrfInitn/"), []).append(element.text)
        for child in element:
            walk(child, here)

    walk(ET.fromstring(content), "")  # noqa: S314 - our own bytes
    return found


@pytest.mark.parametrize("made", FORMATS, ids=lambda one: one.code)
def test_mandatory_elements_and_control_sums(made: Pain001) -> None:
    run = run_for(made)
    assert made.check(run) == []
    found = texts(made.write(run), made.version)
    total = sum(Decimal(one.pence) / 100 for one in run.payments)
    for head in ("GrpHdr", "PmtInf"):
        assert found[f"{head}/NbOfTxs"] == [str(len(run.payments))]
        assert [Decimal(text) for text in found[f"{head}/CtrlSum"]] == [total]
    assert found["GrpHdr/MsgId"] == found["PmtInf/PmtInfId"] == ["riverside-RUN-0012"]
    assert found["GrpHdr/CreDtTm"] == ["2026-03-10T09:30:00Z"]
    assert found["PmtInf/PmtMtd"] == ["TRF"]
    day = "PmtInf/ReqdExctnDt/Dt" if made.version == "09" else "PmtInf/ReqdExctnDt"
    assert found[day] == [run.processing_on.isoformat()]
    transaction = "PmtInf/CdtTrfTxInf"
    assert found[f"{transaction}/PmtId/EndToEndId"] == [one.reference for one in run.payments]
    assert sum(Decimal(text) for text in found[f"{transaction}/Amt/InstdAmt"]) == total
    assert len(found[f"{transaction}/Cdtr/Nm"]) == len(run.payments)
    assert max(len(name) for name in found[f"{transaction}/Cdtr/Nm"]) <= (70 if made.scheme == "sepa" else 140)
    assert not any("AdrLine" in path for path in found)


def test_uk_accounts_are_a_sort_code_of_gbdsc_and_a_number() -> None:
    found = texts(UK.write(pounds()), "09")
    bank = "CdtrAgt/FinInstnId/ClrSysMmbId"
    assert Counter(found[f"PmtInf/CdtTrfTxInf/{bank}/ClrSysId/Cd"]) == {"GBDSC": 5}
    assert found[f"PmtInf/CdtTrfTxInf/{bank}/MmbId"][0] == "089999"
    assert found["PmtInf/CdtTrfTxInf/CdtrAcct/Id/Othr/Id"][0] == "66374958"
    assert found["PmtInf/DbtrAgt/FinInstnId/ClrSysMmbId/MmbId"] == ["107999"]
    assert found["PmtInf/PmtTpInf/SvcLvl/Cd"] == ["NURG"]


@pytest.mark.parametrize(("made", "bic"), [(SEPA, "BICFI"), (SEPA_03, "BIC")])
def test_sepa_has_ibans_and_a_bic_where_one_is_known(made: Pain001, bic: str) -> None:
    found = texts(made.write(euros()), made.version)
    assert found["PmtInf/CdtTrfTxInf/CdtrAcct/Id/IBAN"][0] == "DE89370400440532013000"
    assert found[f"PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/{bic}"] == ["COBADEFFXXX"]
    assert found["PmtInf/PmtTpInf/SvcLvl/Cd"] == ["SEPA"]
    assert found["PmtInf/ChrgBr"] == ["SLEV"]
    ours = replace(euros(), account=Account(holder="Us", iban="DK5000400440116243"))
    found = texts(made.write(ours), made.version)
    assert found["PmtInf/DbtrAgt/FinInstnId/Othr/Id"] == ["NOTPROVIDED"]


def test_an_address_has_a_town_and_a_country_or_is_left_out() -> None:
    run = batch(payment(), payment(town="", reference="R2"), payment(town="🌻", reference="R3"))
    found = texts(UK.write(run), "09")
    address = "PmtInf/CdtTrfTxInf/Cdtr/PstlAdr"
    assert (found[f"{address}/TwnNm"], found[f"{address}/Ctry"]) == (["Bristol"], ["GB"])


def test_names_are_sent_in_letters_that_banks_carry() -> None:
    sent = texts(SEPA.write(euros()), "09")["PmtInf/CdtTrfTxInf/Cdtr/Nm"]
    assert sent[:3] == ["Bernard O'Leary", "HYPERLINK(1) + Son", "mrym lhshmy"]
    assert [SEPA.as_sent(one) for one in euros().payments] == sent
    assert NAMES[0] == sent[0]


def test_the_payee_reads_our_reference_first() -> None:
    assert remittance_text(payment(item(description="Café & cake"))) == "B7K2-M9QX INV 17 Cafe + cake"
    assert len(remittance_text(payment(item(description="x" * 140)))) == 140


WRONG: list[tuple[Pain001, dict[str, Any], str]] = [
    (UK, {"currency": "EUR"}, "wrong_currency"),
    (SEPA, {"currency": "GBP"}, "wrong_currency"),
    (UK, {"account": None}, "no_own_account"),
    (SEPA, {"account": Account(holder="Us", sort_code="107999", number="88837491")}, "no_own_account"),
    (UK, {"processing_on": date(2026, 4, 3)}, "not_a_working_day"),
    (SEPA, {"processing_on": date(2026, 4, 6)}, "not_a_working_day"),
    (UK, {"payments": ()}, "nothing_to_pay"),
    (UK, {"payments": (payment(account=None),)}, "payee_without_account"),
    (UK, {"payments": (payment(item(pence=10**18)),)}, "payment_too_large"),
    (UK, {"payments": (payment(), payment())}, "reference_twice"),
    (UK, {"payer": "🌻"}, "own_name_cannot_be_sent"),
    (UK, {"payments": (payment(country="England"),)}, "file_not_valid"),
    (
        SEPA,
        {"payments": (payment(account=Account(holder="A", iban="not an iban")),)},
        "file_not_valid",
    ),
    (
        SEPA_03,
        {"payments": (payment(account=Account(holder="A", iban="DE89370400440532013000", bic="short")),)},
        "file_not_valid",
    ),
]


@pytest.mark.parametrize(("made", "changed", "code"), WRONG)
def test_what_stands_in_the_way_is_said_in_words(made: Pain001, changed: dict[str, Any], code: str) -> None:
    [refusal] = made.check(replace(run_for(made), **changed))
    assert refusal.code == code
    assert "urn:iso" not in refusal.message


def test_what_is_not_valid_is_never_written() -> None:
    with pytest.raises(UnreadableFileError, match="Ctry"):
        UK.write(batch(payment(country="England")))


@pytest.mark.parametrize("made", FORMATS, ids=lambda one: one.code)
def test_a_damaged_file_never_leaves(made: Pain001) -> None:
    run = run_for(made)
    content = made.write(run)
    assert made.read_back(content, run) == run.total
    amount = b">12.50<" if made.scheme == "uk" else b">123.45<"
    account = b"66374958" if made.scheme == "uk" else b"DE89370400440532013000"
    damages = [
        (amount, b">12.51<"),
        (account, b"00000000"),
        (f"<NbOfTxs>{len(run.payments)}<".encode(), b"<NbOfTxs>9<"),
        (run.payments[0].reference.encode(), b"OTHER"),
        (b'Ccy="', b'Ccy="X'),
        (made.version.encode() + b'"', b'99"'),
        (b"</PmtInf>", b""),
        (b"</CdtTrfTxInf>", b"</CdtTrfTxInf><CdtTrfTxInf></CdtTrfTxInf>"),
    ]
    for old, new in damages:
        assert old in content
        with pytest.raises(UnreadableFileError):
            made.read_back(content.replace(old, new), run)
    hostile = b'<!DOCTYPE a [<!ENTITY b "c">]>' + content.split(b"?>", 1)[1].replace(b"riverside-RUN", b"&b;")
    with pytest.raises(UnreadableFileError):
        made.read_back(hostile.replace(amount, b">&b;<"), run)


def test_they_are_offered() -> None:
    assert [find_format(one.code) for one in FORMATS] == list(FORMATS)
    assert "Send a test file" in UK.note
