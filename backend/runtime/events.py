"""The one event envelope, and the log that numbers and hands out events.

Both processes use this shape: time line, payment view, recording and reports read nothing else.
An event of the engine that changes money is written in the same commit as the change (the
outbox is that table) and published here only after the commit; everything else at once.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from backend.runtime.clock import Clock, real_now_us

RING_EVENTS = 4_096

Scalar = str | int | float | bool | None
Data = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        seq: order within its source, starting at 1; survives restarts of the engine.
        source: which side numbered it: "engine" or "lab".
        lab_time_us: the laboratory's wall clock.
        real_time_us: the machine's wall clock.
        actor: who did it: phone, card, reader, pos, engine, switch, visa, issuer, ledger, person …
        kind: dotted verb in the past: "payment.approved".
        payment_id: the payment it belongs to, once there is one.
        tap_id: the tap it belongs to (known before the payment).
        cause_id: `id` of the event that led to this one.
        world: "live" or "simulated".
        data: masked, JSON-ready facts.
    """

    seq: int
    source: str
    lab_time_us: int
    real_time_us: int
    actor: str
    kind: str
    payment_id: str | None = None
    tap_id: str | None = None
    cause_id: str | None = None
    world: str = "live"
    data: Data = field(default_factory=dict)

    @property
    def id(self) -> str:
        """`engine-1042`: unique over both sides of one laboratory."""
        return f"{self.source}-{self.seq}"

    def to_json(self) -> dict[str, object]:
        """The envelope as it travels over WebSocket and into files."""
        return {
            "id": self.id,
            "seq": self.seq,
            "source": self.source,
            "lab_time_us": self.lab_time_us,
            "real_time_us": self.real_time_us,
            "actor": self.actor,
            "kind": self.kind,
            "payment_id": self.payment_id,
            "tap_id": self.tap_id,
            "cause_id": self.cause_id,
            "world": self.world,
            "data": dict(self.data),
        }


def event_from_json(body: Mapping[str, object]) -> Event:
    """Read an envelope back.

    Raises:
        ValueError: a field is missing or of the wrong type.
    """
    data = body.get("data")
    try:
        return Event(
            seq=_whole(body["seq"]),
            source=str(body["source"]),
            lab_time_us=_whole(body["lab_time_us"]),
            real_time_us=_whole(body["real_time_us"]),
            actor=str(body["actor"]),
            kind=str(body["kind"]),
            payment_id=_text_or_none(body.get("payment_id")),
            tap_id=_text_or_none(body.get("tap_id")),
            cause_id=_text_or_none(body.get("cause_id")),
            world=str(body.get("world", "live")),
            data=data if isinstance(data, Mapping) else {},
        )
    except KeyError as missing:
        raise ValueError(f"not an event envelope: {missing} is missing") from missing


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"not an event envelope: {value!r} is no whole number")  # noqa: TRY004
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


class Emit(Protocol):
    """What a rule takes when it wants to say that something happened."""

    def __call__(  # noqa: D102
        self,
        kind: str,
        *,
        actor: str,
        payment_id: str | None = None,
        tap_id: str | None = None,
        cause_id: str | None = None,
        data: Data | None = None,
    ) -> Event: ...


class EventLog:
    """Numbers events, keeps the last few thousand, and hands each to the subscribers.

    `next_seq` is safe to call from the database's writer thread; publishing belongs to the
    event loop's thread.
    """

    def __init__(
        self, clock: Clock, *, source: str, world: str = "live", first_seq: int = 1
    ) -> None:
        self._clock = clock
        self._source = source
        self._world = world
        self._numbers = itertools.count(first_seq)
        self._ring: deque[Event] = deque(maxlen=RING_EVENTS)
        self._subscribers: list[Callable[[Event], None]] = []
        self._is_silent = False

    def next_seq(self) -> int:
        """The next number of this source."""
        return next(self._numbers)

    def make(
        self,
        kind: str,
        *,
        actor: str,
        payment_id: str | None = None,
        tap_id: str | None = None,
        cause_id: str | None = None,
        data: Data | None = None,
    ) -> Event:
        """Number and date an event without publishing it (it is about to be committed)."""
        return Event(
            seq=self.next_seq(),
            source=self._source,
            lab_time_us=self._clock.now_us(),
            real_time_us=real_now_us() if self._world == "live" else self._clock.now_us(),
            actor=actor,
            kind=kind,
            payment_id=payment_id,
            tap_id=tap_id,
            cause_id=cause_id,
            world=self._world,
            data=data or {},
        )

    def publish(self, event: Event) -> None:
        """Hand an event to everyone who listens. Call it after the commit that holds it."""
        if self._is_silent:
            return
        self._ring.append(event)
        for subscriber in tuple(self._subscribers):
            subscriber(event)

    def emit(
        self,
        kind: str,
        *,
        actor: str,
        payment_id: str | None = None,
        tap_id: str | None = None,
        cause_id: str | None = None,
        data: Data | None = None,
    ) -> Event:
        """Make and publish an event that no commit has to hold."""
        event = self.make(
            kind,
            actor=actor,
            payment_id=payment_id,
            tap_id=tap_id,
            cause_id=cause_id,
            data=data,
        )
        self.publish(event)
        return event

    def subscribe(self, subscriber: Callable[[Event], None]) -> Callable[[], None]:
        """Call `subscriber` for each event from now on; the answer unsubscribes."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            self._subscribers.remove(subscriber)

        return unsubscribe

    def silence(self) -> None:
        """Nobody hears anything from here any more: this log's process is dead."""
        self._is_silent = True

    def recent(self, after_seq: int = 0) -> list[Event]:
        """The events still in the ring with a higher number, oldest first."""
        return [event for event in self._ring if event.seq > after_seq]
