"""Pre-flight's checks as pure functions: from what was seen to a line with at most one action."""

from __future__ import annotations

from lab.console.state import Deviation
from lab.preflight.state import PreflightLine, ScreenSize
from lab.preflight.wakefulness import Sleep
from lab.words import Message, message, tell

SLOW_ENGINE_MS = 250.0
NARROW_PX = 1180
LOW_PX = 640
ROOM_FROM_PX = 1600
"""From this width on a window is for a room rather than a desk, or on a large screen."""
ROOM_SCALE = 1.25


def reader_line(name: str, read_ms: float | None, problem: str) -> PreflightLine:
    """Whether the till's reader is there, and has read something once."""
    if problem:
        text = message("preflight.reader.gone", "bad", reader=name, why=problem)
        return PreflightLine("reader", text, "read_once")
    if read_ms is None:
        text = message("preflight.reader.seen", "waiting", reader=name)
        return PreflightLine("reader", text, "read_once")
    return PreflightLine(
        "reader", message("preflight.reader.read", "good", reader=name, ms=f"{read_ms:.0f}")
    )


def engine_line(answered_ms: float | None, why: str) -> PreflightLine:
    """Whether the engine answers, and how fast."""
    if answered_ms is None:
        return PreflightLine("engine", message("preflight.engine.down", "bad", why=why), "again")
    slow = answered_ms > SLOW_ENGINE_MS
    key = "preflight.engine.slow" if slow else "preflight.engine.up"
    text = message(key, "waiting" if slow else "good", ms=f"{answered_ms:.0f}")
    return PreflightLine("engine", text, "again" if slow else "")


def faults_line(deviations: tuple[Deviation, ...] | None) -> PreflightLine:
    """Whether anything is not normal, the clock aside; None where nobody could say."""
    if deviations is None:
        return PreflightLine("faults", Message("preflight.unknown", "waiting"), "again")
    others = [deviation for deviation in deviations if deviation.kind != "clock"]
    if not others:
        return PreflightLine("faults", Message("preflight.faults.none", "good"))
    what = "; ".join(tell(deviation.text) for deviation in others)
    text = message("preflight.faults.some", "bad", count=len(others), what=what)
    return PreflightLine("faults", text, "normal")


def clock_line(deviations: tuple[Deviation, ...] | None) -> PreflightLine:
    """Whether lab time is the real time."""
    if deviations is None:
        return PreflightLine("clock", Message("preflight.unknown", "waiting"), "again")
    if any(deviation.kind == "clock" for deviation in deviations):
        return PreflightLine("clock", Message("preflight.clock.moved", "bad"), "normal")
    return PreflightLine("clock", Message("preflight.clock.real", "good"))


def sleep_line(sleep: Sleep) -> PreflightLine:
    """Whether the machine stays awake."""
    match sleep:
        case Sleep.PREVENTED:
            return PreflightLine("sleep", Message("preflight.sleep.prevented", "good"))
        case Sleep.POSSIBLE:
            return PreflightLine(
                "sleep", Message("preflight.sleep.possible", "waiting"), "keep_awake"
            )
        case Sleep.UNKNOWN:
            return PreflightLine(
                "sleep", Message("preflight.sleep.unknown", "waiting"), "keep_awake"
            )


def sound_line() -> PreflightLine:
    """Tones stand in words; whether this machine sounds, an ear must say."""
    return PreflightLine("sound", Message("preflight.sound", "good"), "beep")


def screen_line(size: ScreenSize) -> PreflightLine:
    """Whether a back row can read it."""
    values = {"width": size.width_px, "height": size.height_px, "scale": f"{size.scale:g}"}
    if size.width_px / size.scale < NARROW_PX or size.height_px / size.scale < LOW_PX:
        text = message("preflight.screen.small", "waiting", **values)
        return PreflightLine("screen", text, "fill")
    if size.width_px >= ROOM_FROM_PX and size.scale < ROOM_SCALE:
        text = message("preflight.screen.fine_print", "waiting", **values)
        return PreflightLine("screen", text, "fill")
    return PreflightLine("screen", message("preflight.screen.good", "good", **values), "fill")
