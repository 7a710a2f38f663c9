"""The software time of a tap over each stack, against the bare exchange of the same commands.

The phone's card is published into a virtual reader of the system's smart card service, or into one
of two NFC controllers that face each other, and read back by the till's kernel: the same card, the
same commands, once with everything a tap is (kernel, masking, exchanges recorded) and once with
nothing but `transmit`. Both are measured in turns in one run, so what the machine does meanwhile
strikes both. The engine takes no part. Where a stack is not there, the figure says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from hardware.api import (
    INSTANT,
    Address,
    CardLink,
    CardLinkError,
    EmulatedReader,
    HardwareError,
    NfcAddress,
    Outcome,
    PcscTrouble,
    Publication,
    PublicationChange,
    TapRequest,
    TerminalConfig,
    Transmission,
    run_tap,
    survey_pcsc,
)
from lab.bench_suite.figure import figure, missing
from lab.card_serving import Arm, HeldPhone, Serving, serve
from lab.errors import LabError, NotDone
from lab.readers import real_reader
from lab.world import World

RATIO_TARGET = 1.15
"""Over PC/SC, where a driver's own time is most of it (the book of numbers asks for it there)."""
WARM_UP = 3
FIELD_S = 10.0
_LOOKS, _LOOK_S = 50, 0.1
_NETWORK = "visa"

NextCard = Callable[[], Awaitable[CardLink]]


@dataclass(frozen=True, slots=True)
class Stacks:
    """Where the card is published for a measurement; None leaves that stack out."""

    vpcd: Address | None = None
    boards: tuple[str, NfcAddress] | None = None
    """The reader's URL, and the controller that plays the card."""


async def figures(
    world: World, stacks: Stacks, *, rounds: int, taps: int
) -> list[dict[str, object]]:
    """Two figures a stack: milliseconds of a tap, and that over the bare exchange."""
    found: list[dict[str, object]] = []
    async with _in_process(world) as next_card:
        found += await _pair(world, "in_process", next_card, None, (rounds, taps))
    others: tuple[tuple[str, contextlib.AbstractAsyncContextManager[NextCard], float | None], ...]
    others = (
        ("pcsc", _over_pcsc(world, stacks.vpcd), RATIO_TARGET),
        ("pn532", _over_boards(world, stacks.boards), None),
    )
    for name, opening, target in others:
        try:
            async with opening as next_card:
                found += await _pair(world, name, next_card, target, (rounds, taps))
        except (HardwareError, LabError) as absent:
            found += [
                missing(f"tap_{name}_ms", None, str(absent)),
                missing(f"tap_{name}_over_bare", target, str(absent)),
            ]
    return found


async def _pair(
    world: World, name: str, next_card: NextCard, target: float | None, size: tuple[int, int]
) -> list[dict[str, object]]:
    rounds, taps = size
    rows = [await _round(world, next_card, taps) for _ in range(rounds)]
    return [
        figure(f"tap_{name}_ms", [tap for tap, _ in rows], None),
        figure(f"tap_{name}_over_bare", [tap / bare for tap, bare in rows], target),
    ]


async def _round(world: World, next_card: NextCard, taps: int) -> tuple[float, float]:
    """Medians in milliseconds: of a tap, and of its commands alone."""
    tapped: list[float] = []
    bare: list[float] = []
    clock, stream = world.clock, world.entropy.stream("bench stacks")
    for _ in range(taps + WARM_UP):
        link = await next_card()
        began_us = clock.monotonic_us()
        result = await run_tap(
            link, TerminalConfig(), TapRequest(1240, 840), clock=clock, stream=stream
        )
        tapped.append((clock.monotonic_us() - began_us) / 1000)
        await link.release()
        if result.outcome is not Outcome.ONLINE_REQUEST:
            raise NotDone(f"a tap of the benchmark ended as {result.reason}")
        link = await next_card()
        began_us = clock.monotonic_us()
        for exchange in result.exchanges:
            await link.transmit(exchange.command)
        bare.append((clock.monotonic_us() - began_us) / 1000)
        await link.release()
    return statistics.median(tapped[WARM_UP:]), statistics.median(bare[WARM_UP:])


@contextlib.asynccontextmanager
async def _in_process(world: World) -> AsyncIterator[NextCard]:
    """The emulated reader, without a phone's timing."""
    phone = HeldPhone(
        world.element,
        _token(world),
        Arm.ALWAYS,
        with_pse=False,
        log=world.log,
        tell=lambda _happened: None,
    )
    stream = world.entropy.stream("bench field")
    reader = EmulatedReader("bench", world.scheduler, INSTANT, stream)

    async def next_card() -> CardLink:
        reader.withdraw()
        reader.present(phone.present())
        return await reader.wait_for_card(0)

    try:
        yield next_card
    finally:
        await reader.close()
        world.element.disarm()


@contextlib.asynccontextmanager
async def _over_pcsc(world: World, vpcd: Address | None) -> AsyncIterator[NextCard]:
    if vpcd is None:
        raise NotDone("not asked for: name vpcd's port with --vpcd 127.0.0.1:35963")
    before = await asyncio.to_thread(_with_our_card)
    async with _published(world, vpcd):
        name = await _new_reader(world, before)
        async with real_reader(f"pcsc:{name}", world.real_scheduler) as real:
            assert real is not None, "a PC/SC reader is no emulation"
            yield lambda: real.reader.wait_for_card(FIELD_S)


@contextlib.asynccontextmanager
async def _over_boards(
    world: World, boards: tuple[str, NfcAddress] | None
) -> AsyncIterator[NextCard]:
    if boards is None:
        raise NotDone("not asked for: name two PN532 boards face to face with --boards READER CARD")
    reader, card = boards
    async with (
        _published(world, card),
        real_reader(reader, world.real_scheduler) as real,
    ):
        if real is None:
            raise NotDone(f"{reader} is no NFC controller")
        yield lambda: real.reader.wait_for_card(FIELD_S)


@contextlib.asynccontextmanager
async def _published(world: World, address: Address | NfcAddress) -> AsyncIterator[None]:
    """The card in its reader, looked at for every payment, until left."""
    stop, there = asyncio.Event(), asyncio.Event()
    serving = Serving(address, _token(world), Arm.ALWAYS, Transmission.T1, with_pse=False)
    stream = world.entropy.secret("published card")

    async def follow() -> None:
        happening = serve(serving, world.element, log=world.log, stream=stream, stop=stop)
        async for event in happening:
            if isinstance(event, Publication) and event.change is PublicationChange.PUBLISHED:
                there.set()

    task = asyncio.ensure_future(follow())
    waiting = asyncio.ensure_future(there.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task  # raises why it ended
        yield
    finally:
        waiting.cancel()
        stop.set()
        with contextlib.suppress(CardLinkError, HardwareError):  # told already
            await task


async def _new_reader(world: World, before: frozenset[str]) -> str:
    """The reader that has our card now and had none before."""
    for _ in range(_LOOKS):
        new = await asyncio.to_thread(_with_our_card) - before
        if new:
            return min(new)
        await world.real_scheduler.sleep(_LOOK_S)
    raise NotDone("the card that was published appears in no PC/SC reader")


def _with_our_card() -> frozenset[str]:
    found = survey_pcsc()
    if isinstance(found, PcscTrouble):
        raise NotDone(f"{found.what}: {found.remedy}")
    ours = Transmission.T1.atr.hex().upper()
    return frozenset(reader.name for reader in found if reader.card == ours)


def _token(world: World) -> str:
    return next(card.token_ref for card in world.wallet.cards if card.network == _NETWORK)
