"""Randomness with a name and a seed.

`Entropy(seed).stream("switch.visa")` is the same sequence for the same seed and name, whatever
other streams did, so a run repeats even when its parts are reordered. Secrets (keys, tokens,
nonces) come from the operating system in the live world and from the seed in a simulated one.

A stream counts the 32-bit words it has drawn from its generator. That number is its position:
with seed and positions, a saved world goes on with the same sequence.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
SEED_BITS = 48
WORD_BITS = 32
POSITION_MAX = 1 << 31
"""No run draws so often, and finding such a place takes seconds: a file with more is refused."""
_SKIP_WORDS = 1 << 18


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
    """A repeatable stream: Mersenne Twister keyed by SHA-256 of seed and name.

    Attributes:
        position: words of 32 bits drawn so far.
    """

    def __init__(self, seed: int, name: str, position: int = 0) -> None:
        """The stream from its beginning, or from a position that it had."""
        digest = hashlib.sha256(f"{seed}|{name}".encode()).digest()
        self._random = random.Random(digest)
        self.position = 0
        while self.position < position:
            self._bits(WORD_BITS * min(position - self.position, _SKIP_WORDS))

    def bytes(self, count: int) -> bytes:
        """`count` random bytes."""
        return self._bits(count * 8).to_bytes(count, "little")

    def random(self) -> float:
        """Uniform in [0, 1)."""
        self.position += 2
        return self._random.random()

    def randint(self, low: int, high: int) -> int:
        """Uniform integer, both ends included."""
        assert low <= high, f"no integer from {low} to {high}"
        return low + self._below(high - low + 1)

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`."""
        return options[self._below(len(options))]

    def _below(self, limit: int) -> int:
        """Uniform in [0, limit), by drawing again what does not fit."""
        bits = limit.bit_length()
        drawn = self._bits(bits)
        while drawn >= limit:
            drawn = self._bits(bits)
        return drawn

    def _bits(self, count: int) -> int:
        self.position += -(-count // WORD_BITS)
        return self._random.getrandbits(count)


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

    def __init__(
        self,
        seed: int | None = None,
        *,
        simulated: bool = False,
        positions: Mapping[str, int] | None = None,
    ) -> None:
        """Streams of a seed.

        Args:
            seed: of every stream; None takes a fresh one.
            simulated: secrets come from the seed too.
            positions: where streams were when a world was saved; others begin at their beginning.
        """
        self.seed = new_seed() if seed is None else seed
        self._simulated = simulated
        self._streams: dict[str, SeededStream] = {}
        self._kept = dict(positions or {})

    def stream(self, name: str) -> SeededStream:
        """The stream of that name; asking twice gives the same object, not a restart."""
        if name not in self._streams:
            self._streams[name] = SeededStream(self.seed, name, self._kept.get(name, 0))
        return self._streams[name]

    def positions(self) -> dict[str, int]:
        """Where every stream is, also those that only an earlier run asked for."""
        now = {name: stream.position for name, stream in self._streams.items()}
        return dict(sorted((self._kept | now).items()))

    def secret(self, name: str) -> Stream:
        """A stream for keys and tokens: the system's own, or the seed's in a simulated world."""
        return self.stream(f"secret.{name}") if self._simulated else SystemStream()


def read_positions(body: object) -> dict[str, int]:
    """Positions out of a file.

    Raises:
        ValueError: they are none.
    """
    if not isinstance(body, Mapping):
        raise ValueError("positions of random streams are an object of name and number")  # noqa: TRY004 -- data from outside
    positions: dict[str, int] = {}
    for name, position in body.items():
        good = isinstance(position, int) and not isinstance(position, bool)
        if not isinstance(name, str) or not good or not 0 <= position <= POSITION_MAX:
            raise ValueError(f"the position of the random stream {name!r} is no number of words")
        positions[name] = position
    return positions


def new_seed() -> int:
    """A fresh seed, small enough to read aloud from a projector."""
    return int.from_bytes(os.urandom(SEED_BITS // 8), "big")


def identifier(stream: Stream, prefix: str) -> str:
    """An identifier such as `pay_3f9a…` (96 random bits, lower-case hex)."""
    return f"{prefix}_{stream.bytes(12).hex()}"
