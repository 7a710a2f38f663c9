"""Scenarios as tests write them: a short text, loaded and played in a simulated laboratory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.scenarios.loader import load_text
from lab.scenarios.model import Scenario
from lab.scenarios.playing import play_once
from lab.scenarios.result import Result

HEAD = 'name = "A test\'s own"\nworld = "simulated"\n'


@pytest.fixture
def scenario_of() -> Callable[[str], Scenario]:
    """Load a scenario from everything but its head."""
    return lambda text: load_text(HEAD + text, "test.toml")


@pytest.fixture
def played(scenario_of: Callable[[str], Scenario]) -> Callable[..., Result]:
    """Load and play."""
    return lambda text, **how: play_once(scenario_of(text), **how)
