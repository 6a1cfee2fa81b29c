"""Whoever changes anything in an audit pack is found out: any byte, and any amount with its checksums put right."""

import hashlib
import json
import random
import re
import runpy
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

from tests.integration.payments.helpers import settle
from tests.integration.payments.test_payments_papers import opened, pack, two_payees
from tests.people import Bank

MOST = 8
AMOUNTS = {
    "payments.csv": r",(\d{3,}),",
    "trace.csv": r",(\d{3,}),",
    "ledger.journal": r"(?<!commodity )(?<!\d)(\d+\.\d\d) GBP",
    "ledger.beancount": r"(\d+\.\d\d)(?: ~ 0.00)? GBP",
    "manifest.json": r'": (\d{3,})',
}


def verdict(folder: Path) -> str:
    """What the pack's own check.py says, run where it stands."""
    with redirect_stdout(StringIO()) as said:
        try:
            runpy.run_path(str(folder / "check.py"), run_name="__main__")
        except SystemExit as ended:
            said.write("" if bool(ended.code) == ("WRONG" in said.getvalue()) else "the status says otherwise")
        except Exception as error:  # noqa: BLE001 - a check.py that is broken does not pass either
            return f"WRONG: {error!r}"
    return said.getvalue()


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    before = path.read_bytes()
    assert content != before
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def put_right(folder: Path, path: Path, content: bytes) -> Iterator[None]:
    """Change a file, and every checksum in the pack with it, as a careful forger does."""
    manifest, sums = folder / "manifest.json", folder / "SHA256SUMS"
    kept = {each: each.read_bytes() for each in (path, manifest, sums)}
    path.write_bytes(content)
    if path != manifest:
        says = json.loads(manifest.read_bytes())
        says["sha256"][path.relative_to(folder).as_posix()] = hashlib.sha256(content).hexdigest()
        manifest.write_text(json.dumps(says, indent=2))
    names = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file() and each != sums)
    sums.write_text("".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names))
    try:
        yield
    finally:
        for each, before in kept.items():
            each.write_bytes(before)


async def packed(bank: Bank, tmp_path: Path) -> Path:
    one, two = await two_payees(bank)
    await settle(bank, one, "paid")
    await settle(bank, two, "rejected", reason="No such account")
    folder = opened(await pack(bank), tmp_path)
    assert verdict(folder).startswith("All agrees: 2 payments")
    return folder


async def test_no_byte_and_no_line_can_be_changed_in_any_file(bank: Bank, tmp_path: Path) -> None:
    folder, chance = await packed(bank, tmp_path), random.Random(6)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == 10
    for path in files:
        content = path.read_bytes()
        places = {0, len(content) - 1, *(chance.randrange(len(content)) for _ in range(2))}
        forged = [content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :] for at in places]
        lines = content.splitlines(keepends=True)
        gone = chance.randrange(len(lines))
        forged += [b"".join(lines[:gone] + lines[gone + 1 :]), content + b"\n"]
        for each in forged:
            with changed(path, each):
                assert "WRONG" in verdict(folder), path.name
        kept = path.read_bytes()
        path.unlink()
        assert path.name == "check.py" or "WRONG" in verdict(folder), f"{path.name} is missing"
        path.write_bytes(kept)
    (folder / "more.csv").write_text("one more file")
    assert "more.csv is not of this pack" in verdict(folder)


async def test_no_amount_can_be_changed_even_with_every_checksum_put_right(bank: Bank, tmp_path: Path) -> None:
    folder = await packed(bank, tmp_path)
    for name, pattern in AMOUNTS.items():
        path = folder / name
        text = path.read_text(encoding="utf-8")
        found = list(re.finditer(pattern, text))
        assert len(found) >= 2, name
        for amount in random.Random(6).sample(found, min(len(found), MOST)):
            digits = amount[1]
            other = digits[:-1] + str((int(digits[-1]) + 1) % 10)
            forged = text[: amount.start(1)] + other + text[amount.end(1) :]
            with put_right(folder, path, forged.encode()):
                assert "WRONG" in verdict(folder), f"{name}: {amount[0]} as {other}"
    for name in ("payments.csv", "trace.csv"):
        path = folder / name
        lines = path.read_bytes().splitlines(keepends=True)
        for gone in range(1, len(lines)):
            for forged_lines in (lines[:gone] + lines[gone + 1 :], [*lines, lines[gone]]):
                with put_right(folder, path, b"".join(forged_lines)):
                    assert "WRONG" in verdict(folder), f"{name}, line {gone}"
    state = (folder / "payments.csv").read_bytes()
    with put_right(folder, folder / "payments.csv", state.replace(b"rejected", b"paid")):
        assert "but the ledger says otherwise" in verdict(folder)
    assert verdict(folder).startswith("All agrees"), "everything is as it was"
