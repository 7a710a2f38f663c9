"""What every test lives by: no silent skips in CI, repeatable random order, no real keyring.

`inv(…)` carries the rows of the requirements inventory that a test shows; `full("kill")` keeps a
long check out of the quick run and behind `--full=kill`.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import hypothesis
import pytest

from tests.inventory import unknown_rows
from tests.pcsc_stack import pcsc_namespace, pcsc_stack

__all__ = ["pcsc_namespace", "pcsc_stack"]  # fixtures for whoever needs a real smart-card service

FULL_PARTS = ("sim", "kill", "fuzz", "sabotage", "headless")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["TAPLAB_KEY_HOME"] = "file"  # a test must never touch the keyring of the one who runs it

hypothesis.settings.register_profile(
    "quick", max_examples=60, deadline=None, derandomize=True, database=None
)
hypothesis.settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full=PART[,PART]`: the long checks instead of the quick ones."""
    parser.addoption(
        "--full", default="", metavar="PARTS", help=f"long checks: {', '.join(FULL_PARTS)}"
    )


def pytest_configure(config: pytest.Config) -> None:
    parts = [part for part in config.getoption("--full").split(",") if part]
    if unknown := set(parts) - set(FULL_PARTS):
        raise pytest.UsageError(
            f"--full knows {', '.join(FULL_PARTS)}; not {', '.join(sorted(unknown))}"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Quick run: everything but `full`. With `--full`: only the parts asked for."""
    if unknown := unknown_rows(items):
        raise pytest.UsageError("\n".join(unknown))
    wanted = {part for part in config.getoption("--full").split(",") if part}

    def part_of(item: pytest.Item) -> str | None:
        mark = item.get_closest_marker("full")
        return mark.args[0] if mark else None

    chosen = [item for item in items if (part_of(item) in wanted if wanted else not part_of(item))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that could not run because something is missing is a failure in CI."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI=true: {report.longrepr}"
    return report
