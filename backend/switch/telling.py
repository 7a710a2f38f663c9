"""What people may see of the messages between switch and networks: events with masked fields.

Each request and each answer becomes one event, `message.sent` or `message.received`, tied to its
payment and tap. The token (DE 2) is shown by its last four digits, track data (DE 35) not at all,
chip data (DE 55) and a sealed card (DE 127) by their length: the one repeats the token and carries
the cryptogram, as does the block of an app's payment (DE 48 `cb`). Decides nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.domain.pan import mask
from backend.networks.message import SEALED_CARD, Message
from backend.runtime.events import Emit

HEX_DIGITS_A_BYTE = 2
_BLOCK = re.compile(r"cb=[0-9A-F]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an exchange is about."""

    payment_id: str
    tap_id: str | None = None


def masked_fields(message: Message) -> dict[str, str]:
    """The message's data elements, by number, without what must stay secret."""
    fields = dict(message.fields)
    if "2" in fields:
        fields["2"] = mask(fields["2"])
    if SEALED_CARD in fields:
        fields[SEALED_CARD] = f"•••• {len(fields[SEALED_CARD])} characters sealed for the network"
    if "35" in fields:
        fields["35"] = "••••"
    if "55" in fields:
        fields["55"] = f"•••• {len(fields['55']) // HEX_DIGITS_A_BYTE} bytes of chip data"
    if "48" in fields:
        fields["48"] = _BLOCK.sub("cb=••••", fields["48"])
    return fields


def tell_sent(emit: Emit, network: str, message: Message, subject: Subject) -> None:
    """A request has left."""
    emit(
        "message.sent",
        actor="switch",
        payment_id=subject.payment_id,
        tap_id=subject.tap_id,
        data={"network": network, "mti": message.kind, "fields": masked_fields(message)},
    )


def tell_received(
    emit: Emit, network: str, message: Message, subject: Subject, duration_us: int
) -> None:
    """An answer has arrived, `duration_us` after its request left."""
    emit(
        "message.received",
        actor=network,
        payment_id=subject.payment_id,
        tap_id=subject.tap_id,
        data={
            "network": network,
            "mti": message.kind,
            "fields": masked_fields(message),
            "duration_us": duration_us,
        },
    )
