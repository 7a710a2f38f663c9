"""`tap-lab card serve`: the phone's card for other people's readers.

Over vpcd it is a virtual smart card that any PC/SC program can read; through an NFC controller it
is a card in the field of whatever reader stands there.

Prints a line, or with `--json` a JSON document on a line, when the card is in the reader and for
everything that happens to it. Ends on Ctrl+C or SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import assert_never

import orjson

from backend.api import is_loopback
from hardware.api import (
    NFC_SCHEMES,
    PN532_SCHEME,
    VPCD_PORT,
    Address,
    DriverMissing,
    Network,
    NfcAddress,
    NfcUnreachable,
    Publication,
    PublicationChange,
    Transmission,
    VpcdUnreachable,
    nfc_address,
)
from lab.card_serving import Arm, Failed, Happened, Read, Refused, Serving, Tapped, serve
from lab.commands import authorities, card_read
from lab.commands.card_choice import (
    card_for,
    demand_stripe,
    mag_stripe_option,
    version_option,
)
from lab.commands.shared import SUCCESS, Subparsers, command, in_world, settings_of
from lab.engine_shapes import CardRecord
from lab.errors import NotDone, SomethingMissing, WrongUse
from lab.published_trace import PublishedTrace, TraceKept
from lab.world import World

PORT_MAX = 65535
_REMEDY = (
    "start pcscd with vpcd's driver (Debian: apt install pcscd vsmartcard-vpcd, then "
    "systemctl start pcscd), or name a free slot such as "
    f"127.0.0.1:{VPCD_PORT + 1} with --vpcd"
)


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    group = commands.add_parser(
        "card",
        help="the phone's card for other programs, and who vouches for it",
        description="The phone's card for other programs, and who vouches for it.",
        epilog=f"example: tap-lab card serve --vpcd 127.0.0.1:{VPCD_PORT}",
    )
    about_card = group.add_subparsers(required=True, metavar="DO")
    add_serve(about_card)
    card_read.add(about_card)
    authorities.add(about_card)


def add_serve(commands: Subparsers) -> None:
    """Add `serve` to the commands about the card."""
    parser = command(
        commands,
        "serve",
        "publish the phone's card as a virtual smart card over vpcd, or through an NFC controller",
        f"tap-lab card serve --vpcd 127.0.0.1:{VPCD_PORT} --arm always, "
        "or: tap-lab card serve --nfc /dev/ttyUSB0",
        run,
    )
    add_option = parser.add_argument
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--vpcd", type=vpcd_address, metavar="HOST:PORT",
                       help=f"where vpcd listens (its first slot is port {VPCD_PORT})")  # fmt: skip
    where.add_argument("--nfc", type=controller_address, metavar="PATH",
                       help="an NFC controller that can be a card: the serial port of a PN532, or "
                       "a URL such as nfcpy:usb")  # fmt: skip
    add_option("--network", choices=[network.value for network in Network],
               help="which of the phone's cards (default: its default card)")  # fmt: skip
    version_option(parser)
    add_option("--arm", type=Arm, choices=list(Arm), default=Arm.ONCE,
               help="look at the phone for one payment, for each, or for none")  # fmt: skip
    add_option("--pse", action="store_true",
               help="list the application for contact readers too (1PAY.SYS.DDF01)")  # fmt: skip
    mag_stripe_option(parser)
    protocol = parser.add_mutually_exclusive_group()
    protocol.add_argument("--t1", dest="transmission", action="store_const", const=Transmission.T1,
                          default=Transmission.T1, help="speak T=1, as contactless readers do "
                          "(default)")  # fmt: skip
    protocol.add_argument("--t0", dest="transmission", action="store_const",
                          const=Transmission.T0, help="speak T=0")  # fmt: skip
    add_option("--allow-non-loopback", action="store_true",
               help="with --vpcd: publish to another machine's reader")  # fmt: skip


def run(chosen: argparse.Namespace) -> int:
    """Publish until told to stop; exit 3 when the card does not get into the reader."""
    if chosen.nfc and chosen.transmission is not Transmission.T1:
        raise WrongUse("--t0 is for contact readers: there is no T=0 in a field")
    if chosen.vpcd and not is_loopback(chosen.vpcd.host) and not chosen.allow_non_loopback:
        raise WrongUse(
            f"{chosen.vpcd.host} is another machine: add --allow-non-loopback "
            "if that is what you want"
        )

    async def work(world: World) -> None:
        card = await _chosen_card(world, chosen.network, chosen.cryptogram)
        if card.token_ref not in {token.token_ref for token in world.element.tokens()}:
            raise NotDone(f"the phone holds no token for {card.network} ·{card.last4}")
        demand_stripe(world, card)
        serving = Serving(
            chosen.nfc or chosen.vpcd,
            card.token_ref,
            chosen.arm,
            chosen.transmission,
            with_pse=chosen.pse,
            mag_stripe=chosen.mag_stripe,
        )
        with _told_to_stop() as stop:
            stream = world.entropy.secret("published card")
            where = serving.address
            trace = PublishedTrace(world.settings.traces_dir, where, clock=world.clock)
            happening = serve(
                serving, world.element, log=world.log, stream=stream, stop=stop, trace=trace
            )
            async with contextlib.aclosing(happening):
                async for event in happening:
                    _say(event, serving, card, as_json=chosen.json)

    try:
        in_world(settings_of(chosen), work)
    except VpcdUnreachable as absent:
        raise SomethingMissing(f"no virtual reader takes the card at {absent}", _REMEDY) from absent
    except NfcUnreachable as absent:
        what, _, remedy = str(absent).rpartition(": ")
        raise SomethingMissing(what, remedy) from absent
    except DriverMissing as missing:
        raise SomethingMissing(missing.what, missing.remedy) from missing
    return SUCCESS


def vpcd_address(text: str) -> Address:
    """Where vpcd listens, as people write it.

    Raises:
        argparse.ArgumentTypeError: it is no such address.
    """
    host, colon, port = text.rpartition(":")
    if not host or not colon or not port.isascii() or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT such as 127.0.0.1:{VPCD_PORT}")
    if not 1 <= int(port) <= PORT_MAX:
        raise argparse.ArgumentTypeError(f"port {port} is not 1 to {PORT_MAX}")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def controller_address(text: str) -> NfcAddress:
    """An NFC controller by its serial port or URL.

    Raises:
        argparse.ArgumentTypeError: it is neither.
    """
    url = text if text.startswith(NFC_SCHEMES) else PN532_SCHEME + text
    address = nfc_address(url)
    if address is None or address.is_network:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no serial port such as /dev/ttyUSB0, nor a URL such as nfcpy:usb"
        )
    return address


async def _chosen_card(world: World, network: str | None, version: str | None) -> CardRecord:
    """The card of that network, else the default one; an empty phone gets the demo cards."""
    if network is None and version is None:
        default = next((card for card in world.wallet.cards if card.is_default), None)
        if default is not None:
            return default
    return await card_for(world, network or Network.VISA, version)


@contextlib.contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    """Set by Ctrl+C and by SIGTERM, which are the ordinary ends of publishing."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def told(_signal: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, told) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(event: Happened, serving: Serving, card: CardRecord, *, as_json: bool) -> None:
    """One line on stdout, at once."""
    document = _document(event)
    if document["event"] == PublicationChange.PUBLISHED.value:
        document |= {
            **_where(serving.address, serving.transmission),
            "network": card.network,
            "last4": card.last4,
            "token_ref": card.token_ref,
            "pse": serving.with_pse,
            "arm": serving.arm.value,
            "pid": os.getpid(),
        }
    line = orjson.dumps(document).decode() if as_json else _sentence(event, serving, card)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _where(address: Address | NfcAddress, transmission: Transmission) -> dict[str, str]:
    match address:
        case NfcAddress():
            return {"nfc": address.url, "protocol": _FIELD}
        case Address():
            return {
                "vpcd": str(address),
                "atr": transmission.atr.hex().upper(),
                "protocol": transmission.value,
            }


