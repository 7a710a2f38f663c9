"""The film of the session: a dot for each payment, a span for each fault, a flag for each mark.

Kept for the time bar, bounded, in lab time. A fault's span begins when the board first shows it and
ends when it no longer does, whoever changed the board.
"""

from __future__ import annotations

from dataclasses import replace

from lab.console.presets import fault_key, preset_of
from lab.console.state import FaultSpan, FilmMark
from lab.engine_shapes import PaymentRecord
from lab.json_fields import Json, text
from lab.words import tr

MARKS_MAX = 1_000
SPANS_MAX = 200


class Film:
    """What the time bar draws."""

    def __init__(self, from_us: int) -> None:
        self._from_us = from_us
        self._dots: dict[str, FilmMark] = {}
        self._flags: list[FilmMark] = []
        self._ended: list[FaultSpan] = []
        self._running: dict[str, FaultSpan] = {}

    @property
    def marks(self) -> tuple[FilmMark, ...]:
        """Dots and flags in order of time."""
        return tuple(sorted((*self._dots.values(), *self._flags), key=lambda mark: mark.at_us))

    @property
    def spans(self) -> tuple[FaultSpan, ...]:
        """Faults that were on or are on."""
        return (*self._ended, *self._running.values())

    def payment(self, record: PaymentRecord) -> None:
        """A payment of this session, in its present state; synthetic ones stay in the charts."""
        if record.synthetic or record.created_at_us < self._from_us:
            return
        kind = record.told
        self._dots[record.id] = FilmMark(record.created_at_us, kind, payment_id=record.id)
        while len(self._dots) > MARKS_MAX:
            del self._dots[next(iter(self._dots))]

    def mark(self, at_us: int, label: str) -> None:
        """A flag."""
        name = label or str(len(self._flags) + 1)
        self._flags = [*self._flags, FilmMark(at_us, "flag", text=name)][-MARKS_MAX:]

    def faults(self, on: tuple[Json, ...], now_us: int) -> None:
        """What the board shows now."""
        keys = {fault_key(fault): fault for fault in on}
        for key in [key for key in self._running if key not in keys]:
            self._ended.append(replace(self._running.pop(key), to_us=now_us))
        self._ended = self._ended[-SPANS_MAX:]
        for key, fault in keys.items():
            if key not in self._running:
                preset = preset_of(fault)
                self._running[key] = FaultSpan(
                    fault_id=preset.id if preset else key,
                    link=text(fault, "link", ""),
                    text=tr(f"fault.{preset.id}") if preset else key,
                    from_us=now_us,
                    to_us=None,
                )
