"""Pre-flight's presenter: looks at everything once, a line after the other, and acts when asked.

Reading once means the directory and SELECT of whatever lies on the till's reader (the phone, at the
emulated one): nothing is paid. Without Qt; what only a window knows (its size) is told to it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from backend.api import Clock
from hardware.api import CardHeld, CardLinkError, NoCard, PlainTag, ReaderGone, read_card
from lab.anycard.till_reader import TillReader
from lab.bus import Bus
from lab.client import EngineClient
from lab.console.flow import ConsoleFlow
from lab.console.state import Deviation
from lab.deviations import deviations
from lab.errors import EngineRefused, EngineUnreachable
from lab.ground import Ground
from lab.preflight import checks
from lab.preflight.state import NAMES, PreflightLine, PreflightState, ScreenSize
from lab.preflight.wakefulness import Wakefulness
from lab.shop import Till

LOOK_S, READ_S = 0.8, 10.0


class PreflightFlow:
    """Looks and acts."""

    def __init__(
        self,
        *,
        client: EngineClient,
        console: ConsoleFlow,
        reader: TillReader,
        clock: Clock,
        bus: Bus,
        wakefulness: Wakefulness | None = None,
    ) -> None:
        """Nothing was looked at yet.

        Args:
            client: the way to the engine.
            console: puts the laboratory back to normal.
            reader: the till's.
            clock: measures.
            bus: shows the state.
            wakefulness: of this machine, unless a test says otherwise.
        """
        self._client = client
        self._console = console
        self._reader = reader
        self._clock = clock
        self._bus = bus
        self._wakefulness = wakefulness or Wakefulness()
        self._read_ms: float | None = None
        self._size: ScreenSize | None = None
        self._state = PreflightState()
        bus.publish(self._state)

    @property
    def state(self) -> PreflightState:
        """What is shown."""
        return self._state

    async def run(self, size: ScreenSize | None = None) -> PreflightState:
        """Look at everything; a window tells its size, and is told of sound."""
        if self._state.running:
            return self._state
        self._size = size or self._size
        self._state = PreflightState(running=True)
        self._bus.publish(self._state)
        try:
            await self._look_at_reader(LOOK_S)
            await self._look_at_engine()
            await self._look_at_sleep()
            if self._size is not None:
                self._put(checks.sound_line())
                self._put(checks.screen_line(self._size))
        finally:
            self._state = replace(self._state, running=False)
            self._bus.publish(self._state)
        return self._state

    async def act(self, action: str) -> None:
        """Do what a line's key says, and look again at what it may have changed."""
        match action:
            case "read_once":
                await self._look_at_reader(READ_S)
            case "keep_awake":
                await asyncio.to_thread(self._wakefulness.keep_awake)
                await self._look_at_sleep()
            case "normal":
                await self._console.look()
                await self._console.back_to_normal()
                await self._look_at_engine()
            case _:
                await self.run()

    def close(self) -> None:
        """Let the machine sleep again."""
        self._wakefulness.let_sleep()

    async def _look_at_reader(self, wait_s: float) -> None:
        problem = ""
        try:
            link = await self._reader.borrow(wait_s)
            started_us = self._clock.monotonic_us()
            reading = await read_card(link, clock=self._clock)
            if reading.exchanges:
                self._read_ms = (self._clock.monotonic_us() - started_us) / 1000
        except PlainTag:
            self._read_ms = self._read_ms or 0.0
        except NoCard:
            pass  # it is there, and nothing lies on it
        except CardHeld:
            self._read_ms = self._read_ms or 0.0  # in use: it reads
        except (ReaderGone, CardLinkError) as fault:
            problem = str(fault)
        finally:
            await self._reader.give_back()
        self._put(checks.reader_line(self._reader.name, self._read_ms, problem))

    async def _look_at_engine(self) -> None:
        started_us = self._clock.monotonic_us()
        found: tuple[Deviation, ...] | None = None
        answered_ms, why = None, ""
        try:
            state = await self._client.lab_state()
            answered_ms = (self._clock.monotonic_us() - started_us) / 1000
            found = deviations(state, quiet_traffic=self._console.state.quiet_traffic)
        except (EngineUnreachable, EngineRefused) as fault:
            why = str(fault)
        for line in (
            checks.engine_line(answered_ms, why),
            checks.faults_line(found),
            checks.clock_line(found),
        ):
            self._put(line)

    async def _look_at_sleep(self) -> None:
        self._put(checks.sleep_line(await asyncio.to_thread(self._wakefulness.look)))

    def _put(self, line: PreflightLine) -> None:
        others = {known.name: known for known in self._state.lines} | {line.name: line}
        ordered = tuple(others[name] for name in NAMES if name in others)
        self._state = replace(self._state, lines=ordered)
        self._bus.publish(self._state)


def preflight_of(till: Till, ground: Ground, console: ConsoleFlow) -> PreflightFlow:
    """Pre-flight of a laboratory."""
    return PreflightFlow(
        client=till.client,
        console=console,
        reader=till.reader,
        clock=ground.real_clock,
        bus=till.bus,
    )
