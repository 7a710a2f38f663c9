"""Whole taps through nfcpy's driver, torn at every command and spoiled at every frame.

Phone, till and reader in one process; the card is the real one of the phone's secure element.
Over 0.25 s: each test is a dozen taps through a serial port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from backend.api import LabClock, LabScheduler
from hardware.api import (
    CardLinkError,
    Nfcpy,
    NfcReader,
    TapRequest,
    TerminalConfig,
    nfc_address,
    run_tap,
)
from tests.pn532_bench import Bench, Loss, Mischief, SoftCard, Way, harmless

APDUS = {"visa": 3, "mastercard": 5, "amex": 5}
READY_AGAIN_US = 2_000_000


class Desk:
    """A till at a board, and a phone that can be held there."""

    def __init__(self, board: Bench, bench: Any, network: str) -> None:
        self.board, self.bench = board, bench
        self.token_ref = "tok-visa" if network == "visa" else bench.install(network)
        address = nfc_address("pn532:" + board.path())
        assert address is not None
        self.clock = LabClock()
        self.reader = NfcReader(address, Nfcpy().open, LabScheduler(self.clock))

    @property
    def counter(self) -> int:
        tokens = self.bench.element.tokens()
        return next(each.atc for each in tokens if each.token_ref == self.token_ref)

    async def tap(self, mischief: Mischief = harmless) -> tuple[str, str]:
        """One tap under this mischief: outcome and reason."""
        bench = self.bench
        bench.arm(self.token_ref)
        soft = SoftCard(bench.element.card().transmit)
        self.board.mischief = harmless
        await asyncio.to_thread(self.board.put, soft)
        self.board.mischief = mischief
        try:
            link = await self.reader.wait_for_card(1)
            result = await run_tap(
                link, TerminalConfig(), TapRequest(1240, 840), clock=self.clock, stream=bench.stream
            )
            await link.release()
        except CardLinkError as broken:
            return "not begun", type(broken).__name__
        finally:
            self.board.mischief = harmless
            await asyncio.to_thread(self.board.take_away)
        return str(result.outcome), result.reason


def at_desk(desk: Desk, work: Callable[[Desk], Any]) -> None:
    async def done() -> None:
        try:
            await work(desk)
        finally:
            await desk.reader.close()

    asyncio.run(done())


@pytest.mark.parametrize("network", APDUS)
def test_pulled_at_every_command_the_till_says_so_and_takes_the_next(
    board: Bench, bench: Any, network: str
) -> None:
    desk = Desk(board, bench, network)

    def pulled(at: int, when: Way) -> Mischief:
        """Taken away before the card hears that command, or before its answer is out."""

        def meddle(way: Way, frame: bytes) -> bytes | Loss:
            heard = at if way is Way.TO_READER else at - 1
            block = frame[0] in {0x02, 0x03, 0x12, 0x13}
            if way is when and block and [len(card.commands) for card in board.on_table] == [heard]:
                board.remove_cards()
                return Loss.LOST
            return frame

        return meddle

    async def sweep(desk: Desk) -> None:
        assert await desk.tap() == ("online_request", "online_request")
        for at in range(1, APDUS[network] + 1):
            for when in Way:
                counter = desk.counter
                torn = await desk.tap(pulled(at, when))
                assert torn == ("try_again", "pulled_too_early"), (at, when)
                finished_us = desk.clock.monotonic_us()
                assert await desk.tap() == ("online_request", "online_request"), (at, when)
                assert desk.clock.monotonic_us() - finished_us < READY_AGAIN_US
                assert 1 <= desk.counter - counter <= 2

    at_desk(desk, sweep)


@pytest.mark.parametrize("network", APDUS)
@pytest.mark.parametrize("loss", [Loss.LOST, Loss.SPOILED, b"", b"\xa2", b"\x1b\x00"])
def test_one_bad_frame_anywhere_costs_nothing(
    board: Bench, bench: Any, network: str, loss: Loss | bytes
) -> None:
    """Every frame of the tap in turn, from the request for an ATS to the goodbye."""
    desk = Desk(board, bench, network)

    def bad(at: int, seen: list[int]) -> Mischief:
        def meddle(_way: Way, frame: bytes) -> bytes | Loss:
            seen[0] += 1
            return loss if seen[0] == at else frame

        return meddle

    async def sweep(desk: Desk) -> None:
        at, total = 0, 1
        while at < total:
            at += 1
            counter, seen = desk.counter, [0]
            ended = await desk.tap(bad(at, seen))
            total = max(total, seen[0]) if at == 1 else total
            if at == 2 and not isinstance(loss, Loss):  # an ATS that is none
                assert ended == ("not begun", "CardFault")
                continue
            assert ended == ("online_request", "online_request"), at
            assert desk.counter == counter + 1
        assert total > 2 * APDUS[network]

    at_desk(desk, sweep)
