"""The machine as the doctor sees it: files under a root, programs that answer, who asks.

Everything a check looks at comes from here, so that a Linux with a grabbed reader, a Mac or a
Windows can be shown in a test as a folder and a few answers. Decides nothing. Programs are asked
with a limit, since a doctor that hangs helps nobody.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from hardware.api import NfcTrouble, PcscTrouble, ReaderInfo, survey_nfc, survey_pcsc

COMMAND_LIMIT_S = 15.0
"""PowerShell takes seconds to start on a cold machine."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a program answered: its exit code and what it wrote."""

    code: int
    text: str


Runner: TypeAlias = Callable[[Sequence[str]], "Said | None"]


def ask(command: Sequence[str]) -> Said | None:
    """Run a program of the system's; None where it is not there or does not end."""
    try:
        done = subprocess.run(  # noqa: S603 - the checks' own command lines, nothing from outside
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Said(done.returncode, done.stdout)


def _own_groups() -> frozenset[str]:
    """The groups of this process, which a new membership joins at the next login only."""
    if sys.platform == "win32":
        return frozenset()
    import grp

    names = set()
    for number in {*os.getgroups(), os.getegid()}:
        with contextlib.suppress(KeyError):  # a group without a name
            names.add(grp.getgrgid(number).gr_name)
    return frozenset(names)


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user number without a name, as containers have
        return "$USER"


def _may_use(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine to look at.

    Attributes:
        root: where its files begin.
        system: as `sys.platform` names it.
        run: asks a program; None where there is no such program.
        environment: of whoever asks.
        user: who asks.
        groups: the groups that this process has.
        may_use: whether this process may read and write a device.
        pcsc: the PC/SC readers, or why there are none.
        nfc: the NFC controllers, or why nobody can tell.
    """

    root: Path = Path("/")
    system: str = sys.platform
    run: Runner = ask
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    user: str = field(default_factory=_own_name)
    groups: frozenset[str] = field(default_factory=_own_groups)
    may_use: Callable[[Path], bool] = _may_use
    pcsc: Callable[[], tuple[ReaderInfo, ...] | PcscTrouble] = survey_pcsc
    nfc: Callable[[], tuple[ReaderInfo, ...] | NfcTrouble] = survey_nfc

    def read(self, *parts: str) -> str | None:
        """A file's text without the white space round it; None where it cannot be read."""
        return read_text(self.root.joinpath(*parts))

    def texts(self, folders: Sequence[str], pattern: str) -> dict[str, str]:
        """Files by name, as a system reads its drop-in folders: the first folder's one counts.

        A file that may not be read is left out: `can_list` tells of a whole folder that may not.
        """
        found: dict[str, str] = {}
        for folder in folders:
            with contextlib.suppress(OSError):
                for path in sorted(self.root.joinpath(folder).glob(pattern)):
                    text = read_text(path)
                    if text is not None:
                        found.setdefault(path.name, text)
        return found

    def can_list(self, folder: str) -> bool:
        """Whether a folder may be looked into; one that is not there hides nothing."""
        path = self.root / folder
        return not path.is_dir() or os.access(path, os.R_OK | os.X_OK)


def read_text(path: Path) -> str | None:
    """A file's text without the white space round it; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
