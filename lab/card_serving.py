"""The phone's card, held into a virtual reader or a real field for as long as it is wanted.

Wires the secure element's card to a `VpcdClient` or an `NfcClient` and plays the person who holds
the phone: looks at it when a reader asks for something and a payment is still allowed. The secure
element lives in the event loop's thread, the connection in one of its own; what happens arrives as
events, in order. It decides nothing about money and knows no terminal, no payment and no APDU
beyond "a reader asked for a payment and the phone refused".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from backend.api import EventLog, Stream
from hardware.api import (
    Address,
    Card,
    FaceAssertion,
    FaceSensor,
    HardwareError,
    NfcAddress,
    NfcClient,
    Nfcpy,
    NotArmed,
    PoweredCard,
    Publication,
    ScanOutcome,
    SecureElement,
    Transmission,
    VpcdClient,
    stripe_card,
)
from lab.published_trace import PublishedTrace, TraceKept

_SEE_PHONE = bytes.fromhex("6986")
_CHECKSUM, _LOOK_AT_ME = b"\x2a", bytes.fromhex("DF4B030001009000")
"""In mag-stripe mode a phone says inside its answer that its owner is wanted (Book C-2)."""


class Arm(StrEnum):
    """When the person looks at the phone."""

    ONCE = "once"
    """For one payment; the phone waits for it as long as it takes."""
    ALWAYS = "always"
    """Again after each payment."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Tapped:
    """A cryptogram left the phone; what a terminal does with it is not known here."""

    atc: int
    armed_again: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A reader asked for a payment, and nobody had been recognised."""


@dataclass(frozen=True, slots=True)
class Read:
    """A program read the card: commands in one session, from power to reset."""

    commands: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The card could not answer; the program was told 6F00."""

    why: str


Happened: TypeAlias = Publication | Tapped | Refused | Read | Failed | TraceKept


class HeldPhone:
    """One token of a phone that somebody holds to a reader and looks at."""

    def __init__(
        self,
        element: SecureElement,
        token_ref: str,
        arm: Arm,
        *,
        with_pse: bool,
        mag_stripe: bool = False,
        log: EventLog,
        tell: Callable[[Happened], None],
    ) -> None:
        """A phone nobody has looked at yet.

        Args:
            element: the phone's secure element.
            token_ref: the token that is shown.
            arm: when its owner looks at it.
            with_pse: contact readers find the application too.
            mag_stripe: the card is one of the stripe age.
            log: hears that the phone was armed.
            tell: hears what happens to the card.
        """
        self._element = element
        self._sensor: FaceSensor = element.face_sensor()
        self._token_ref = token_ref
        self._arm = arm
        self._with_pse = with_pse
        self._mag_stripe = mag_stripe
        self._log = log
        self._tell = tell
        self._looks_left = {Arm.NEVER: 0, Arm.ONCE: 1, Arm.ALWAYS: 1}[arm]

    def present(self) -> Card:
        """The card as fresh as when it comes into a field."""
        if self._mag_stripe:
            return _HeldCard(
                self,
                stripe_card(
                    self._element, token_ref=self._token_ref, on_cryptogram=self._cryptogram_left
                ),
            )
        card = self._element.card(
            token_ref=self._token_ref, with_pse=self._with_pse, on_cryptogram=self._cryptogram_left
        )
        return _HeldCard(self, card)

    def look(self) -> None:
        """Look at the phone, if a payment is allowed and the last look does not count any more."""
        if not self._looks_left or self._element.armed == self._token_ref:
            return
        seen = self._sensor.scan(self._element.challenge(), ScanOutcome.MATCH)
        assert isinstance(seen, FaceAssertion), "its owner's face matches"
        try:
            self._element.arm(seen, self._token_ref)
        except NotArmed as gone:  # the token was removed meanwhile: the card says so by itself
            self._tell(Failed(str(gone)))
            self._looks_left = 0
            return
        self._log.emit("phone.armed", actor="phone", data={"method": seen.method})

    def refused(self) -> None:
        """A reader asked for a payment in vain."""
        self._tell(Refused())

    def _cryptogram_left(self, _token_ref: str, atc: int) -> None:
        if self._arm is Arm.ONCE:
            self._looks_left = 0
        self._tell(Tapped(atc, armed_again=bool(self._looks_left)))


