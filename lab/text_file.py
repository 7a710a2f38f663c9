"""A text file that a person names: read whole, or refused in words that say which file and why."""

from __future__ import annotations

from pathlib import Path

from lab.errors import WrongUse


def read_text_file(path: Path, bytes_max: int) -> str:
    """The text of a file.

    Raises:
        WrongUse: it cannot be read, is longer than `bytes_max`, or is no UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > bytes_max:
            raise WrongUse(f"{path} has {size} bytes, and at most {bytes_max} are read")
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise WrongUse(f"{path} cannot be read ({fault.strerror})") from fault
    except UnicodeDecodeError as fault:
        raise WrongUse(f"{path} is no text in UTF-8 (byte {fault.start})") from fault
