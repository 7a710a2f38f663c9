"""Traces as files: read for the bench and the command line, written as text, JSON, page, capture.

Knows neither a window nor how the words of a trace came about.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson

from hardware.api import HardwareError, Trace, parse_trace, to_html, to_pcapng
from lab.errors import NotDone, WrongUse

FORMATS: dict[str, Callable[[Trace], bytes]] = {
    "json": lambda trace: orjson.dumps(trace.to_json(), option=orjson.OPT_INDENT_2),
    "html": lambda trace: to_html(trace).encode(),
    "pcapng": to_pcapng,
}
BY_SUFFIX: dict[str, Callable[[Trace], bytes]] = {
    **FORMATS,
    "apdu": lambda trace: trace.to_text().encode(),
}
TRACE_BYTES_MAX = 4 * 1024 * 1024


def read_trace(path: Path) -> Trace:
    """A `.apdu` file.

    Raises:
        WrongUse: it cannot be read, or is no trace; says why.
    """
    try:
        if path.stat().st_size > TRACE_BYTES_MAX:
            raise WrongUse(f"{path} is larger than {TRACE_BYTES_MAX} bytes")
        return parse_trace(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, HardwareError) as fault:
        raise WrongUse(f"{path} cannot be read as a trace ({fault})") from fault


def write_trace(path: Path, trace: Trace) -> None:
    """Write a trace in the form that the file's ending names.

    Raises:
        WrongUse: no form has that ending.
        NotDone: the file cannot be written.
    """
    ending = path.suffix.removeprefix(".").lower()
    if ending not in BY_SUFFIX:
        raise WrongUse(f"{path}: a trace is written as .{', .'.join(sorted(BY_SUFFIX))}")
    try:
        path.write_bytes(BY_SUFFIX[ending](trace))
    except OSError as fault:
        raise NotDone(f"{path} cannot be written ({fault.strerror})") from fault
