"""`tap-lab fault` and `tap-lab clock`: the window's board from the shell."""

from __future__ import annotations

import argparse
import math
from http import HTTPStatus
from pathlib import Path

from lab.commands.engine_only import Engine, with_engine
from lab.commands.shared import (
    SUCCESS,
    Subparsers,
    command,
    remark,
    settings_of,
    write,
    write_json,
)
from lab.console.presets import fault_key
from lab.errors import EngineRefused, WrongUse
from lab.fault_files import read_plan
from lab.json_fields import Json, number, text, whole


def add(commands: Subparsers) -> None:
    """Add both commands to the parser."""
    fault = command(
        commands,
        "fault",
        "list, apply or reset faults",
        "tap-lab fault apply visa-silent.toml --json",
        _fault,
    )
    fault.add_argument("action", choices=("list", "apply", "reset"))
    fault.add_argument(
        "file",
        type=Path,
        nargs="?",
        metavar="FILE",
        help="a plan in TOML: fault = [{link = 'visa.auth', effect = 'timeout'}]",
    )
    clock = command(
        commands, "clock", "show, jump, pace or reset lab time", "tap-lab clock jump 86400", _clock
    )
    clock.add_argument("action", choices=("show", "jump", "rate", "reset"))
    clock.add_argument(
        "value",
        type=float,
        nargs="?",
        metavar="SECONDS|X",
        help="seconds to jump, or lab seconds a second",
    )


def _fault(chosen: argparse.Namespace) -> int:
    plan = _plan(chosen.file) if chosen.action == "apply" else ()
    settings = settings_of(chosen)

    async def work(engine: Engine) -> tuple[Json, ...]:
        if chosen.action == "apply":
            await _apply(engine, plan, chosen.file)
        elif chosen.action == "reset":
            await engine.client.reset_faults()
        return await engine.client.faults()

    on = with_engine(settings, work)
    if plan and chosen.engine is None:
        remark("the faults last as long as the engine runs: keep the window open, or tap-lab serve")
    if chosen.json:
        write_json({"faults": [dict(fault) for fault in on]})
    else:
        for fault in on:
            write(f"{fault_key(fault)}, fired {whole(fault, 'fired', 0)}")
        if not on:
            write("no faults")
    return SUCCESS


async def _apply(engine: Engine, plan: tuple[Json, ...], path: Path) -> None:
    try:
        await engine.client.put_faults(plan)
    except EngineRefused as refusal:
        if refusal.status != HTTPStatus.BAD_REQUEST:
            raise
        raise WrongUse(f"{path}: {refusal.detail} ({refusal.code})") from refusal


def _plan(path: Path | None) -> tuple[Json, ...]:
    if path is None:
        raise WrongUse("fault apply needs a FILE")
    return read_plan(path)


def _clock(chosen: argparse.Namespace) -> int:
    if chosen.action in {"jump", "rate"} and chosen.value is None:
        raise WrongUse(f"clock {chosen.action} needs a number")
    if chosen.value is not None and not (math.isfinite(chosen.value) and chosen.value >= 0):
        raise WrongUse(f"clock {chosen.action} takes a number from 0: lab time never goes back")

    async def work(engine: Engine) -> Json:
        match chosen.action:
            case "jump":
                return await engine.client.move_clock({"jump_s": chosen.value})
            case "rate":
                return await engine.client.move_clock({"rate": chosen.value})
            case "reset":
                return await engine.client.move_clock({"reset": True})
            case _:
                return await engine.client.clock()

    state = with_engine(settings_of(chosen), work)
    if chosen.json:
        write_json(dict(state))
    else:
        moved = "" if not state.get("clock_moved") else ", moved"
        write(f"{text(state, 'now', '')} rate {number(state, 'rate', 1.0):g}{moved}")
    return SUCCESS