class _HeldCard:
    """The card, looked at before it answers."""

    def __init__(self, phone: HeldPhone, card: Card) -> None:
        self._phone = phone
        self._card = card

    def transmit(self, command: bytes) -> bytes:
        self._phone.look()
        answer = self._card.transmit(command)
        if answer == _SEE_PHONE or (command[1:2] == _CHECKSUM and answer.endswith(_LOOK_AT_ME)):
            self._phone.refused()
        return answer


@dataclass(frozen=True, slots=True)
class Serving:
    """What is published, where and how."""

    address: Address | NfcAddress
    """vpcd's, or that of an NFC controller."""
    token_ref: str
    arm: Arm
    transmission: Transmission
    with_pse: bool
    mag_stripe: bool = False


async def serve(
    serving: Serving,
    element: SecureElement,
    *,
    log: EventLog,
    stream: Stream,
    stop: asyncio.Event,
    trace: PublishedTrace | None = None,
) -> AsyncGenerator[Happened, None]:
    """Publish until `stop`; what happens meanwhile, as it happens.

    Args:
        serving: what is published.
        element: the phone's secure element, which lives in this thread.
        log: hears that the phone was armed.
        stream: the card's random identifiers.
        stop: ends it.
        trace: writes down what is asked.

    Raises:
        VpcdUnreachable, NfcUnreachable: the card never got into the reader.
        DriverMissing: the library that drives the controller is not installed.
    """
    happened: asyncio.Queue[Happened | None] = asyncio.Queue()
    phone = HeldPhone(
        element,
        serving.token_ref,
        serving.arm,
        with_pse=serving.with_pse,
        mag_stripe=serving.mag_stripe,
        log=log,
        tell=happened.put_nowait,
    )
    try:
        publishing = publish(
            serving.address,
            phone.present,
            transmission=serving.transmission,
            stream=stream,
            stop=stop,
            happened=happened,
            trace=trace,
        )
        async with contextlib.aclosing(publishing):
            async for event in publishing:
                yield event
    finally:
        element.disarm()


async def publish(
    address: Address | NfcAddress,
    present: Callable[[], Card],
    *,
    stream: Stream,
    stop: asyncio.Event,
    transmission: Transmission = Transmission.T1,
    happened: asyncio.Queue[Happened | None] | None = None,
    trace: PublishedTrace | None = None,
) -> AsyncGenerator[Happened, None]:
    """Hold a card into a reader or a field until `stop`; what happens meanwhile, as it happens.

    Args:
        address: vpcd's, or that of an NFC controller.
        present: gives the card, as fresh as when it comes into a field; called in this thread.
        stream: the card's random identifiers.
        stop: ends it.
        transmission: the protocol of a virtual reader.
        happened: where the card's holder adds what it knows.
        trace: writes down what is asked.

    Raises:
        VpcdUnreachable, NfcUnreachable: the card never got into the reader.
        DriverMissing: the library that drives the controller is not installed.
    """
    loop = asyncio.get_running_loop()
    told = happened or asyncio.Queue()

    def failed(failure: HardwareError) -> None:
        told.put_nowait(Failed(str(failure)))

    card = PoweredCard(
        present,
        transmission,
        stream,
        on_session=lambda commands: told.put_nowait(Read(commands)),
        on_failure=failed,
        witness=trace,
    )
    if trace is not None:
        trace.tell = told.put_nowait

    def at_home(work: Callable[[], bytes | None]) -> Future[bytes | None]:
        async def run() -> bytes | None:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), loop)

    def tell(publication: Publication) -> None:
        loop.call_soon_threadsafe(told.put_nowait, publication)

    client: VpcdClient | NfcClient
    match address:
        case NfcAddress() as controller:
            opening = Nfcpy().open if trace is None else trace.overhearing(Nfcpy().open, loop)
            client = NfcClient(controller, opening, card, at_home=at_home, tell=tell)
        case Address() as vpcd:
            client = VpcdClient(vpcd, card, at_home=at_home, tell=tell)
    running = asyncio.ensure_future(asyncio.to_thread(client.run))
    running.add_done_callback(lambda _: told.put_nowait(None))
    stopping = asyncio.ensure_future(stop.wait())
    stopping.add_done_callback(lambda _: client.stop())
    try:
        while (event := await told.get()) is not None:
            yield event
        await running
    finally:
        stopping.cancel()
        client.stop()
        await asyncio.wait([running])
