"""The modulus rules: can this account number belong to this UK sort code? Pure.

They catch a mistyped digit, not a wrong payee. Source: "Validating account numbers – UK modulus checking", published by
Vocalink with the two tables that :func:`parse` reads. There the fourteen digits of sort code and account number are
called u v w x y z a b c d e f g h, and exceptions are numbered 1 to 14.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MOD10, MOD11, DBLAL = "MOD10", "MOD11", "DBLAL"
MAX_LINES = 20_000
"""Far more lines than a table has (about 1,200)."""

A, B, C, G, H = 6, 7, 8, 12, 13  # places of these digits, counted from 0
EXCEPTION_2 = (0, 0, 1, 2, 5, 3, 6, 4, 8, 7, 10, 9, 3, 1)
EXCEPTION_2_AT_G9 = (0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 10, 9, 3, 1)
SORT_CODE_OF_8 = "090126"
SORT_CODE_OF_9 = "309634"
EITHER_IS_ENOUGH = ({2, 9}, {10, 11}, {12, 13})

_LINE = re.compile(r"(\d{6})\s+(\d{6})\s+(MOD10|MOD11|DBLAL)((?:\s+-?\d{1,3}){14})(?:\s+(\d{1,2}))?")

Answer = Literal["passed", "failed", "no_rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: how sort codes from ``first`` to ``last`` are checked. ``exception`` is 0 for none."""

    first: str
    last: str
    method: str
    weights: tuple[int, ...]
    exception: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """The weight table in the order of sort codes, and the sort codes that exception 5 puts in place of others."""

    rules: tuple[Rule, ...]
    starts: tuple[str, ...]
    substitutes: dict[str, str]

    def rules_for(self, sort_code: str) -> list[Rule]:
        """The one or two checks of a sort code, in their order; none where it is in no range."""
        at = bisect_right(self.starts, sort_code)
        found: list[Rule] = []
        while at > 0 and len(found) < 2 and self.rules[at - 1].first <= sort_code <= self.rules[at - 1].last:
            at -= 1
            found.insert(0, self.rules[at])
        return found


def parse(weights: str, substitutes: str = "") -> Table:
    """Read the published files ``valacdos.txt`` and ``scsubtab.txt``.

    Raises:
        ValueError: a line is not what the files hold, or there is no line at all; the message names it.
    """
    rules: list[Rule] = []
    for n, line in _lines(weights, "valacdos.txt"):
        found = _LINE.fullmatch(line)
        if found is None or found[1] > found[2]:
            raise ValueError(f"valacdos.txt, line {n}: a range, a method and 14 weights are expected")
        rules.append(Rule(found[1], found[2], found[3], tuple(map(int, found[4].split())), int(found[5] or 0)))
    if not rules:
        raise ValueError("valacdos.txt holds no weights")
    rules.sort(key=lambda rule: rule.first)  # stable: the first check of a range stays in front of the second
    pairs: dict[str, str] = {}
    for n, line in _lines(substitutes, "scsubtab.txt"):
        codes = re.fullmatch(r"(\d{6})\s+(\d{6})", line)
        if codes is None:
            raise ValueError(f"scsubtab.txt, line {n}: two sort codes are expected")
        pairs[codes[1]] = codes[2]
    return Table(tuple(rules), tuple(rule.first for rule in rules), pairs)


def check(table: Table, sort_code: str, number: str) -> Answer:
    """Does the number (8 digits) fit the sort code (6 digits)? ``no_rule``: the table says nothing about it.

    Raises:
        ValueError: they are not 6 and 8 digits.
    """
    if not (re.fullmatch(r"[0-9]{6}", sort_code) and re.fullmatch(r"[0-9]{8}", number)):
        raise ValueError("a sort code has 6 digits and an account number 8")
    rules = table.rules_for(sort_code)
    if not rules:
        return "no_rule"
    first = _passes(table, rules[0], sort_code, number)
    if len(rules) == 1:
        return _answer(first)
    second_rule = rules[1]
    if {rules[0].exception, second_rule.exception} in EITHER_IS_ENOUGH:
        return _answer(first or _passes(table, second_rule, sort_code, number))
    if second_rule.exception == 3 and number[2] in "69":
        return _answer(first)
    return _answer(first and _passes(table, second_rule, sort_code, number))


def _passes(table: Table, rule: Rule, sort_code: str, number: str) -> bool:
    """One check with its exception."""
    digits, weights = [int(digit) for digit in sort_code + number], rule.weights
    g_is_9 = digits[G] == 9
    match rule.exception:
        case 2 if digits[A] != 0:
            weights = EXCEPTION_2_AT_G9 if g_is_9 else EXCEPTION_2
        case 4:
            return _total(rule.method, digits, weights) % 11 == digits[G] * 10 + digits[H]
        case 5:
            return _passes_5(rule, table.substitutes.get(sort_code, sort_code), number)
        case 6 if 4 <= digits[A] <= 8 and digits[G] == digits[H]:
            return True  # an account in a foreign currency: it cannot be checked
        case 7 if g_is_9:
            weights = _without_start(weights)
        case 8:
            digits = [int(digit) for digit in SORT_CODE_OF_8 + number]
        case 9:
            digits = [int(digit) for digit in SORT_CODE_OF_9 + number]
        case 10 if number[:2] in ("09", "99") and g_is_9:
            weights = _without_start(weights)
        case 14:
            return _passes_14(rule, digits)
        case _:
            pass
    extra = 27 if rule.exception == 1 else 0
    return (_total(rule.method, digits, weights) + extra) % _modulus(rule.method) == 0


def _passes_5(rule: Rule, sort_code: str, number: str) -> bool:
    """The remainder gives a check digit: g for the first check (MOD11), h for the second (DBLAL)."""
    digits = [int(digit) for digit in sort_code + number]
    modulus = _modulus(rule.method)
    remainder = _total(rule.method, digits, rule.weights) % modulus
    if rule.method == MOD11 and remainder == 1:
        return False
    return (modulus - remainder) % modulus == digits[G if rule.method == MOD11 else H]


def _passes_14(rule: Rule, digits: Sequence[int]) -> bool:
    """What fails as it is may be a number of seven digits with one behind it: 0, 1 or 9."""
    if _total(rule.method, digits, rule.weights) % _modulus(rule.method) == 0:
        return True
    if digits[H] not in (0, 1, 9):
        return False
    moved = [*digits[:A], 0, *digits[A:H]]
    return _total(rule.method, moved, rule.weights) % _modulus(rule.method) == 0


def _total(method: str, digits: Sequence[int], weights: Sequence[int]) -> int:
    products = [digit * weight for digit, weight in zip(digits, weights, strict=True)]
    return sum(sum(divmod(product, 10)) for product in products) if method == DBLAL else sum(products)


def _modulus(method: str) -> int:
    return 11 if method == MOD11 else 10


def _without_start(weights: Sequence[int]) -> tuple[int, ...]:
    """The weights with those of u to b, the first eight, at zero."""
    return (0,) * (B + 1) + tuple(weights[C:])


def _answer(passed: bool) -> Answer:
    return "passed" if passed else "failed"


def _lines(text: str, name: str) -> list[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    lines = text.lstrip("\ufeff").splitlines()
    if len(lines) > MAX_LINES:
        raise ValueError(f"{name} has more than {MAX_LINES} lines")
    return [(n, line.strip()) for n, line in enumerate(lines, 1) if line.strip()]
