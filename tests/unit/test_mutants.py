"""What is changed by ``make mutants``, and what is left alone."""

import ast

import pytest

from scripts.mutants import python, sql
from scripts.mutants.__main__ import all_mutants, described, key_of
from scripts.mutants.edits import Edit


def after(text: str, edit: Edit) -> str:
    return " ".join((text[: edit.start] + edit.new + text[edit.end :]).split())


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("if a <= b then", {"if a < b then"}),
        (
            "if a is not true and not b",
            {"if a is true and not b", "if a is not true and b", "if a is not true or not b"},
        ),
        ("where x between y and z", set()),
        ("v_a := b + c", {"v_a := b - c"}),
        ("select 1 -- a < 2 'and' 3\n", {"select 2 -- a < 2 'and' 3"}),
        ("x = 'a < 1'", {"x <> 'a < 1'", "x = 'a < 1x'"}),
        ("raise exception 'no < 1' using errcode = 'LG001';", {"raise exception 'no < 1' using errcode = 'LG999';"}),
        (
            "select x from t order by x\nfor no key update skip locked",
            {
                "select x from t for no key update skip locked",
                "select x from t order by x",
                "select x from t order by x for no key update",
                "select x from t order by x for update skip locked",
            },
        ),
        ("select coalesce(f(a, b), c)", {"select (f(a, b))"}),
        ("select greatest(a, b)", {"select least(a, b)"}),
        (
            "    perform pg_advisory_xact_lock(x);",
            {"null;", "perform pg_advisory_xact_lock_shared(x);"},
        ),
        ("    x smallint check (x > y),\n", {"x smallint check (x >= y),", "x smallint check (true),"}),
        ("set enable_seqscan = off", set()),
    ],
)
def test_sql_is_changed_one_thing_at_a_time(text: str, changed: set[str]) -> None:
    assert {after(text, edit) for edit in sql.edits(text)} == changed


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("def f(a: 'x < 1' = 2): ...", {"def f(a: 'x < 1' = 3): ..."}),
        ('"""1 < 2"""', set()),
        ("Q = 'select a < b'", {"Q = 'select a <= b'"}),
        ("if é not in b:\n    raise X", {"if é in b: raise X", "if not (é not in b): raise X", "if é not in b: pass"}),
        ("x = [a for a in b if a.c]", {"x = [a for a in b if True]"}),
    ],
)
def test_python_is_changed_one_thing_at_a_time(text: str, changed: set[str]) -> None:
    assert {after(text, edit) for edit in python.edits(text)} == changed


def test_every_mutant_differs_and_of_python_still_compiles() -> None:
    mutants = all_mutants(["ledger/sql/0004", "ledger/posting"])
    assert mutants
    for mutant in mutants:
        assert mutant.text != mutant.source
        assert mutant.was != mutant.now, described(mutant)
        if mutant.file.endswith(".py"):
            ast.parse(mutant.text)


def test_a_mutant_is_named_by_its_lines_wherever_they_stand() -> None:
    text = "create function ledger.f() as $$\n    a < b\n$$;\n"
    first, second = (next(iter(sql.edits(source))) for source in (text, "\n\n" + text))
    assert second.start == first.start + 2
    assert sql.where(text, first.start) == "f"
    names = {key_of(mutant)[1] for mutant in all_mutants(["ledger/sql/0006"])}
    assert names == {"expire_holds"}
