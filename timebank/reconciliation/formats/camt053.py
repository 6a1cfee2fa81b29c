"""ISO 20022 statements: camt.053.001.02 to .08, whatever the version's namespace. Pure.

The XML comes from outside: no document type, no entities, nothing fetched, no deep or huge trees. An entry that holds
several payments becomes a line for each, when they add up to it; then each has its own end-to-end id.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from lxml import etree

from timebank.kit.money import in_words, minor_digits
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown
from timebank.reconciliation.formats import return_reasons
from timebank.reconciliation.formats.model import (
    MAX_LINES,
    MAX_PARTY,
    MAX_PENCE,
    MAX_REFERENCE,
    MAX_TEXT,
    ReadLine,
    ReadStatement,
)

FORMAT = "camt.053"
NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d")
ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252")
_DECLARED = re.compile(rb"^<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_AMOUNT = re.compile(r"\d{1,18}(?:\.(\d{1,5}))?")
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe<\0", b"\xfe\xff\0<", b"<\0?\0", b"\0<\0?")  # XML in UTF-16: refused in words, never taken for a CSV
_AGAIN = "Download the statement from your bank again."
_IDS = ("EndToEndId", "InstrId", "TxId", "MsgId", "PmtInfId", "UETR")


class _Unusable(Exception):
    """The statement says something that cannot be; the refusal says what."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, message, "file")


def is_xml(data: bytes) -> bool:
    """True for bytes that begin as XML does, in any encoding that we or somebody hostile might use."""
    start = data[:200].removeprefix(_BOM).lstrip()
    if data.startswith(_WIDE):
        return True
    return start.startswith((b"<?xml", b"<Document", b"<!", b"<")) and not start.lower().startswith(
        (b"<html", b"<!doctype html")
    )


def read_camt(data: bytes, currency: str) -> ReadStatement | Refusal:
    """The statement in a camt.053 file.

    Refusals: ``xml_broken``, ``xml_unsafe``, ``xml_other`` (another kind of XML), ``several_accounts``,
    ``other_currency``, ``amount_unreadable``, ``date_unreadable``, ``sums_differ``, ``no_lines``, ``too_many_lines``.
    """
    try:
        root = _root(data)
        statements = _children(_child(root, "BkToCstmrStmt"), "Stmt")
        if not statements:
            raise _Unusable("no_lines", "This file has no statement in it. Choose another file.")
        return _whole([_statement(one, currency) for one in statements], currency)
    except _Unusable as error:
        return error.refusal


