"""A shop with an engine behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api import simulated
from tests.backend.gateway.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with simulated(7, tmp_path / "lab") as world:
        yield Shop(world, tmp_path / "lab")
