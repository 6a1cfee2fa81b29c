"""The build hook: quick when nothing changed, no registry named, and a stylesheet for every direction of writing."""

import json
import re
from pathlib import Path

import pytest

import hatch_build
from timebank.web.static import assets

ROOT = Path(__file__).parents[3]


def test_a_second_build_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build, "_run_node", lambda *_: pytest.fail("Node was started"))
    manifest = json.loads((hatch_build.STATIC / "manifest.json").read_text("utf-8"))
    monkeypatch.setattr(hatch_build, "inputs_digest", lambda: manifest["inputs"])

    assert hatch_build.build() is False


def test_a_changed_input_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "main.scss").write_text("a { color: red }", "utf-8")
    monkeypatch.setattr(hatch_build, "ASSETS", tmp_path)
    before = hatch_build.inputs_digest()
    (tmp_path / "main.scss").write_text("a { color: tan }", "utf-8")

    assert hatch_build.inputs_digest() != before


def test_the_lock_file_pins_by_digest_and_names_no_registry() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    installed = {name: package for name, package in packages.items() if name}

    assert {"node_modules/govuk-frontend", "node_modules/sass"} <= set(installed)
    assert all("resolved" not in package for package in installed.values())
    assert all(package["integrity"].startswith("sha512-") for package in installed.values())


def test_the_stylesheet_serves_both_directions_of_writing() -> None:
    text = assets().files[assets().names["main.css"]].bodies["identity"].decode()

    assert "margin-inline-start:" in text
    assert re.findall(r"[{;](?:margin|padding|border)-(?:left|right)[-:]|[{;](?:left|right):", text) == []
