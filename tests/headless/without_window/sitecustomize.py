"""Python reads this first: window and driver libraries are not there, and who asks is noted.

Put in front of PYTHONPATH by the tests of this folder, so that it reaches the engine's process too.
Looking whether a library is installed (`find_spec`) is told from importing it. Standard library
only.
"""

import importlib.machinery
import os
import sys
from pathlib import Path

BLOCKED = frozenset({"PySide6", "shiboken6", "pyqtgraph", "smartcard", "nfc", "usb1", "serial"})


def _note(what: str) -> None:
    with Path(os.environ["TAPLAB_ASKED_FOR"]).open("a", encoding="utf-8") as book:
        book.write(f"{os.getpid()} {what}\n")


def _only_looks() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib.util":
            return True
        frame = frame.f_back
    return False


class _Without(importlib.machinery.PathFinder):
    """The path finder, blind for some names."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        """As the path finder; None for what is blocked."""
        if fullname.partition(".")[0] in BLOCKED:
            _note(f"{'looks for' if _only_looks() else 'imports'} {fullname}")
            return None
        return super().find_spec(fullname, path, target)


sys.meta_path[:] = [
    _Without if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path
]
_note("starts")
