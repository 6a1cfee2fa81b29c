"""PINs are checked in threads; a forked worker has none of its parent's."""

import subprocess
import sys

# In an interpreter of its own: the test run has threads of its own, which a fork would disturb.
FORK_AFTER_HASHING = """
import asyncio, os, signal
from timebank.identity import cards

assert asyncio.run(cards._in_thread(lambda: "parent")) == "parent"
child = os.fork()
if child == 0:
    signal.alarm(5)
    os._exit(0 if asyncio.run(cards._in_thread(lambda: "child")) == "child" else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""


def test_a_worker_forked_after_a_card_was_made_still_checks_pins() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK_AFTER_HASHING], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.strip() == "0", done.stderr
