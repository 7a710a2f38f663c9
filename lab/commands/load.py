"""`tap-lab load`: synthetic payments at a rate, with counts and percentiles."""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.api import Entropy
from lab.commands.engine_only import Engine, with_engine
from lab.commands.shared import (
    FAILED,
    SUCCESS,
    Subparsers,
    command,
    profile_option,
    remark,
    settings_of,
    write,
    write_json,
)
from lab.errors import WrongUse
from lab.load import generator, synthetic_till
from lab.load.generator import (
    CONNECTIONS,
    DEVICES,
    PAYMENTS_MAX,
    RATE_MAX,
    LoadResult,
)
from lab.load.mix import read_mix
from lab.load.wire import LeanClient


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "load", "send synthetic payments at a rate",
                     "tap-lab load --rate 50 --seconds 10 --json", run)  # fmt: skip
    parser.add_argument("--rate", type=float, required=True, help="payments a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument(
        "--mix", type=Path, metavar="FILE", help="TOML: shares of visa, mastercard, amex; declined"
    )
    profile_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Send them; exit 1 when one was not answered."""
    wanted = chosen.rate * chosen.seconds  # may be nan or infinite: both are valid floats
    if not (0 < chosen.rate <= RATE_MAX and 0 < wanted <= PAYMENTS_MAX and round(wanted)):
        raise WrongUse(f"up to {RATE_MAX:g} a second and {PAYMENTS_MAX} payments, more than none")
    count = round(wanted)
    mix = read_mix(chosen.mix) if chosen.mix is not None else None
    settings = settings_of(chosen)

    async def work(engine: Engine) -> LoadResult:
        async with synthetic_till.opened(
            settings.traffic_element_file,
            client=engine.client,
            engine=engine.supervision,
            clock=engine.clock,
            scheduler=engine.scheduler,
            entropy=Entropy(settings.seed),
            devices=DEVICES,
        ) as till:
            remark(f"making {count} taps with {till.cards} cards")
            stream = Entropy(settings.seed).stream("load mix")
            orders = await generator.prepare(till, count, mix, stream)
            client = LeanClient(await engine.supervision.ready(), CONNECTIONS)
            try:
                return await generator.run(
                    orders,
                    chosen.rate,
                    till=till,
                    client=client,
                    clock=engine.clock,
                    scheduler=engine.scheduler,
                )
            finally:
                await client.close()

    result = with_engine(settings, work)
    document = result.to_json()
    if chosen.json:
        write_json(document)
    else:
        for name, value in document.items():
            write(f"{name}: {value}")
    return FAILED if result.errors else SUCCESS
