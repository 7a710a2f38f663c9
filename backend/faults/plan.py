"""A fault plan: what shall go wrong on which link, as data with its own file format.

Theory of operation. A plan is a list of faults in TOML (`[[fault]]`) or JSON (the same keys). Every
link and effect that the laboratory names is known here; a pair that nothing carries out is refused
with the code `effect_not_available`, never accepted in silence. Names follow Toxiproxy where it has
one. Effects on a network's link, and the keys they take:

    latency        ms, jitter_ms      answers come later (a late answer is not a lost one)
    bandwidth      kb_s               answers trickle, kilobytes per second
    slicer         slice_bytes, ms    answers come in pieces with a pause between
    timeout                           a black hole: nothing passes, nothing closes
    reset_peer                        the request tears the connection down and is lost
    limit_data     bytes              so many bytes of the answer, then the connection ends
    half_open                         the network's side is gone, the switch's side hears nothing
    slow_close     ms                 a closing is passed on later
    corrupt                           the answer's first bytes are spoiled
    lost_request                      the network never sees it
    lost_response                     the network did it, the answer is lost
    duplicate                         the request arrives twice

Network management (08xx) is left alone by all but latency, bandwidth, slicer and timeout, so that
`nth` counts payments. `from_s` and `to_s` are lab seconds since the plan was applied.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import tomli_w

from backend.networks.numbers import NETWORKS
from backend.runtime.errors import BadRequest

FAULTS_MAX = 64
BYTES_MAX = 65_536
MS_MAX = 3_600_000
SECONDS_MAX = 10**12
NOT_AVAILABLE = "effect_not_available"

EFFECTS = frozenset(
    [
        "latency",
        "bandwidth",
        "slicer",
        "slow_close",
        "timeout",
        "reset_peer",
        "limit_data",
        "half_open",
        "corrupt",
        "lost_request",
        "lost_response",
        "duplicate",
        "reorder",
        "answer_code",
        "late_answer",
        "wrong_cryptogram",
        "malformed_field",
        "unplug",
        "pull",
        "mute",
        "slow",
        "wrong_status",
        "short_data",
        "collision",
    ]
)
LINKS = frozenset(
    [f"{network}.{part}" for network in NETWORKS for part in ("auth", "tsp", "issuer")]
    + ["phone.engine", "pos.engine", "webhooks", "database", "cache", "reader", "card"]
)
# effect → keys it takes and which of them it cannot do without
PARAMETERS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "latency": (frozenset({"ms", "jitter_ms"}), frozenset({"ms"})),
    "bandwidth": (frozenset({"kb_s"}), frozenset({"kb_s"})),
    "slicer": (frozenset({"slice_bytes", "ms"}), frozenset({"slice_bytes"})),
    "limit_data": (frozenset({"bytes"}), frozenset({"bytes"})),
    "slow_close": (frozenset({"ms"}), frozenset({"ms"})),
    "timeout": (frozenset(), frozenset()),
    "reset_peer": (frozenset(), frozenset()),
    "half_open": (frozenset(), frozenset()),
    "corrupt": (frozenset(), frozenset()),
    "lost_request": (frozenset(), frozenset()),
    "lost_response": (frozenset(), frozenset()),
    "duplicate": (frozenset(), frozenset()),
}
WIRE_EFFECTS = frozenset(PARAMETERS)
Available = Mapping[str, frozenset[str]]
AVAILABLE: Available = {f"{network}.auth": WIRE_EFFECTS for network in NETWORKS}

NUMBERS = {
    "ms": (0, MS_MAX),
    "jitter_ms": (0, MS_MAX),
    "kb_s": (1, 1_000_000),
    "slice_bytes": (1, BYTES_MAX),
    "bytes": (0, BYTES_MAX),
}
CONDITIONS = frozenset({"nth", "amount_minor_gte", "bin", "pan_bin"})
BIN_DIGITS_MAX = 8
COMMON = frozenset({"link", "effect", "probability", "when", "from_s", "to_s"})
READ_ONLY = frozenset({"id", "fired"})  # what a view adds: may come back, says nothing


@dataclass(frozen=True, slots=True)
class When:
    """What must hold for a fault to fire.

    Attributes:
        nth: only the nth message that the rest of the conditions let through, counted from 1.
        amount_minor_gte: only amounts of at least so many minor units (DE 4).
        bin: only tokens that begin so (DE 2).
    """

    nth: int | None = None
    amount_minor_gte: int | None = None
    bin: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, checked.

    Attributes:
        link: where, such as "visa.auth".
        effect: what, such as "latency".
        ms, jitter_ms, kb_s, slice_bytes, bytes: the effect's own numbers.
        probability: of firing, 0 to 1, for each message that may be hit.
        when: conditions.
        from_s, to_s: lab seconds since the plan was applied; to_s None is for ever.
    """

    link: str
    effect: str
    ms: int = 0
    jitter_ms: int = 0
    kb_s: int = 0
    slice_bytes: int = 0
    bytes: int = 0
    probability: float = 1.0
    when: When = When()
    from_s: float = 0.0
    to_s: float | None = None

    def to_json(self) -> dict[str, object]:
        """The keys of the file format, without those that say nothing."""
        taken, _ = PARAMETERS[self.effect]
        body: dict[str, object] = {"link": self.link, "effect": self.effect}
        body.update({name: getattr(self, name) for name in NUMBERS if name in taken})
        if self.probability != 1.0:
            body["probability"] = self.probability
        when = {
            name: value
            for name in ("nth", "amount_minor_gte", "bin")
            if (value := getattr(self.when, name)) is not None
        }
        if when:
            body["when"] = when
        if self.from_s:
            body["from_s"] = self.from_s
        if self.to_s is not None:
            body["to_s"] = self.to_s
        return body


