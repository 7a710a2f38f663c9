"""`tap-lab doctor --preflight`: the window's pre-flight for a shell, without screen and sound."""

from __future__ import annotations

import argparse

from lab.commands.shared import FAILED, SUCCESS, in_world, settings_of, write, write_json
from lab.preflight.state import PreflightState
from lab.words import tell, tr
from lab.world import World

_SHAPES = {"good": "●", "waiting": "▲", "bad": "■"}


def run(chosen: argparse.Namespace) -> int:
    """Look at everything once; exit 1 when something stands in the way."""

    async def look(world: World) -> PreflightState:
        return await world.preflight.run()

    state = in_world(settings_of(chosen), look)
    if chosen.json:
        write_json(
            {
                "ready": state.ready,
                "lines": [
                    {"name": line.name, "kind": line.text.kind, "text": tell(line.text)}
                    for line in state.lines
                ],
            }
        )
    else:
        for line in state.lines:
            name = tr(f"preflight.{line.name}.name")
            write(f"{_SHAPES[line.text.kind]} {name}: {tell(line.text)}")
    return SUCCESS if state.ready else FAILED
