"""What a reader's own lights and buzzer show at the till's moments, as bytes for that model.

The moments are the till's, the colours the reader's: green while the till can use a card, green and
one tone when the card was read, red and two tones when something has to be done again. As on the
till, none of it means "approved". Decides bytes only; how they travel is the driver's business.
Sources: ACS, ACR122U application programming interface 2.04, 6.2 (LEDs and buzzer) and 6.7 (buzzer
at card detection); ACS, ACR1252U reference manual, peripherals control (LED, buzzer, behaviour).
"""

from __future__ import annotations

from enum import Enum

from hardware.readers.models import Lighting


class Signal(Enum):
    """A moment of the till that a reader can show."""

    OFF = "nothing is asked of anyone"
    READY = "a card may come"
    READ = "the card was read"
    ALERT = "something went wrong: look at the till"


_DARK, _RED, _GREEN = 0b00, 0b01, 0b10
_COLOURS = {
    Signal.OFF: _DARK,
    Signal.READY: _GREEN,
    Signal.READ: _GREEN,
    Signal.ALERT: _RED,
}
_TONES = {Signal.READ: 1, Signal.ALERT: 2}
_BOTH_MASKS = 0b1100
_TONE_100MS, _TONE_10MS = 1, 10
_LINK_TO_FIRST_HALF = 1
# Behaviour byte: lights as they were, no tone when a card comes or goes (bit 3).
_OWN_TONE_OFF = 0x77


def light_commands(lighting: Lighting, signal: Signal, *, sound: bool) -> tuple[bytes, ...]:
    """What to send to a reader so that it shows `signal`; without a tone unless `sound`."""
    colour, tones = _COLOURS[signal], _TONES.get(signal, 0) if sound else 0
    match lighting:
        case Lighting.PSEUDO_APDU:
            duration = bytes([_TONE_100MS, _TONE_100MS, tones, _LINK_TO_FIRST_HALF])
            blink = duration if tones else bytes(4)
            return (b"\xff\x00\x40" + bytes([_BOTH_MASKS | colour, len(blink)]) + blink,)
        case Lighting.ESCAPE:
            light = b"\xe0\x00\x00\x29\x01" + bytes([colour])
            tone = b"\xe0\x00\x00\x28\x01" + bytes([_TONE_10MS * tones])
            return (light, tone) if tones else (light,)


def own_tone_off(lighting: Lighting) -> bytes:
    """What makes a reader stop beeping by itself whenever a card comes."""
    match lighting:
        case Lighting.PSEUDO_APDU:
            return bytes.fromhex("FF00520000")
        case Lighting.ESCAPE:
            return b"\xe0\x00\x00\x21\x01" + bytes([_OWN_TONE_OFF])
