"""An exchange as the event log tells of it: masked, with its frames where the reader told them."""

from __future__ import annotations

from hardware.api import Exchange, frame_lines


def told_of(exchange: Exchange) -> dict[str, object]:
    """The data of a `tap.apdu` event. Frames are lines, as a trace writes them."""
    told: dict[str, object] = {
        "index": exchange.index,
        "name": exchange.name,
        "command": exchange.masked_command,
        "response": exchange.masked_response,
        "sw": exchange.masked_response[-4:],
        "duration_us": exchange.duration_us,
    }
    if exchange.frames:
        told["frames"] = frame_lines(exchange.frames)
    return told
