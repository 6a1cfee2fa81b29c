"""The program that posts is killed under load: what it was promised is there, the rest can be asked again."""

import multiprocessing
import random
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from tests.faults import client
from tests.faults.cluster import Cluster
from tests.faults.load import WAIT_SECONDS, Load, check_kept, fresh_load, settle

SEED = 2


async def test_killing_the_client_loses_and_doubles_nothing(
    cluster: Cluster, rounds: int, count: Callable[[str, int], None]
) -> None:
    load = await fresh_load(cluster.server, SEED)
    moments = random.Random(SEED)
    for number in range(rounds):
        kill_in_the_middle(load, number, answers=moments.randint(1, 300))
        await check_kept(load)
    unanswered = await settle(load)
    assert unanswered.total() > 0
    count("kills of the client", rounds)
    count("items acknowledged", len(load.answers))
    count("answers given again after a loss", unanswered["lost"])


def kill_in_the_middle(load: Load, number: int, *, answers: int) -> None:
    """Let the program post until it has been promised so much, kill it, and note all that it said until then."""
    context = multiprocessing.get_context("spawn")
    heard, said = context.Pipe(duplex=False)
    program = context.Process(target=client.run, args=(load.book.server, load.book.book_id, number, said))
    program.start()
    try:
        said.close()
        goal = len(load.answers) + answers
        while len(load.answers) < goal:
            assert heard.poll(WAIT_SECONDS), "the program says nothing"
            note(load, heard.recv())
        program.kill()
        for words in rest(heard):
            note(load, words)
    finally:
        program.kill()
        program.join()
        program.close()
        heard.close()


def note(load: Load, words: Any) -> None:
    """An item that was about to be sent, or an answer."""
    notes: dict[str, Any] = load.answers if words.key in load.sent else load.sent
    assert words.key not in notes
    notes[words.key] = words


def rest(heard: Connection) -> Any:
    """What was said until the end; the last word may be cut off."""
    while True:
        try:
            yield heard.recv()
        except (EOFError, OSError):
            return
