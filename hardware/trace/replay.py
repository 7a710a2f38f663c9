"""Recorded dialogues as a card: the link that answers from a list instead of a chip.

A command is answered by the same command where it was recorded; else by the next unused answer
recorded for the same CLA INS P1 P2, since terminal data differ from tap to tap; entries with a
blank command answer in order; else 6A82. An answer shorter than two bytes, or that is no hex, is a
torn card. An exchange may say how long it took (`ms`), and a dialogue how the same card went on
when it was tapped again (`again`). Knows no meaning of any command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.emv import tlv
from hardware.runtime.errors import CardCollision, CardRemoved, TlvError, TraceFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.trace.recorder import Trace

_NOT_FOUND = bytes.fromhex("6A82")
_ENTRIES_MAX = 10_000
_MS_MAX = 600_000
_ACCOUNT_TAGS = frozenset({0x57, 0x5A, 0x9F6B})


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One recorded pair. `command` None answers whatever comes; `response` None is a torn card."""

    command: bytes | None
    response: bytes | None
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordedDialogue:
    """One recorded conversation."""

    identifier: str
    exchanges: tuple[RecordedExchange, ...]
    again: tuple[RecordedExchange, ...] = ()
    """What the same card answered at the same till when it was tapped once more."""
    cards: int = 1
    """Cards in the field; from two on the reader reports a collision."""


def read_dialogues(document: object) -> tuple[RecordedDialogue, ...]:
    """Dialogues out of parsed JSON: `[{"id", "apdus": [{"c": hex, "r": hex}], "cards": 1}]`.

    A pair may have `ms`, how long the answer took; a dialogue `again`, pairs of a second tap.

    Raises:
        TraceFormatError: another shape, or a command that is no hex.
    """
    if not isinstance(document, list):
        raise TraceFormatError("a dialogue file is a list")
    return tuple(_read_dialogue(entry, position) for position, entry in enumerate(document))


def _read_dialogue(entry: object, position: int) -> RecordedDialogue:
    apdus = entry.get("apdus") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(apdus, list) or len(apdus) > _ENTRIES_MAX:
        raise TraceFormatError(f"dialogue {position} has no list 'apdus'")
    identifier, again = str(entry.get("id", position)), entry.get("again", [])
    if not isinstance(again, list) or len(again) > _ENTRIES_MAX:
        raise TraceFormatError(f"{identifier}: 'again' is no list")
    cards = entry.get("cards", 1)
    if not isinstance(cards, int) or isinstance(cards, bool) or cards < 1:
        raise TraceFormatError(f"dialogue {identifier}: 'cards' counts no cards")
    first, second = (
        tuple(_read_pair(pair, identifier) for pair in pairs) for pairs in (apdus, again)
    )
    return RecordedDialogue(identifier, first, second, cards)


def _read_pair(pair: object, identifier: str) -> RecordedExchange:
    if not isinstance(pair, dict):
        raise TraceFormatError(f"dialogue {identifier}: an exchange is no object")
    return RecordedExchange(_command(pair, identifier), _response(pair), _ms(pair, identifier))


def _ms(pair: Mapping[str, object], identifier: str) -> float:
    value = pair.get("ms", 0)
    # The comparison also refuses NaN.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MS_MAX:
        raise TraceFormatError(f"dialogue {identifier}: 'ms' is no number from 0 to {_MS_MAX}")
    return float(value)


def _command(pair: Mapping[str, object], identifier: str) -> bytes | None:
    text = str(pair.get("c") or "").strip()
    try:
        return bytes.fromhex(text) or None
    except ValueError:
        raise TraceFormatError(f"dialogue {identifier}: command {text[:20]!r} is no hex") from None


def _response(pair: Mapping[str, object]) -> bytes | None:
    try:
        response = bytes.fromhex(str(pair.get("r") or ""))
    except ValueError:
        return None
    return response if len(response) >= 2 else None


def dialogue_of(trace: Trace) -> RecordedDialogue:
    """A trace as a card that can be played: digits that masking hid are played as zeros.

    The kernel refuses a number with holes; with zeros it takes it, and the number is nobody's.
    """
    pairs = tuple(
        RecordedExchange(
            bytes.fromhex(line.command),
            _filled(bytes.fromhex(line.response)) or None,
            line.duration_us / 1000,
        )
        for line in trace.lines
    )
    return RecordedDialogue(trace.date, pairs)


def _filled(response: bytes) -> bytes:
    filled = bytearray(response)
    try:
        roots = tlv.parse(response[:-2])
    except TlvError:
        return response
    for root in roots:
        for item in root.walk():
            if item.tag in _ACCOUNT_TAGS:
                end = item.offset + item.length
                digits = item.value.hex().upper().replace("E", "0")
                filled[end - len(item.value) : end] = bytes.fromhex(digits)
    return bytes(filled)


class ReplayClock:
    """A recording's own time: it stands still but for what the recorded answers took."""

    def __init__(self, starts_at_us: int) -> None:
        self._starts_at_us = starts_at_us
        self._elapsed_us = 0

    def now_us(self) -> int:
        """Lab time in microseconds since the Unix epoch."""
        return self._starts_at_us + self._elapsed_us

    def monotonic_us(self) -> int:
        """Microseconds since the recording began."""
        return self._elapsed_us

    def take(self, ms: float) -> None:
        """Let an answer's time pass."""
        self._elapsed_us += round(ms * 1000)


class ReplayLink:
    """A link to a recorded dialogue; give it to `run_tap` with `recorded=True`."""

    def __init__(self, dialogue: RecordedDialogue, clock: ReplayClock | None = None) -> None:
        """A link whose answers take their recorded time on `clock`, or no time at all."""
        self._exchanges = dialogue.exchanges
        self._collides = dialogue.cards > 1
        self._clock = clock
        self._used: set[int] = set()

    @property
    def atr(self) -> bytes:
        """None was recorded."""
        return b""

    @property
    def uid(self) -> bytes:
        """None was recorded."""
        return b""

    async def transmit(self, command: bytes) -> bytes:
        """The recorded answer.

        Raises:
            CardCollision: more than one card was there.
            CardRemoved: the recording is torn here.
        """
        if self._collides:
            raise CardCollision("more than one card was recorded")
        position = self._find(command)
        if position is None:
            return _NOT_FOUND
        self._used.add(position)
        if self._clock is not None:
            self._clock.take(self._exchanges[position].ms)
        response = self._exchanges[position].response
        if response is None:
            raise CardRemoved("the recording is torn here")
        return response

    def _find(self, command: bytes) -> int | None:
        """The same command first, unused before used; then its header; then blanks in order."""
        same = [i for i, e in enumerate(self._exchanges) if e.command == command]
        for position in same:
            if position not in self._used:
                return position
        if same:
            return same[-1]
        for position, exchange in enumerate(self._exchanges):
            if position in self._used or exchange.command is None:
                continue
            if exchange.command[:4] == command[:4]:
                return position
        return next(
            (i for i, e in enumerate(self._exchanges) if e.command is None and i not in self._used),
            None,
        )

    async def release(self) -> None:
        """Nothing to let go."""
