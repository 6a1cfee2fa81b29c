"""The ledger's fixtures, for the property tests, and how many steps the machines took, on all workers together."""

import pytest

from tests.integration.ledger.fixtures import book, newest, oldest, server

__all__ = ["book", "newest", "oldest", "server"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """``record_property("steps", n)`` reaches the controlling process with each test's report."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    counted = [n for report in reports for name, n in getattr(report, "user_properties", ()) if name == "steps"]
    if counted:
        terminalreporter.write_line(f"The ledger's machines took {sum(counted):,} steps.")
