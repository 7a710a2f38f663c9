"""Relay resistance: whether the card is as near as its answers come fast (Book C-2).

Theory of operation. A relay sends the till's commands to a card somewhere else and needs time for
it. Between GPO and the records the till sends its unpredictable number and measures how long the
card takes for its own; what lies beyond the times the card names, transmission taken off, is noted
in the verification results, for the action codes and the issuer. A slow answer is asked for again,
twice at most, with a new number; a time nobody could take is a card's fault. The card's combined
signature covers numbers and times. All times in units of 100 microseconds, as on the link.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu, relay_resistance_command
from hardware.emv import tlv
from hardware.emv.bitfields import AIP_RELAY_RESISTANCE, has_bit
from hardware.runtime.errors import TlvError
from hardware.terminal import verdicts
from hardware.terminal.card_data import BrokenRule

if TYPE_CHECKING:
    from collections.abc import Generator, MutableMapping

    from hardware.terminal.kernel import Step
    from hardware.terminal.means import Means
    from hardware.terminal.verdicts import Verdicts

UNIT_US = 100
ATTEMPTS_MAX = 3
_ENTROPY_LENGTH = 4
_ANSWER_LENGTH = 10
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """A till's own times and thresholds; the defaults are the book's (Book C-2, A).

    Attributes:
        command_100us: how long its command is on the air (DF8134).
        answer_100us: how long the answer is (DF8135).
        grace_min_100us: how much faster than its least time a card may be (DF8132).
        grace_max_100us: how much slower than its greatest time (DF8133).
        accuracy_100us: how far from its least time before it is worth a note (DF8136).
        mismatch_percent: how alike both sides' ideas of the answer's time must be (DF8137).
    """

    command_100us: int = 0x0012
    answer_100us: int = 0x0018
    grace_min_100us: int = 0x0014
    grace_max_100us: int = 0x0032
    accuracy_100us: int = 0x012C
    mismatch_percent: int = 0x32

    def __post_init__(self) -> None:
        times = (self.command_100us, self.answer_100us, self.grace_min_100us,
                 self.grace_max_100us, self.accuracy_100us)  # fmt: skip
        assert all(0 <= time <= 0xFFFF for time in times)
        assert 0 <= self.mismatch_percent <= _PERCENT


@dataclass(frozen=True, slots=True)
class Measured:
    """The last exchange of one tap.

    Attributes:
        exchanged: the till's number, the card's, and its three times, as the signature covers them.
        time_min_100us: least time the card says it takes.
        time_max_100us: greatest time.
        transmission_100us: how long its answer is on the air, by its own estimate.
        measured_100us: what it took, transmission taken off.
        attempts: how often it was measured.
    """

    exchanged: bytes
    time_min_100us: int
    time_max_100us: int
    transmission_100us: int
    measured_100us: int
    attempts: int

    def objects(self) -> dict[int, bytes]:
        """The till's objects that a card's list may ask for (Book C-2, A)."""
        spent = min(self.measured_100us, 0xFFFF).to_bytes(2, "big")
        parts = (0xDF8301, 0, 4), (0xDF8302, 4, 8), (0xDF8303, 8, 10), (0xDF8304, 10, 12)
        objects = {tag: self.exchanged[start:end] for tag, start, end in parts}
        counted = bytes([self.attempts - 1])
        return objects | {0xDF8305: self.exchanged[12:14], 0xDF8306: spent, 0xDF8307: counted}


def resist_relay(
    profile: bytes,
    means: Means,
    values: MutableMapping[int, bytes],
    found: Verdicts,
    step: Step,
) -> Generator[CommandApdu, ResponseApdu, Measured | None]:
    """Measure how near the card is; None where till or card cannot.

    Args:
        profile: tag 82.
        means: the till's settings and fresh numbers.
        values: the terminal's objects; a further attempt has a number (9F37) of its own.
        found: where it is noted.
        step: told the step's name.

    Raises:
        BrokenRule: the card refuses, answers nonsense, or faster than it says it can.
    """
    settings = means.relay
    if settings is None:
        return None
    if not has_bit(profile, AIP_RELAY_RESISTANCE):
        found.note(verdicts.RELAY_NOT_MEASURED)
        return None
    step("relay_resistance")
    attempt = 1
    while True:
        answer = yield relay_resistance_command(values[0x9F37])
        measured = _read(answer, values[0x9F37], settings, attempt)
        if measured.measured_100us < measured.time_min_100us - settings.grace_min_100us:
            raise BrokenRule("relay_too_fast")
        late = measured.measured_100us > measured.time_max_100us + settings.grace_max_100us
        if not late or attempt == ATTEMPTS_MAX or means.draw_number is None:
            break
        attempt += 1
        values[0x9F37] = means.draw_number()
    found.note(verdicts.RELAY_MEASURED)
    if late:
        found.note(verdicts.RELAY_TIME_EXCEEDED)
    if _doubtful(measured, settings):
        found.note(verdicts.RELAY_THRESHOLD_EXCEEDED)
    return measured


def _read(answer: ResponseApdu, number: bytes, settings: RelaySettings, attempt: int) -> Measured:
    if not answer.ok:
        raise BrokenRule("relay_refused")
    try:
        said = tlv.parse_one(answer.data, 0x80).value
    except TlvError:
        raise BrokenRule("relay_malformed") from None
    if len(said) != _ANSWER_LENGTH:
        raise BrokenRule("relay_malformed")
    times = (int.from_bytes(said[at : at + 2], "big") for at in range(_ENTROPY_LENGTH, 10, 2))
    time_min, time_max, transmission = times
    # The shorter of both estimates: a card cannot make itself look nearer by a long one.
    on_air = settings.command_100us + min(transmission, settings.answer_100us)
    spent = max(0, answer.duration_us // UNIT_US - on_air)
    return Measured(number + said, time_min, time_max, transmission, spent, attempt)


def _doubtful(measured: Measured, settings: RelaySettings) -> bool:
    """Whether the exchange, though in time, is not like what the card says of itself."""
    own, other = settings.answer_100us, measured.transmission_100us
    if own and other and min(own, other) * _PERCENT < settings.mismatch_percent * max(own, other):
        return True
    return measured.measured_100us - measured.time_min_100us > settings.accuracy_100us
