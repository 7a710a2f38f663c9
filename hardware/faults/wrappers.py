"""Wrappers that put faults round any reader: real, emulated or recorded alike.

Theory of operation: a plan holds validated faults and counts, for each, how often it could have
fired and how often it did; a fault that never fired makes a run invalid, so both are kept. The
wrapped link asks the plan at two moments of every exchange. "Before" means the card never sees the
command; "after" means it has done its work and the answer is lost, late or spoiled. Randomness
is drawn from the plan's own stream, in the order of the exchanges. Another plan takes effect with
the next card: a conversation ends under the plan that it began with. Knows no APDU beyond its
status word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.faults.spec import CardFaultSpec, Effect, Moment
from hardware.readers.frames import Frame, frames_of
from hardware.readers.polling import Announces
from hardware.readers.tag_kinds import Activation, activation_of
from hardware.runtime.errors import CardCollision, CardMute, CardRemoved, ReaderGone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hardware.readers.port import CardLink, Reader
    from hardware.runtime.ports import Clock, Scheduler, Stream

MUTE_DEFAULT_MS = 1000.0
"""How long a mute card is waited for where the fault does not say."""


@dataclass(slots=True)
class FaultCount:
    """What became of one fault."""

    spec: CardFaultSpec
    could_fire: int = 0
    fired: int = 0


@dataclass(frozen=True, slots=True)
class Fired:
    """One fault that struck, as `on_fired` hears it."""

    spec: CardFaultSpec
    position: int
    """The fault's place in the plan."""
    apdu: int
    """Which command of the tap, from 1; 0 before the first."""
    at_us: int
    """Lab time."""


class CardFaultPlan:
    """Faults for readers and cards, ready to strike."""

    def __init__(
        self,
        specs: Iterable[CardFaultSpec],
        *,
        stream: Stream,
        clock: Clock,
        scheduler: Scheduler,
        on_fired: Callable[[Fired], None] | None = None,
        applied_at_us: int | None = None,
    ) -> None:
        """A plan whose time line begins now, or began at `applied_at_us` (lab time)."""
        self.counts = [FaultCount(spec) for spec in specs]
        """One count a fault, in the plan's order."""
        self._stream = stream
        self._clock = clock
        self._scheduler = scheduler
        self._on_fired = on_fired
        self._applied_at_us = clock.now_us() if applied_at_us is None else applied_at_us

    @classmethod
    def from_tables(
        cls,
        tables: Iterable[Mapping[str, object]],
        *,
        stream: Stream,
        clock: Clock,
        scheduler: Scheduler,
        on_fired: Callable[[Fired], None] | None = None,
        applied_at_us: int | None = None,
    ) -> CardFaultPlan:
        """A plan out of `[[fault]]` tables; see the class for the rest.

        Raises:
            FaultPlanError: a table is wrong; the message says which and why.
        """
        specs = [CardFaultSpec.from_table(table) for table in tables]
        return cls(
            specs,
            stream=stream,
            clock=clock,
            scheduler=scheduler,
            on_fired=on_fired,
            applied_at_us=applied_at_us,
        )

    def striking(self, apdu: int, moment: Moment) -> list[CardFaultSpec]:
        """The faults that strike now; each is counted and reported. `apdu` 0: before the first."""
        struck = []
        for position, count in enumerate(self.counts):
            if self._strikes(count, apdu, moment):
                count.fired += 1
                struck.append(count.spec)
                if self._on_fired is not None:
                    self._on_fired(Fired(count.spec, position, apdu, self._clock.now_us()))
        return struck

    def _strikes(self, count: FaultCount, apdu: int, moment: Moment) -> bool:
        spec = count.spec
        collision = spec.effect is Effect.COLLISION
        here = apdu == 0 or (spec.moment is moment and spec.at_apdu in {None, apdu})
        if collision != (apdu == 0) or not here or not self._in_time(spec):
            return False
        count.could_fire += 1
        if spec.nth is not None and count.could_fire != spec.nth:
            return False
        return spec.probability >= 1 or self._stream.random() < spec.probability

    def _in_time(self, spec: CardFaultSpec) -> bool:
        elapsed_s = (self._clock.now_us() - self._applied_at_us) / 1_000_000
        begun = spec.from_s is None or elapsed_s >= spec.from_s
        return begun and (spec.to_s is None or elapsed_s < spec.to_s)

    async def wait(self, spec: CardFaultSpec, default_ms: float = 0.0) -> None:
        """Let the fault's time pass, jitter included."""
        duration_ms = spec.ms or default_ms
        if spec.jitter_ms:
            duration_ms += spec.jitter_ms * self._stream.random()
        if duration_ms > 0:
            await self._scheduler.sleep(duration_ms / 1000)

    def keeps_unplugged(self) -> bool:
        """Whether a fault is on that has pulled the reader's plug, or still may."""
        return any(count.spec.effect is Effect.UNPLUG for count in self.counts)

    def never_fired(self) -> tuple[CardFaultSpec, ...]:
        """Faults that did not strike at all so far."""
        return tuple(count.spec for count in self.counts if not count.fired)


