"""A simulated world with one signed-in phone, for tests of the routes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api import simulated
from backend.simulation import SimulatedWorld
from tests.backend.http.merchant import Merchant
from tests.backend.http.phone import Phone


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimulatedWorld]:
    with simulated(7, tmp_path / "lab") as opened:
        yield opened


@pytest.fixture
def phone(world: SimulatedWorld) -> Iterator[Phone]:
    client = world.client()
    made = Phone(client)
    world.run(made.sign_in())
    yield made
    world.run(client.aclose())


@pytest.fixture
def merchant(world: SimulatedWorld) -> Iterator[Merchant]:
    client = world.client()
    yield Merchant(world, client)
    world.run(client.aclose())
