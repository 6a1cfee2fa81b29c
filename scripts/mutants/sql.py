"""What can be changed in SQL, one thing at a time: comparisons, logic, numbers, locks, statements, keys.

A rule reads the text and its mask. Changes that PostgreSQL cannot even read are sorted out when they are loaded.
"""

import re
from collections.abc import Callable, Iterator

from scripts.mutants.edits import Edit, closing, replacing

STRING_OR_COMMENT = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "="}
NOT_A_SETTING = r"(?<!errcode )(?<!path )(?<!fillfactor )(?<!scan )(?<!join )(?<!material )"
WORDS = {
    "greatest": "least",
    "least": "greatest",
    "min": "max",
    "max": "min",
    "sum": "max",
    "bool_and": "bool_or",
    "abs": "",
    "dense_rank": "row_number",
    "clock_timestamp": "now",
    "pg_advisory_xact_lock": "pg_advisory_xact_lock_shared",
    "pg_advisory_xact_lock_shared": "pg_advisory_xact_lock",
}
HEADS = re.compile(
    r"^create (?:unique )?(?:function|table|type|domain|index|sequence) (?:ledger\.)?(\w+)"
    r"|^create (?:trigger|policy) (\w+)[^;]*? on ledger\.(\w+)"
    r"|^(do|revoke|alter table)\b",
    re.MULTILINE,
)


def mask(text: str) -> str:
    """The text with comments and strings blanked out, at the same length; strings that are SQL themselves stay."""

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        if found.startswith(("'create ", "'alter ")):
            return found
        return re.sub(r"[^\n]", " ", found) if found.startswith("--") else "'" + "\x00" * (len(found) - 2) + "'"

    return STRING_OR_COMMENT.sub(blank, text)


def where(text: str, place: int) -> str:
    """The name of the function, table or trigger at ``place``."""
    name = ""
    for head in HEADS.finditer(text, 0, text.find("\n", place)):
        name = " on ".join(part for part in head.groups() if part)
    return name


def edits(text: str) -> Iterator[Edit]:
    """Every edit that the rules below allow, in the order of their places."""
    masked = mask(text)
    found = {edit for rule in RULES for edit in rule(text, masked) if edit.new != text[edit.start : edit.end]}
    yield from sorted(found, key=lambda edit: (edit.start, edit.end, edit.new))


def _logic(_: str, masked: str) -> Iterator[Edit]:
    """``and`` and ``or`` change places, but not where they join a range or a trigger's events."""
    ranges = {match.end() for match in re.finditer(r"\bbetween\s+[^()\n]*?\band\b", masked)}
    for match in re.finditer(r"\b(?:and|or)\b(?! (?:replace|update|delete|truncate)\b)", masked):
        if match.end() not in ranges:
            yield Edit(match.start(), match.end(), "or" if match[0] == "and" else "and")


def _dropped_conditions(_: str, masked: str) -> Iterator[Edit]:
    """A line that is one more condition, or one branch of a case, is left out."""
    for match in re.finditer(r"^ +(?:(?:and|or) .*|when .* then .*)\n", masked, re.MULTILINE):
        if match[0].count("(") == match[0].count(")") and " end" not in match[0]:
            yield Edit(match.start(), match.end(), "")


def _coalesce(text: str, masked: str) -> Iterator[Edit]:
    """The first alternative without its default."""
    for match in re.finditer(r"\bcoalesce\(", masked):
        end = closing(masked, match.end() - 1)
        depth = 0
        for place in range(match.end(), end):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(masked[place], 0)
            if depth == 0 and masked[place] == ",":
                yield Edit(match.start(), end + 1, f"({text[match.end() : place]})")
                break


def _checks(_: str, masked: str) -> Iterator[Edit]:
    """A check that is always true; a unique or foreign key that is gone."""
    for match in re.finditer(r"\bcheck \(", masked):
        yield Edit(match.start(), closing(masked, match.end() - 1) + 1, "check (true)")
    for match in re.finditer(r"^ +(?P<key>(?:primary key|unique|foreign key) \(.*?)(?=,?\n)", masked, re.MULTILINE):
        yield Edit(match.start("key"), match.end("key"), "check (true)")


