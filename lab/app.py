"""The application: the window in Qt's thread, the world in the I/O thread, nothing in between.

States go to the window through its drain, calls come back through the adapters. A fault of the I/O
thread ends the application with its traceback: a window that only looks alive helps nobody.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from lab.adapter import LabAdapter, PosAdapter, Runner, WalletAdapter
from lab.bus import Bus
from lab.design.motion import Motion
from lab.io_thread import IoThread
from lab.settings import Settings
from lab.window.main_window import MainWindow
from lab.world import World

EXIT_FAULT = 70  # EX_SOFTWARE of sysexits.h


class Faults(QObject):
    """Carries a fault from the I/O thread into Qt's."""

    happened = Signal(str)

    def tell(self, fault: BaseException) -> None:
        """From any thread."""
        self.happened.emit("".join(traceback.format_exception(fault)))


@dataclass(slots=True)
class Running:
    """A window with its world."""

    window: MainWindow
    world: World
    io: IoThread
    faults: Faults

    def stop(self) -> None:
        """Close the world, then the window."""
        self.io.stop()
        self.window.close()


def open_window(settings: Settings, motion: Motion | None = None) -> Running:
    """Start the world and build its window; needs a QApplication.

    Raises:
        SomethingMissing: data folder, secure element or reader cannot be had.
    """
    bus, faults = Bus(), Faults()
    io = IoThread(settings, bus, faults.tell)
    world = io.start()
    runner = Runner(world, io.call_soon)
    window = MainWindow(
        WalletAdapter(world, runner.post),
        PosAdapter(world, runner.post),
        LabAdapter(world, runner.post),
        scale=settings.scale,
        theme=settings.theme,
        presenter=settings.presenter,
        motion=motion,
    )
    io.call_soon(lambda: _connect(bus, window))
    return Running(window, world, io, faults)


def _connect(bus: Bus, window: MainWindow) -> None:
    bus.subscribe(window.drain.put)


def run_window(settings: Settings, arguments: Sequence[str] = ()) -> int:
    """Show the window until it is closed; the exit code."""
    application = QApplication([sys.argv[0], *arguments])
    application.setApplicationName("Tap Lab")
    running = open_window(settings)

    def fail(text: str) -> None:
        sys.stderr.write(text)
        application.exit(EXIT_FAULT)

    running.faults.happened.connect(fail)
    running.window.show()
    try:
        return application.exec()
    finally:
        running.stop()
