"""A till that is a gate of public transport: what its display calls the reader."""

from __future__ import annotations

from hardware.api import ANNOUNCE, Reader, TerminalConfig
from lab.words import tr


def standing_at(reader: Reader, config: TerminalConfig) -> str:
    """Where the till stands; at a gate also whether its reader can say so to a phone."""
    if not config.transit:
        return reader.name
    announced = ANNOUNCE in reader.capabilities
    return tr("pos.gate" if announced else "pos.gate.silent", reader=reader.name)
