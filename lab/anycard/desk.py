"""The desk where any card may lie: what the window shows and does about cards that are no tap.

Wires the stranger's account, the raw box and enrolling to one reader. A part of the world, made
where the world is made. Without Qt.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.api import Event
from hardware.api import CardLink, Reading, Trace, TraceRecorder
from lab.anycard.enrolling import EnrolFlow
from lab.anycard.enrolment import EnrolmentStore
from lab.anycard.raw import RawFlow
from lab.anycard.stranger import StrangerFlow
from lab.anycard.till_reader import Arrival, HeldPhone
from lab.bench.flow import BenchFlow
from lab.ground import Ground
from lab.shop import Till
from lab.wallet.flow import WalletFlow
from lab.words import tr


@dataclass(frozen=True, slots=True)
class AnyCardDesk:
    """Everything about cards that are no tap of the phone."""

    stranger: StrangerFlow
    raw: RawFlow
    enrol: EnrolFlow

    def reader_changed(self) -> None:
        """The till stands at another reader now."""
        self.raw.reader_changed()
        self.enrol.reader_changed()

    def heard(self, event: Event) -> None:
        """What the till's tap said."""
        self.stranger.heard(event)

    async def arrived(self, arrival: Arrival) -> CardLink | None:
        """Something came to the till: an enrolled thing triggers, anything else is looked at."""
        instead = await self.enrol.arrived(arrival)
        if instead is None:
            self.stranger.arrived(arrival)
        return instead


def desk_of(
    till: Till, ground: Ground, wallet: WalletFlow, bench: BenchFlow, phone: HeldPhone
) -> AnyCardDesk:
    """The desk at the till's reader; hears what the till's log says.

    Args:
        till: whose reader, and whose amount.
        ground: time, and the key of the data folder.
        wallet: what enrolled things trigger.
        bench: shows conversations.
        phone: this lab's phone, for the emulated field.
    """
    reader, clock, bus = till.reader, ground.clock, till.bus
    scheduler = ground.real_scheduler
    stranger = StrangerFlow(reader=reader, clock=clock, scheduler=scheduler, bus=bus)
    reader.in_emulated_field = phone.wait_for_card
    raw = RawFlow(reader=reader, clock=clock, scheduler=scheduler, bus=bus)
    enrol = EnrolFlow(
        store=EnrolmentStore(till.settings.enrolment_file, ground.seal_key),
        reader=reader,
        phone=phone,
        wallet=wallet,
        pos=till.pos,
        clock=clock,
        bus=bus,
    )
    desk = AnyCardDesk(stranger, raw, enrol)

    def typed(conversation: int, trace: Trace) -> None:
        bench.look_at_trace(str(conversation), tr("raw.title", reader=raw.state.reader), trace)

    def read_with_consent(recorder: TraceRecorder, _reading: Reading) -> None:
        bench.look_at_trace("consent", tr("anycard.consent.title"), recorder.finish(None))

    raw.on_trace = typed
    stranger.on_trace = read_with_consent
    reader.on_arrival = desk.arrived
    reader.on_taken_back = raw.taken_back
    till.log.subscribe(desk.heard)
    return desk
