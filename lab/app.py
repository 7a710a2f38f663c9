"""The application: the window in Qt's thread, the world in the I/O thread, nothing in between.

States go to the window through its drain, calls come back through the adapters. A fault of the I/O
thread ends the application with its traceback: a window that only looks alive helps nobody.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from lab.adapter import LabAdapter, Runner, WalletAdapter
from lab.adapter_pos import PosAdapter
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
        self.world.preflight.close()
        self.window.close()


def open_window(settings: Settings, motion: Motion | None = None) -> Running:
    """Start the world and build its window; needs a QApplication.

    Raises:
        SomethingMissing: data folder, secure element or reader cannot be had.
    """
    bus, faults = Bus(), Faults()
    io = IoThread(settings, bus, faults.tell)
    world = io.start()
    window = _window(world, io, settings, motion)
    io.call_soon(lambda: _connect(bus, window, []))
    return Running(window, world, io, faults)


def _window(world: World, io: IoThread, settings: Settings, motion: Motion | None) -> MainWindow:
    runner = Runner(world, io.call_soon)
    return MainWindow(
        WalletAdapter(world, runner.post),
        PosAdapter(world, runner.post),
        LabAdapter(world, runner.post),
        scale=settings.scale,
        theme=settings.theme,
        presenter=settings.presenter,
        motion=motion,
    )


def _connect(bus: Bus, window: MainWindow, forget: list[Callable[[], None]]) -> None:
    forget.append(bus.subscribe(window.drain.put))


@dataclass(slots=True)
class SecondWindow:
    """Another window on a world that already has one."""

    window: MainWindow
    io: IoThread
    forget: list[Callable[[], None]]

    def close(self) -> None:
        """Close this window only; its world goes on."""
        for forget in self.forget:
            self.io.call_soon(forget)
        self.window.close()


def second_window(running: Running, theme: str, *, presenter: bool) -> SecondWindow:
    """The same world in another dress, without motion."""
    settings = replace(running.world.settings, theme=theme, presenter=presenter)
    window = _window(running.world, running.io, settings, Motion(scale=0.0))
    forget: list[Callable[[], None]] = []
    running.io.call_soon(lambda: _connect(running.world.bus, window, forget))
    return SecondWindow(window, running.io, forget)


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
