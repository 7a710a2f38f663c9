"""The desk where any card may lie: what the window shows and does about cards that are no tap.

Wires the stranger's account, the raw box and enrolling to one reader. A part of the world, made
where the world is made. Without Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.api import Clock, Event, Scheduler
from hardware.api import CardLink, Reading, Trace, TraceRecorder
from lab.anycard.enrolling import EnrolFlow
from lab.anycard.enrolment import EnrolmentStore
from lab.anycard.raw import RawFlow
from lab.anycard.stranger import StrangerFlow
from lab.anycard.till_reader import Arrival, HeldPhone, TillReader
from lab.bench.flow import BenchFlow
from lab.bus import Bus
from lab.pos.flow import PosFlow
from lab.wallet.flow import WalletFlow
from lab.words import tr


@dataclass(frozen=True, slots=True)
class AnyCardDesk:
    """Everything about cards that are no tap of the phone."""

    stranger: StrangerFlow
    raw: RawFlow
    enrol: EnrolFlow

    def heard(self, event: Event) -> None:
        """What the till's tap said."""
        self.stranger.heard(event)

    async def arrived(self, arrival: Arrival) -> CardLink | None:
        """Something came to the till: an enrolled thing triggers, anything else is looked at."""
        instead = await self.enrol.arrived(arrival)
        if instead is None:
            self.stranger.arrived(arrival)
        return instead


def desk_of(  # noqa: PLR0913 -- every port by its name
    reader: TillReader,
    phone: HeldPhone,
    *,
    at_real_reader: bool,
    wallet: WalletFlow,
    pos: PosFlow,
    bench: BenchFlow,
    enrolment_file: Path,
    seal_key: bytes,
    clock: Clock,
    scheduler: Scheduler,
    bus: Bus,
) -> AnyCardDesk:
    """The desk at the till's reader.

    Args:
        reader: the till's, shared.
        phone: this lab's phone, for the emulated field.
        at_real_reader: whether things come that are not this lab's.
        wallet: what enrolled things trigger.
        pos: the till.
        bench: shows conversations.
        enrolment_file: where enrolled things are remembered.
        seal_key: of the data folder.
        clock: lab time.
        scheduler: of real time.
        bus: shows the states.
    """
    stranger = StrangerFlow(reader=reader, clock=clock, scheduler=scheduler, bus=bus)
    source = None if at_real_reader else phone.wait_for_card
    raw = RawFlow(reader=reader, source=source, clock=clock, scheduler=scheduler, bus=bus)
    enrol = EnrolFlow(
        store=EnrolmentStore(enrolment_file, seal_key),
        reader=reader,
        phone=phone,
        wallet=wallet,
        pos=pos,
        clock=clock,
        bus=bus,
        possible=at_real_reader,
    )
    desk = AnyCardDesk(stranger, raw, enrol)

    def typed(conversation: int, trace: Trace) -> None:
        bench.look_at_trace(str(conversation), tr("raw.title", reader=reader.name), trace)

    def read_with_consent(recorder: TraceRecorder, _reading: Reading) -> None:
        bench.look_at_trace("consent", tr("anycard.consent.title"), recorder.finish(None))

    raw.on_trace = typed
    stranger.on_trace = read_with_consent
    reader.on_arrival = desk.arrived
    reader.on_taken_back = raw.taken_back
    return desk
