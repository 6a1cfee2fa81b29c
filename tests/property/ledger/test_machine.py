"""The SQL and the reference, side by side: the same steps, the same answers, and every invariant.

A thorough run compares everything and proves the invariants after each step; the others do so at the end of each
example, which leaves time for many more steps.

``TIMEBANK_STEPS=1000000`` makes the long run, in parts that workers share; ``make prove-long`` says how many it did.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.ledger.support import Server
from tests.property.ledger.machine import LedgerMachine, connect

STEPS = int(os.environ.get("TIMEBANK_STEPS", "0"))
STEPS_PER_PART = 20_000
STEPS_PER_EXAMPLE = 50


def run_machine(chosen: Server, *, steps: int, thorough: bool, record: Callable[[str, object], None]) -> None:
    """At least so many steps, in examples of a fresh book each."""
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:

        class Machine(LedgerMachine):
            loop = runner.get_loop()
            connection, owner = runner.run(connect(stack, chosen))
            is_thorough = thorough

        try:
            while Machine.steps < steps:
                run_state_machine_as_test(
                    Machine,
                    settings=settings(
                        max_examples=-(-(steps - Machine.steps) // STEPS_PER_EXAMPLE),
                        stateful_step_count=STEPS_PER_EXAMPLE,
                        deadline=None,
                        suppress_health_check=list(HealthCheck),
                        print_blob=True,
                        database=None,
                        # No shrinking: it may take longer than a test may. The printed blob brings the failure back.
                        phases=[Phase.generate],
                    ),
                )
        finally:
            runner.run(stack.aclose())
        record("steps", Machine.steps)


@pytest.mark.parametrize(("thorough", "steps"), [(True, 300), (False, 4000)])
def test_sql_and_reference_agree(
    newest: Server, thorough: bool, steps: int, record_property: Callable[[str, object], None]
) -> None:
    run_machine(newest, steps=steps, thorough=thorough, record=record_property)


@pytest.mark.parametrize(("thorough", "steps"), [(True, 100), (False, 1000)])
def test_sql_and_reference_agree_on_the_oldest_server(
    oldest: Server, thorough: bool, steps: int, record_property: Callable[[str, object], None]
) -> None:
    run_machine(oldest, steps=steps, thorough=thorough, record=record_property)


@pytest.mark.skipif(not STEPS, reason="only in the long run")
@pytest.mark.parametrize("part", range(-(-STEPS // STEPS_PER_PART)))
def test_sql_and_reference_agree_for_long(
    newest: Server, part: int, record_property: Callable[[str, object], None]
) -> None:
    run_machine(newest, steps=STEPS_PER_PART, thorough=False, record=record_property)
