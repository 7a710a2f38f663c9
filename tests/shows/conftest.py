"""One laboratory for the tests that leave it as they found it, and one each for those that do not.

These are the shows: a whole engine as a child process, real sockets, real files. They take longer
than other tests because a process is what they test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shows.laboratory import Laboratory, opened

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="module")
def _module_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    lab = opened(tmp_path_factory.mktemp("shows"))
    yield lab
    lab.stop()


@pytest.fixture
def shared_lab(_module_lab: Laboratory) -> Iterator[Laboratory]:
    """A laboratory without faults and at rest."""
    yield _module_lab
    _module_lab.run(_module_lab.world.client.reset_faults())
    for network in ("visa", "mastercard", "amex"):
        _module_lab.run(_module_lab.world.client.force_breaker(network, "auto"))


@pytest.fixture
def own_lab(tmp_path: Path) -> Iterator[Laboratory]:
    """A laboratory of the test's own, empty."""
    lab = opened(tmp_path / "lab")
    yield lab
    lab.stop()
