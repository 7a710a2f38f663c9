"""Where this folder's random streams were when the last window or command closed.

Phone, till and reader draw from named streams of one seed. Keeping seed and positions makes a
loaded world go on with the same sequence, and two commands on one folder draw one sequence instead
of the same beginning twice. Another seed than the kept one starts anew.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from backend.api import Entropy, read_positions
from lab.errors import SomethingMissing
from lab.json_fields import as_object, whole
from lab.wallet.phone_cache import replace_file

FILE = "streams.json"


def read(path: Path) -> tuple[int, dict[str, int]]:
    """Seed and positions; also of the engine's `world.json`, which has more beside them.

    Raises:
        FileNotFoundError: nothing was kept.
        ValueError: it is no such file.
    """
    body = as_object(orjson.loads(path.read_bytes()), path.name)
    return whole(body, "seed"), read_positions(body.get("positions", {}))


def entropy_of(data_dir: Path, seed: int | None, *, simulated: bool = False) -> Entropy:
    """The folder's randomness, from where it was; of `seed`, if that is another than was kept.

    Args:
        data_dir: the folder.
        seed: None takes the one that was kept.
        simulated: secrets come from the seed too.

    Raises:
        SomethingMissing: the file is damaged.
    """
    path = data_dir / FILE
    try:
        kept, positions = read(path)
    except FileNotFoundError:
        return Entropy(seed, simulated=simulated)
    except ValueError as damage:
        raise SomethingMissing(f"{path} is damaged ({damage})", "delete it") from damage
    if seed in {None, kept}:
        return Entropy(kept, simulated=simulated, positions=positions)
    return Entropy(seed, simulated=simulated)


def keep(data_dir: Path, entropy: Entropy) -> dict[str, object]:
    """Write down where the streams are; what was written."""
    kept: dict[str, object] = {"seed": entropy.seed, "positions": entropy.positions()}
    replace_file(data_dir / FILE, orjson.dumps(kept))
    return kept
