"""Faults that are switched on: their conditions, chances and counts, on any link.

Theory of operation. Whoever carries a message asks `strike` at each point of its way, with the
facts that can be seen there, and gets the faults that strike it. Arming starts the time line and
every count anew, and one random stream a link from the plan's seed: the same plan over the same
traffic strikes the same messages, whichever side carries it out. The engine's board arms the whole
plan; the laboratory's side `follow`s the board's view and asks about its own links. Knows no
message format and carries nothing out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from backend.faults.catalogue import LINKS, Point
from backend.faults.plan import Fault, read_faults
from backend.runtime.clock import Clock
from backend.runtime.entropy import SeededStream, Stream
from backend.runtime.errors import BadRequest

SECOND_US = 1_000_000
MS_US = 1_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What can be seen of a message where it is.

    Attributes:
        token: DE 2 on a network's link.
        card_digits: the first digits of the card number, on an issuer's link.
        amount_minor: DE 4.
        is_management: network management (08xx).
        is_authorization: an authorization or its answer.
        fields: numbers of the data elements that are there.
        apdu: which command of a tap, from 1; 0 before the first.
        has_value: whether it is an answer with a value in it, from the cache.
        written_bytes: what the disk has taken since the plan was applied, this commit included.
    """

    token: str = ""
    card_digits: str = ""
    amount_minor: int | None = None
    is_management: bool = False
    is_authorization: bool = True
    fields: Collection[int] = ()
    apdu: int = 0
    has_value: bool = False
    written_bytes: int = 0


