"""Says at the end of a run what was tried, target by target."""

from __future__ import annotations

import pytest

from tests.fuzz.machinery import SEED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a target that ran in full, and the seed."""
    tried = [
        f"{report.nodeid.rpartition('[')[2].rstrip(']')}: {told}, {outcome}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        for name, told in report.user_properties
        if name == "tried"
    ]
    if tried:
        terminalreporter.section(f"fuzzed, seed {SEED}")
        for line in tried:
            terminalreporter.write_line(line)