def read_faults(bodies: Iterable[object], available: Available = AVAILABLE) -> list[Fault]:
    """Check every fault of a plan.

    Args:
        bodies: one object a fault, keys as in the file format.
        available: which effects are carried out on which link.

    Raises:
        BadRequest: the first thing wrong, with a code and the field as `fault[2].effect`.
    """
    listed = list(bodies)
    if len(listed) > FAULTS_MAX:
        raise BadRequest("too_many_faults", f"a plan has at most {FAULTS_MAX} faults")
    return [_read_fault(body, f"fault[{index}]", available) for index, body in enumerate(listed)]


def load_toml(text: str, available: Available = AVAILABLE) -> list[Fault]:
    """The faults of a plan file.

    Raises:
        BadRequest: not TOML, or a fault in it is wrong.
    """
    try:
        body = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number or a nesting beyond all measure
        raise BadRequest("not_toml", f"the plan is no TOML: {error}") from error
    faults = body.get("fault", [])
    if not isinstance(faults, list):
        raise BadRequest("bad_fault", "faults are written as [[fault]]", field="fault")
    return read_faults(faults, available)


def dump_toml(faults: Iterable[Fault]) -> str:
    """The plan as a file that `load_toml` reads back equal."""
    return tomli_w.dumps({"fault": [fault.to_json() for fault in faults]})


def _read_fault(body: object, where: str, available: Available) -> Fault:
    if not isinstance(body, Mapping):
        raise BadRequest("bad_fault", f"{where} is no table", field=where)
    link = _name(body, "link", LINKS, where)
    effect = _name(body, "effect", EFFECTS, where)
    if effect not in available.get(link, frozenset()):
        raise BadRequest(
            NOT_AVAILABLE, f"{where}: {effect} on {link} is not built", field=f"{where}.effect"
        )
    taken, needed = PARAMETERS[effect]
    for key in body:
        if key not in taken | COMMON | READ_ONLY:
            raise BadRequest("unknown_key", f"{where}: {effect} takes no {key!r}",
                             field=f"{where}.{key}")  # fmt: skip
    for key in needed:
        if key not in body:
            raise BadRequest("missing_key", f"{where}: {effect} needs {key!r}",
                             field=f"{where}.{key}")  # fmt: skip
    from_s = _number(body, "from_s", where, 0.0)
    to_s = _number(body, "to_s", where, float("inf"))
    if to_s <= from_s:
        raise BadRequest("bad_value", f"{where}: to_s is not after from_s", field=f"{where}.to_s")
    return Fault(
        link=link,
        effect=effect,
        **{name: _whole(body, name, where, *NUMBERS[name]) for name in taken if name in body},
        probability=_number(body, "probability", where, 1.0, 1.0),
        when=_read_when(body.get("when", {}), f"{where}.when"),
        from_s=from_s,
        to_s=None if to_s == float("inf") else to_s,
    )


def _read_when(body: object, where: str) -> When:
    if not isinstance(body, Mapping):
        raise BadRequest("bad_fault", f"{where} is no table", field=where)
    for key in body:
        if key not in CONDITIONS:
            raise BadRequest(
                "unknown_key", f"{where}: no condition {key!r}", field=f"{where}.{key}"
            )
    if "pan_bin" in body:
        raise BadRequest(
            NOT_AVAILABLE,
            f"{where}: card numbers are seen on an issuer's link only, which has no faults yet",
            field=f"{where}.pan_bin",
        )
    prefix = body.get("bin")
    if prefix is not None and not (
        isinstance(prefix, str) and prefix.isdecimal() and len(prefix) <= BIN_DIGITS_MAX
    ):
        raise BadRequest("bad_value", f"{where}: bin is 1 to {BIN_DIGITS_MAX} digits as text",
                         field=f"{where}.bin")  # fmt: skip
    return When(
        nth=_whole(body, "nth", where, 1, 1_000_000) if "nth" in body else None,
        amount_minor_gte=(
            _whole(body, "amount_minor_gte", where, 0, 10**12)
            if "amount_minor_gte" in body
            else None
        ),
        bin=prefix,
    )


def _name(body: Mapping[str, object], key: str, known: frozenset[str], where: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or value not in known:
        raise BadRequest(f"{key}_unknown", f"{where}: there is no {key} {value!r}; known are "
                         + ", ".join(sorted(known)), field=f"{where}.{key}")  # fmt: skip
    return value


def _whole(body: Mapping[str, object], key: str, where: str, low: int, high: int) -> int:
    value = body[key]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadRequest("bad_value", f"{where}: {key} is a whole number from {low} to {high}",
                         field=f"{where}.{key}")  # fmt: skip
    return value


def _number(
    body: Mapping[str, object], key: str, where: str, default: float, high: float = float("inf")
) -> float:
    value = body.get(key, default)
    if isinstance(value, int) and value > SECONDS_MAX:
        value = None  # more than a float holds is no number here
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= high:
        limit = "" if high == float("inf") else f" to {high:g}"
        raise BadRequest("bad_value", f"{where}: {key} is a number from 0{limit}",
                         field=f"{where}.{key}")  # fmt: skip
    return float(value)
