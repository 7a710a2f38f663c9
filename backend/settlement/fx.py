"""Exchange rates: fetched every half hour, valid for one hour, and one way to convert.

A rate is a decimal with eight places: so many units of the quote for one of the base. Rates are
kept against one currency in the middle; the rate between two others is their quotient. Converting
rounds once, half to even, to whole minor units of the target. The laboratory's provider draws its
figures from a seed: round numbers that move a little every half hour, nobody's market.

Source: ISO 4217 for decimals. Knows no payments and no fees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from typing import Generic, Protocol, TypeVar

from backend.domain.money import currencies, exponent
from backend.outbox.ports import Outbox
from backend.runtime.alarm import Alarm
from backend.runtime.clock import Clock
from backend.runtime.errors import Conflict, StorageError
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
MIDDLE = "USD"
REFRESH_US = 30 * 60 * 1_000_000
VALID_US = 60 * 60 * 1_000_000
WANTED_US = 24 * VALID_US
STORAGE_WAIT_S = 5.0
PLACES = Decimal("0.00000001")
ACTOR = "rates"


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of `base` is worth, for a time.

    Attributes:
        rate: units of `quote`, eight decimals.
    """

    base: str
    quote: str
    rate: Decimal
    valid_from_us: int
    valid_until_us: int


class RateProvider(Protocol):
    """Another company that sells rates."""

    def fetch(self, at_us: int) -> dict[str, Decimal]:
        """What one unit of each currency is worth in the middle one, at a time."""


class RateRows(Protocol[Tx_contra]):
    """The rates that were fetched."""

    def add_rates(self, tx: Tx_contra, rates: Sequence[Rate]) -> None:
        """Insert rates."""

    def rate_at(self, tx: Tx_contra, base: str, quote: str, at_us: int) -> Rate | None:
        """The newest rate of a pair that is valid at a time."""

    def newest_us(self, tx: Tx_contra) -> int | None:
        """From when the newest rates are valid."""


@dataclass(frozen=True, slots=True)
class RatePorts(Generic[Tx]):
    """Everything that keeping rates takes from outside."""

    store: Store[Tx]
    rows: RateRows[Tx]
    provider: RateProvider
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock
    scheduler: Scheduler


class Rates(Generic[Tx]):
    """Keeps rates fresh and finds them."""

    def __init__(self, ports: RatePorts[Tx]) -> None:
        self._ports = ports
        self._fetched_us: int | None = None
        self._wanted_us = -WANTED_US
        self._alarm = Alarm(ports.scheduler, "rate timer")

    async def refresh(self) -> bool:
        """Fetch rates, if the last are half an hour old; whether it was done.

        Raises:
            StorageError: the database refused; the old rates stay.
        """
        self._wanted_us = self._ports.clock.now_us()
        fetched = await self._refresh()
        if fetched:
            self._alarm.ring()
        return fetched

    async def run_forever(self) -> None:
        """Fetch rates every half hour for a day after they were last wanted; until cancelled."""
        await self._alarm.run_forever(self._start_due)

    def _start_due(self) -> int | None:
        now_us = self._ports.clock.now_us()
        if self._fetched_us is None or now_us - self._wanted_us >= WANTED_US:
            return None
        due_us = self._fetched_us + REFRESH_US
        if due_us > now_us:
            return due_us
        self._ports.scheduler.spawn(self._fetch(), "exchange rates")
        return None  # its end rings

    async def _fetch(self) -> None:
        try:
            await self._refresh()
        except StorageError as error:
            self._ports.events.emit("storage.refused", actor=ACTOR, data={"detail": str(error)})
            await self._ports.scheduler.sleep(STORAGE_WAIT_S)
        finally:
            self._alarm.ring()

    async def _refresh(self) -> bool:
        ports, now_us = self._ports, self._ports.clock.now_us()
        if self._fetched_us is None:
            self._fetched_us = ports.store.read(ports.rows.newest_us)
        if self._fetched_us is not None and 0 <= now_us - self._fetched_us < REFRESH_US:
            return False
        found = [
            Rate(base, MIDDLE, value.quantize(PLACES, ROUND_HALF_EVEN), now_us, now_us + VALID_US)
            for base, value in sorted(ports.provider.fetch(now_us).items())
            if base != MIDDLE
        ]
        event = await ports.store.write(partial(self._store, found))
        self._fetched_us = now_us
        ports.events.publish(event)
        return True

    def between(self, tx: Tx, base: str, quote: str) -> Rate:
        """The rate of a pair now; one is needed in the caller's unit of work.

        Raises:
            Conflict: `rate_unavailable`: none is valid.
        """
        now_us = self._ports.clock.now_us()
        ours, theirs = self._of(tx, base, now_us), self._of(tx, quote, now_us)
        if ours is None or theirs is None:
            raise Conflict("rate_unavailable", f"no rate from {base} to {quote} is valid now")
        return Rate(
            base,
            quote,
            (ours.rate / theirs.rate).quantize(PLACES, ROUND_HALF_EVEN),
            max(ours.valid_from_us, theirs.valid_from_us),
            min(ours.valid_until_us, theirs.valid_until_us),
        )

    def _of(self, tx: Tx, currency: str, at_us: int) -> Rate | None:
        if currency == MIDDLE:
            return Rate(MIDDLE, MIDDLE, Decimal(1), at_us, at_us + VALID_US)
        return self._ports.rows.rate_at(tx, currency, MIDDLE, at_us)

    def _store(self, rates: list[Rate], tx: Tx) -> Event:
        self._ports.rows.add_rates(tx, rates)
        event = self._ports.events.make(
            "rates.fetched", actor=ACTOR, data={"object": "exchange_rates", "count": len(rates)}
        )
        self._ports.outbox.add_events(tx, (event,))
        return event


