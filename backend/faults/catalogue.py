"""What can go wrong where: every link, every effect on it, and the keys each effect takes.

Theory of operation. A link has a kind (`visa.auth` and `amex.auth` are both of kind `auth`), and a
kind has effects. For each effect stand here the keys it takes and needs, and the points of a
message's way at which it may strike. Nothing here knows how an effect is carried out; a pair that
is not in this table is carried out by nobody and refused with `effect_not_available`. Names follow
Toxiproxy where it has one.

    <network>.auth   ISO 8583 between switch and network host
      latency        ms, jitter_ms      answers come later (a late answer is not a lost one)
      bandwidth      kb_s               answers trickle, kilobytes per second
      slicer         slice_bytes, ms    answers come in pieces with a pause between
      timeout                           a black hole: nothing passes, nothing closes
      reset_peer                        the request tears the connection down and is lost
      limit_data     bytes              so many bytes of the answer, then the connection ends
      half_open                         the network's side is gone, the switch's hears nothing
      slow_close     ms                 a closing is passed on later
      corrupt                           the answer's first bytes are spoiled
      lost_request                      the network never sees it
      lost_response                     the network did it, the answer is lost
      duplicate                         the request arrives twice
      reorder        ms                 the answer waits until the next has passed (ms at most)
      answer_code    code               answered on the way with this DE 39; goes no further
      late_answer    ms                 after the till's patience (0.5 s), before the link's (30 s)
      wrong_cryptogram                  the request's 9F26 (in DE 55) is altered
      malformed_field  field            this data element of the answer does not parse
    <network>.tsp, phone.engine, watch.engine, pos.engine, webhooks   HTTP
      latency, timeout, reset_peer, lost_request, lost_response, duplicate, corrupt
    <network>.issuer between a network and its issuer
      latency        ms, jitter_ms      it decides later
      timeout                           it does not answer: the network declines with 91 after 10 s
      answer_code    code               it declines with this code and holds nothing
    database         the engine's own
      latency        ms, jitter_ms      a commit takes longer
      reset_peer                        a commit fails
      limit_data     bytes              the disk is full once so many bytes were written
    cache
      latency        ms, jitter_ms      an operation takes longer
      timeout                           an operation never ends
      lost_request, lost_response       it fails, before or after it was done
      corrupt                           a value comes back wrong
    reader           unplug, slow, collision
    card             pull, mute, slow, relay, wrong_status, short_data, collision
      at_apdu        only at this command of a tap, from 1
      moment         "before" | "after" the card has done its work ("after" if left out)
      ms, jitter_ms  of slow, mute and relay      sw   of wrong_status ("6F00" if left out)

Phone, till, reader and card are the laboratory's side: it carries these out and reports each firing
as an event `fault.fired`. Network management (08xx) is left alone by all but latency, bandwidth,
slicer and timeout, so that `nth` counts payments; the last four of `auth` concern authorizations
only. `code` is never 00: an approval that nobody authorized could not be cured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backend.networks.numbers import NETWORKS

BYTES_MAX = 65_536
DISK_BYTES_MAX = 10**12
MS_MAX = 3_600_000
CARD_MS_MAX = 600_000
APDU_MAX = 1_000
CHANNEL_PATIENCE_MS = 500
LINK_PATIENCE_MS = 30_000
ANSWER_FIELDS = (2, 3, 4, 7, 11, 32, 37, 38, 39, 41, 42, 48, 49)
"""Data elements that the answer to an authorization may have."""


class Point(StrEnum):
    """Where on a message's way a fault may strike."""

    REQUEST = "request"
    ANSWER = "answer"
    CLOSE = "close"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Whole:
    """A key that is a whole number."""

    low: int
    high: int

    @property
    def words(self) -> str:
        """What it may be."""
        return f"a whole number from {self.low} to {self.high}"

    def allows(self, value: object) -> bool:
        """Whether this value may stand there."""
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
        )


@dataclass(frozen=True, slots=True)
class OneOf:
    """A key that is one of a few."""

    values: tuple[int | str, ...]

    @property
    def words(self) -> str:
        """What it may be."""
        return "one of " + ", ".join(str(value) for value in self.values)

    def allows(self, value: object) -> bool:
        """Whether this value may stand there."""
        return not isinstance(value, bool) and value in self.values


