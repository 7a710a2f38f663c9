"""The record key: begins a recording, feeds it, and saves what came of it as a scenario's file.

Used by the window, whose world feeds it, and by the command, which feeds it from the event stream.
What it writes is read back by the loader first: a recording that could not be played is not saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.api import Event, to_datetime
from lab.bus import Bus
from lab.client import EngineClient
from lab.engine_shapes import LabState
from lab.errors import NotDone, SomethingMissing
from lab.scenarios.loader import load_text
from lab.scenarios.recording import Recording
from lab.scenarios.writer import to_toml
from lab.words import tr

PAYMENTS_MAX = 500


@dataclass(frozen=True, slots=True)
class RecordingState:
    """What the record key shows.

    Attributes:
        on: whether it records now.
        steps: how many things were done since it began.
    """

    on: bool = False
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """A scenario that was recorded."""

    path: Path
    steps: int


class RecordingDesk:
    """One record key."""

    def __init__(self, client: EngineClient, bus: Bus, *, profile: str) -> None:
        """Not recording.

        Args:
            client: the way to the engine.
            bus: shows the key's state.
            profile: how long phone and networks take in this laboratory.
        """
        self._client = client
        self._bus = bus
        self._profile = profile
        self._recording: Recording | None = None
        bus.publish(RecordingState())

    @property
    def is_on(self) -> bool:
        """Whether it records."""
        return self._recording is not None

    async def start(self) -> None:
        """Begin; what was recorded and not saved is forgotten."""
        state, clock = await self._client.lab_state(), await self._client.clock()
        date = f"{to_datetime(state.now_us):%Y-%m-%d %H:%M}"
        self._recording = Recording(tr("recording.name", date=date), state, clock)
        self._show()

    def heard(self, event: Event) -> None:
        """Something happened."""
        if self._recording is not None:
            self._recording.heard(event)
            self._show()

    def looked(self, state: LabState) -> None:
        """The laboratory's state, at some moment."""
        if self._recording is not None:
            self._recording.looked(state)
            self._show()

    async def stop(self, target: Path) -> Saved:
        """End, and save.

        Args:
            target: the file, or a folder in which it gets a name of its own.

        Raises:
            NotDone: nothing was done.
            SomethingMissing: the file cannot be written.
        """
        recording, self._recording = self._recording, None
        self._show()
        if recording is None:
            raise NotDone(tr("recording.nothing"))
        state = await self._client.lab_state()
        payments = await self._client.payments(limit=PAYMENTS_MAX)
        scenario = recording.finish(state, payments, profile=self._profile)
        if not recording.steps:
            raise NotDone(tr("recording.nothing"))
        path = target if target.suffix else target / f"{_stamp(state)}.toml"
        written = to_toml(scenario)
        load_text(written, path.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written, encoding="utf-8")
        except OSError as fault:
            raise SomethingMissing(
                f"{path} cannot be written ({fault.strerror})", "name another file"
            ) from fault
        return Saved(path, len(scenario.steps))

    def _show(self) -> None:
        recording = self._recording
        state = RecordingState() if recording is None else RecordingState(True, recording.steps)
        self._bus.publish(state)


def _stamp(state: LabState) -> str:
    return f"recorded-{to_datetime(state.now_us):%Y%m%d-%H%M%S}"
