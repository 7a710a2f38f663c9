"""Randomness with a name and a seed.

`Entropy(seed).stream("switch.visa")` is the same sequence for the same seed and name, whatever
other streams did, so a run repeats even when its parts are reordered. Secrets (keys, tokens,
nonces) come from the operating system in the live world and from the seed in a simulated one.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
SEED_BITS = 48


class Stream(Protocol):
    """A named source of random values."""

    def bytes(self, count: int) -> bytes:
        """`count` random bytes."""

    def random(self) -> float:
        """Uniform in [0, 1)."""

    def randint(self, low: int, high: int) -> int:
        """Uniform integer, both ends included."""

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`, which must not be empty."""


class SeededStream:
    """A repeatable stream: Mersenne Twister keyed by SHA-256 of seed and name."""

    def __init__(self, seed: int, name: str) -> None:
        digest = hashlib.sha256(f"{seed}|{name}".encode()).digest()
        self._random = random.Random(digest)

    def bytes(self, count: int) -> bytes:
        """`count` random bytes."""
        return self._random.randbytes(count)

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return self._random.random()

    def randint(self, low: int, high: int) -> int:
        """Uniform integer, both ends included."""
        return self._random.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`."""
        return self._random.choice(options)


class SystemStream:
    """The operating system's randomness, for secrets in the live world."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def bytes(self, count: int) -> bytes:
        """`count` random bytes."""
        return os.urandom(count)

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return self._random.random()

    def randint(self, low: int, high: int) -> int:
        """Uniform integer, both ends included."""
        return self._random.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`."""
        return self._random.choice(options)


class Entropy:
    """The laboratory's randomness: one seed, many named streams."""

    def __init__(self, seed: int | None = None, *, simulated: bool = False) -> None:
        self.seed = new_seed() if seed is None else seed
        self._simulated = simulated
        self._streams: dict[str, SeededStream] = {}

    def stream(self, name: str) -> SeededStream:
        """The stream of that name; asking twice gives the same object, not a restart."""
        if name not in self._streams:
            self._streams[name] = SeededStream(self.seed, name)
        return self._streams[name]

    def secret(self, name: str) -> Stream:
        """A stream for keys and tokens: the system's own, or the seed's in a simulated world."""
        return self.stream(f"secret.{name}") if self._simulated else SystemStream()


def new_seed() -> int:
    """A fresh seed, small enough to read aloud from a projector."""
    return int.from_bytes(os.urandom(SEED_BITS // 8), "big")


def identifier(stream: Stream, prefix: str) -> str:
    """An identifier such as `pay_3f9a…` (96 random bits, lower-case hex)."""
    return f"{prefix}_{stream.bytes(12).hex()}"
