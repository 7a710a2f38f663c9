"""The picture maker: the real application offscreen, driven to each screen, grabbed to PNG.

Nothing is posed: each picture shows states that the flows made with a real engine in a data folder
of its own. The order matters, because it is one session; a screen that cannot be reached is
reported, and the session goes on. Runs in Qt's thread and waits for states by spinning its loop.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QAbstractItemView, QApplication

from lab import (
    shots_any_card,
    shots_in_app,
    shots_money,
    shots_offline,
    shots_till,
    shots_wallet,
    shots_watch,
)
from lab.adapter import Runner
from lab.app import Running, open_window, second_window
from lab.design.motion import Motion
from lab.errors import LabError
from lab.load import generator, synthetic_till
from lab.load.mix import Mix
from lab.load.wire import LeanClient
from lab.pos.sale import Sale
from lab.pos.state import PosPhase
from lab.settings import Settings
from lab.shots_report import NotReachedError, Report
from lab.shots_wallet import WalletScenes
from lab.shots_watch import WatchScenes
from lab.wallet.state import PhoneScreen
from lab.words import tr
from lab.world import World

SIZE = (1600, 1000)
WAIT_MS = 15_000
SETTLE_MS = 250
LOOK_MS = 15
ALL = (
    "01-window-idle", "02-window-approved", "03-window-visa-blocked", "04-wallet-stack",
    "05-wallet-add-card", "06-wallet-verify", "07-wallet-card-detail", "08-wallet-pay-sheet",
    "09-wallet-face-scan", "10-wallet-read", "11-wallet-offline", "12-pos-amount",
    "13-pos-present", "14-pos-approved", "15-pos-declined", "16-pos-receipt",
    "17-console-latency", "18-console-faults", "19-payment", "22-bench-apdu",
    "23-bench-readers", "24-lesson-running",
    "25-lesson-sequence", "26-presenter-1280x720", "27-light-theme", "28-high-contrast",
    *shots_in_app.NAMES, "31-window-1280x640", "32-window-1920x1080",
    "33-first-start", "34-engine-down", "35-pseudo-locale", "36-bench-comparison",
    *shots_any_card.NAMES, *shots_till.NAMES, *shots_money.NAMES, *shots_offline.NAMES,
    *shots_wallet.NAMES, *shots_watch.NAMES,
)  # fmt: skip
BURST_RATE = 40.0
BURST_MIX = Mix((("visa", 8.0), ("mastercard", 1.0), ("amex", 1.0)))
BURST_PAYMENTS = 600
BURST_DEVICES = 4
CHART_WINDOW_S = 30
SILENT_TAPS = 5
VARIATIONS = {
    "26-presenter-1280x720": ("dark", True, (1280, 720)),
    "27-light-theme": ("light", False, SIZE),
    "28-high-contrast": ("high-contrast", False, SIZE),
}


def render(folder: Path, only: frozenset[str] = frozenset()) -> Report:
    """Make the pictures in `folder`.

    Args:
        folder: made if it is not there.
        only: names, or beginnings of names; none means all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    application = QApplication.instance() or QApplication(["tap-lab shots"])
    report = Report()
    with tempfile.TemporaryDirectory(prefix="tap-lab-shots-") as data_dir:
        settings = Settings(data_dir=Path(data_dir), seed=4242, pace=0.0)
        running = open_window(settings, Motion(scale=0.0))
        session = _Session(running, folder, only, report)
        try:
            session.play()
        finally:
            running.stop()
    report.not_built = [name for name in ALL if name not in session.known]
    del application
    return report


