"""What must hold for the files of the repository themselves."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ("run", "build", "dev", "uv")
# Written in two parts, so that this file does not name them either.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("conda", "io"),
    )
)
INDEX_OPTION = re.compile(
    r"^\s*(--(extra-)?index-url|--index|--find-links|--trusted-host|-i\b|-f\b)|https?://|file:", re.MULTILINE
)
PINNED = re.compile(r"^(?P<name>[a-z0-9._-]+)(\[[a-z,]+\])?==\S+(?P<marker> ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")
ADDRESS_WITH_PASSWORD = re.compile(r"://[^:/@\s]+:(?P<password>[^@]+)@")


def own_files() -> list[Path]:
    """What git knows, or would after the next commit; outside a checkout everything that no build has made."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode == 0:
        names = done.stdout.decode().split("\0")
        return [path for name in names if name and (path := ROOT / name).is_file()]
    built = {".venv", ".cache", "node_modules", "static", "__pycache__", "build", "dist", "out"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not built & set(path.parts)]


def requirement_blocks(text: str) -> Iterator[list[str]]:
    """The lines of each pinned package, without comments."""
    block: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#") or not line.strip():
            continue
        if not line.startswith(" ") and block:
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    return {block[0].split("==")[0]: block[0].split("==")[1].split()[0] for block in requirement_blocks(text)}


def normal(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement.strip())[0].lower().replace("_", "-")


def test_no_file_names_a_registry() -> None:
    files = own_files()
    assert ROOT / "pyproject.toml" in files
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in files
        for host in REGISTRIES
        if host.encode() in path.read_bytes().lower()
    ]
    assert found == []


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirements_are_pinned_and_hashed(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    blocks = list(requirement_blocks(text))
    assert blocks
    for block in blocks:
        assert PINNED.match(block[0]), block[0]
        assert len(block) > 1, f"{block[0]} has no hash"
        assert all(HASH.match(line) for line in block[1:]), block[0]


@pytest.mark.parametrize("name", REQUIREMENTS)
@pytest.mark.parametrize("suffix", ["in", "txt"])
def test_requirements_name_no_index(name: str, suffix: str) -> None:
    text = (ROOT / "requirements" / f"{name}.{suffix}").read_text("utf-8")
    assert INDEX_OPTION.search(text) is None


def test_the_files_agree_on_versions() -> None:
    known: dict[str, str] = {}
    for name in REQUIREMENTS:
        for package, version in pins(name).items():
            assert known.setdefault(package, version) == version, f"{package} in {name}.txt"
    assert "litestar" in known


def test_the_lists_agree_with_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines = (ROOT / "requirements" / "run.in").read_text("utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == project["project"]["dependencies"]
    for name, wanted in (("run", project["project"]["dependencies"]), ("build", project["build-system"]["requires"])):
        assert {normal(requirement) for requirement in wanted} <= set(pins(name)), name


def test_package_lock_has_hashes_and_no_addresses() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []


def test_no_secret_in_the_files_for_containers() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    checked = 0
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if SECRET_NAME.search(name):
                assert re.fullmatch(r"\$\{[A-Z_]+:(\?[^}]+|-)\}", str(value)), name  # from outside, or none
                checked += 1
            for found in re.finditer(ADDRESS_WITH_PASSWORD, str(value).replace(":?", "?")):
                assert re.fullmatch(r"\$\{[A-Z_]+\?[^}]+\}", found["password"]), name
                checked += 1
    assert checked >= 4
    example = (ROOT / ".env.example").read_text("utf-8")
    empty = re.findall(r"^[A-Z_]*PASSWORD=$", example, re.MULTILINE)
    assert len(empty) == len(re.findall(r"^[A-Z_]*PASSWORD=", example, re.MULTILINE)) == 3
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    assert [line for line in dockerfile.splitlines() if re.search(r"^\s*(ENV|ARG)?\s*\w*(PASSWORD|SECRET)", line)] == []


def test_every_service_is_watched_and_only_the_service_serves_as_the_application() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    assert {"database", "migrate", "service", "mail"} <= set(services)
    assert all("healthcheck" in service for service in services.values())
    assert "TIMEBANK_DATABASE_URL" in services["service"]["environment"]
    assert not {"TIMEBANK_OWNER_URL", "TIMEBANK_ADMIN_URL"} & set(services["service"]["environment"])


def test_uv_lock_stays_out() -> None:
    assert [path.name for path in own_files() if path.name == "uv.lock"] == []


def test_commands_of_the_contributing_guide_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    assert {"demo", "test", "check", "bench", "clean"} <= named
    assert named <= targets


def test_decisions_are_numbered_and_complete() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text("utf-8")
        assert [heading for heading in ("Context", "Decision", "Consequences") if f"\n## {heading}\n" not in text] == []