def _root(data: bytes) -> Any:
    text = data.removeprefix(_BOM).lstrip()
    declared = _DECLARED.match(text)
    encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
    if b"\0" in data or encoding not in ENCODINGS:
        raise _Unusable("xml_unsafe", "This file is not written as statements are (UTF-8). " + _AGAIN)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise _Unusable(
            "xml_unsafe",
            "This file holds instructions that no bank statement has (DOCTYPE). It was not read. " + _AGAIN,
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        where = f" (line {error.lineno})" if isinstance(error, etree.XMLSyntaxError) and error.lineno else ""
        message = f"This file is cut off or damaged{where}, so nothing of it was used. {_AGAIN}"
        raise _Unusable("xml_broken", message) from error
    name = etree.QName(root)
    if name.localname != "Document" or not NAMESPACE.fullmatch(name.namespace or ""):
        kind = (name.namespace or "").rpartition(":")[2][:40]
        what = f" It is {kind}." if kind.startswith(("camt", "pain", "pacs")) else ""
        message = f"This is not a bank statement (camt.053).{what} Ask your bank for camt.053 or CSV."
        raise _Unusable("xml_other", message)
    return root


def _whole(statements: Sequence[ReadStatement], currency: str) -> ReadStatement:
    """Several statements of one account, one after the other, as one."""
    accounts = {one.last_four for one in statements}
    if len(accounts) > 1:
        raise _Unusable(
            "several_accounts", "This file holds several accounts. Ask your bank for one account at a time."
        )
    ordered = sorted(statements, key=lambda one: (one.first_on, one.last_on))
    for before, after in pairwise(ordered):
        if before.closing_pence is not None and after.opening_pence not in (None, before.closing_pence):
            assert after.opening_pence is not None
            opening, closing = in_words(after.opening_pence, currency), in_words(before.closing_pence, currency)
            raise _Unusable(
                "sums_differ",
                f"A statement in this file begins with {opening}, the one before it ends with {closing}. {_AGAIN}",
            )
    lines = [line for one in ordered for line in one.lines]
    if len(lines) > MAX_LINES:
        raise _Unusable("too_many_lines", f"This file has more than {MAX_LINES} lines. Ask for fewer days.")
    numbered = [_numbered(line, n) for n, line in enumerate(sorted(lines, key=lambda line: line.booked_on), start=1)]
    return ReadStatement(
        format=FORMAT,
        lines=tuple(numbered),
        opening_pence=ordered[0].opening_pence,
        closing_pence=ordered[-1].closing_pence,
        first_on=ordered[0].first_on,
        last_on=max(one.last_on for one in ordered),
        last_four=ordered[0].last_four,
        left_out=sum(one.left_out for one in ordered),
    )


def _numbered(line: ReadLine, number: int) -> ReadLine:
    return ReadLine(
        number=number, booked_on=line.booked_on, pence=line.pence, text=line.text, references=line.references,
        party=line.party, reason=line.reason,
    )  # fmt: skip


def _statement(element: Any, currency: str) -> ReadStatement:
    lines: list[ReadLine] = []
    left_out = 0
    for n, entry in enumerate(_children(element, "Ntry"), start=1):
        status = _text(entry, "Sts", "Cd") or _text(entry, "Sts")
        if status not in ("", "BOOK"):
            left_out += 1
            continue
        lines.extend(_entry(entry, currency, n))
        if len(lines) > MAX_LINES:
            raise _Unusable("too_many_lines", f"This file has more than {MAX_LINES} lines. Ask for fewer days.")
    opening, opening_on = _balance(element, ("OPBD", "PRCD"), currency)
    closing, closing_on = _balance(element, ("CLBD",), currency)
    days = [line.booked_on for line in lines] + [day for day in (closing_on,) if day]
    if not days and opening_on:
        days = [opening_on]
    if not days:
        raise _Unusable("no_lines", "This statement has no lines and no balances. Choose another file.")
    if opening is not None and closing is not None and opening + sum(line.pence for line in lines) != closing:
        due = in_words(opening + sum(line.pence for line in lines), currency)
        raise _Unusable(
            "sums_differ",
            f"The lines of this statement lead to {due}, but it says that it ends with {in_words(closing, currency)}. "
            f"A line is missing or was changed. {_AGAIN}",
        )
    known = opening is not None and closing is not None
    return ReadStatement(
        format=FORMAT,
        lines=tuple(lines),
        opening_pence=opening if known else None,
        closing_pence=closing if known else None,
        first_on=min(days),
        last_on=max(days),
        last_four=_account(element),
        left_out=left_out,
    )


def _account(element: Any) -> str:
    number = _text(element, "Acct", "Id", "IBAN") or _text(element, "Acct", "Id", "Othr", "Id")
    return re.sub(r"[^0-9A-Z]", "", number.upper())[-4:]


def _balance(element: Any, codes: tuple[str, ...], currency: str) -> tuple[int | None, date | None]:
    for code in codes:
        for balance in _children(element, "Bal"):
            if _text(balance, "Tp", "CdOrPrtry", "Cd") == code:
                return _pence(balance, currency, 0), _day(_child(balance, "Dt"), 0)
    return None, None


def _entry(entry: Any, currency: str, number: int) -> list[ReadLine]:
    pence = _pence(entry, currency, number)
    day = _day(_child(entry, "BookgDt"), number) or _day(_child(entry, "ValDt"), number)
    if day is None:
        raise _Unusable("date_unreadable", f"Entry {number} has no booking date. {_AGAIN}")
    batches = [detail for details in _children(entry, "NtryDtls") for detail in _children(details, "Btch")]
    above = [_text(entry, "NtryRef"), _text(entry, "AcctSvcrRef"), *(ref for one in batches for ref in _ids(one))]
    parts = [detail for details in _children(entry, "NtryDtls") for detail in _children(details, "TxDtls")]
    shares = [_share(part, currency, number) for part in parts]
    is_split = len(parts) > 1 and all(share is not None for share in shares)
    sign = 1 if pence >= 0 else -1
    if is_split and sum(abs(share or 0) for share in shares) == abs(pence):
        return [
            _line(entry, [part], sign * abs(share or 0), day, number, above)
            for part, share in zip(parts, shares, strict=True)
        ]
    return [_line(entry, parts, pence, day, number, above)]


def _line(entry: Any, parts: Sequence[Any], pence: int, day: date, number: int, above: Sequence[str]) -> ReadLine:
    texts: list[str] = []
    ids: list[str] = []
    parties: list[str] = []
    reasons: list[str] = []
    side = "Dbtr" if pence > 0 else "Cdtr"
    for part in parts:
        ids.extend(_ids(_child(part, "Refs")))
        remittance = _child(part, "RmtInf")
        texts.extend(_plain(one) for one in _children(remittance, "Ustrd"))
        texts.extend(_text(one, "CdtrRefInf", "Ref") for one in _children(remittance, "Strd"))
        texts.append(_text(part, "AddtlTxInf"))
        parties.append(_text(part, "RltdPties", side, "Nm") or _text(part, "RltdPties", side, "Pty", "Nm"))
        for back in _children(part, "RtrInf"):
            code = _text(back, "Rsn", "Cd") or _text(back, "Rsn", "Prtry")
            more = " ".join(_plain(one) for one in _children(back, "AddtlInf"))
            reasons.append(return_reasons.in_words(code, more))
    texts.append(_text(entry, "AddtlNtryInf"))
    return ReadLine(
        number=number,
        booked_on=day,
        pence=pence,
        text=_joined(texts, MAX_TEXT),
        # The payment run's own number comes first: the ids of many payments may not all fit behind it.
        references=_joined([*above, *ids], MAX_REFERENCE * 2),
        party=_joined(parties, MAX_PARTY),
        reason=_joined(reasons, MAX_REFERENCE),
    )


def _ids(element: Any) -> list[str]:
    found = [_text(element, name) for name in _IDS]
    return [one for one in found if one and one != "NOTPROVIDED"]


def _share(part: Any, currency: str, number: int) -> int | None:
    """What one payment inside an entry comes to, without its sign; None where it does not say."""
    for holder in (_child(_child(part, "AmtDtls"), "TxAmt"), part):
        if _child(holder, "Amt") is not None:
            return abs(_pence(holder, currency, number))
    return None


def _pence(holder: Any, currency: str, number: int) -> int:
    """The amount beside its debit or credit mark, in minor units; exact, or refused."""
    amount = _child(holder, "Amt")
    text = _plain(amount)
    where = f"Entry {number}" if number else "A balance"
    match = _AMOUNT.fullmatch(text)
    digits = minor_digits(currency)
    part = (match[1] or "").rstrip("0") if match else ""
    if match is None or len(part) > digits:
        raise _Unusable("amount_unreadable", f"{where}: we cannot read {shown(text)} as an amount. {_AGAIN}")
    pence: int = int(text.partition(".")[0]) * 10**digits + int(part.ljust(digits, "0") or "0")
    if pence > MAX_PENCE:
        raise _Unusable("amount_too_large", f"{where}: {shown(text)} is more than any account holds. Check the file.")
    named = amount.get("Ccy", currency) if amount is not None else currency
    if named != currency:
        message = f"{where} is in {shown(named)}. Your accounts are in {currency}. Bring the statement of that account."
        raise _Unusable("other_currency", message)
    mark = _text(holder, "CdtDbtInd")
    if mark not in ("", "CRDT", "DBIT"):
        raise _Unusable("direction_unreadable", f"{where}: {shown(mark)} is neither debit nor credit. {_AGAIN}")
    return int(-pence if mark == "DBIT" else pence)


def _day(element: Any, number: int) -> date | None:
    if element is None:
        return None
    text = (_text(element, "Dt") or _text(element, "DtTm") or _plain(element))[:10]
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 2000 <= found.year <= 2099:
        raise _Unusable("date_unreadable", f"Entry {number}: we cannot read {shown(text)} as a date. {_AGAIN}")
    return found


def _children(element: Any, name: str) -> Iterator[Any] | list[Any]:
    return (
        []
        if element is None
        else [one for one in element if isinstance(one.tag, str) and etree.QName(one).localname == name]
    )


def _child(element: Any, name: str) -> Any:
    return next(iter(_children(element, name)), None)


def _text(element: Any, *names: str) -> str:
    for name in names:
        element = _child(element, name)
    return _plain(element)


def _plain(element: Any) -> str:
    return " ".join((element.text or "").split()) if element is not None else ""


def _joined(texts: Sequence[str], limit: int) -> str:
    return " ".join(dict.fromkeys(text for text in texts if text))[:limit]
