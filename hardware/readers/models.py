"""The readers that people own, known by USB id or PC/SC name, with what each can do and its quirks.

One table, and nothing but data: a reader that is not in it is a plain reader of cards. What a model
lacks ("no lights") is missing from its capabilities and no fault. Sources: the makers' public data
sheets; nfcpy's list of devices; libccid's list of readers. Knows no driver and no words for people.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from hardware.readers.polling import ANNOUNCE

APDU, FRAMES, EMULATE = "apdu", "frames", "emulate"
LIGHTS, BUZZER, FAULTS = "lights", "buzzer", "faults"
CAPABILITIES = (APDU, FRAMES, EMULATE, LIGHTS, BUZZER, ANNOUNCE, FAULTS)
"""In the order that lists show them."""


class Lighting(Enum):
    """How a reader is told what its lights and its buzzer shall do."""

    PSEUDO_APDU = "pseudo-APDU FF 00 40"
    """ACS ACR122U, API 2.04, 6.2 and 6.7: by escape, or as an APDU while a card is there."""
    ESCAPE = "escape E0 00 00 29"
    """ACS ACR1252U reference manual, peripherals control: by escape only."""


class Quirk(Enum):
    """What usually goes wrong with a model; the value names the sentence about it."""

    KERNEL_MODULE_GRABS = "kernel_module"
    CLONES_DIFFER = "clones"
    CARD_BESIDE_SAM = "sam"
    CONTACT_TOO = "contact"
    KEYBOARD_MODE = "keyboard"
    SHORT_TIMEOUTS = "timeouts"
    WINUSB = "winusb"
    SERIAL_SWITCHES = "switches"
    MODEM_MANAGER = "modem"


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """One model.

    Attributes:
        usb: its USB vendor and product numbers.
        pcsc_name: what its PC/SC name contains, as a regular expression; "" where it has none.
        by_nfcpy: whether nfcpy is the way to it, rather than PC/SC.
        why_not: what keeps every driver here from using it; "" for all others.
    """

    name: str
    usb: tuple[tuple[int, int], ...]
    capabilities: tuple[str, ...]
    pcsc_name: str = ""
    by_nfcpy: bool = False
    lighting: Lighting | None = None
    quirks: tuple[Quirk, ...] = ()
    why_not: str = ""


_READS = (APDU,)
_SHOWS = (APDU, LIGHTS, BUZZER)
_FRAMES = (APDU, FRAMES)
_PLAYS = (APDU, FRAMES, EMULATE)
PN532_ON_PORT = ReaderModel(
    "PN532 on a serial port", (), _PLAYS, by_nfcpy=True,
    quirks=(Quirk.SERIAL_SWITCHES, Quirk.MODEM_MANAGER),
)  # fmt: skip
_STICK = (Quirk.KERNEL_MODULE_GRABS, Quirk.WINUSB)
READER_MODELS: tuple[ReaderModel, ...] = (
    ReaderModel("ACS ACR122U", ((0x072F, 0x2200),), _SHOWS, r"\bACR122U?\b",
                lighting=Lighting.PSEUDO_APDU,
                quirks=(Quirk.KERNEL_MODULE_GRABS, Quirk.CLONES_DIFFER)),
    ReaderModel("ACS ACR1252U", ((0x072F, 0x223B), (0x072F, 0x223E), (0x072F, 0x2259)), _SHOWS,
                r"\bACR1252", lighting=Lighting.ESCAPE, quirks=(Quirk.CARD_BESIDE_SAM,)),
    ReaderModel("HID Omnikey 5022", ((0x076B, 0x5022),), _READS, r"OMNIKEY.*\b5022"),
    ReaderModel("HID Omnikey 5422", ((0x076B, 0x5422),), _READS, r"OMNIKEY.*\b5422",
                quirks=(Quirk.CONTACT_TOO,)),
    ReaderModel("HID Omnikey 5x27", ((0x076B, 0x5127), (0x076B, 0x5427)), _READS,
                r"OMNIKEY.*\b5[14]27", quirks=(Quirk.KEYBOARD_MODE,)),
    ReaderModel("Identiv uTrust 3700F", ((0x04E6, 0x5790),), _READS, r"uTrust 3700",
                quirks=(Quirk.SHORT_TIMEOUTS,)),
    ReaderModel("Identiv uTrust 4701F", ((0x04E6, 0x5724),), _READS, r"uTrust 4701",
                quirks=(Quirk.CONTACT_TOO, Quirk.SHORT_TIMEOUTS)),
    ReaderModel("SCM SCL3710 (PN531)", ((0x04CC, 0x0531),), _FRAMES, by_nfcpy=True),
    ReaderModel("NXP PN533 board", ((0x04CC, 0x2533),), _PLAYS, by_nfcpy=True, quirks=_STICK),
    ReaderModel("SCM SCL3711", ((0x04E6, 0x5591),), _PLAYS, by_nfcpy=True, quirks=_STICK),
    ReaderModel("SCM SCL3712", ((0x04E6, 0x5593),), _PLAYS, by_nfcpy=True, quirks=_STICK),
    ReaderModel("Sony PN531", ((0x054C, 0x0193),), _FRAMES, by_nfcpy=True),
    ReaderModel("Sony RC-S330/360/370", ((0x054C, 0x02E1),), _FRAMES, by_nfcpy=True),
    ReaderModel("Sony RC-S380", ((0x054C, 0x06C1), (0x054C, 0x06C3)), _PLAYS, by_nfcpy=True,
                quirks=_STICK),
    ReaderModel("Sony RC-S300", ((0x054C, 0x0DC8), (0x054C, 0x0DC9)), (), by_nfcpy=True,
                why_not="nfcpy has no driver for it"),
)  # fmt: skip


def model_by_usb(vendor: int, product: int) -> ReaderModel | None:
    """The model with these USB numbers."""
    return next((model for model in READER_MODELS if (vendor, product) in model.usb), None)


def model_by_name(pcsc_name: str) -> ReaderModel | None:
    """The model that a PC/SC name tells of."""
    return next(
        (
            model
            for model in READER_MODELS
            if model.pcsc_name and re.search(model.pcsc_name, pcsc_name, re.IGNORECASE)
        ),
        None,
    )


def in_order(capabilities: frozenset[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Capabilities as lists show them; those that no list knows last, by name."""
    known = [capability for capability in CAPABILITIES if capability in capabilities]
    return (*known, *sorted(set(capabilities) - set(CAPABILITIES)))
