"""A fault plan: what shall go wrong on which link, as data with its own file format.

A plan is a list of faults in TOML (`[[fault]]`) or JSON (the same keys):

    [[fault]]
    link = "visa.auth"            where; links and effects stand in `catalogue`, with their own keys
    effect = "latency"
    ms = 800
    probability = 0.4             of firing when it could; 1 if left out
    when = {nth = 3}              only the third time it could have fired
    from_s = 10                   lab seconds since the plan was applied
    to_s = 60                     and when it ends; for ever if left out

`when` also takes `amount_minor_gte` (DE 4) on a network's and an issuer's link, `bin` (the token's
first digits, DE 2) on a network's, and `pan_bin` (the card number's) on an issuer's. A pair of link
and effect that nothing carries out is refused with the code `effect_not_available`, never accepted
in silence. Refuses to know how an effect is carried out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import tomli_w

from backend.faults.catalogue import (
    AVAILABLE,
    CONDITIONS,
    EFFECTS,
    LINKS,
    Available,
    Terms,
    kind_of,
    terms_of,
)
from backend.runtime.errors import BadRequest

FAULTS_MAX = 64
SECONDS_MAX = 10**9
NTH_MAX = 1_000_000
AMOUNT_MAX = 10**12
BIN_DIGITS_MAX = 8
NOT_AVAILABLE = "effect_not_available"
NO_SUCH_CONDITION_HERE = "condition_not_available"

WHEN_KEYS = ("nth", "amount_minor_gte", "bin", "pan_bin")
OWN_KEYS = (
    "ms", "jitter_ms", "kb_s", "slice_bytes", "bytes", "at_apdu", "moment", "sw", "code", "field",
)  # fmt: skip
COMMON = frozenset({"link", "effect", "probability", "when", "from_s", "to_s"})
READ_ONLY = frozenset({"id", "fired"})  # what a view adds: may come back, says nothing
DEFAULT_STATUS = "6F00"


@dataclass(frozen=True, slots=True)
class When:
    """What must hold for a fault to fire.

    Attributes:
        nth: only the nth message that the rest of the conditions let through, counted from 1.
        amount_minor_gte: only amounts of at least so many minor units (DE 4).
        bin: only tokens that begin so (DE 2).
        pan_bin: only card numbers that begin so.
    """

    nth: int | None = None
    amount_minor_gte: int | None = None
    bin: str | None = None
    pan_bin: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, checked.

    Attributes:
        link: where, such as "visa.auth".
        effect: what, such as "latency".
        ms, jitter_ms, kb_s, slice_bytes, bytes: the effect's own numbers; ms None where it may be
            left out and was.
        at_apdu: the one command of a tap that is struck; None is any.
        moment: "before" or "after" the card did its work.
        sw: the status word, four hex digits.
        code: DE 39.
        field: number of a data element.
        probability: of firing, 0 to 1, for each message that may be hit.
        when: conditions.
        from_s, to_s: lab seconds since the plan was applied; to_s None is for ever.
    """

    link: str
    effect: str
    ms: int | None = None
    jitter_ms: int = 0
    kb_s: int = 0
    slice_bytes: int = 0
    bytes: int = 0
    at_apdu: int | None = None
    moment: str = "after"
    sw: str = DEFAULT_STATUS
    code: str = ""
    field: int = 0
    probability: float = 1.0
    when: When = When()
    from_s: float = 0.0
    to_s: float | None = None

    @property
    def terms(self) -> Terms:
        """What its effect takes on its link."""
        return terms_of(self.link, self.effect)

    @property
    def is_chosen(self) -> bool:
        """Whether it concerns some of the messages rather than all."""
        return self.when != When() or self.probability < 1

    def to_json(self) -> dict[str, object]:
        """The keys of the file format, without those that say nothing."""
        taken = self.terms.takes
        own = {name: getattr(self, name) for name in OWN_KEYS if name in taken}
        body: dict[str, object] = {"link": self.link, "effect": self.effect}
        body |= {name: value for name, value in own.items() if value is not None}
        if self.probability != 1.0:
            body["probability"] = self.probability
        when = {
            name: value for name in WHEN_KEYS if (value := getattr(self.when, name)) is not None
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
    offered = available.get(link, frozenset())
    if effect not in offered:
        others = f"; it has {', '.join(sorted(offered))}" if offered else "; it has no effects yet"
        raise BadRequest(
            NOT_AVAILABLE,
            f"{where}: nothing carries out {effect} on {link}{others}",
            field=f"{where}.effect",
        )
    own = _read_own(body, terms_of(link, effect), where)
    from_s = _number(body, "from_s", where, 0.0)
    to_s = _number(body, "to_s", where, inf)
    if to_s <= from_s:
        raise BadRequest("bad_value", f"{where}: to_s is not after from_s", field=f"{where}.to_s")
    return Fault(
        link=link,
        effect=effect,
        **own,
        probability=_number(body, "probability", where, 1.0, 1.0),
        when=_read_when(body.get("when", {}), link, f"{where}.when"),
        from_s=from_s,
        to_s=None if to_s == inf else to_s,
    )


def _read_own(body: Mapping[str, object], terms: Terms, where: str) -> dict[str, Any]:
    """The effect's own keys."""
    for key in body:
        if key not in COMMON | READ_ONLY and key not in terms.takes:
            raise BadRequest(
                "unknown_key",
                f"{where}: {body['effect']} on {body['link']} takes no {key!r}; it takes "
                + ", ".join([*terms.takes, *sorted(COMMON - {"link", "effect"})]),
                field=f"{where}.{key}",
            )
    for key in sorted(terms.needs - body.keys()):
        raise BadRequest(
            "missing_key", f"{where}: {body['effect']} needs {key!r}", field=f"{where}.{key}"
        )
    own = {key: body[key] for key in OWN_KEYS if key in body}
    for key, value in own.items():
        if not terms.takes[key].allows(value):
            raise BadRequest(
                "bad_value", f"{where}: {key} is {terms.takes[key].words}", field=f"{where}.{key}"
            )
    return own


def _read_when(body: object, link: str, where: str) -> When:
    if not isinstance(body, Mapping):
        raise BadRequest("bad_fault", f"{where} is no table, such as {{nth = 3}}", field=where)
    seen = CONDITIONS[kind_of(link)]
    for key in body:
        if key not in WHEN_KEYS:
            raise BadRequest(
                "unknown_key",
                f"{where}: no condition {key!r}; known are {', '.join(WHEN_KEYS)}",
                field=f"{where}.{key}",
            )
        if key not in seen:
            raise BadRequest(
                NO_SUCH_CONDITION_HERE,
                f"{where}: {key} cannot be seen on {link}, only {', '.join(sorted(seen))}",
                field=f"{where}.{key}",
            )
    return When(
        nth=_whole(body, "nth", where, 1, NTH_MAX),
        amount_minor_gte=_whole(body, "amount_minor_gte", where, 0, AMOUNT_MAX),
        bin=_digits(body, "bin", where),
        pan_bin=_digits(body, "pan_bin", where),
    )


def _name(body: Mapping[str, object], key: str, known: frozenset[str], where: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or value not in known:
        # Python does not print a number of any length, so only a text is shown.
        shown = repr(value[:60]) if isinstance(value, str) else f"as {type(value).__name__}"
        raise BadRequest(
            f"{key}_unknown",
            f"{where}: there is no {key} {shown}; known are {', '.join(sorted(known))}",
            field=f"{where}.{key}",
        )
    return value


def _whole(body: Mapping[str, object], key: str, where: str, low: int, high: int) -> int | None:
    if key not in body:
        return None
    value = body[key]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadRequest(
            "bad_value",
            f"{where}: {key} is a whole number from {low} to {high}",
            field=f"{where}.{key}",
        )
    return value


def _digits(body: Mapping[str, object], key: str, where: str) -> str | None:
    if key not in body:
        return None
    value = body[key]
    if (
        not isinstance(value, str)
        or not (value.isascii() and value.isdecimal())
        or len(value) > BIN_DIGITS_MAX
    ):
        raise BadRequest(
            "bad_value",
            f"{where}: {key} is 1 to {BIN_DIGITS_MAX} digits as text",
            field=f"{where}.{key}",
        )
    return value


def _number(
    body: Mapping[str, object], key: str, where: str, default: float, high: float = SECONDS_MAX
) -> float:
    if key not in body:
        return default
    value = body[key]
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= high:
        raise BadRequest(
            "bad_value", f"{where}: {key} is a number from 0 to {high:g}", field=f"{where}.{key}"
        )
    return float(value)
