"""`tap-lab card read`: what lies on a reader, by the read-only rule. Charges and stores nothing.

A card of this lab is read whole. Anybody else's payment card is asked for its directory and
selected; `--consent` reads on, which spends one cryptogram of it. A tag says what kind it is. The
emulated reader has this folder's phone in its field; a real one needs neither folder nor engine.
"""

from __future__ import annotations

import argparse
import asyncio

from backend.api import LabClock, LabScheduler
from hardware.api import (
    CardLinkError,
    NoCard,
    PlainTag,
    Reader,
    ReaderGone,
    Reading,
    ScanFailed,
    ScanOutcome,
    Stop,
    read_card,
    reading_of_tag,
)
from lab.anycard.account import account_of, document_of
from lab.commands.shared import (
    FAILED,
    SUCCESS,
    Subparsers,
    command,
    in_world,
    remark,
    settings_of,
    write,
    write_json,
)
from lab.errors import NotDone, SomethingMissing
from lab.readers import LISTS, check_there, is_emulated, real_reader
from lab.settings import DEFAULT_READER
from lab.words import tell
from lab.world import World

WAIT_S, WAIT_MAX_S = 20.0, 3600.0


def add(commands: Subparsers) -> None:
    """Add `read` to the commands about the card."""
    parser = command(
        commands,
        "read",
        "decode what lies on a reader: a card of this lab whole, anybody else's as far as its name "
        "(not charged, nothing stored), a tag by its kind; phone or plastic, with the evidence",
        "tap-lab card read --reader pcsc:ACR122U",
        run,
    )
    parser.add_argument("--reader", default=DEFAULT_READER, metavar="URL",
                        help="URL or name of the reader (default: the emulated one, with this "
                        "folder's phone in its field)")  # fmt: skip
    parser.add_argument("--consent", action="store_true",
                        help="its owner agrees that a card that is not the lab's is read on, past "
                        "SELECT: a Visa card spends one cryptogram for that, its counter goes up "
                        "by one, and the cryptogram is for no amount and goes nowhere")  # fmt: skip
    parser.add_argument("--arm", action="store_true",
                        help="emulated reader: look at the phone first, so that it lets itself be "
                        "read (spends one cryptogram)")  # fmt: skip
    parser.add_argument("--wait", type=_seconds, default=WAIT_S, metavar="SECONDS",
                        help="how long to wait for a card (default %(default)g)")  # fmt: skip


def run(chosen: argparse.Namespace) -> int:
    """Read once; exit 1 when it left in the middle or broke a rule, 3 without a reader."""
    if is_emulated(chosen.reader):
        reading = in_world(settings_of(chosen), lambda world: _phone(world, arm=chosen.arm))
    else:
        check_there(chosen.reader)
        reading = asyncio.run(_at_real_reader(chosen.reader, chosen.wait, consent=chosen.consent))
    if chosen.json:
        write_json(document_of(reading, chosen.reader, consent=chosen.consent))
    else:
        _say(reading)
    return FAILED if reading.stop in {Stop.LEFT, Stop.BROKE_A_RULE} else SUCCESS


async def _phone(world: World, *, arm: bool) -> Reading:
    """This folder's phone, held to the emulated reader."""
    if not world.wallet.cards:
        remark("the wallet is empty: adding the lab's demo cards")
        await world.wallet.start_with_demo_cards()
    element = world.element
    if arm:
        card = next(card for card in world.wallet.cards if card.is_default)
        seen = element.face_sensor().scan(element.challenge(), ScanOutcome.MATCH)
        if isinstance(seen, ScanFailed):
            raise NotDone("the phone wants its passcode first: three looks had failed")
        element.arm(seen, card.token_ref)
    world.reader.present(element.card())
    try:
        return await _read(world.reader, world.clock, 1.0, consent=False)
    finally:
        world.reader.withdraw()
        element.disarm()


async def _at_real_reader(url: str, wait_s: float, *, consent: bool) -> Reading:
    clock = LabClock()
    async with real_reader(url, LabScheduler(clock)) as real:
        assert real is not None, "the emulated reader is another way"
        remark(f"{real.reader.name}: waiting for a card or tag")
        try:
            return await _read(real.reader, clock, wait_s, consent=consent)
        finally:
            await real.reader.close()


async def _read(reader: Reader, clock: LabClock, wait_s: float, *, consent: bool) -> Reading:
    try:
        link = await reader.wait_for_card(wait_s)
    except PlainTag as tag:
        return reading_of_tag(tag)
    except NoCard as nothing:
        raise NotDone(f"{nothing}: lay one on it, or wait longer with --wait") from nothing
    except ReaderGone as gone:
        raise SomethingMissing(str(gone), LISTS) from gone
    except CardLinkError as fault:
        raise NotDone(f"what lies there does not talk: {fault}") from fault
    try:
        return await read_card(link, clock=clock, consent=consent)
    finally:
        await link.release()


def _say(reading: Reading) -> None:
    account = account_of(reading)
    write(f"{tell(account.title)}. {tell(account.promise)}")
    write(f"  {tell(account.medium)}")
    for evidence in account.evidence:
        write(f"    {tell(evidence)}")
    for name, value in account.facts:
        write(f"  {tell(name)}: {value}")
    write(f"  {tell(account.stopped)}")
    if account.may_read_on:
        remark("its owner may agree to more: add --consent (a Visa card spends one cryptogram)")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= WAIT_MAX_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds up to {WAIT_MAX_S:g}")
    return seconds
