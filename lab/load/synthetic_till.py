"""A till and a card that nobody holds: real taps at machine speed, marked as synthetic.

It has its own secure element file and its own device at the engine, so that it never spends a
counter of the phone's cards. Every cryptogram is made by the card and checked by the network like
any other; only the reader takes no time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from backend.api import Clock, Entropy, Scheduler, Stream, identifier
from hardware.api import (
    INSTANT,
    EmulatedReader,
    FaceAssertion,
    InstalledToken,
    Outcome,
    SecureElement,
    SecureElementBusy,
    TapRequest,
    TerminalConfig,
    run_tap,
)
from lab.amounts import currency_of
from lab.client import Endpoint, EngineClient
from lab.engine_shapes import NfcOrder
from lab.engine_stream import push_forever
from lab.engine_supervision import EngineSupervision
from lab.errors import EngineRefused, NotDone, SomethingMissing
from lab.json_fields import Json, section, text
from lab.seal_key import seal_key
from lab.wallet.add_card import CardDraft, seal

DEVICE_PREFIX = "dev_shop"
DEVICE_NAME = "Synthetic"
TERMINAL_ID = "T0000099"
MERCHANT_ID = "mer_corner_market"
CARDS = (  # a load card of each network: never out of money
    CardDraft("4000990000000012", "1230", "123", terms=True),
    CardDraft("5555559900000012", "1230", "123", terms=True),
    CardDraft("378282990000018", "1230", "1234", terms=True),
)
DEVICES_MAX = 16
DELIVERY_LIMIT_S = 5.0


class SyntheticTill:
    """Makes taps and pays them."""

    def __init__(
        self,
        *,
        client: EngineClient,
        element: SecureElement,
        clock: Clock,
        scheduler: Scheduler,
        stream: Stream,
    ) -> None:
        """Use `opened`; this takes an element that is already open.

        Args:
            client: the way to the engine; the lab's own phone and till are not on it.
            element: the synthetic card's own secure element.
            clock: lab time.
            scheduler: a real-time one.
            stream: unpredictable numbers, tap ids and keys.
        """
        self._client = client.beside_links()
        self._element = element
        self._sensor = element.face_sensor()
        self._clock = clock
        self._scheduler = scheduler
        self._stream = stream
        self._reader = EmulatedReader("Synthetic", scheduler, INSTANT, stream=stream)
        self._reader.present(element.card())
        self._config = TerminalConfig(terminal_id=TERMINAL_ID, merchant_id=MERCHANT_ID)
        self._sequence = 0
        self._known: tuple[InstalledToken, ...] = ()

    @property
    def cards(self) -> int:
        """How many synthetic cards there are."""
        return len(self._element.tokens())

    async def provision(self, endpoint: Endpoint, devices: int = 1) -> None:
        """See that the cards of so many synthetic devices are installed: a token for each card.

        Raises:
            NotDone: a token did not arrive.
            EngineRefused, EngineUnreachable: the engine said no, or nothing.
        """
        complete = min(len(self._of(card.network)) for card in CARDS)
        for number in range(complete, min(devices, DEVICES_MAX)):
            await self._provision_device(endpoint, f"{DEVICE_PREFIX}_{number}")

    async def _provision_device(self, endpoint: Endpoint, device_id: str) -> None:
        await self._client.register_device(device_id, kind="phone", name=DEVICE_NAME)
        wanted = self.cards + len(CARDS)
        arrived = asyncio.Event()

        async def install(push: Json) -> None:
            if text(push, "kind") == "provision_token":
                self._element.install(text(section(push, "body"), "payload"))
                if self.cards >= wanted:
                    arrived.set()

        push = self._scheduler.spawn(
            push_forever(self._client, lambda: endpoint, self._scheduler, device_id, install),
            "synthetic push",
        )
        try:
            for card in CARDS:
                await self._add_card(card, device_id)
            async with self._scheduler.deadline(DELIVERY_LIMIT_S):
                await arrived.wait()
        except TimeoutError as late:
            raise NotDone("a synthetic card's token did not arrive") from late
        finally:
            push.cancel()
            await asyncio.gather(push, return_exceptions=True)

    async def _add_card(self, card: CardDraft, device_id: str) -> None:
        network_key = await self._client.network_key(card.network)
        body = {
            "network": card.network,
            "encryptedPan": seal(card, network_key, self._element.public_key()),
            "expiry": card.expiry_text,
            "cvv": card.cvv,
            "last4": card.last4,
            "deviceId": device_id,
        }
        try:
            await self._client.add_card(body, key=identifier(self._stream, "add"))
        except EngineRefused as refusal:
            if refusal.code != "already_provisioned":
                raise

    async def tap(
        self,
        amount_minor: int,
        currency: str = "USD",
        *,
        card: int = 0,
        network: str | None = None,
    ) -> NfcOrder:
        """One tap, read and not yet paid.

        Args:
            amount_minor: in minor units of `currency`.
            currency: ISO 4217 letters.
            card: which of the synthetic cards; taken round their number.
            network: only cards of that network.

        Raises:
            NotDone: the card did not answer as it should.
        """
        tokens = self._tokens(network)
        token_ref = tokens[card % len(tokens)].token_ref
        seen = self._sensor.scan(self._element.challenge(), "match")
        if not isinstance(seen, FaceAssertion):
            raise NotDone(f"the synthetic phone did not arm ({seen.reason})")
        self._element.arm(seen, token_ref)
        link = await self._reader.wait_for_card(1.0)
        self._sequence += 1
        money = currency_of(currency)
        request = TapRequest(
            amount_minor, money.numeric, money.exponent, sequence_number=self._sequence
        )
        tap = await run_tap(link, self._config, request, clock=self._clock, stream=self._stream)
        await link.release()
        if tap.outcome is not Outcome.ONLINE_REQUEST:
            raise NotDone(f"the synthetic card was not read ({tap.reason})")
        return NfcOrder(
            token=tap.token,
            cryptogram=tap.cryptogram,
            atc=tap.atc or 0,
            amount_minor=amount_minor,
            currency=money.code,
            merchant_id=MERCHANT_ID,
            terminal_id=TERMINAL_ID,
            emv_data=tap.emv_data.hex().upper(),
            expiry=tap.expiry,
            psn=tap.psn,
            tap_id=identifier(self._stream, "tap"),
            synthetic=True,
        )

    def _tokens(self, network: str | None) -> tuple[InstalledToken, ...]:
        if not self._known:  # every one is there before the first tap
            self._known = self._element.tokens()
        return self._known if network is None else self._of(network)

    def _of(self, network: str) -> tuple[InstalledToken, ...]:
        return tuple(token for token in self._element.tokens() if token.network == network)

    def new_key(self) -> str:
        """An Idempotency-Key."""
        return identifier(self._stream, "load")

    def close(self) -> None:
        """Let the element's file go."""
        self._element.close()


@contextlib.asynccontextmanager
async def opened(
    element_file: Path,
    *,
    client: EngineClient,
    engine: EngineSupervision,
    clock: Clock,
    scheduler: Scheduler,
    entropy: Entropy,
    devices: int = 1,
) -> AsyncIterator[SyntheticTill]:
    """A synthetic till with its cards installed.

    Raises:
        SomethingMissing: another process makes synthetic traffic on this folder.
        NotDone, EngineRefused, EngineUnreachable: the card could not be installed.
    """
    try:
        element = SecureElement.open(
            element_file,
            seal_key=seal_key(element_file.parent),
            clock=clock,
            stream=entropy.secret("synthetic element"),
        )
    except SecureElementBusy as busy:
        raise SomethingMissing(
            "another command makes synthetic traffic on this folder", "wait for it, or stop it"
        ) from busy
    till = SyntheticTill(
        client=client,
        element=element,
        clock=clock,
        scheduler=scheduler,
        stream=entropy.secret("synthetic"),
    )
    try:
        await till.provision(await engine.ready(), devices)
        yield till
    finally:
        till.close()