NOTHING_SEEN = Facts()


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault that strikes one message.

    Attributes:
        fault_id: its name on the board, such as "f3".
        revision: of the board that armed it.
        fault: its plan's entry.
        delay_us: its `ms`, more or less its jitter.
        fired: how often it has struck now.
    """

    fault_id: str
    revision: int
    fault: Fault
    delay_us: int
    fired: int

    def to_json(self) -> dict[str, object]:
        """The data of the event `fault.fired`."""
        return {
            "fault": self.fault_id,
            "revision": self.revision,
            "link": self.fault.link,
            "effect": self.fault.effect,
            "fired": self.fired,
        }


@dataclass(slots=True)
class Armed:
    """A fault that is switched on."""

    fault_id: str
    fault: Fault
    stream: Stream = field(repr=False)
    matched: int = 0
    fired: int = 0

    def concerns(self, point: Point, facts: Facts) -> bool:
        """Whether it may strike such a message at this point at all."""
        fault, terms = self.fault, self.fault.terms
        left_alone = (
            (facts.is_management and not terms.on_management)
            or (terms.on_authorizations_only and not facts.is_authorization)
            or (terms.on_values_only and not facts.has_value)
        )
        if point not in terms.points or left_alone:
            return False
        if fault.effect == "collision":
            return facts.apdu == 0
        if "moment" in terms.takes:
            return point.value == fault.moment and facts.apdu > 0
        # a black hole that swallows chosen requests leaves the answers to others alone
        after_request = point is Point.ANSWER and Point.REQUEST in terms.points
        return not (fault.effect == "timeout" and after_request and fault.is_chosen)

    def matches(self, facts: Facts) -> bool:
        """Whether the message fulfils the conditions on its content."""
        fault, when = self.fault, self.fault.when
        least = when.amount_minor_gte
        if least is not None and (facts.amount_minor is None or facts.amount_minor < least):
            return False
        if fault.at_apdu is not None and facts.apdu != fault.at_apdu:
            return False
        if fault.field and fault.field not in facts.fields:
            return False
        if fault.link == "database" and fault.effect == "limit_data":
            return facts.written_bytes > fault.bytes
        return (when.bin is None or facts.token.startswith(when.bin)) and (
            when.pan_bin is None or facts.card_digits.startswith(when.pan_bin)
        )

    def strikes(self) -> bool:
        """Whether it fires at a message that fulfils its conditions."""
        self.matched += 1
        nth = self.fault.when.nth
        if nth is not None and self.matched != nth:
            return False
        return self.fault.probability >= 1 or self.stream.random() < self.fault.probability

    def delay_us(self) -> int:
        """Its `ms` with its jitter drawn."""
        delay_us, jitter_us = (self.fault.ms or 0) * MS_US, self.fault.jitter_ms * MS_US
        if jitter_us:
            delay_us += self.stream.randint(-jitter_us, jitter_us)
        return max(0, delay_us)


OnStrike = Callable[[Strike], None]


def _say_nothing(_strike: Strike) -> None:
    """Nobody wants to hear of it."""


class LinkFaults:
    """What is armed, by link.

    Attributes:
        seed: of the random streams.
        revision: of the board that this arms; 0 before the first plan.
        applied_at_us: lab time at which the plan was applied.
    """

    def __init__(self, clock: Clock, on_strike: OnStrike = _say_nothing) -> None:
        """Arm nothing yet.

        Args:
            clock: lab time, for `from_s` and `to_s`.
            on_strike: hears of each firing, when it is counted.
        """
        self._clock = clock
        self._on_strike = on_strike
        self.seed = 0
        self.revision = 0
        self.applied_at_us = 0
        self.armed: list[Armed] = []
        self._by_link: dict[str, list[Armed]] = {}

    def arm(
        self,
        faults: Iterable[Fault],
        *,
        seed: int,
        revision: int,
        applied_at_us: int,
        links: Collection[str] = LINKS,
    ) -> None:
        """Replace everything; numbers, counts and streams start anew.

        Args:
            faults: the whole plan, in its order.
            seed: of the random streams.
            revision: the board's.
            applied_at_us: lab time from which `from_s` and `to_s` count.
            links: those to arm here; the others keep their numbers and are left alone.
        """
        streams = {link: SeededStream(seed, f"faults.{link}") for link in sorted(links)}
        self.seed, self.revision, self.applied_at_us = seed, revision, applied_at_us
        self.armed = [
            Armed(f"f{number}", fault, streams[fault.link])
            for number, fault in enumerate(faults, 1)
            if fault.link in links
        ]
        self._by_link = {}
        for armed in self.armed:
            self._by_link.setdefault(armed.fault.link, []).append(armed)

    def follow(self, view: Mapping[str, object], links: Collection[str] = LINKS) -> bool:
        """Arm what another board's view shows; False when that is armed already.

        Args:
            view: of `GET /lab/faults`, or the data of the event `fault.applied`.
            links: those that are carried out here.

        Raises:
            BadRequest: this is no view of a board.
        """
        faults, seed = view.get("faults"), view.get("seed")
        revision, applied_at_us = view.get("revision"), view.get("applied_at_us")
        if not (
            isinstance(faults, list)
            and isinstance(seed, int)
            and isinstance(revision, int)
            and isinstance(applied_at_us, int)
        ):
            raise BadRequest("no_fault_board", "faults, seed, revision or applied_at_us is missing")
        if revision == self.revision:
            return False
        plan = read_faults(faults)
        self.arm(plan, seed=seed, revision=revision, applied_at_us=applied_at_us, links=links)
        return True

    def concern(self, link: str) -> bool:
        """Whether anything is armed on that link."""
        return link in self._by_link

    def strike(self, link: str, point: Point, facts: Facts = NOTHING_SEEN) -> list[Strike]:
        """The faults that strike this message here and now, each counted and said, in order."""
        rules = self._by_link.get(link)
        if not rules:
            return []
        elapsed_s = (self._clock.now_us() - self.applied_at_us) / SECOND_US
        struck = []
        for armed in rules:
            fault = armed.fault
            is_due = fault.from_s <= elapsed_s and (fault.to_s is None or elapsed_s < fault.to_s)
            if not is_due or not armed.concerns(point, facts) or not armed.matches(facts):
                continue
            if armed.strikes():
                struck.append(self._count(armed))
        return struck

    def _count(self, armed: Armed) -> Strike:
        armed.fired += 1
        strike = Strike(armed.fault_id, self.revision, armed.fault, armed.delay_us(), armed.fired)
        self._on_strike(strike)
        return strike
