"""How long a card takes: a phone as public sniffs show it, or no time at all.

Milliseconds by instruction, from three public sniffs of a wallet phone at a Visa reader: PPSE 13,
SELECT 31-34, GPO about 160 (four waiting-time extensions), a record 11, a refusal 43. GENERATE AC
is derived: it makes the cryptogram that Visa's GPO makes. The 6 of a relay resistance exchange is
the lab's own: what both ways through the air take, and 2 for the phone. Jitter comes from the
reader's own stream, so a seed repeats it. Knows no card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hardware.runtime.ports import Stream

_PPSE_NAME_START = b"2PAY"


@dataclass(frozen=True, slots=True)
class TimingProfile:
    """Typical milliseconds an instruction takes, and the share that varies either way."""

    name: str
    ppse_ms: float = 0.0
    select_ms: float = 0.0
    processing_options_ms: float = 0.0
    record_ms: float = 0.0
    generate_ac_ms: float = 0.0
    relay_ms: float = 0.0
    refusal_ms: float = 0.0
    other_ms: float = 0.0
    jitter: float = 0.0

    def typical_ms(self, command: bytes, response: bytes) -> float:
        """Milliseconds from the command's end to the answer's, without jitter."""
        if response[-2:-1] == b"\x69":
            return self.refusal_ms
        if command[1:2] == b"\xa4" and command[5:9] == _PPSE_NAME_START:
            return self.ppse_ms
        by_instruction = {
            b"\xa4": self.select_ms,
            b"\xa8": self.processing_options_ms,
            b"\xb2": self.record_ms,
            b"\xae": self.generate_ac_ms,
            b"\xea": self.relay_ms,
        }
        return by_instruction.get(command[1:2], self.other_ms)

    def duration_ms(self, command: bytes, response: bytes, stream: Stream) -> float:
        """Milliseconds for this exchange, jitter drawn from `stream`."""
        typical = self.typical_ms(command, response)
        if not typical or not self.jitter:
            return typical
        return typical * (1 + self.jitter * (2 * stream.random() - 1))


PHONE = TimingProfile(
    name="phone",
    ppse_ms=13.0,
    select_ms=32.5,
    processing_options_ms=160.0,
    record_ms=11.0,
    generate_ac_ms=147.0,
    relay_ms=6.0,
    refusal_ms=43.0,
    other_ms=13.0,
    jitter=0.08,
)
INSTANT = TimingProfile(name="instant")
PROFILES = {profile.name: profile for profile in (PHONE, INSTANT)}
