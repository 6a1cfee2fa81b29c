"""Changes the ledger in one small way after the other and expects its tests to fail: ``make mutants``.

Lists every change that no test noticed. ``explained.toml`` says of some why nothing can notice them; exit code 1 when
there are others, or when tests fail without any change.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from migrations.runner import bootstrap
from scripts.mutants import python, sql
from scripts.mutants.edits import Mutant
from scripts.mutants.running import PYTEST_ARGS, SOCKET_VARIABLE, TEMPLATE, TESTS, Lane, Outcome, Trial
from timebank.embedded import SUPERUSER, running, url
from timebank.settings import APP_ROLE, MIGRATOR_ROLE

ROOT = Path(__file__).resolve().parents[2]
EXPLAINED = Path(__file__).with_name("explained.toml")
LAST_RUN = ROOT / ".cache" / "mutants.json"
COPIED = ("ledger", "timebank", "migrations", "tests", "scripts", "pyproject.toml")
SETTINGS = (
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
    "client_connection_check_interval = '1s'",  # what a hung mutant waits for ends with its process
)
MAX_WORKERS = 16
PROGRESS_EVERY = 25

Key = tuple[str, str, str, str]


def main() -> int:
    """Try the mutants that the command line asks for; see ``--help``."""
    options = _options()
    mutants = all_mutants(options.file)
    mutants = [mutant for mutant in mutants if options.text in mutant.was + mutant.now]
    if options.again:
        survived = {tuple(key) for key in json.loads(LAST_RUN.read_text())}
        mutants = [mutant for mutant in mutants if key_of(mutant) in survived]
    if options.sample:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))  # noqa: S311
    if options.list:
        for mutant in mutants:
            print(described(mutant))
        return 0
    # However it is stopped, the clusters stop too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    outcomes, failing = try_all(mutants, workers=options.workers, tests=options.tests, verbose=options.verbose)
    code = tell(outcomes, failing, minutes=(time.monotonic() - began) / 60)
    LAST_RUN.parent.mkdir(exist_ok=True)
    LAST_RUN.write_text(json.dumps([key_of(each.mutant) for each in outcomes if each.verdict == "survived"], indent=1))
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants MUTANTS_ARGS=...", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--file", action="append", default=[], help="only files whose path contains this; may be repeated"
    )
    parser.add_argument("--text", default="", help="only where the changed lines contain this, before or after")
    parser.add_argument("--sample", type=int, default=0, help="only so many, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="for another sample")
    parser.add_argument("--again", action="store_true", help="only those that survived the last run")
    parser.add_argument("--list", action="store_true", help="show them, try none")
    parser.add_argument("--verbose", action="store_true", help="say of each mutant what killed it")
    parser.add_argument("--workers", type=int, default=2, choices=range(1, MAX_WORKERS + 1), metavar="N")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH", help="only these tests")
    return parser.parse_args()


def all_mutants(wanted: Sequence[str]) -> list[Mutant]:
    """Every mutant of the ledger's SQL and Python, file by file; commands and benchmarks do not count."""
    mutants = []
    for path in [*sorted(ROOT.glob("ledger/sql/*.sql")), *sorted(ROOT.glob("ledger/**/*.py"))]:
        file = path.relative_to(ROOT).as_posix()
        if file.startswith(("ledger/commands/", "ledger/bench", "ledger/__main__")):
            continue
        if not wanted or any(part in file for part in wanted):
            text, rules = path.read_text(), sql if path.suffix == ".sql" else python
            mutants += [Mutant(file, text, rules.where(text, edit.start), edit) for edit in rules.edits(text)]
    return mutants


