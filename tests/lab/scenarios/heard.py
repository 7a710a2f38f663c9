"""Events and states as a recording hears them, without a laboratory behind."""

from __future__ import annotations

from backend.api import Event
from lab.engine_shapes import BreakerRecord, LabState, SuspendedCard

START_US = 1_790_000_000_000_000
SECOND_US = 1_000_000


def event(kind: str, at_s: float, tap_id: str | None = None, **data: object) -> Event:
    """Something that happened `at_s` seconds after the start."""
    return Event(
        seq=1,
        source="engine",
        lab_time_us=START_US + round(at_s * SECOND_US),
        real_time_us=0,
        actor="person",
        kind=kind,
        tap_id=tap_id,
        data=data,
    )


def state(
    at_s: float = 0.0,
    *,
    faults: tuple[dict[str, object], ...] = (),
    breakers: tuple[BreakerRecord, ...] = (),
    suspended: tuple[SuspendedCard, ...] = (),
) -> LabState:
    """The laboratory `at_s` seconds after the start."""
    return LabState(
        world="live",
        seed=9,
        now_us=START_US + round(at_s * SECOND_US),
        rate=1.0,
        clock_moved=False,
        next_due_us=None,
        faults=faults,
        breakers=breakers,
        suspended=suspended,
        unprotected_keys=True,
    )


def clock(offset_s: float = 0.0) -> dict[str, object]:
    """What the engine's clock says."""
    return {"clock_offset_s": offset_s, "rate": 1.0}
