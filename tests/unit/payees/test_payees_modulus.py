"""The modulus rules against the published examples, with the published table."""

from pathlib import Path

import pytest

from timebank.payees import weights
from timebank.payees.modulus import MAX_LINES, Table, check, parse

# The examples of the published specification, with what each is there to show.
VALID = (
    ("089999", "66374958", "MOD10"),
    ("107999", "88837491", "MOD11"),
    ("202959", "63748472", "MOD11 and double alternate"),
    ("871427", "46238510", "10 and 11: the first passes, the second fails"),
    ("872427", "46238510", "10 and 11: the first fails, the second passes"),
    ("871427", "09123496", "10: ab is 09 and g is 9"),
    ("871427", "99123496", "10: ab is 99 and g is 9"),
    ("820000", "73688637", "3: c is 6, no second check"),
    ("827999", "73988638", "3: c is 9, no second check"),
    ("827101", "28748352", "3: c is neither, both checks"),
    ("134020", "63849203", "4: the remainder is the check digits"),
    ("118765", "64371389", "1: 27 is added"),
    ("200915", "41011166", "6: a foreign currency"),
    ("938611", "07806039", "5: a substitute, the checks pass"),
    ("938600", "42368003", "5: a substitute"),
    ("938063", "55065200", "5: no substitute"),
    ("772798", "99345694", "7: g is 9"),
    ("086090", "06774744", "8: another sort code"),
    ("309070", "02355688", "2 and 9: the first passes"),
    ("309070", "12345668", "2 and 9: only the second passes"),
    ("309070", "12345677", "2: a is not 0, g is not 9"),
    ("309070", "99345694", "2: a is not 0, g is 9"),
    ("074456", "12345112", "12 and 13: MOD11 passes"),
    ("070116", "34012583", "12 and 13: MOD11 passes"),
    ("074456", "11104102", "12 and 13: only MOD10 passes"),
    ("180002", "00000190", "14: passes after the shift"),
)
INVALID = (
    ("938063", "15764273", "5: the first passes, the second fails"),
    ("938063", "15764264", "5: the first fails, the second passes"),
    ("938063", "15763217", "5: the remainder is 1"),
    ("118765", "64371388", "1"),
    ("203099", "66831036", "MOD11 passes, double alternate fails"),
    ("203099", "58716970", "MOD11 fails, double alternate passes"),
    ("089999", "66374959", "MOD10"),
    ("107999", "88837493", "MOD11"),
)
LINE = "089000 089999 MOD10    0    0    0    0    0    0    7    1    3    7    1    3    7    1"


@pytest.fixture
def table() -> Table:
    weights.use(None)
    found = weights.table()
    assert found is not None, "the build did not bring the tables"
    return found


@pytest.mark.parametrize(("sort_code", "number", "why"), VALID)
def test_numbers_that_fit(table: Table, sort_code: str, number: str, why: str) -> None:
    assert check(table, sort_code, number) == "passed", why


@pytest.mark.parametrize(("sort_code", "number", "why"), INVALID)
def test_numbers_that_do_not(table: Table, sort_code: str, number: str, why: str) -> None:
    assert check(table, sort_code, number) == "failed", why


@pytest.mark.parametrize("exception", range(1, 15))
def test_every_exception_is_in_the_table_and_only_those(table: Table, exception: int) -> None:
    assert exception in {rule.exception for rule in table.rules}
    assert {rule.exception for rule in table.rules} == set(range(15))


def test_a_sort_code_outside_every_range_has_no_rule(table: Table) -> None:
    assert check(table, "000000", "12345678") == "no_rule"
    assert check(table, "999999", "12345678") == "no_rule"
    assert check(parse(LINE), "088999", "12345678") == "no_rule"
    assert check(parse(LINE), "090000", "12345678") == "no_rule"


def test_the_ends_of_a_range_belong_to_it() -> None:
    one = parse(LINE)
    assert check(one, "089999", "66374958") == "passed"
    assert check(one, "089000", "66374958") == "passed"


@pytest.mark.parametrize(
    ("sort_code", "number"), [("08999", "66374958"), ("089999", "6637495"), ("08999٩", "66374958"), ("", "")]
)
def test_what_is_not_six_and_eight_digits_is_no_question(table: Table, sort_code: str, number: str) -> None:
    with pytest.raises(ValueError, match="6 digits"):
        check(table, sort_code, number)


def test_two_lines_of_one_range_are_checked_in_their_order(table: Table) -> None:
    assert [rule.exception for rule in table.rules_for("309070")] == [2, 9]
    assert [rule.exception for rule in table.rules_for("871427")] == [10, 11]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no weights"),
        ("089999 089000" + LINE[13:], "line 1"),
        (LINE + "\n" + LINE.replace("MOD10", "MOD12"), "line 2"),
        (LINE[:-5], "line 1"),
        ("<html>", "line 1"),
        ("\n" * (MAX_LINES + 1), "more than"),
    ],
)
def test_a_file_that_is_not_the_table_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_a_file_of_substitutes_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scsubtab.txt, line 1"):
        parse(LINE, "one two")


def test_a_folder_with_newer_tables_takes_their_place(tmp_path: Path) -> None:
    folder = tmp_path
    with pytest.raises(ValueError, match="holds no"):
        weights.use(folder)
    (folder / "valacdos-v1.txt").write_text("nonsense")
    (folder / "valacdos-v2.txt").write_text(LINE + "\r\n", "utf-8-sig")
    weights.use(folder)
    try:
        found = weights.table()
        assert found is not None
        assert len(found.rules) == 1
    finally:
        weights.use(None)