@dataclass(frozen=True, slots=True)
class Code:
    """A key that is a code of so many letters or digits."""

    length: int
    letters: str
    first: str
    words: str
    never: str = ""

    def allows(self, value: object) -> bool:
        """Whether this value may stand there."""
        return (
            isinstance(value, str)
            and len(value) == self.length
            and set(value) <= set(self.letters)
            and value[0] in self.first
            and value != self.never
        )


Values = Whole | OneOf | Code


@dataclass(frozen=True, slots=True)
class Terms:
    """What an effect takes on one kind of link.

    Attributes:
        points: where it may strike.
        takes: its own keys.
        needs: those that it cannot do without.
        on_management: whether it concerns network management too.
        on_authorizations_only: whether reversals and inquiries are left alone too.
        on_values_only: whether an operation that brings no value back is left alone.
    """

    points: frozenset[Point]
    takes: Mapping[str, Values] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    on_management: bool = False
    on_authorizations_only: bool = False
    on_values_only: bool = False


_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEX = "0123456789ABCDEFabcdef"
_MS, _JITTER = Whole(0, MS_MAX), Whole(0, MS_MAX)
_DELAY: Mapping[str, Values] = {"ms": _MS, "jitter_ms": _JITTER}
_RESPONSE_CODE: Mapping[str, Values] = {
    "code": Code(2, _LETTERS, _LETTERS, "DE 39: two digits or capital letters, not 00", "00")
}
_NEEDS_MS, _NEEDS_CODE = frozenset({"ms"}), frozenset({"code"})
_REQUEST, _ANSWER = frozenset({Point.REQUEST}), frozenset({Point.ANSWER})
_CLOSE, _BOTH = frozenset({Point.CLOSE}), _REQUEST | _ANSWER

_HTTP = {
    "latency": Terms(_ANSWER, _DELAY, _NEEDS_MS),
    "timeout": Terms(_REQUEST),
    "reset_peer": Terms(_REQUEST),
    "lost_request": Terms(_REQUEST),
    "lost_response": Terms(_ANSWER),
    "duplicate": Terms(_REQUEST),
    "corrupt": Terms(_ANSWER),
}
_AUTH = {
    "latency": Terms(_ANSWER, _DELAY, _NEEDS_MS, on_management=True),
    "bandwidth": Terms(
        _ANSWER, {"kb_s": Whole(1, 1_000_000)}, frozenset({"kb_s"}), on_management=True
    ),
    "slicer": Terms(
        _ANSWER,
        {"slice_bytes": Whole(1, BYTES_MAX), "ms": _MS},
        frozenset({"slice_bytes"}),
        on_management=True,
    ),
    "timeout": Terms(_BOTH, on_management=True),
    "reset_peer": Terms(_REQUEST),
    "limit_data": Terms(_ANSWER, {"bytes": Whole(0, BYTES_MAX)}, frozenset({"bytes"})),
    "half_open": Terms(_REQUEST),
    "slow_close": Terms(_CLOSE, {"ms": _MS}, _NEEDS_MS),
    "corrupt": Terms(_ANSWER),
    "lost_request": Terms(_REQUEST),
    "lost_response": Terms(_ANSWER),
    "duplicate": Terms(_REQUEST),
    "reorder": Terms(_ANSWER, {"ms": Whole(1, MS_MAX)}),
    "answer_code": Terms(_REQUEST, _RESPONSE_CODE, _NEEDS_CODE, on_authorizations_only=True),
    "late_answer": Terms(
        _ANSWER,
        {"ms": Whole(CHANNEL_PATIENCE_MS + 1, LINK_PATIENCE_MS - 1)},
        _NEEDS_MS,
        on_authorizations_only=True,
    ),
    "wrong_cryptogram": Terms(_REQUEST, on_authorizations_only=True),
    "malformed_field": Terms(
        _ANSWER, {"field": OneOf(ANSWER_FIELDS)}, frozenset({"field"}), on_authorizations_only=True
    ),
}
_ISSUER = {
    "latency": Terms(_ANSWER, _DELAY, _NEEDS_MS),
    "timeout": Terms(_ANSWER),
    "answer_code": Terms(_ANSWER, _RESPONSE_CODE, _NEEDS_CODE),
}
_DATABASE = {
    "latency": Terms(_REQUEST, _DELAY, _NEEDS_MS),
    "reset_peer": Terms(_REQUEST),
    "limit_data": Terms(_REQUEST, {"bytes": Whole(0, DISK_BYTES_MAX)}, frozenset({"bytes"})),
}
_CACHE = {
    "latency": Terms(_REQUEST, _DELAY, _NEEDS_MS),
    "timeout": Terms(_REQUEST),
    "lost_request": Terms(_REQUEST),
    "lost_response": Terms(_ANSWER),
    "corrupt": Terms(_ANSWER, on_values_only=True),
}
# Where a card's fault strikes, its own `moment` says; a collision comes before the first command.
_MOMENTS = frozenset({Point.BEFORE, Point.AFTER})
_AT: Mapping[str, Values] = {
    "at_apdu": Whole(1, APDU_MAX),
    "moment": OneOf((Point.BEFORE.value, Point.AFTER.value)),
}
_WAIT: Mapping[str, Values] = {"ms": Whole(1, CARD_MS_MAX), "jitter_ms": Whole(0, CARD_MS_MAX)}
_STATUS: Mapping[str, Values] = {"sw": Code(4, _HEX, "69", "four hex digits starting 6 or 9")}
_SLOW = Terms(_MOMENTS, {**_AT, **_WAIT}, _NEEDS_MS)
# A relay carries every command of a tap, so it is at none of them.
_RELAY = Terms(_MOMENTS, {"moment": _AT["moment"], **_WAIT}, _NEEDS_MS)
_COLLISION = Terms(frozenset({Point.BEFORE}))

