"""Reading the accounts that people type."""

from typing import Any

import pytest

from timebank.payees import weights
from timebank.payees.model import Account
from timebank.payees.reading import Read, Typed, canonical, read


def typed(**fields: str) -> Typed:
    return Typed(**{"holder": "Corner Café Ltd", **fields})


def reading(**fields: str) -> Any:
    return read(typed(**fields), weights.table())


def codes(**fields: str) -> list[tuple[str, str | None]]:
    found = reading(**fields)
    assert isinstance(found, list), found
    return [(refusal.code, refusal.field) for refusal in found]


@pytest.mark.parametrize(
    "sort_code", ["089999", "08-99-99", "08 99 99", " 08–99–99 ", "08.99.99", "０８９９９９", "٠٨٩٩٩٩"]
)
@pytest.mark.parametrize("number", ["66374958", "6637 4958", "66-37-49-58"])
def test_the_same_account_however_it_is_typed(sort_code: str, number: str) -> None:
    account = Account(holder="Corner Café Ltd", sort_code="089999", number="66374958")
    assert reading(sort_code=sort_code, number=number) == Read(account=account, checked="passed")


@pytest.mark.parametrize(("number", "kept"), [("190000", "00190000"), ("0001900", "00001900")])
def test_short_numbers_get_zeros_in_front(number: str, kept: str) -> None:
    # A sort code that the rules say nothing about, so that only the length counts.
    found = reading(sort_code="000000", number=number)
    assert isinstance(found, Read)
    assert (found.account.number, found.checked) == (kept, "no_rule")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"sort_code": "08999", "number": "66374958"}, "sort_code_unreadable", "sort_code"),
        ({"sort_code": "0899999", "number": "66374958"}, "sort_code_unreadable", "sort_code"),
        ({"sort_code": "08999x", "number": "66374958"}, "sort_code_unreadable", "sort_code"),
        ({"sort_code": "", "number": "66374958"}, "sort_code_unreadable", "sort_code"),
        ({"sort_code": "089999", "number": ""}, "number_unreadable", "number"),
        ({"sort_code": "089999", "number": "66374"}, "number_unreadable", "number"),
        ({"sort_code": "089999", "number": "66374958l"}, "number_unreadable", "number"),
        ({"sort_code": "089999", "number": "663749581"}, "number_too_long", "number"),
        ({"sort_code": "089999", "number": "6637495811"}, "number_too_long", "number"),
        ({"sort_code": "089999", "number": "66374959"}, "account_wrong", "number"),
        ({"sort_code": "08" * 50, "number": "66374958"}, "sort_code_unreadable", "sort_code"),
        ({}, "account_missing", "sort_code"),
        ({"sort_code": "089999", "number": "66374958", "iban": "DE89370400440532013000"}, "two_accounts", "iban"),
        ({"iban": "DE89370400440532013001"}, "iban_wrong", "iban"),
        ({"iban": "DE8937040044"}, "iban_wrong", "iban"),
        ({"iban": "hello"}, "iban_unreadable", "iban"),
        ({"iban": "DE89370400440532013000", "bic": "NOBIC"}, "bic_wrong", "bic"),
        ({"iban": "DE89370400440532013000", "bic": "BNPAFRPP"}, "bic_other_country", "bic"),
        ({"sort_code": "089999", "number": "66374958", "holder": " "}, "holder_missing", "holder"),
        ({"sort_code": "089999", "number": "66374958", "holder": "x" * 71}, "holder_too_long", "holder"),
    ],
)
def test_what_is_refused(fields: dict[str, str], code: str, field: str) -> None:
    assert codes(**fields) == [(code, field)]


def test_every_mistake_is_named_at_once() -> None:
    assert [code for code, _ in codes(holder="", sort_code="1", number="2")] == [
        "holder_missing",
        "sort_code_unreadable",
        "number_unreadable",
    ]


@pytest.mark.parametrize(
    "iban", ["DE89370400440532013000", "de89 3704 0044 0532 0130 00", "IBAN: DE89-3704-0044-0532-0130-00"]
)
def test_an_iban_from_abroad(iban: str) -> None:
    found = reading(iban=iban)
    assert isinstance(found, Read)
    assert (found.account.iban, found.account.is_uk, found.checked) == ("DE89370400440532013000", False, "iban")
    assert found.account.bic == "COBADEFFXXX"
    assert found.account.last_four == "3000"


def gb_iban(sort_code: str, number: str) -> str:
    bare = f"WEST{sort_code}{number}"
    digits = "".join(str(int(letter, 36)) for letter in bare + "GB00")
    return f"GB{98 - int(digits) % 97:02d}{bare}"


def test_a_gb_iban_is_its_sort_code_and_number_too() -> None:
    found, same = reading(iban=gb_iban("089999", "66374958")), reading(sort_code="089999", number="66374958")
    assert isinstance(found, Read)
    assert (found.account.sort_code, found.account.number, found.checked) == ("089999", "66374958", "passed")
    assert canonical(found.account) == canonical(same.account)


def test_a_gb_iban_whose_number_fails_the_modulus_rules_is_refused() -> None:
    assert codes(iban=gb_iban("089999", "66374959")) == [("account_wrong", "iban")]


def test_without_a_table_nothing_looks_checked() -> None:
    for fields in ({"sort_code": "089999", "number": "66374959"}, {"iban": gb_iban("089999", "66374959")}):
        found = read(typed(**fields), None)
        assert isinstance(found, Read)
        assert found.checked == "no_table"