def exact(amount_minor: int, rate: Rate) -> Decimal:
    """An amount in the quote's minor units, not rounded."""
    places = exponent(rate.quote) - exponent(rate.base)
    return (Decimal(amount_minor) * rate.rate).scaleb(places)


def convert(amount_minor: int, rate: Rate) -> int:
    """An amount in whole minor units of the quote, rounded once, half to even."""
    return int(exact(amount_minor, rate).quantize(Decimal(1), ROUND_HALF_EVEN))


def share(whole_minor: int, part: int, of: int) -> int:
    """So much of a whole as `part` is of `of`, rounded half to even; all of it for all."""
    exact_minor = Decimal(whole_minor * part) / of
    return int(exact_minor.quantize(Decimal(1), ROUND_HALF_EVEN))


# What one unit is worth in US dollars, about: the round figures of a laboratory.
_ABOUT = {
    "AED": "0.27", "ARS": "0.001", "AUD": "0.65", "BHD": "2.65", "BRL": "0.18", "CAD": "0.73",
    "CHF": "1.12", "CLP": "0.00105", "CNY": "0.14", "COP": "0.00025", "CZK": "0.044",
    "DKK": "0.147", "EGP": "0.02", "EUR": "1.10", "GBP": "1.27", "HKD": "0.128", "HUF": "0.0028",
    "IDR": "0.000062", "ILS": "0.27", "INR": "0.012", "JOD": "1.41", "JPY": "0.0067",
    "KRW": "0.00074", "KWD": "3.25", "MXN": "0.055", "MYR": "0.22", "NGN": "0.00065",
    "NOK": "0.094", "NZD": "0.60", "OMR": "2.60", "PHP": "0.0175", "PLN": "0.25", "QAR": "0.275",
    "RON": "0.22", "SAR": "0.267", "SEK": "0.096", "SGD": "0.75", "THB": "0.028", "TND": "0.32",
    "TRY": "0.03", "TWD": "0.031", "UAH": "0.024", "USD": "1", "VND": "0.00004", "ZAR": "0.055",
}  # fmt: skip
_SMALLEST = Decimal("0.00001")


@dataclass(frozen=True, slots=True)
class SimulatedProvider:
    """Draws rates from a seed and the half hour: the same for the same time, whenever asked.

    Attributes:
        seed: of the laboratory.
        moves: by how much a rate may lie beside its round figure, in 1/10,000.
    """

    seed: int
    moves: int = 50

    def fetch(self, at_us: int) -> dict[str, Decimal]:
        """What one unit of each currency is worth in US dollars."""
        slot = at_us // REFRESH_US
        return {code: self._value(code, slot) for code in currencies()}

    def _value(self, code: str, slot: int) -> Decimal:
        if code == MIDDLE:
            return Decimal(1)
        drawn = _drawn(f"{self.seed}:{code}:{slot}") % (2 * self.moves + 1) - self.moves
        about = Decimal(_ABOUT[code]) if code in _ABOUT else _invented(code)
        return max(about * (10_000 + drawn) / 10_000, _SMALLEST)


def _invented(code: str) -> Decimal:
    """A round figure for a currency without one: one to 99 hundredths."""
    return Decimal(_drawn(code) % 99 + 1) / 100


def _drawn(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
