"""The faults of a loaded world, kept until an engine runs that can have them.

Faults live in an engine's memory, and `world load` starts none: it leaves them beside the stores,
and the first window or command on that folder puts them back on the board, where the strip shows
them. Taken once: a later restart starts without faults, as always.
"""

from __future__ import annotations

from pathlib import Path

import orjson

from lab.client import EngineClient
from lab.console.presets import without_fired
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import Json, as_object, objects

FILE = "faults-to-put-back.json"


def keep(data_dir: Path, faults: tuple[Json, ...]) -> None:
    """Leave the faults of a saved world for the next engine; none leaves no file."""
    path = data_dir / FILE
    path.unlink(missing_ok=True)
    if faults:
        path.write_bytes(orjson.dumps({"faults": [without_fired(fault) for fault in faults]}))


async def put_back(data_dir: Path, client: EngineClient) -> int:
    """Put waiting faults on the running engine's board.

    Returns:
        How many; 0 when none wait, or when another command took them.

    Raises:
        EngineUnreachable: the engine went away; they wait for the next one.
    """
    path = data_dir / FILE
    try:
        written = path.read_bytes()
        path.unlink()  # taken here and now: whoever comes next finds nothing
    except FileNotFoundError:
        return 0
    try:
        faults = objects(as_object(orjson.loads(written), FILE), "faults")
        await client.put_faults((*await client.faults(), *faults))
    except EngineUnreachable:
        path.write_bytes(written)
        raise
    except (EngineRefused, ValueError):
        return 0  # another version's, or damaged: the board stays as it is
    return len(faults)
