"""The phone's secure element out of the data folder, or an empty one where it is held elsewhere.

A till at a real reader can go on while another program (`card serve`) holds the phone. Knows no
flow and no window.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hardware.api import SecureElement, SecureElementBusy, SecureElementDamaged
from lab.errors import SomethingMissing
from lab.ground import Ground
from lab.settings import Settings


@dataclass(frozen=True, slots=True)
class PhoneElement:
    """The phone's secure element, or an empty one where another program holds it."""

    element: SecureElement
    elsewhere: bool


@contextlib.contextmanager
def phone_element(
    settings: Settings, ground: Ground, *, may_be_elsewhere: bool
) -> Iterator[PhoneElement]:
    """The folder's secure element, until left.

    Args:
        settings: of this run.
        ground: what the world stands on.
        may_be_elsewhere: whether a till can go on when another program (`card serve`) holds it.

    Raises:
        SomethingMissing: it is held elsewhere, or damaged.
    """
    with contextlib.ExitStack() as open_things:
        try:
            element, elsewhere = open_element(settings.secure_element_file, ground), False
        except SecureElementBusy as busy:
            if not may_be_elsewhere:
                raise SomethingMissing(
                    "this folder's phone is in use by another command or window",
                    "close that one, or use another folder with --data-dir",
                ) from busy
            spare = Path(open_things.enter_context(tempfile.TemporaryDirectory()))
            element, elsewhere = open_element(spare / "empty.db", ground), True
        open_things.callback(element.close)
        yield PhoneElement(element, elsewhere)


def open_element(
    path: Path, ground: Ground, *, stream: str = "secure element", what: str = "phone"
) -> SecureElement:
    """A device's secure element, made where there is none yet.

    Args:
        path: its file.
        ground: what the world stands on.
        stream: the name of its randomness.
        what: the device, for whom it concerns.

    Raises:
        SecureElementBusy: another program holds it.
        SomethingMissing: it is damaged.
    """
    try:
        return SecureElement.open(
            path,
            seal_key=ground.seal_key,
            clock=ground.real_clock,
            stream=ground.entropy.secret(stream),
        )
    except SecureElementDamaged as damaged:
        raise SomethingMissing(
            f"this folder's {what} cannot be opened ({damaged})",
            "load a saved world, or start over with tap-lab world reset",
        ) from damaged
