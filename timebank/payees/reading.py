"""Reading the account that somebody typed, and checking that its numbers can be right. Pure."""

import re

import msgspec
from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.kit.text import plain
from timebank.kit.words import say
from timebank.payees.model import MAX_HOLDER, Account
from timebank.payees.modulus import Table, check

SORT_CODE_DIGITS, NUMBER_DIGITS = 6, 8
PADDED = (6, 7)
"""Account numbers with so few digits get zeros in front, as the modulus rules say."""
MAX_TYPED = 60

PASSED, NO_RULE, NO_TABLE, BY_IBAN = "passed", "no_rule", "no_table", "iban"


class Typed(msgspec.Struct, frozen=True, kw_only=True):
    """An account as somebody typed it: a sort code and account number, or an IBAN and perhaps its BIC."""

    holder: str
    sort_code: str = ""
    number: str = ""
    iban: str = ""
    bic: str = ""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The account, and what was checked: ``passed``, ``no_rule``, ``no_table`` or ``iban`` (see ``bank_account``)."""

    account: Account
    checked: str


def read(typed: Typed, table: Table | None) -> Read | list[Refusal]:
    """The account that was typed. ``table``: the modulus rules, None where none is installed.

    Refusals: ``holder_missing``, ``holder_too_long``, ``account_missing``, ``two_accounts``, ``sort_code_unreadable``,
    ``number_unreadable``, ``number_too_long``, ``iban_unreadable``, ``iban_wrong``, ``bic_wrong``,
    ``bic_other_country``, ``account_wrong``.
    """
    refusals, holder = _holder(typed.holder)
    is_uk, is_iban = bool(typed.sort_code or typed.number), bool(typed.iban)
    if is_uk and is_iban:
        return [
            *refusals,
            Refusal("two_accounts", say("Fill in the sort code and number, or the IBAN. Not both."), "iban"),
        ]
    if is_iban:
        found = _read_iban(typed.iban, typed.bic, table)
    elif is_uk:
        found = _read_uk(typed.sort_code, typed.number, table)
    else:
        return [*refusals, Refusal("account_missing", say("Enter the sort code and the account number."), "sort_code")]
    if isinstance(found, list):
        return refusals + found
    if refusals:
        return refusals
    return Read(account=msgspec.structs.replace(found.account, holder=holder), checked=found.checked)


def canonical(account: Account) -> str:
    """The same text for the same account, however it was typed: a GB IBAN is its sort code and number."""
    return f"{account.sort_code}{account.number}" if account.is_uk else account.iban


def _holder(text: str) -> tuple[list[Refusal], str]:
    holder = tidy(text)
    if not holder:
        return [Refusal("holder_missing", say("Enter the name on the account."), "holder")], holder
    if len(holder) > MAX_HOLDER:
        message = say("Shorten the name to {limit} letters or fewer.", limit=MAX_HOLDER)
        return [Refusal("holder_too_long", message, "holder")], holder
    return [], holder


def _digits(text: str) -> str:
    """The digits of a number that was typed with spaces, hyphens or dots in it; "" for anything else."""
    bare = re.sub(r"[ .\-]", "", plain(text)) if len(text) <= MAX_TYPED else ""
    return bare if re.fullmatch(r"[0-9]+", bare) else ""


def _read_uk(sort_code: str, number: str, table: Table | None) -> Read | list[Refusal]:
    code, digits = _digits(sort_code), _digits(number)
    refusals = []
    if len(code) != SORT_CODE_DIGITS:
        refusals.append(
            Refusal("sort_code_unreadable", say("Enter the sort code: 6 digits, like 08-99-99."), "sort_code")
        )
    if len(digits) > NUMBER_DIGITS:
        message = say("Enter the number with 8 digits. Ask the bank which 8 of these to use.")
        refusals.append(Refusal("number_too_long", message, "number"))
    elif len(digits) not in (*PADDED, NUMBER_DIGITS):
        refusals.append(Refusal("number_unreadable", say("Enter the account number: 8 digits."), "number"))
    if refusals:
        return refusals
    return _checked(Account(holder="", sort_code=code, number=digits.zfill(NUMBER_DIGITS)), table, "number")


def _read_iban(text: str, bic: str, table: Table | None) -> Read | list[Refusal]:
    bare = re.sub(r"[ .\-]", "", plain(text)).upper().removeprefix("IBAN").lstrip(":") if len(text) <= MAX_TYPED else ""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}", bare):
        message = say("Enter the IBAN as it is on the bank’s papers. It begins with two letters.")
        return [Refusal("iban_unreadable", message, "iban")]
    try:
        iban = IBAN(bare)
    except SchwiftyException:
        return [Refusal("iban_wrong", say("A letter or digit of the IBAN is wrong. Check it."), "iban")]
    typed_bic = re.sub(r"[ \-]", "", plain(bic)).upper() if len(bic) <= MAX_TYPED else "?"
    if typed_bic:
        try:
            if BIC(typed_bic).country_code != iban.country_code:
                return [Refusal("bic_other_country", say("The BIC and the IBAN are from different countries."), "bic")]
        except SchwiftyException:
            return [Refusal("bic_wrong", say("Check the BIC, or leave it empty."), "bic")]
    account = Account(holder="", iban=str(iban), bic=typed_bic or str(iban.bic or ""))
    if iban.country_code != "GB":
        return Read(account=account, checked=BY_IBAN)
    # schwifty takes GB IBANs whose account number cannot belong to their sort code.
    account = msgspec.structs.replace(account, sort_code=iban.branch_code, number=iban.account_code)
    return _checked(account, table, "iban")


def _checked(account: Account, table: Table | None, field: str) -> Read | list[Refusal]:
    if table is None:
        return Read(account=account, checked=NO_TABLE)
    answer = check(table, account.sort_code, account.number)
    if answer == "failed":
        message = say("This number does not fit the sort code. Check both for a wrong digit.")
        return [Refusal("account_wrong", message, field)]
    return Read(account=account, checked=PASSED if answer == "passed" else NO_RULE)
