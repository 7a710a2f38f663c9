"""Books what the networks pay for each of their days, as their clearing files say.

A network's day is a day of UTC. Its file lists what it booked: completions that we presented and
refunds that we gave. We book the sum by network and currency; whether the file is right is for
`reconciliation`. Where the networks run apart their files are not here, and nothing is booked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from backend.ledger import settling
from backend.outbox.ports import Outbox
from backend.payments.posting import Poster
from backend.runtime.clock import Clock
from backend.runtime.events import Event, EventLog
from backend.runtime.store import Store
from backend.settlement.business_day import UTC_DAYS
from backend.settlement.ports import ClearingFiles, ClearingRows, Presentment
from backend.settlement.records import Clearing

Tx = TypeVar("Tx")
ACTOR = "clearing"


@dataclass(frozen=True, slots=True)
class ClearingPorts(Generic[Tx]):
    """Everything that clearing takes from outside; no files where the networks run apart."""

    store: Store[Tx]
    rows: ClearingRows[Tx]
    files: ClearingFiles | None
    poster: Poster[Tx]
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock


class Clearings(Generic[Tx]):
    """Takes in the networks' files."""

    def __init__(self, ports: ClearingPorts[Tx]) -> None:
        self._ports = ports

    async def clear(self) -> list[Clearing]:
        """Book every day that has ended since the last one that was booked, in one unit of work.

        Raises:
            StorageError: the database refused; nothing was booked.
        """
        ports = self._ports
        if ports.files is None:
            return []
        now_us = ports.clock.now_us()
        until_us = UTC_DAYS.day_of(now_us).opens_us
        was_us = ports.store.read(ports.rows.cleared_until_us)
        if was_us >= until_us:
            return []
        found = cleared(ports.files.presentments(was_us, until_us), now_us)
        if not found:
            return []
        events = await ports.store.write(partial(self._book, found, was_us, until_us))
        if events is None:
            return []
        for event in events:
            ports.events.publish(event)
        return found

    def is_waiting(self) -> bool:
        """Whether a network has booked something that we have not cleared."""
        ports = self._ports
        if ports.files is None:
            return False
        was_us = ports.store.read(ports.rows.cleared_until_us)
        return bool(ports.files.presentments(was_us, ports.clock.now_us() + 1))

    def _book(
        self, found: list[Clearing], was_us: int, until_us: int, tx: Tx
    ) -> list[Event] | None:
        ports = self._ports
        if not ports.rows.set_cleared(tx, until_us, was_us=was_us):
            return None
        events: list[Event] = []
        for each in found:
            ports.rows.add_clearing(tx, each)
            names = {"object": "clearing", "object_id": each.id}
            event = ports.events.make(
                "clearing.booked",
                actor=ACTOR,
                data={
                    **names,
                    "network": each.network,
                    "day": each.day,
                    "currency": each.currency,
                    "net_minor": each.net_minor,
                },
            )
            events.append(event)
            posted = settling.clearing(
                each.id, each.network, each.currency, each.net_minor, each.posted_at_us
            )
            if posted is not None:
                events.append(ports.poster.post(tx, posted, cause_id=event.id, data=names))
        ports.outbox.add_events(tx, events)
        return events


def cleared(lines: list[Presentment], now_us: int) -> list[Clearing]:
    """What each network pays for each of its days, by currency."""
    sums: dict[tuple[str, str, str], Clearing] = {}
    for line in lines:
        day = UTC_DAYS.day_of(line.booked_at_us)
        name = day.date.isoformat()
        key = (name, line.network, line.currency)
        so_far = sums.get(key) or Clearing(
            id=f"clr_{line.network}_{name}_{line.currency.lower()}",
            network=line.network,
            day=name,
            currency=line.currency,
            completions_minor=0,
            refunds_minor=0,
            lines=0,
            closes_us=day.closes_us,
            posted_at_us=now_us,
        )
        refund_minor = line.amount_minor if line.kind == "refund" else 0
        sums[key] = replace(
            so_far,
            completions_minor=so_far.completions_minor + line.amount_minor - refund_minor,
            refunds_minor=so_far.refunds_minor + refund_minor,
            lines=so_far.lines + 1,
        )
    return [sums[key] for key in sorted(sums)]
