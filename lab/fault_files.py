"""Fault plans as files: what the window imports and exports, and `tap-lab fault apply` reads.

The format is the engine's (`[[fault]]` tables in TOML); it also says what is wrong with one. Knows
no board: whoever reads a plan puts it there.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from backend.api import BadRequest, dump_toml, read_faults
from lab.errors import NotDone, WrongUse
from lab.json_fields import Json, objects

PLAN_BYTES_MAX = 256 * 1024
PLAN_KEYS = frozenset({"fault"})


def read_plan(path: Path) -> tuple[Json, ...]:
    """The faults of a plan file, checked.

    Raises:
        WrongUse: the file cannot be read, or is no plan; says where and why.
    """
    try:
        if path.stat().st_size > PLAN_BYTES_MAX:
            raise WrongUse(f"{path} is larger than {PLAN_BYTES_MAX} bytes")
        body = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := sorted(body.keys() - PLAN_KEYS):
            raise WrongUse(f"{path} is no fault plan ({unknown[0]!r} is not [[fault]])")
        return tuple(fault.to_json() for fault in read_faults(objects(body, "fault")))
    except OSError as fault:
        raise WrongUse(f"{path} cannot be read ({fault.strerror})") from fault
    except BadRequest as refused:
        raise WrongUse(f"{path}: {refused} ({refused.code})") from refused
    except ValueError as undecodable:
        raise WrongUse(f"{path} is no fault plan ({undecodable})") from undecodable


def write_plan(path: Path, board: tuple[Json, ...]) -> None:
    """Write what is on the board, so that it can be applied again.

    Raises:
        NotDone: the file cannot be written.
    """
    try:
        path.write_text(dump_toml(read_faults(board)), encoding="utf-8")
    except OSError as fault:
        raise NotDone(f"{path} cannot be written ({fault.strerror})") from fault
