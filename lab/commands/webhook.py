"""`tap-lab webhook listen`: a merchant's server in a terminal, for looking at webhooks.

Makes an endpoint at the folder's engine, prints every event that arrives with a signature that
holds, and deletes the endpoint at the end. With `--secret` it only listens: the endpoint is made by
whoever has the secret.
"""

from __future__ import annotations

import argparse
import asyncio

from backend.api import LabClock
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
from lab.errors import WrongUse
from lab.json_fields import Json, text
from lab.webhook_receiver import HOST, Heard, Receiver

MERCHANT = "mer_corner_market"
PORT = 4242
PORT_MAX = 65_535
STATUSES = (200, 599)


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(
        commands,
        "webhook",
        "listen for a merchant's webhooks and print them",
        "tap-lab webhook listen --port 4242",
        run,
    )
    parser.add_argument("action", choices=("listen",))
    parser.add_argument("--port", type=int, default=PORT, help="where (default %(default)s)")
    parser.add_argument("--secret", metavar="WHSEC", help="believe this endpoint's deliveries only")
    parser.add_argument("--merchant", default=MERCHANT, help="whose events (default %(default)s)")
    parser.add_argument("--events", nargs="+", default=["*"], help="which (default: all)")
    parser.add_argument("--style", default="stripe", choices=("stripe", "s3"), help="whose names")
    parser.add_argument("--status", type=int, default=200, help="answer with this HTTP status")
    parser.add_argument("--count", type=int, help="stop after so many deliveries")


def run(chosen: argparse.Namespace) -> int:
    """Listen until stopped, or until enough was heard."""
    least, most = STATUSES
    if not 0 <= chosen.port <= PORT_MAX:
        raise WrongUse(f"--port is 0 to {PORT_MAX}")
    if not least <= chosen.status <= most:
        raise WrongUse(f"--status is {least} to {most}")
    if chosen.count is not None and chosen.count < 1:
        raise WrongUse("--count is 1 or more")
    enough = _Enough(chosen.count, as_json=chosen.json)
    if chosen.secret is not None:
        asyncio.run(_listen(_receiver(LabClock(), chosen, enough), chosen.port, enough))
        return SUCCESS
    return with_engine(settings_of(chosen), lambda engine: _with_endpoint(engine, chosen, enough))


class _Enough:
    """Prints what is heard, and counts it."""

    def __init__(self, count: int | None, *, as_json: bool) -> None:
        self._left = count
        self._as_json = as_json
        self.reached = asyncio.Event()

    def heard(self, heard: Heard) -> None:
        """One delivery."""
        shown = line_of(heard)
        if self._as_json:
            write_json({"refusal": heard.refusal, "event": heard.event})
        else:
            write(shown)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.reached.set()


def line_of(heard: Heard) -> str:
    """A delivery as one line."""
    if heard.refusal is not None:
        return f"not believed: {heard.refusal}"
    event = heard.event
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    told: Json = thing if isinstance(thing, dict) else {}
    return (
        f"{text(event, 'type', '?'):<42} {text(event, 'id', '?')} "
        f"#{event.get('sequence', '?')} {told.get('id', '')} {told.get('status', '')}"
    ).rstrip()


def _receiver(clock: LabClock, chosen: argparse.Namespace, enough: _Enough) -> Receiver:
    return Receiver(clock.unmoved_us, enough.heard, chosen.secret, chosen.status)


async def _listen(receiver: Receiver, port: int, enough: _Enough) -> None:
    try:
        async with receiver.listening(port) as taken:
            remark(f"listening on http://{HOST}:{taken}/ (Ctrl+C ends it)")
            await enough.reached.wait()
    except OSError as error:
        raise WrongUse(f"port {port} cannot be had ({error}): take another --port") from error


async def _with_endpoint(engine: Engine, chosen: argparse.Namespace, enough: _Enough) -> int:
    receiver = _receiver(engine.clock, chosen, enough)
    try:
        async with receiver.listening(chosen.port) as port:
            made = await engine.client.make_webhook_endpoint(
                {
                    "merchant_id": chosen.merchant,
                    "url": f"http://{HOST}:{port}/",
                    "enabled_events": chosen.events,
                    "style": chosen.style,
                    "description": "tap-lab webhook listen",
                }
            )
            receiver.secret = text(made, "secret")
            remark(f"{text(made, 'id')} tells http://{HOST}:{port}/ (Ctrl+C ends it)")
            try:
                await enough.reached.wait()
            finally:
                await engine.client.delete_webhook_endpoint(text(made, "id"))
    except OSError as error:
        raise WrongUse(f"port {chosen.port} cannot be had ({error}): take another") from error
    return SUCCESS