class FaultyReader:
    """A reader with a plan round it; the same port."""

    def __init__(self, reader: Reader, plan: CardFaultPlan) -> None:
        self._reader = reader
        self._plan = plan
        self._unplugged = False

    @property
    def url(self) -> str:
        """The wrapped reader's."""
        return self._reader.url

    @property
    def name(self) -> str:
        """The wrapped reader's."""
        return self._reader.name

    @property
    def capabilities(self) -> frozenset[str]:
        """The wrapped reader's, and that faults can be put on it."""
        return self._reader.capabilities | {"faults"}

    @property
    def unplugged(self) -> bool:
        """Whether a fault pulled the plug; `replug` puts it back."""
        return self._unplugged

    def use_reader(self, reader: Reader) -> None:
        """Wrap another reader from the next card on; the plug of that one is in."""
        self._reader = reader
        self.replug()

    def announce(self, frame: bytes | None) -> None:
        """As the wrapped reader does, where it can (capability `announce`)."""
        if isinstance(self._reader, Announces):
            self._reader.announce(frame)

    def use_plan(self, plan: CardFaultPlan) -> None:
        """Take another plan from the next card on; one that unplugs nothing puts the plug back."""
        self._plan = plan
        if not plan.keeps_unplugged():
            self.replug()

    def unplug(self) -> None:
        """Pull the plug until `replug`."""
        self._unplugged = True

    def replug(self) -> None:
        """Put the plug back."""
        self._unplugged = False

    def check_plug(self) -> None:
        """Raise unless the plug is in.

        Raises:
            ReaderGone: it is not.
        """
        if self._unplugged:
            raise ReaderGone(f"{self.name} was unplugged")

    async def wait_for_card(self, timeout_s: float) -> FaultyLink:
        """A link to the next card, with the plan round it.

        Raises:
            CardLinkError: as the wrapped reader does, or because a fault says so.
        """
        self.check_plug()
        link = await self._reader.wait_for_card(timeout_s)
        plan = self._plan
        if plan.striking(0, Moment.BEFORE):
            await link.release()
            raise CardCollision("more than one card is in the field")
        return FaultyLink(link, plan, self)

    async def close(self) -> None:
        """Let the wrapped reader go."""
        await self._reader.close()


class FaultyLink:
    """A link with a plan round it; the same port."""

    def __init__(
        self, link: CardLink, plan: CardFaultPlan, reader: FaultyReader | None = None
    ) -> None:
        self._link = link
        self._plan = plan
        self._reader = reader
        self._apdu = 0
        self._pulled = False

    @property
    def atr(self) -> bytes:
        """The wrapped link's."""
        return self._link.atr

    @property
    def uid(self) -> bytes:
        """The wrapped link's."""
        return self._link.uid

    @property
    def activation(self) -> Activation | None:
        """What the wrapped link's driver saw of the selection, if it saw any."""
        return activation_of(self._link)

    def take_frames(self) -> tuple[Frame, ...]:
        """The wrapped link's, if it tells of any."""
        return frames_of(self._link)

    async def transmit(self, command: bytes) -> bytes:
        """Exchange one command, or what the plan leaves of it.

        Raises:
            CardLinkError: as the wrapped link does, or because a fault says so.
        """
        self._check()
        self._apdu += 1
        answer: bytes | None = None
        for spec in self._plan.striking(self._apdu, Moment.BEFORE):
            answer = await self._strike(spec, answer)
        if answer is None:
            answer = await self._link.transmit(command)
        for spec in self._plan.striking(self._apdu, Moment.AFTER):
            changed = await self._strike(spec, answer)
            answer = answer if changed is None else changed
        return answer

    def _check(self) -> None:
        if self._reader is not None:
            self._reader.check_plug()
        if self._pulled:
            raise CardRemoved("the card was pulled away")

    async def _strike(self, spec: CardFaultSpec, answer: bytes | None) -> bytes | None:
        """Do what one fault does; gives the answer as it is now, None where there is none yet."""
        match spec.effect:
            case Effect.SLOW | Effect.RELAY:
                await self._plan.wait(spec)
                return answer
            case Effect.MUTE:
                await self._plan.wait(spec, MUTE_DEFAULT_MS)
                raise CardMute("the card does not answer")
            case Effect.PULL:
                self._pulled = True
                raise CardRemoved("the card was pulled away")
            case Effect.UNPLUG:
                if self._reader is not None:
                    self._reader.unplug()
                raise ReaderGone("the reader was unplugged")
            case Effect.WRONG_STATUS:
                return spec.sw.to_bytes(2, "big")
            case Effect.SHORT_DATA:
                return _shortened(answer)
            case Effect.COLLISION:
                raise CardCollision("more than one card is in the field")

    async def release(self) -> None:
        """End the wrapped conversation."""
        await self._link.release()


def _shortened(answer: bytes | None) -> bytes | None:
    """Half of the data with the status word as it was, as a damaged frame leaves it."""
    if answer is None:
        return bytes.fromhex("9000")
    data = answer[:-2]
    return data[: len(data) // 2] + answer[-2:]
