"""Programs that are not ours, pointed at the card that `card serve` has put into a real reader.

`opensc-tool` and `cardpeek` come from the system, `emvtool` from PyPI into a folder of the test
run. `Published` is our command in a process of its own. Knows nothing of how either side works.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Self

import pytest

from tests.pcsc_stack import PcscStack

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "data" / "emvtool-requirements.txt"
LIMIT_S = 60
PRESENT_MASK = 0x20
# emvtool asks the connection for its protocols, as it could until pyscard 2.0.
_EMVTOOL = """
from smartcard.CardConnection import CardConnection
from smartcard.CardConnectionDecorator import CardConnectionDecorator
CardConnectionDecorator.T0_protocol = CardConnection.T0_protocol
from emv.command.client import run
run()
"""


class Published:
    """`card serve` at work."""

    def __init__(self, stack: PcscStack, folder: Path, *options: str, slot: int = 0) -> None:
        host, port = stack.vpcd_address(slot)
        self._reader = stack.reader_name(slot)
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "lab", "card", "serve", "--json", *options,
             "--vpcd", f"{host}:{port}", "--data-dir", str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._lines: Queue[str] = Queue()
        self._following = threading.Thread(target=self._follow, daemon=True)
        self._following.start()

    def heard(self, *events: str) -> dict[str, object]:
        """The next of these events; others in between are passed over."""
        while True:
            line = self._lines.get(timeout=LIMIT_S)
            assert line, f"card serve ended: {self.process.stderr.read()}"
            said = json.loads(line)
            if said["event"] in events:
                return said

    def in_reader(self) -> dict[str, object]:
        """What was said when the card was published; PC/SC programs see it from here on."""
        published = self.heard("published")
        until_card(self._reader)
        return published

    def end(self) -> int:
        """Stop it as a shell does; its exit code."""
        self.process.terminate()
        return self.process.wait(LIMIT_S)

    def _follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.wait(LIMIT_S)
        self._following.join(LIMIT_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def until_card(reader: str, *, present: bool = True) -> None:
    """Wait until PC/SC sees a card in that reader, or none any more."""
    scard = pytest.importorskip("smartcard.scard")
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    assert code == 0
    state = 0
    while bool(state & PRESENT_MASK) is not present or not state:
        code, states = scard.SCardGetStatusChange(context, LIMIT_S * 1000, [(reader, state)])
        assert code == 0
        state = states[0][1]
    scard.SCardReleaseContext(context)


def run(*command: str, **environment: str) -> str:
    """What another program printed; it must have succeeded."""
    done = subprocess.run(  # noqa: S603 - programs of the system
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def opensc(*arguments: str) -> str:
    """`opensc-tool` on the first reader, which takes the card for no known kind."""
    if shutil.which("opensc-tool") is None:
        pytest.skip("opensc-tool is missing; on Debian: sudo apt-get install -y opensc")
    return run("opensc-tool", "-r", "0", "-c", "default", *arguments)


def answers(said: str) -> list[bytes]:
    """The answers in what `opensc-tool -s` printed, each with its status word."""
    found: list[bytes] = []
    for line in said.splitlines():
        if line.startswith("Received"):
            sw1, sw2 = (part[:2] for part in line.split("0x")[1:])
            found.append(bytes.fromhex(sw1 + sw2))
        elif found and not line.startswith("Sending"):
            # Sixteen bytes in hex and then as text; a short only line is not padded in between.
            data = bytes.fromhex(line[: 48 if len(line) > 48 else len(line) * 3 // 4])
            found[-1] = found[-1][:-2] + data + found[-1][-2:]
    return found


def emvtool(folder: Path, *arguments: str) -> str:
    """PyPI's `emvtool`, installed into `folder` at its first use there."""
    if not (folder / "emv").exists():
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--require-hashes", "--target", str(folder), "-r", str(REQUIREMENTS)],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            pytest.skip(f"emvtool cannot be installed (is PyPI out of reach?): {done.stderr}")
    return run(sys.executable, "-c", _EMVTOOL, *arguments, PYTHONPATH=str(folder))


def cardpeek(home: Path, reader: str) -> str:
    """What cardpeek's own EMV script finds, as the XML of its tree; it asks for a payment.

    Its questions are answered with the first choice. At the end of input it asks for ever, so its
    output goes nowhere.
    """
    scripts, view = home / ".cardpeek" / "scripts", home / "view.xml"
    scripts.mkdir(parents=True)
    _cardpeek(home, home, reader, "os.exit(0)")  # the first start only installs its scripts
    analysis = f'pcall(dofile, "{scripts}/emv.lua") ui.save_view("{view}") os.exit(0)'
    _cardpeek(home, scripts, reader, analysis)
    return view.read_text()


def _cardpeek(home: Path, folder: Path, reader: str, command: str) -> None:
    program = shutil.which("cardpeek")
    assert program is not None
    subprocess.run(  # noqa: S603 - a program of the system
        [program, "-c", "-r", f"pcsc://{reader}", "-e", command],
        cwd=folder,
        env={**os.environ, "HOME": str(home)},
        input=b"1\n" * 4,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=False,
    )