def _columns_of_triggers(_: str, masked: str) -> Iterator[Edit]:
    """A trigger that does not look at one of its columns."""
    for columns in re.finditer(r"\bupdate of (?P<list>[\w, ]+?) on ", masked):
        for column in re.finditer(r"\w+, |, \w+$", columns["list"]):
            yield Edit(columns.start("list") + column.start(), columns.start("list") + column.end(), "")


def _strings(text: str, masked: str) -> Iterator[Edit]:
    """Another word, SQLSTATE or key; not what an error says to people."""
    for match in re.finditer(r"'\x00*'", masked):
        before = masked[max(0, match.start() - 40) : match.start()]
        if re.search(r"(raise exception|\bdate) $", before) or text[match.start() : match.end()] == "'{}'":
            continue
        new = "'LG999'" if before.endswith("errcode = ") else text[match.start() : match.end() - 1] + "x'"
        yield Edit(match.start(), match.end(), re.sub(r"\d(?= seconds)", "9", new).replace("secondsx", "seconds"))


RULES: tuple[Callable[[str, str], Iterator[Edit]], ...] = (
    replacing(
        rf"{NOT_A_SETTING}(?<![-<>:=!@|&])(?:<=|>=|<>|<|>|=)(?![<>=@|&])",
        lambda match: COMPARISONS[match[0]],
    ),
    replacing(r"(?<=[\w)\]] )[-+](?= )", lambda match: "-" if match[0] == "+" else "+"),
    replacing(r"(?<=[ (,])-(?=[a-z(])", ""),
    replacing(r"(?<=\w )\*(?= \w)", "+"),
    replacing(
        r"(?<![\w.$])(?<!varchar\()(?<!fillfactor = )\d+(?![\w\x00])(?!\.\d)", lambda match: str(int(match[0]) + 1)
    ),
    _logic,
    _dropped_conditions,
    replacing(r"(?<!if )\bnot (?!null\b)|(?<=\bis )not (?=null\b)|(?<=if )not (?!exists ledger)", ""),
    replacing(r"\bis (?!not\b)(?=null|true|false|distinct)", "is not "),
    replacing(r"(?<!not )\b(?=exists \()", "not "),
    replacing(r"(?<!not )\b(?=in \()", "not "),
    replacing(r"\b(?:greatest|least|min|max|sum|bool_and|abs|dense_rank|clock_timestamp)(?=\()", lambda m: WORDS[m[0]]),
    replacing(r"\bpg_advisory_xact_lock(?:_shared)?(?=\()", lambda match: WORDS[match[0]]),
    replacing(r"(?<!is )(?<!not )\b(?:true|false)\b", lambda match: "false" if match[0] == "true" else "true"),
    replacing(r"\bleft join\b", "join"),
    replacing(r"\bunion all\b", "union"),
    replacing(r"\bdistinct (?!from)", ""),
    replacing(r"\s+limit \w+", ""),
    replacing(r"\bunique_violation\b", "division_by_zero"),
    replacing(r" on conflict \([\w, ]+\) do nothing", ""),
    replacing(r"\s+order by [^()\n;]*?(?:\([^()\n]*\)[^()\n;]*?)?(?=\)|\n|;| limit| for )", ""),
    replacing(r"\s+for no key update(?: of \w+)?(?: skip locked)?", ""),
    replacing(r"\bfor no key update\b", "for update"),
    replacing(r" skip locked\b", ""),
    replacing(r" security definer\b", ""),
    replacing(r" set search_path = pg_catalog, pg_temp", ""),
    replacing(r"\benable row level security\b", "disable row level security"),
    replacing(r"^(?:revoke|create trigger|create policy)\b[^;]*;", ""),
    # Within a function only: its statements are indented.
    replacing(
        r"^ +(?:else )?(?P<here>(?:perform|raise exception|insert into|update ledger|return query|return;|continue|exit"
        r"|[a-z_]\w*(?:\[\w+\])? :=)[^;]*;)",
        "null;",
    ),
    replacing(r"(?<=before )(?:update|delete|insert) or ", ""),
    replacing(r" or (?:delete|truncate|update)(?: of [\w, ]+?)?(?= or | on )", ""),
    replacing(r" references ledger\.\w+ \(\w+\)(?=,\n)", ""),
    replacing(r"\bunique (?=check)", ""),
    _checks,
    _columns_of_triggers,
    _coalesce,
    _strings,
)
