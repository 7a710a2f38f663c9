"""One reader or card fault as data, with the keys of a fault plan's `[[fault]]` tables.

    link = "reader" | "card"     what it happens to; also what the till hears
    effect = "unplug" | "pull" | "mute" | "slow" | "relay" | "wrong_status" | "short_data" |
             "collision"
    at_apdu = 2                  only at this command of a tap, counted from 1
    moment = "before" | "after"  the card has not, or has, done its work ("after" is the default)
    when = {nth = 3}             only the third time it could have fired
    ms, jitter_ms                how long slow and mute take, and relay at every command
    sw = "6F00"                  the status word of wrong_status
    probability = 0.4            of firing when it could; 1 if left out
    from_s, to_s                 lab seconds since the plan was applied

Validation says which key is wrong and what it may be; a fault nobody could fire is refused. Knows
no reader: `wrappers` does the work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hardware.runtime.errors import FaultPlanError


class FaultLink(StrEnum):
    """What a fault happens to."""

    READER = "reader"
    CARD = "card"


class Effect(StrEnum):
    """What a fault does."""

    UNPLUG = "unplug"
    PULL = "pull"
    MUTE = "mute"
    SLOW = "slow"
    RELAY = "relay"
    """Somebody stands between till and card: every command of the tap takes longer."""
    WRONG_STATUS = "wrong_status"
    SHORT_DATA = "short_data"
    COLLISION = "collision"


class Moment(StrEnum):
    """Whether the card has done its work when the fault strikes."""

    BEFORE = "before"
    AFTER = "after"


_EFFECTS = {
    FaultLink.READER: frozenset({Effect.UNPLUG, Effect.SLOW, Effect.COLLISION}),
    FaultLink.CARD: frozenset(Effect) - {Effect.UNPLUG},
}
_KEYS = frozenset(
    {
        "link", "effect", "at_apdu", "moment", "when", "ms", "jitter_ms", "sw", "probability",
        "from_s", "to_s",
    }
)  # fmt: skip
_MS_MAX = 600_000
_S_MAX = 10**9
_APDU_MAX = 1000
_NTH_MAX = 1_000_000
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class CardFaultSpec:
    """One fault, validated. `ms` and `jitter_ms` in milliseconds, `from_s`/`to_s` in seconds."""

    link: FaultLink
    effect: Effect
    at_apdu: int | None = None
    moment: Moment = Moment.AFTER
    nth: int | None = None
    ms: float = 0.0
    jitter_ms: float = 0.0
    sw: int = 0x6F00
    probability: float = 1.0
    from_s: float | None = None
    to_s: float | None = None

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> CardFaultSpec:
        """Read one table.

        Raises:
            FaultPlanError: an unknown key, a bad value, a missing one, or keys that contradict.
        """
        unknown = sorted(set(table) - _KEYS)
        if unknown:
            raise FaultPlanError(f"unknown key {unknown[0]!r}; known: {', '.join(sorted(_KEYS))}")
        link = FaultLink(_choice(table, "link", tuple(FaultLink)))
        effect = Effect(_choice(table, "effect", tuple(Effect)))
        if effect not in _EFFECTS[link]:
            names = ", ".join(sorted(_EFFECTS[link]))
            raise FaultPlanError(f"link {link.value!r} has no effect {effect.value!r}; {names}")
        spec = cls(
            link=link,
            effect=effect,
            at_apdu=_whole(table, "at_apdu", _APDU_MAX),
            moment=Moment(_choice({"moment": "after", **table}, "moment", tuple(Moment))),
            nth=_nth(table),
            ms=_number(table, "ms", _MS_MAX) or 0.0,
            jitter_ms=_number(table, "jitter_ms", _MS_MAX) or 0.0,
            sw=_status_word(table),
            probability=_probability(table),
            from_s=_number(table, "from_s", _S_MAX),
            to_s=_number(table, "to_s", _S_MAX),
        )
        spec._check()
        return spec

    def _check(self) -> None:
        if self.effect in {Effect.SLOW, Effect.RELAY} and self.ms + self.jitter_ms <= 0:
            raise FaultPlanError(f"effect {self.effect.value!r} needs 'ms'")
        if self.effect is Effect.RELAY and self.at_apdu is not None:
            raise FaultPlanError("a relay carries every command: no 'at_apdu'")
        if self.effect is Effect.COLLISION and self.at_apdu is not None:
            raise FaultPlanError("a collision happens before the first command: no 'at_apdu'")
        if self.from_s is not None and self.to_s is not None and self.from_s >= self.to_s:
            raise FaultPlanError("'to_s' must come after 'from_s'")

    def to_table(self) -> dict[str, object]:
        """The same fault as a table; reading it back gives an equal value."""
        table: dict[str, object] = {"link": self.link.value, "effect": self.effect.value}
        optional: dict[str, object | None] = {
            "at_apdu": self.at_apdu,
            "moment": self.moment.value if self.moment is Moment.BEFORE else None,
            "when": None if self.nth is None else {"nth": self.nth},
            "ms": self.ms or None,
            "jitter_ms": self.jitter_ms or None,
            "sw": f"{self.sw:04X}" if self.effect is Effect.WRONG_STATUS else None,
            "probability": self.probability if self.probability < 1 else None,
            "from_s": self.from_s,
            "to_s": self.to_s,
        }
        return table | {name: value for name, value in optional.items() if value is not None}


def _choice(table: Mapping[str, object], name: str, allowed: tuple[str, ...]) -> str:
    value = table.get(name)
    if not isinstance(value, str) or value not in allowed:
        raise FaultPlanError(f"{name!r} must be one of {', '.join(allowed)}; got {_shown(value)}")
    return value


def _nth(table: Mapping[str, object]) -> int | None:
    """The one condition that a reader or a card can have."""
    when = table.get("when")
    if when is None:
        return None
    if not isinstance(when, Mapping) or set(when) != {"nth"}:
        raise FaultPlanError(f"'when' takes {{nth = N}} and nothing else here; got {_shown(when)}")
    return _whole(when, "nth", _NTH_MAX)


def _whole(table: Mapping[str, object], name: str, limit: int) -> int | None:
    value = table.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise FaultPlanError(f"{name!r} must be a whole number from 1; got {_shown(value)}")
    if value > limit:
        raise FaultPlanError(f"{name!r} must be at most {limit}; got {_shown(value)}")
    return value


def _number(table: Mapping[str, object], name: str, limit: float) -> float | None:
    value = table.get(name)
    if value is None:
        return None
    # The comparison also refuses NaN, which is neither above nor below anything.
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise FaultPlanError(f"{name!r} must be a number from 0; got {_shown(value)}")
    if value > limit:
        raise FaultPlanError(f"{name!r} must be at most {limit:g}")
    return float(value)


def _probability(table: Mapping[str, object]) -> float:
    value = _number(table, "probability", 1)
    if value == 0:
        raise FaultPlanError("'probability' 0 never fires: leave the fault out")
    return 1.0 if value is None else value


def _status_word(table: Mapping[str, object]) -> int:
    value = table.get("sw", "6F00")
    if not isinstance(value, str) or not re.fullmatch(r"[69][0-9A-Fa-f]{3}", value):
        raise FaultPlanError(f"'sw' must be four hex digits starting 6 or 9; got {_shown(value)}")
    return int(value, 16)


def _shown(value: object) -> str:
    """A value for a complaint, cut; Python does not print a number of any length."""
    try:
        return repr(value)[:_SHOWN_CHARACTERS]
    except ValueError:
        return "a number beyond all measure"