def _document(event: Happened) -> dict[str, object]:
    match event:
        case Publication(change, detail):
            return {"event": change.value, "detail": detail}
        case Tapped(atc, armed_again):
            return {"event": "tap", "atc": atc, "armed_again": armed_again}
        case Refused():
            return {"event": "refused", "reason": "not_armed"}
        case Read(commands):
            return {"event": "read", "commands": commands}
        case Failed(why):
            return {"event": "failed", "reason": why}
        case TraceKept(path, problem):
            told: dict[str, object] = {"event": "trace", "path": path}
            return told | ({"problem": problem} if problem else {})


def _sentence(event: Happened, serving: Serving, card: CardRecord) -> str:
    match event:
        case Publication(change, detail):
            return _PUBLICATION[change].format(
                card=f"{card.network} ·{card.last4}",
                protocol=_where(serving.address, serving.transmission)["protocol"],
                arm=_ARMED[serving.arm],
                detail=detail,
            )
        case Tapped(atc, armed_again):
            after = "armed again" if armed_again else "not armed any more"
            return f"tap: a cryptogram left the phone (ATC {atc}); {after}"
        case Refused():
            return "tap: a payment was asked for, and nobody had looked at the phone (6986)"
        case Read(commands):
            return f"read: {commands} command{'s' if commands > 1 else ''}"
        case Failed(why):
            return f"the card could not answer: {why}"
        case TraceKept(path, problem):
            kept = f"what was asked is in {path}"
            return f"what was asked could not be written to {path}: {problem}" if problem else kept
    assert_never(event)


_FIELD = "ISO-DEP"
_PUBLICATION = {
    PublicationChange.PUBLISHED: "{card} is in the reader at {detail} ({protocol}); {arm}",
    PublicationChange.READER_GONE: "the reader went away ({detail}): waiting for it",
    PublicationChange.BAD_FRAME: "refused from the reader: {detail}",
    PublicationChange.TOO_SLOW: "the card took longer than {detail}: answered 6F00 for it",
}
_ARMED = {
    Arm.ONCE: "armed for one payment",
    Arm.ALWAYS: "armed for every payment",
    Arm.NEVER: "not armed: it can be read and pays nothing",
}