class _Session:
    """One session of a person, told as the pictures it passes."""

    def __init__(
        self, running: Running, folder: Path, only: frozenset[str], report: Report
    ) -> None:
        self._running = running
        self._window = running.window
        self._world: World = running.world
        self._folder = folder
        self._only = only
        self._report = report
        self._burst_is = ""
        self._wallet = WalletScenes(self._world, self._io, self._until)
        self.known: set[str] = set()

    def play(self) -> None:
        """From the first start to the engine's death."""
        self._window.resize(*SIZE)
        self._window.show()
        self._shot("33-first-start", self._first_start)
        self._shot("01-window-idle", self._demo_cards)
        self._shot("04-wallet-stack", lambda: None)
        self._shot("47-wallet-refused-card", self._wallet.refused_card)
        self._shot("05-wallet-add-card", self._wallet.half_added)
        self._shot("06-wallet-verify", self._wallet.verify)
        self._shot("12-pos-amount", self._type_amount)
        self._shot("08-wallet-pay-sheet", self._pay_sheet)
        self._shot("09-wallet-face-scan", self._fail_scan)
        self._shot("13-pos-present", self._present)
        self._shot("10-wallet-read", self._read)
        self._shot("14-pos-approved", self._approved)
        self._shot("02-window-approved", lambda: None)
        self._shot("16-pos-receipt", self._receipt)
        self._shot("07-wallet-card-detail", self._card_detail)
        self._shot("15-pos-declined", lambda: self._tap(1251, PosPhase.DECLINED))
        self._shot("48-wallet-other-card", self._wallet.other_card)
        self._wallet.later_life(self._shot, self._dress)
        self._shot("29-in-app-sheet", partial(shots_in_app.ask, self._world, self._io, self._until))
        self._dress("29-in-app-sheet-light", "light", SIZE, presenter=False)
        self._io(self._world.wallet.close)
        self._shot("19-payment", self._payment)
        self._shot("22-bench-apdu", self._conversation)
        self._shot("23-bench-readers", self._readers)
        self._shot("36-bench-comparison", self._two_taps)
        shots_till.play(self._world, self._window, self._shot, self._io, self._until)
        shots_any_card.play(self._world, self._window, self._shot, self._io, self._until)
        sell = partial(self._tap, 1240, PosPhase.APPROVED)
        shots_money.play(self._world, self._window, self._shot, self._io, self._until, sell)
        shots_offline.play(self._world, self._window, self._shot, self._io, self._until, self._tap)
        self._shot("17-console-latency", self._traffic)
        self._shot("32-window-1920x1080", lambda: self._window.resize(1920, 1080))
        self._shot("31-window-1280x640", lambda: self._window.resize(1280, 640))
        self._window.resize(*SIZE)
        for name, (theme, presenter, size) in VARIATIONS.items():
            self._dress(name, theme, size, presenter=presenter)
        WatchScenes(self._world, self._io, self._until).play(self._shot, self._dress)
        self._shot("18-console-faults", self._fault)
        self._shot("03-window-visa-blocked", self._blocked)
        self._shot("34-engine-down", self._kill_engine)
        self._shot("11-wallet-offline", lambda: None)

    def _dress(
        self, name: str, theme: str, size: tuple[int, int] = SIZE, *, presenter: bool = False
    ) -> None:
        """The same laboratory in a second window, in another dress."""
        plain = self._window
        other = second_window(self._running, theme, presenter=presenter)
        self._window = other.window
        self._window.resize(*size)
        self._window.show()
        self._window.go_to("console")
        try:
            self._shot(name, lambda: None)
        finally:
            other.close()
            self._window = plain

    # -- the steps ----------------------------------------------------------------------------

    def _first_start(self) -> None:
        self._until(lambda: self._world.wallet.state.screen is PhoneScreen.FIRST_START)
        self._until(lambda: bool(self._world.console.state.tiles))

    def _demo_cards(self) -> None:
        self._io(self._world.wallet.start_with_demo_cards)
        self._until(lambda: len(self._world.wallet.cards) == 3)
        self._until(lambda: not self._world.wallet.state.busy)

    def _type_amount(self) -> None:
        self._wallet.think_better_of_it()
        for digit in "1240":
            self._io(partial(self._world.pos.key, digit))
        self._until(lambda: self._world.pos.state.phase is PosPhase.AMOUNT)

    def _pay_sheet(self) -> None:
        self._io(lambda: self._world.wallet.till_asks("$12.40", "Emulated reader"))
        self._io(self._world.wallet.double_press)
        self._until(lambda: self._world.wallet.state.screen is PhoneScreen.PAY_SHEET)

    def _fail_scan(self) -> None:
        self._io(lambda: self._world.wallet.scan_face("fail"))
        self._until(lambda: self._world.wallet.state.scan == "failed")

    def _present(self) -> None:
        self._io(lambda: self._world.wallet.scan_face("success"))
        self._until(lambda: self._world.wallet.state.screen is PhoneScreen.HOLD_NEAR)
        self._io(self._world.pos.charge)
        self._until(lambda: self._world.pos.state.phase is PosPhase.PRESENT)

    def _read(self) -> None:
        self._io(self._world.hands.hold)
        self._until(lambda: self._world.wallet.state.screen is PhoneScreen.READ)
        self._window.drain.drain_now()

    def _approved(self) -> None:
        self._until(lambda: self._world.pos.state.phase is PosPhase.APPROVED)
        self._until(lambda: self._world.wallet.state.banner is not None)

    def _receipt(self) -> None:
        payment_id = self._world.pos.state.payment_id
        self._io(lambda: self._world.pos.select_receipt(payment_id))
        self._until(lambda: self._world.pos.state.receipt is not None)

    def _card_detail(self) -> None:
        self._io(self._world.wallet.dismiss_banner)
        self._io(self._world.wallet.refresh)
        self._until(lambda: bool(self._world.pos.state.recent))
        self._pause()
        self._io(lambda: self._world.wallet.open_card(self._world.wallet.cards[0].id))
        self._until(lambda: self._world.wallet.state.screen is PhoneScreen.CARD_DETAIL)

    def _tap(self, amount_minor: int, phase: PosPhase) -> None:
        sales: list[Sale | None] = []

        async def tap() -> None:
            self._world.wallet.close()
            sales.append(await self._world.hands.tap(amount_minor, "USD"))

        self._io(tap)
        self._until(lambda: bool(sales))
        if sales[0] is None or sales[0].phase is not phase:
            ended = "not begun" if sales[0] is None else sales[0].phase.value
            raise NotReachedError(f"a tap that should have been {phase.value} was {ended}")

    def _payment(self) -> None:
        self._tap(1240, PosPhase.APPROVED)
        payment_id = self._world.pos.state.payment_id
        shots_till.take_and_give_back(self._world, payment_id, self._io, self._until)
        self._pause()
        self._io(lambda: self._world.console.show_payment(payment_id))
        self._until(lambda: self._shown_payment() == payment_id)
        self._window.go_to("payment")

    def _shown_payment(self) -> str:
        payment = self._world.console.state.payment
        return "" if payment is None else payment.row.id

    def _conversation(self) -> None:
        """The bench, with the answer to GET PROCESSING OPTIONS under the eye."""
        self._window.go_to("bench")
        self._pause()
        exchanges = self._window.findChild(QAbstractItemView, "apduList")
        if exchanges is None:
            raise NotReachedError("the bench lists no exchanges")
        model = exchanges.model()
        lines = {str(model.index(line, 1).data()): line for line in range(model.rowCount())}
        exchanges.setCurrentIndex(model.index(lines[tr("bench.why.arqc", tag="9F27")], 0))

    def _readers(self) -> None:
        """The readers page, with what the doctor says of the machine that makes the picture."""
        self._window.show_reader("sim:")
        self._until(lambda: self._world.console.bench.state.findings is not None)

    def _two_taps(self) -> None:
        """The approved tap beside the one that the bank declined."""
        bench = self._world.console.bench
        declined = bench.state.on_offer[1]
        self._io(lambda: bench.compare(declined.id))
        self._until(lambda: bench.state.comparison is not None)

    def _traffic(self) -> None:
        """Fifteen seconds of a busy shop, with a slow network in the middle."""
        self._io(lambda: self._world.console.bench.compare(""))
        self._window.go_to("console")
        self._io(self._world.wallet.close)
        console = self._world.console
        self._io(lambda: console.set_window(CHART_WINDOW_S))
        self._io(self._burst)
        self._until(lambda: self._burst_is == "sending")
        self._pause(5_500)
        slow = {"ms": 180.0, "jitter_ms": 60.0}
        self._io(lambda: console.set_fault("visa.slow", on=True, parameters=slow))
        self._pause(3_500)
        self._io(console.reset_faults)
        self._until(lambda: self._burst_is == "over")
        self._tap(1240, PosPhase.APPROVED)
        self._until(lambda: self._world.wallet.state.banner is not None)

    async def _burst(self) -> None:
        world = self._world
        async with synthetic_till.opened(
            world.settings.traffic_element_file,
            client=world.client,
            engine=world.engine,
            clock=world.clock,
            scheduler=world.real_scheduler,
            entropy=world.entropy,
            devices=BURST_DEVICES,
        ) as till:
            stream = world.entropy.stream("burst")
            orders = await generator.prepare(till, BURST_PAYMENTS, BURST_MIX, stream)
            client = LeanClient(await world.engine.ready(), till.cards)
            self._burst_is = "sending"
            try:
                await generator.run(
                    orders, BURST_RATE, till=till, client=client, clock=world.clock,
                    scheduler=world.real_scheduler,
                )  # fmt: skip
            finally:
                await client.close()
                self._burst_is = "over"

    def _fault(self) -> None:
        console = self._world.console
        self._io(lambda: console.set_fault("visa.slow", on=True, parameters={"ms": 800.0}))
        self._until(lambda: bool(console.state.deviations))
        self._tap(1240, PosPhase.NOT_COMPLETED)
        self._until(lambda: any(fault.fired for fault in console.state.faults))

    def _blocked(self) -> None:
        """Five silent answers, counted by the breaker itself; then a tap that is not sent."""
        console = self._world.console
        self._io(console.reset_faults)
        self._until(lambda: not console.state.deviations)
        self._io(lambda: console.set_fault("visa.silent", on=True, parameters={}))
        self._until(lambda: bool(console.state.deviations))
        for _ in range(SILENT_TAPS):
            if self._visa_is("open"):
                break
            self._tap(1240, PosPhase.NOT_COMPLETED)
        self._until(lambda: self._visa_is("open"))
        self._tap(1240, PosPhase.DECLINED)
        self._pause(1_200)

    def _visa_is(self, breaker: str) -> bool:
        tiles = self._world.console.state.tiles
        return any(tile.name == "visa" and tile.breaker == breaker for tile in tiles)

    def _kill_engine(self) -> None:
        """A real kill -9 of the engine that this session started; it will come back."""
        self._io(self._world.wallet.close)
        pid = self._world.engine.child_pid
        if pid is None:
            raise NotReachedError("the engine is not ours")
        os.kill(pid, signal.SIGKILL)
        self._until(lambda: self._world.console.state.engine in {"down", "restarting"})
        self._window.drain.drain_now()

    # -- tools --------------------------------------------------------------------------------

    def _shot(self, name: str, go: Callable[[], object]) -> None:
        """Go there (always: later steps build on it), and grab it if it is wanted."""
        self.known.add(name)
        try:
            go()
            if name not in _AT_ONCE:
                self._pause()
            self._window.drain.drain_now()
        except LabError as fault:
            self._report.failed[name] = str(fault) or type(fault).__name__
            return
        if not self._only or any(name.startswith(wanted) for wanted in self._only):
            self._window.grab().save(str(self._folder / f"{name}.png"))
            self._report.made.append(name)

    def _io(self, work: Callable[[], object]) -> None:
        """Call a flow in the I/O thread, as the window's adapters do."""
        Runner(self._world, self._running.io.call_soon).post(work)  # type: ignore[arg-type]  # flows return nothing or a coroutine

    def _until(self, reached: Callable[[], bool]) -> None:
        """Spin Qt's loop until the flows are there.

        Raises:
            NotReachedError: they are not after `WAIT_MS`.
        """
        loop = QEventLoop()
        look, limit = QTimer(), QTimer()
        look.setInterval(LOOK_MS)
        look.timeout.connect(lambda: loop.quit() if reached() else None)
        limit.setSingleShot(True)
        limit.timeout.connect(loop.quit)
        look.start()
        limit.start(WAIT_MS)
        if not reached():
            loop.exec()
        look.stop()
        limit.stop()
        if not reached():
            raise NotReachedError("the screen was not reached in time")

    def _pause(self, milliseconds: int = SETTLE_MS) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()


_AT_ONCE = frozenset({"10-wallet-read", "34-engine-down"})
