"""A simulated world with a shop that pays, and a receiver that stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api import simulated
from tests.backend.webhooks.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with simulated(11, tmp_path / "lab") as world:
        made = Shop(world)
        yield made
        made.close()