def try_all(
    mutants: Sequence[Mutant], *, workers: int, tests: Sequence[str], verbose: bool
) -> tuple[list[Outcome], set[str]]:
    """What became of each mutant, and which tests fail without any."""
    outcomes: list[Outcome] = []
    tried: Counter[str] = Counter()

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        tried[outcome.verdict] += 1
        if verbose or outcome.verdict == "survived":
            print(f"{outcome.verdict} {outcome.by}\n    {described(outcome.mutant)}", flush=True)
        if len(outcomes) % PROGRESS_EVERY == 0:
            print(f"{len(outcomes)} of {len(mutants)}: {dict(tried)}", flush=True)

    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="timebank-mutants-", dir="/var/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        lanes = [make_lane(folder / str(n), stack) for n in range(workers)]
        trial = Trial(lanes, mutants, report, tests)
        # Nothing of ours may be imported from elsewhere than the copy.
        for name in [name for name in sys.modules if name.partition(".")[0] in ("ledger", "timebank", "migrations")]:
            del sys.modules[name]
        sys.path[:] = [str(lanes[0].tree), *(entry for entry in sys.path if entry not in ("", str(ROOT)))]
        os.environ[SOCKET_VARIABLE] = str(lanes[0].socket_dir)
        os.chdir(lanes[0].tree)
        pytest.main([*PYTEST_ARGS, f"--rootdir={lanes[0].tree}", *tests], plugins=[trial])
        os.chdir(ROOT)
    return outcomes, trial.left_out


def make_lane(folder: Path, stack: ExitStack) -> Lane:
    """A copy of the tree, and a cluster with the roles in it that runs until the end of ``stack``."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name)
        else:
            shutil.copy2(ROOT / name, tree / name)
    folder.parent.chmod(0o755)
    cluster = stack.enter_context(running(folder))
    lane = Lane(tree, cluster.socket_dir)
    asyncio.run(prepare(lane))
    return lane


async def prepare(lane: Lane) -> None:
    """Give up safety for speed, and make the roles."""
    admin_url = url(lane.socket_dir, SUPERUSER, "postgres")
    admin: Any = await asyncpg.connect(admin_url)
    for setting in SETTINGS:
        await admin.execute(f"alter system set {setting}")
    await admin.execute("select pg_reload_conf()")
    await admin.close()
    await bootstrap(
        admin_url,
        app_url=url(lane.socket_dir, APP_ROLE, TEMPLATE),
        owner_url=url(lane.socket_dir, MIGRATOR_ROLE, TEMPLATE),
    )


def tell(outcomes: Sequence[Outcome], failing: set[str], *, minutes: float) -> int:
    """Print the sum and the survivors; 1 if one of them is unexplained or a test fails by itself."""
    explained = {
        (each["file"], each["where"], each["was"], each["now"]): each["why"]
        for each in tomllib.loads(EXPLAINED.read_text()).get("mutant", [])
    }
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    survivors = [outcome.mutant for outcome in outcomes if outcome.verdict == "survived"]
    unexplained = [mutant for mutant in survivors if key_of(mutant) not in explained]
    print()
    for mutant in survivors:
        if why := explained.get(key_of(mutant)):
            print(f"{described(mutant)}\n    cannot be noticed: {why}")
    for mutant in unexplained:
        print(f"{described(mutant)}\n    UNEXPLAINED")
    for test in sorted(failing):
        print(f"left out, because it fails without a mutant: {test}")
    print(
        f"\n{len(outcomes) - verdicts['invalid']} mutants: {verdicts['killed']} killed, "
        f"{len(survivors) - len(unexplained)} survivors explained, {len(unexplained)} not; "
        f"{verdicts['invalid']} changes were no valid SQL; {minutes:.1f} minutes"
    )
    return 1 if unexplained or failing or not outcomes else 0


def key_of(mutant: Mutant) -> Key:
    """What names a mutant, whatever its line number."""
    return mutant.file, mutant.where, mutant.was, mutant.now


def described(mutant: Mutant) -> str:
    """A mutant for people to read."""
    return f"{mutant.file}:{mutant.line} ({mutant.where})\n    - {mutant.was}\n    + {mutant.now}"


if __name__ == "__main__":
    sys.exit(main())
