"""The till where time or the field runs out: on virtual time, and with a card torn out anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.api import EventLog, SeededStream, VirtualClock, VirtualLoop, VirtualScheduler
from hardware.api import INSTANT, EmulatedReader, TerminalConfig
from lab.bus import Bus
from lab.client import EngineClient, http_client
from lab.pos.flow import PosFlow
from lab.pos.sale import Sale
from lab.pos.state import PosPhase
from lab.pos.till_memory import TillMemory
from lab.wallet.state import PhoneScreen
from lab.words import tell
from tests.lab.core.running import Running


class Silent:
    """A card that a till must never come to read."""

    def transmit(self, command: bytes) -> bytes:
        raise AssertionError(f"read although two cards are in the field: {command.hex()}")


def on_virtual_time(
    folder: Path, cards: int, *, closed: bool = False
) -> tuple[Sale | None, PosFlow, float]:
    """Charge with so many cards in the field; the sale, the till and how long it took."""
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    scheduler = VirtualScheduler(clock)
    reader = EmulatedReader("Virtual", scheduler, INSTANT, stream=SeededStream(7, "reader"))

    async def run() -> tuple[Sale | None, PosFlow]:
        async with http_client() as http:
            pos = PosFlow(
                reader=reader,
                config=TerminalConfig(),
                client=EngineClient(lambda: None, http, clock=clock, scheduler=scheduler),
                clock=clock,
                scheduler=scheduler,
                stream=SeededStream(7, "till"),
                log=EventLog(clock, source="lab.test", world="simulated"),
                bus=Bus(),
                memory=TillMemory(folder / "till.json", "T0000001"),
            )
            for _ in range(cards):
                reader.present(Silent())
            if closed:
                await reader.close()
            pos.set_amount(1240, "USD")
            return await pos.charge(), pos

    try:
        sale, pos = loop.run_until_complete(run())
        return sale, pos, loop.time()
    finally:
        loop.close()


def test_after_a_minute_without_a_card_the_amount_is_kept(tmp_path: Path) -> None:
    sale, pos, seconds = on_virtual_time(tmp_path, 0)
    assert sale is not None
    assert sale.phase is PosPhase.TIMED_OUT
    assert seconds == pytest.approx(60, abs=0.1)
    assert pos.state.amount_text == "$12.40"
    assert pos.state.can_charge


def test_two_cards_are_one_too_many(tmp_path: Path) -> None:
    sale, pos, _ = on_virtual_time(tmp_path, 2)
    assert sale is not None
    assert sale.phase is PosPhase.ONE_CARD
    assert pos.state.tone == "alert"
    assert pos.state.can_charge


def test_a_reader_that_is_gone_is_said(tmp_path: Path) -> None:
    sale, pos, _ = on_virtual_time(tmp_path, 0, closed=True)
    assert sale is not None
    assert sale.problem == "reader_gone"
    assert pos.state.phase is PosPhase.FAILED
    assert pos.state.amount_text == "$12.40"


class Torn:
    """The phone's own card, pulled out of the field at one exchange."""

    def __init__(self, lab: Running, at: int, *, after: bool) -> None:
        self._card = lab.world.element.card()
        self._reader = lab.world.reader
        self._at = at
        self._after = after
        self.exchanges = 0

    def transmit(self, command: bytes) -> bytes:
        """Answer, or leave before or after answering."""
        torn = self.exchanges == self._at
        self.exchanges += 1
        if torn and not self._after:
            self._reader.withdraw()
            return b"\x6f\x00"
        answer = self._card.transmit(command)
        if torn:
            self._reader.withdraw()
        return answer


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_card_pulled_out_anywhere_means_tap_again_and_no_payment(
    lab: Running,
    at: int,
    after: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    world = lab.world
    before = len(lab.run(world.client.payments()))
    lab.call(world.wallet.double_press)
    assert lab.run(world.wallet.scan_face("success"))
    lab.call(lambda: world.pos.set_amount(1240, "USD"))
    card = Torn(lab, at, after=after)
    lab.call(lambda: world.reader.present(card))
    sale = lab.run(world.pos.charge())
    lab.call(world.reader.withdraw)
    assert card.exchanges == at + 1  # the fault was there to be met
    assert sale is not None
    assert sale.phase is PosPhase.TRY_AGAIN
    assert sale.problem == "pulled_too_early"
    assert "too early" in tell(world.pos.state.detail)
    assert world.pos.state.can_charge
    assert len(lab.run(world.client.payments())) == before
    lab.call(world.wallet.close)
    assert world.wallet.state.screen is PhoneScreen.STACK
    assert lab.run(world.hands.space()).phase is PosPhase.APPROVED  # ready again at once
