"""A shop with an engine behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api import simulated
from tests.backend.gateway.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with simulated(7, tmp_path / "lab") as world:
        made = Shop(world, tmp_path / "lab")
        yield made
        made.fault()
        made.pass_time(1)  # what was said of it is on the disk before the loop ends
