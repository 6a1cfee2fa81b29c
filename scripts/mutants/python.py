"""What can be changed in Python, one thing at a time; SQL in strings is changed as SQL."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from scripts.mutants import sql
from scripts.mutants.edits import Edit

COMPARISONS = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "is": "is not", "is not": "is"}
COMPARISONS |= {"in": "not in", "not in": "in"}
ARITHMETIC = {"+": "-", "-": "+", "*": "+", "//": "*", "%": "+", "<<": ">>", "**": "*", "|": "&", "&": "|"}
QUOTES = re.compile(r"[a-zA-Z]*(\"\"\"|'''|\"|')")
SQL_BEGINS = re.compile(r"\s*(?:select|with|insert|update|create)\b")


class Source:
    """A text with its tree, and the way from the tree's lines and bytes to places in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def place(self, line: int, column: int) -> int:
        """A place in the text; the tree counts columns in bytes."""
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.place(node.lineno, node.col_offset), self.place(node.end_lineno, node.end_col_offset)

    def between(self, left: ast.expr, right: ast.expr, operators: dict[str, str]) -> Iterator[Edit]:
        """The operator between two operands, changed."""
        start, end = self.span(left)[1], self.span(right)[0]
        pattern = (
            r"(?<![\w<>=!*/])(" + "|".join(sorted(map(re.escape, operators), key=len, reverse=True)) + r")(?![\w=])"
        )
        for match in re.finditer(pattern, self.text[start:end]):
            yield Edit(start + match.start(), start + match.end(), operators[match[0]])


def where(text: str, place: int) -> str:
    """The name of the function or class at ``place``."""
    name = ""
    source = Source(text)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            start, end = source.span(node)
            if start <= place < end:
                name = f"{name}.{node.name}" if name else node.name
    return name


def edits(text: str) -> Iterator[Edit]:
    """Every edit that the rules allow, in the order of their places."""
    source = Source(text)
    found: set[Edit] = set()
    for node in _code(source.tree):
        if isinstance(node, ast.comprehension):
            found.update(Edit(*source.span(each), "True") for each in node.ifs)
        elif isinstance(node, ast.expr):
            found.update(_of_expression(source, node))
        elif isinstance(node, ast.stmt):
            found.update(_of_statement(source, node))
    yield from sorted(found, key=lambda edit: (edit.start, edit.end, edit.new))


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that mean something when the program runs: no docstrings, no annotations."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            yield child
            yield from _code(child)


def _of_expression(source: Source, node: ast.expr) -> Iterator[Edit]:
    start, end = source.span(node)
    match node:
        case ast.Compare(left=left, comparators=comparators):
            for one, other in pairwise([left, *comparators]):
                yield from source.between(one, other, COMPARISONS)
        case ast.BinOp(left=one, right=other):
            yield from source.between(one, other, ARITHMETIC)
        case ast.BoolOp(values=values):
            for one, other in pairwise(values):
                yield from source.between(one, other, {"and": "or", "or": "and"})
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield Edit(start, source.span(operand)[0], "")
        case ast.IfExp(test=test):
            yield _negated(source, test)
        case ast.Constant(value=str() as value) if SQL_BEGINS.match(value):
            quotes = QUOTES.match(source.text[start:end])
            assert quotes is not None
            first, last = start + quotes.end(), end - len(quotes[1])
            for edit in sql.edits(source.text[first:last]):
                yield Edit(first + edit.start, first + edit.end, edit.new)
        case ast.Constant(value=bool() as value):
            yield Edit(start, end, str(not value))
        case ast.Constant(value=int() as value):
            yield Edit(start, end, str(value + 1))


def _negated(source: Source, test: ast.expr) -> Edit:
    start, end = source.span(test)
    return Edit(start, end, f"not ({source.text[start:end]})")


def _of_statement(source: Source, node: ast.stmt) -> Iterator[Edit]:
    start, end = source.span(node)
    match node:
        case ast.If(test=test) | ast.While(test=test):
            yield _negated(source, test)
        case ast.Raise() | ast.Expr() | ast.AugAssign() | ast.Break() | ast.Continue() | ast.Delete():
            yield Edit(start, end, "pass")
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield Edit(*source.span(value), "None")
