"""Virtual PN532 boards for the drivers, where nfcpy and pseudo-terminals are."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

from tests.pn532_bench import Bench

if importlib.util.find_spec("nfc") is None or not hasattr(os, "openpty"):
    REASON = "nfcpy or pseudo-terminals are missing: python3 start.py installs nfcpy (not Windows)"
else:
    REASON = ""


def boards(count: int) -> Iterator[Bench]:
    if REASON:
        pytest.skip(REASON)
    made = Bench(count)
    yield made
    made.close()


@pytest.fixture
def board() -> Iterator[Bench]:
    """One board, to read with."""
    yield from boards(1)


@pytest.fixture
def pair() -> Iterator[Bench]:
    """Two boards face to face: 0 reads, 1 is a card."""
    yield from boards(2)
