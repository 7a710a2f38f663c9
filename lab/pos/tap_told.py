"""What the till's events say of a tap: each exchange as it ends, and how the kernel ended.

Masked already, and nothing an account number could be read from. Knows no log.
"""

from __future__ import annotations

from hardware.api import Exchange, TapResult, frame_lines


def exchange_told(exchange: Exchange) -> dict[str, object]:
    """The data of `tap.apdu`; frames, where the reader told them, as lines of a trace.

    Without the selection: a stranger's identifier has no business in a log.
    """
    told: dict[str, object] = {
        "index": exchange.index,
        "name": exchange.name,
        "command": exchange.masked_command,
        "response": exchange.masked_response,
        "sw": exchange.masked_response[-4:],
        "duration_us": exchange.duration_us,
    }
    if heard := [frame for frame in exchange.frames if not frame.told]:
        told["frames"] = frame_lines(heard)
    return told


def outcome_told(tap: TapResult) -> dict[str, object]:
    """The data of `tap.outcome`; `recovered` where the cryptogram is an earlier, torn tap's."""
    return {
        "outcome": tap.outcome.name.lower(),
        "reason": tap.reason,
        "kernel": tap.kernel,
        "steps": list(tap.steps),
        "apdu_count": tap.apdu_count,
        "reader_us": tap.reader_us,
        "atc": tap.atc,
        "cryptogram_type": tap.cryptogram_type,
        "recovered": tap.recovered,
    }
