"""A share of the fuzz run in every run, the whole of it with `--full=fuzz`.

`python -m tests.fuzz.again` repeats one case, or tries other seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fuzz.machinery import Target, run, run_on_all_cores
from tests.fuzz.targets import TARGETS

EVERY = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@EVERY
def test_a_share_of_the_inputs(target: Target) -> None:
    """Over 0.25 s for some: it is a share, and the share must reach something."""
    report = run(target, 0, target.quick)
    assert report.cases == target.quick
    assert target.reach <= set(report.reached), dict(report.reached)


@pytest.mark.full("fuzz")
@EVERY
def test_all_the_inputs(target: Target, record_property: Callable[[str, object], None]) -> None:
    report = run_on_all_cores(target, target.full)
    record_property("tried", f"{report.cases:,} cases, slowest {report.slowest_us / 1000:.1f} ms")
    assert report.cases == target.full
    assert target.reach <= set(report.reached), dict(report.reached)