KINDS: Mapping[str, Mapping[str, Terms]] = {
    "auth": _AUTH,
    "tsp": _HTTP,
    "issuer": _ISSUER,
    "engine": _HTTP,
    "database": _DATABASE,
    "cache": _CACHE,
    "reader": {"unplug": Terms(_MOMENTS, _AT), "slow": _SLOW, "collision": _COLLISION},
    "card": {
        "pull": Terms(_MOMENTS, _AT),
        "mute": Terms(_MOMENTS, {**_AT, **_WAIT}),
        "slow": _SLOW,
        "relay": _RELAY,
        "wrong_status": Terms(_MOMENTS, {**_AT, **_STATUS}),
        "short_data": Terms(_MOMENTS, _AT),
        "collision": _COLLISION,
    },
    "webhooks": _HTTP,
}
CONDITIONS: Mapping[str, frozenset[str]] = {
    kind: {
        "auth": frozenset({"nth", "amount_minor_gte", "bin"}),
        "issuer": frozenset({"nth", "amount_minor_gte", "pan_bin"}),
    }.get(kind, frozenset({"nth"}))
    for kind in KINDS
}
"""What can be asked of a message, by kind of link: what is seen there."""

LINKS = frozenset(
    [f"{network}.{part}" for network in NETWORKS for part in ("auth", "tsp", "issuer")]
    + [
        "phone.engine",
        "watch.engine",
        "pos.engine",
        "webhooks",
        "database",
        "cache",
        "reader",
        "card",
    ]
)
LABORATORY_LINKS = frozenset({"phone.engine", "watch.engine", "pos.engine", "reader", "card"})
"""Carried out by the laboratory's own side, not by the engine."""

EFFECTS = frozenset(effect for effects in KINDS.values() for effect in effects)

Available = Mapping[str, frozenset[str]]


def kind_of(link: str) -> str:
    """The kind of a link: "visa.auth" is "auth", "database" is itself."""
    return link.rpartition(".")[2]


def terms_of(link: str, effect: str) -> Terms:
    """What this effect takes on this link; the pair must exist."""
    return KINDS[kind_of(link)][effect]


AVAILABLE: Available = {link: frozenset(KINDS[kind_of(link)]) for link in LINKS}
"""Everything."""

WITHOUT_ISSUERS: Available = {
    link: frozenset() if kind_of(link) == "issuer" else effects
    for link, effects in AVAILABLE.items()
}
"""What an engine can carry out whose network hosts run apart."""
