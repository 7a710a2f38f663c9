"""How far the faults of our own links have come, from one command to the next.

A board outlives a command: "the second time" may be the second command's tap. What was counted and
drawn is kept beside the stores with the name of its board, and goes on if that board is still on.
Any other board, or a file that cannot be read, begins anew; nothing but counts is lost by that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import orjson

from backend.api import read_positions
from lab.json_fields import Json, as_object, flag, section, whole
from lab.wallet.phone_cache import replace_file

FILE = "fault-progress.json"


@dataclass(frozen=True, slots=True)
class FaultProgress:
    """What was counted and drawn under one board.

    Attributes:
        seed, revision, applied_at_us: which board.
        matched: how often each fault ("f1") could have fired; `fired` how often it did.
        positions: where the random stream of each link is.
        unplugged: whether a fault has pulled the reader's plug.
    """

    seed: int = 0
    revision: int = 0
    applied_at_us: int = 0
    matched: dict[str, int] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    unplugged: bool = False

    def is_of(self, seed: int, revision: int, applied_at_us: int) -> bool:
        """Whether it belongs to this board."""
        return (self.seed, self.revision, self.applied_at_us) == (seed, revision, applied_at_us)


def load(data_dir: Path) -> FaultProgress:
    """What was kept; nothing when there is no readable file."""
    try:
        body = as_object(orjson.loads((data_dir / FILE).read_bytes()), FILE)
        return FaultProgress(
            seed=whole(body, "seed"),
            revision=whole(body, "revision"),
            applied_at_us=whole(body, "applied_at_us"),
            matched=_counts(section(body, "matched")),
            fired=_counts(section(body, "fired")),
            positions=read_positions(body.get("positions")),
            unplugged=flag(body, "unplugged"),
        )
    except (FileNotFoundError, ValueError):
        return FaultProgress()


def _counts(body: Json) -> dict[str, int]:
    return {name: whole(body, name) for name in body}


def keep(data_dir: Path, progress: FaultProgress) -> None:
    """Write it down for the next command; without any fault there is nothing to write."""
    if progress.matched or progress.unplugged:
        replace_file(data_dir / FILE, orjson.dumps(progress))
    else:
        (data_dir / FILE).unlink(missing_ok=True)
