"""A bench for the hardware tests: virtual time, a seeded stream, a phone with cards, a reader.

No test sleeps: the scheduler moves the clock and runs what was planned for the time it passes, so
"the card is pulled 80 ms into GPO" is one line. Coroutines never really wait, so they are driven by
hand without an event loop.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey
from pyemv.ac import PaddingType, generate_ac
from pyemv.kd import derive_common_sk, derive_icc_mk_a

from hardware.api import (
    INSTANT,
    EmulatedReader,
    FaceAssertion,
    SecureElement,
    TapRequest,
    TerminalConfig,
    run_tap,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from hardware.api import CardLink, TapResult, TimingProfile

SEAL_KEY = bytes(range(32))
START_US = 1_795_000_000_000_000


class SeededStream:
    """A stream that repeats: SHA-256 of seed and position."""

    def __init__(self, seed: str) -> None:
        self.seed, self.position = seed, 0

    def bytes(self, n: int) -> bytes:
        out = b""
        while len(out) < n:
            out += hashlib.sha256(f"{self.seed}|{self.position}".encode()).digest()
            self.position += 1
        return out[:n]

    def random(self) -> float:
        return int.from_bytes(self.bytes(6), "big") / 2**48

    def randint(self, a: int, b: int) -> int:
        return a + int(self.random() * (b - a + 1))


class VirtualTime:
    """Clock and scheduler in one; actions planned for later run when time passes them."""

    def __init__(self) -> None:
        self.elapsed_us = 0
        self.planned: list[tuple[int, Callable[[], None]]] = []

    def now_us(self) -> int:
        return START_US + self.elapsed_us

    def monotonic_us(self) -> int:
        return self.elapsed_us

    def plan(self, after_ms: float, action: Callable[[], None]) -> None:
        self.planned.append((self.elapsed_us + int(after_ms * 1000), action))
        self.planned.sort(key=lambda entry: entry[0])

    async def sleep(self, seconds: float) -> None:
        end = self.elapsed_us + round(seconds * 1_000_000)
        while self.planned and self.planned[0][0] <= end:
            self.elapsed_us, action = self.planned.pop(0)
            action()
        self.elapsed_us = end


def complete(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never really waits."""
    try:
        work.send(None)
    except StopIteration as finished:
        return finished.value
    work.close()
    raise AssertionError("the coroutine waited for something outside virtual time")


NETWORK_DATA = {
    "visa": ("4242424242424242", "V", "40010030273"),
    "mastercard": ("5555555555554444", "M", "50110030273"),
    "amex": ("378282246310005", "A", "50010030273"),
}


ORDINARY_VERSIONS = {"visa": "12", "mastercard": "14", "amex": "01"}


def credentials(network: str = "visa", **changes: object) -> dict[str, object]:
    """A token as the network's token service would send it."""
    dpan, letter, requestor = NETWORK_DATA[network]
    document: dict[str, object] = {
        "sessionId": f"session-{network}",
        "network": network,
        "tokenRef": f"tok-{network}",
        "dpan": dpan,
        "expiry": "2912",
        "psn": "01",
        "par": letter * 29,
        "tokenRequestorId": requestor,
        "cvn": ORDINARY_VERSIONS[network],
        "keys": {
            "proximity": {"mk": "11223344556677889900AABBCCDDEEF0", "dki": "01"},
            "remote": {"mk": "0FEDCBA987654321FEDCBA9876543210", "dki": "02"},
        },
        "label": f"Lab {network}",
        "serviceCode": "201",
        "replaces": None,
    }
    return document | changes


def seal_for(element: SecureElement, document: object) -> str:
    key = ECKey.import_key(element.public_key())
    header = {"alg": "ECDH-ES", "enc": "A256GCM"}
    return jwe.encrypt_compact(header, json.dumps(document).encode(), key)


class Bench:
    """One phone, one till, one reader, one virtual time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = VirtualTime()
        self.stream = SeededStream("bench")
        self.path = folder / "element.db"
        self.element = self.open()
        self.sensor = self.element.face_sensor(passcode="246810")
        self.config = TerminalConfig()
        self.request = TapRequest(1240, 840)

    def open(self, path: Path | None = None, seal_key: bytes = SEAL_KEY) -> SecureElement:
        stream = SeededStream("element")
        return SecureElement.open(
            path or self.path, seal_key=seal_key, clock=self.time, stream=stream
        )

    def install(self, network: str = "visa", **changes: object) -> str:
        document = credentials(network, **changes)
        return self.element.install(seal_for(self.element, document)).token_ref

    def arm(self, reference: str = "tok-visa") -> None:
        assertion = self.sensor.scan(self.element.challenge(), "match")
        assert isinstance(assertion, FaceAssertion)
        self.element.arm(assertion, reference)

    def reader(self, profile: TimingProfile = INSTANT) -> EmulatedReader:
        return EmulatedReader("Bench", self.time, profile, self.stream)

    def link(self, card: Any = None, profile: TimingProfile = INSTANT) -> CardLink:
        reader = self.reader(profile)
        reader.present(card if card is not None else self.element.card())
        return complete(reader.wait_for_card(1))

    def tap(self, link: CardLink | None = None, **options: Any) -> TapResult:
        config = options.pop("config", self.config)
        request = options.pop("request", self.request)
        return complete(
            run_tap(
                link if link is not None else self.link(),
                config,
                request,
                clock=self.time,
                stream=self.stream,
                **options,
            )
        )


class ScriptedCard:
    """A card whose answers are given: by instruction byte, or by command."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self.answers = answers
        self.commands: list[bytes] = []

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(command)
        for start, answer in self.answers.items():
            if command.startswith(start):
                return answer
        return bytes.fromhex("6A82")


class Oracle:
    """pyemv, an independent implementation. Its old way to 3DES warns; ours must not."""

    def _quietly(self, work: Callable[..., bytes], *values: object) -> bytes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return work(*values)

    def card_key(self, issuer_key: bytes, pan: str, psn: str) -> bytes:
        return self._quietly(derive_icc_mk_a, issuer_key, pan, psn)

    def common_session(self, card_key: bytes, atc: bytes) -> bytes:
        return self._quietly(derive_common_sk, card_key, atc + bytes(6))

    def cryptogram(self, key: bytes, data: bytes, *, visa_padding: bool) -> bytes:
        padding = PaddingType.VISA if visa_padding else PaddingType.EMV
        return self._quietly(generate_ac, key, data, padding)


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench with one Visa token installed."""
    made = Bench(tmp_path)
    made.install()
    yield made
    made.element.close()


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Drives a coroutine that never really waits."""
    return complete


@pytest.fixture
def stream() -> SeededStream:
    return SeededStream("test")


@pytest.fixture
def make_credentials() -> Callable[..., dict[str, object]]:
    return credentials


@pytest.fixture
def seal() -> Callable[[SecureElement, object], str]:
    return seal_for


@pytest.fixture
def scripted_card() -> type[ScriptedCard]:
    return ScriptedCard


@pytest.fixture
def virtual_time() -> VirtualTime:
    return VirtualTime()
