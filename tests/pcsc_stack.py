"""A private smart-card service for tests: pcscd and vpcd in namespaces of their own, no systemd.

Theory of operation: `unshare` gives a user, network and mount namespace, as root or not. Inside,
/run is empty and /run/pcscd is a folder of the test run, so the service's socket appears outside
and PCSCLITE_CSOCK_NAME points libpcsclite at it (it reads the variable once a process: one path a
run). vpcd listens on every address, but in there loopback is all there is; `pcsc_gate` lets cards
from outside in through loopback ports of their own. Where the system refuses namespaces or misses
a program, `Missing` says so with the remedy.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.pcsc_card import VirtualCard

ACR122U = "ACS ACR122U PICC Interface"
OMNIKEY = "HID Global OMNIKEY 5022 Smart Card Reader"
FIRST_PORT = 0x8C7B
SLOTS = 2
READERS_MAX = 2
FOLDER = Path(tempfile.gettempdir(), f"pcsc-{os.getpid()}")
# From the start, for every process of the run: a test that merely looks for readers must neither
# find the machine's own service nor let libpcsclite remember where that is.
os.environ["PCSCLITE_CSOCK_NAME"] = str(FOLDER / "run" / "pcscd.comm")
PROGRAMS = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "pcscd": "pcscd",
}
DRIVER_FOLDERS = ("/usr/lib/pcsc/drivers/serial", "/usr/lib64/pcsc/drivers/serial")
START_S = 10.0
RETRY_S = 0.002
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
_MAKE_PRIVATE = """
mount -t tmpfs none /run && mkdir /run/pcscd && mount --bind "$1" /run/pcscd &&
ip link set lo up && shift && exec "$@"
"""


class Missing(Exception):
    """The stack cannot run here; the message says what is missing and what to do about it."""


class PcscStack:
    """One namespace, in which the service is started, stopped and killed as a test likes."""

    def __init__(self) -> None:
        self._driver = _find_all()
        self.folder = FOLDER
        self._shared = self.folder / "run"
        self._config = self.folder / "readers"
        if self.folder.exists():  # of a run that was killed and had this run's process number
            shutil.rmtree(self.folder)
        self._shared.mkdir(parents=True)
        self._config.mkdir()
        self._service: subprocess.Popen[str] | None = None
        self._cards: list[VirtualCard] = []
        self.log: list[str] = []
        doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(READERS_MAX * SLOTS)]
        self._ports = [door.getsockname()[1] for door in doors]
        self._gate = self._make_private(doors)
        for door in doors:
            door.close()

    @property
    def running(self) -> bool:
        """Whether the service runs."""
        return self._service is not None and self._service.poll() is None

    @property
    def service_pid(self) -> int:
        """The service's process, for a test that counts what it does."""
        assert self._service is not None, "start() comes first"
        return self._service.pid

    def vpcd_address(self, slot: int = 0, reader: int = 0) -> tuple[str, int]:
        """Host and port outside where a card reaches that slot, as `card serve --vpcd` takes it."""
        return "127.0.0.1", self._ports[reader * SLOTS + slot]

    def reader_name(self, slot: int = 0, name: str = ACR122U) -> str:
        """What PC/SC programs call that slot of the first reader with this name."""
        return f"{name} 00 {slot:02X}"

    def inside(self, *command: str) -> list[str]:
        """A command line that runs in the namespace, where vpcd's own ports are."""
        user = ["-U"] if self._has_user_namespace else []
        return [
            _program("nsenter"), "--preserve-credentials", "-t", str(self._gate.pid),
            *user, "-m", "-n", "--", *command,
        ]  # fmt: skip

    def start(self, *names: str) -> None:
        """Run the service with these readers (an ACR122U unless named), and wait until it serves.

        Raises:
            Missing: it did not come up; with what it said.
        """
        assert not self.running, "one service at a time"
        assert len(names) <= READERS_MAX, "more readers need more doors"
        self._write_config(names or (ACR122U,))
        for left in self._shared.iterdir():  # a killed service leaves socket and pid behind
            left.unlink()
        options = ["--foreground", "--info", "--config", str(self._config)]
        if "--disable-polkit" in _output(_program("pcscd"), "--help"):
            options.append("--disable-polkit")
        self._service = subprocess.Popen(  # noqa: S603 - the system's own programs
            # It must not outlive a test run that was killed.
            self.inside(_program("setpriv"), "--pdeathsig", "KILL", _program("pcscd"), *options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        self.log = []
        threading.Thread(target=_follow, args=(self._service, self.log, ready), daemon=True).start()
        if not ready.wait(START_S) or not self._answers():
            self.kill()
            raise Missing(f"pcscd does not start: {''.join(self.log[-5:])}")

    def stop(self) -> None:
        """Stop the service as an administrator does."""
        if self._service is not None:
            self._service.terminate()
            self._service.wait(START_S)

    def kill(self) -> None:
        """Kill it with signal 9, as a crash does."""
        if self._service is not None:
            self._service.kill()
            self._service.wait(START_S)

    def insert(
        self, answer: Callable[[bytes], object], *, slot: int = 0, reader: int = 0
    ) -> VirtualCard:
        """Put a card in that may answer as `VirtualCard` says; seen at the service's next look."""
        card = VirtualCard(self.vpcd_address(slot, reader), answer)
        self._cards.append(card)
        return card

    def remove_cards(self) -> None:
        """Take every card out that a test put in."""
        for card in self._cards:
            card.remove()
        self._cards.clear()

    def close(self) -> None:
        """End the service and the namespace."""
        self.remove_cards()
        self.kill()
        assert self._gate.stdin is not None
        self._gate.stdin.close()
        self._gate.wait(START_S)
        assert self._gate.stdout is not None
        self._gate.stdout.close()
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        """Whether the service takes clients. It says "ready" a moment before it does."""
        between = threading.Event()
        for _ in range(int(START_S / RETRY_S)):
            if not self.running:
                return False
            with socket.socket(socket.AF_UNIX) as client:
                if client.connect_ex(os.environ["PCSCLITE_CSOCK_NAME"]) == 0:
                    return True
            between.wait(RETRY_S)
        return False

    def _make_private(self, doors: Sequence[socket.socket]) -> subprocess.Popen[str]:
        inner = [
            "/bin/sh", "-c", _MAKE_PRIVATE, "private", str(self._shared),
            sys.executable, str(Path(__file__).with_name("pcsc_gate.py")),
            *(f"{door.fileno()}:{FIRST_PORT + n}" for n, door in enumerate(doors)),
        ]  # fmt: skip
        said = ""
        # Root in a container may have the right to namespaces but not to user namespaces.
        for options in ("-Urmn", "-mn"):
            gate = subprocess.Popen(  # noqa: S603 - the system's own programs
                [_program("unshare"), options, *inner],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PATH": _PATH},
                pass_fds=[door.fileno() for door in doors],
            )
            assert gate.stdout is not None
            assert gate.stderr is not None
            if gate.stdout.readline() == "open\n":
                gate.stderr.close()
                self._has_user_namespace = "U" in options
                return gate
            said += gate.communicate()[1]
        shutil.rmtree(self.folder)
        raise Missing(
            f"this system refuses namespaces ({' '.join(said.split())}); allow them: "
            "sysctl kernel.unprivileged_userns_clone=1 and user.max_user_namespaces=1000, "
            "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, or in a container "
            "--cap-add SYS_ADMIN --security-opt apparmor=unconfined"
        )

    def _write_config(self, names: Sequence[str]) -> None:
        entries = []
        for number, name in enumerate(names):
            # vpcd keeps its slots in the library: a second reader needs a library of its own.
            driver = self.folder / f"libifdvpcd{number}.so"
            if not driver.exists():
                shutil.copy(self._driver, driver)
            port = f"0x{FIRST_PORT + number * SLOTS:04X}"
            entries.append(
                f'FRIENDLYNAME "{name}"\nDEVICENAME /dev/null:{port}\n'
                f"LIBPATH {driver}\nCHANNELID {port}\n"
            )
        (self._config / "readers").write_text("\n".join(entries))


def _follow(service: subprocess.Popen[str], log: list[str], ready: threading.Event) -> None:
    assert service.stdout is not None
    with service.stdout:
        for line in service.stdout:
            log.append(line)
            if "daemon ready" in line:
                ready.set()
    ready.set()


def _find_all() -> Path:
    """The driver of vpcd, once everything else is there too."""
    if not sys.platform.startswith("linux"):
        raise Missing("a private smart-card service needs Linux namespaces")
    packages = {package for program, package in PROGRAMS.items() if not _which(program)}
    drivers = [path for f in DRIVER_FOLDERS if (path := Path(f, "libifdvpcd.so")).exists()]
    if not drivers:
        packages.add("vsmartcard-vpcd")
    if ctypes.util.find_library("pcsclite") is None:
        packages.add("libpcsclite1")
    if packages:
        line = " ".join(sorted(packages))
        raise Missing(f"missing {line}; on Debian: sudo apt-get install -y {line}")
    if importlib.util.find_spec("smartcard") is None:
        raise Missing(
            "pyscard is missing; sudo apt-get install -y gcc libpcsclite-dev python3-dev, "
            "then python3 start.py test"
        )
    return drivers[0]


def _which(program: str) -> str | None:
    return shutil.which(program, path=_PATH)


def _program(name: str) -> str:
    path = _which(name)
    assert path is not None, f"{name} was looked for at the start"
    return path


def _output(*command: str) -> str:
    return subprocess.run(  # noqa: S603 - the system's own programs
        command, capture_output=True, text=True, check=False
    ).stdout


@pytest.fixture(scope="session")
def pcsc_namespace() -> Iterator[PcscStack]:
    """The namespace, made once a run; its service is not started."""
    try:
        stack = PcscStack()
    except Missing as missing:
        pytest.skip(str(missing))
    yield stack
    stack.close()


@pytest.fixture
def pcsc_stack(pcsc_namespace: PcscStack) -> Iterator[PcscStack]:
    """A freshly started service with one reader of two slots, and no card in it."""
    try:
        pcsc_namespace.start()
    except Missing as missing:
        pytest.skip(str(missing))
    yield pcsc_namespace
    pcsc_namespace.remove_cards()
    pcsc_namespace.kill()
