"""When the till takes payments without its bank, and how much of that the shop is ready to lose.

Until such a tap is uploaded nobody has promised the money, so the shop decides: never (as
delivered), when the line is down, or now; and within limits for one payment, in total, for their
number and for how long they may lie there. Amounts are in major units, and each currency has a
total of its own. The rules outlive the process in a small file that a person may edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

import orjson

from lab.amounts import currency_of, format_amount
from lab.errors import SomethingMissing
from lab.json_fields import as_object, text, whole
from lab.pos.kept_approvals import KeptTap
from lab.wallet.phone_cache import replace_file
from lab.words import Message, message

FILE = "till-offline-rules.json"
HOUR_US = 3_600_000_000


class OfflineMode(Enum):
    """When the till keeps taps instead of asking."""

    NEVER = "never"
    WHEN_DOWN = "when_down"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class OfflineLimits:
    """What the shop risks at most.

    Attributes:
        single_major: the largest payment, in major units of its currency.
        total_major: all stored payments of one currency together, in major units.
        count: how many payments, of all currencies.
        expiry_h: how old the oldest may be before no more are taken; what was never sent by then
            ends as expired.
    """

    single_major: int = 50
    total_major: int = 200
    count: int = 10
    expiry_h: int = 24

    def __post_init__(self) -> None:
        """Raises ValueError for limits that are none."""
        for name in self.__slots__:
            if not 0 < getattr(self, name) <= 1_000_000:
                raise ValueError(f"{name} must be 1 to 1,000,000")
        if self.single_major > self.total_major:
            raise ValueError("single_major is above total_major")


@dataclass(frozen=True, slots=True)
class OfflineRules:
    """What the shop has decided."""

    mode: OfflineMode = OfflineMode.NEVER
    limits: OfflineLimits = field(default_factory=OfflineLimits)


def refusal(
    limits: OfflineLimits,
    stored: Sequence[KeptTap],
    amount_minor: int,
    currency: str,
    now_us: int,
) -> Message | None:
    """Why this amount may not be kept beside what is stored; None when it may."""
    unit = 10 ** currency_of(currency).exponent
    if amount_minor > limits.single_major * unit:
        limit = format_amount(limits.single_major * unit, currency)
        return message("pos.stored.over_single", "bad", limit=limit)
    if len(stored) >= limits.count:
        return message("pos.stored.over_count", "bad", count=str(limits.count))
    if any(is_expired(limits, tap, now_us) for tap in stored):
        return message("pos.stored.over_age", "bad", hours=str(limits.expiry_h))
    total = sum(tap.order.amount_minor for tap in stored if tap.order.currency == currency)
    if total + amount_minor > limits.total_major * unit:
        limit = format_amount(limits.total_major * unit, currency)
        return message("pos.stored.over_total", "bad", limit=limit)
    return None


def is_expired(limits: OfflineLimits, tap: KeptTap, now_us: int) -> bool:
    """Whether a stored tap has lain there for longer than it may."""
    return now_us - tap.at_us > limits.expiry_h * HOUR_US


class RuleFile:
    """The rules as this folder remembers them."""

    def __init__(self, path: Path | None) -> None:
        """Read them; without a file they are as delivered, without a path they die with us.

        Raises:
            SomethingMissing: the file is no rules.
        """
        self._path = path
        self._rules = OfflineRules()
        if path is None or not path.exists():
            return
        try:
            body = as_object(orjson.loads(path.read_bytes()), FILE)
            numbers = {name: whole(body, name) for name in OfflineLimits.__slots__}
            self._rules = OfflineRules(OfflineMode(text(body, "mode")), OfflineLimits(**numbers))
        except ValueError as damage:
            raise SomethingMissing(
                f"the till's offline rules {path} cannot be read ({damage})",
                "mend it, or remove it to have the usual ones",
            ) from damage

    @property
    def rules(self) -> OfflineRules:
        """What holds now."""
        return self._rules

    def choose(self, mode: OfflineMode) -> None:
        """Take another mode, on disk when this returns."""
        self._keep(replace(self._rules, mode=mode))

    def limit(self, limits: OfflineLimits) -> None:
        """Take other limits, on disk when this returns."""
        self._keep(replace(self._rules, limits=limits))

    def _keep(self, rules: OfflineRules) -> None:
        self._rules = rules
        if self._path is not None:
            numbers = {name: getattr(rules.limits, name) for name in OfflineLimits.__slots__}
            body = {"mode": rules.mode.value, **numbers}
            replace_file(self._path, orjson.dumps(body, option=orjson.OPT_INDENT_2))
