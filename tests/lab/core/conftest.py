"""A real laboratory for these tests: engine child, flows, secure element; no window.

Most tests share one world (a start costs more than a second); each leaves it as it found it. Those
that kill engines or replace worlds get one of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.core.running import Running, start

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before pytest-qt makes an application


@pytest.fixture(scope="session", autouse=True)
def _keys_in_a_file() -> Iterator[None]:
    """Never touch a keyring."""
    before = os.environ.get("TAPLAB_KEY_HOME")
    os.environ["TAPLAB_KEY_HOME"] = "file"
    yield
    if before is None:
        del os.environ["TAPLAB_KEY_HOME"]
    else:
        os.environ["TAPLAB_KEY_HOME"] = before


@pytest.fixture(scope="session")
def start_lab() -> Callable[[Path], Running]:
    """For tests that start and stop worlds themselves."""
    return start


@pytest.fixture(scope="session")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("shared"))
    running.run(running.world.wallet.start_with_demo_cards())
    yield running
    running.stop()
    assert running.faults == []


@pytest.fixture
def lab(_shared: Running) -> Iterator[Running]:
    """The shared world with three demo cards, at rest and without faults."""
    world = _shared.world
    yield _shared
    _shared.run(world.client.reset_faults())
    for network in ("visa", "mastercard", "amex"):
        _shared.run(world.client.force_breaker(network, "auto"))
    _shared.until(lambda: not world.hands.busy)
    _shared.call(world.wallet.close)
    _shared.call(world.pos.clear)
    _shared.run(world.console.look())
    assert _shared.faults == []


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Running]:
    """A world of the test's own, empty."""
    running = start(tmp_path / "lab")
    yield running
    running.stop()
    assert running.faults == []
