"""The till's offline desk: whether a tap may be kept, what waits, and the shop's risk in words.

Puts rules, the sealed file and the way to the engine together for the till's flow and its view.
Knows no card and no phase of a sale.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.api import Clock
from lab.amounts import format_amount
from lab.clock_text import hour_and_minute
from lab.engine_shapes import NfcOrder
from lab.pos.kept_approvals import EndedTap, KeptApprovals, KeptTap
from lab.pos.offline import Forwarding
from lab.pos.offline_rules import OfflineLimits, OfflineMode, RuleFile, refusal
from lab.pos.state import OfflineState, RecentSale
from lab.words import Message, message

PAID = "approved"


class OfflineDesk:
    """What a till does without its bank."""

    def __init__(
        self,
        forwarding: Forwarding,
        rules: RuleFile,
        kept: KeptApprovals | None,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """The desk over these parts.

        Args:
            forwarding: uploads what was taken.
            rules: the shop's decisions.
            kept: how taps ended; None when nothing is kept.
            clock: lab time.
            changed: what it shows has changed.
        """
        self._forwarding = forwarding
        self._rules = rules
        self._kept = kept
        self._clock = clock
        self._changed = changed

    @property
    def is_now(self) -> bool:
        """Whether the till has been told not to ask."""
        return self._rules.rules.mode is OfflineMode.NOW

    @property
    def when_down(self) -> bool:
        """Whether a tap is kept when nobody can be asked."""
        return self._rules.rules.mode is not OfflineMode.NEVER

    @property
    def limits(self) -> OfflineLimits:
        """What the shop risks at most."""
        return self._rules.rules.limits

    @property
    def stored(self) -> tuple[KeptTap, ...]:
        """Cryptograms that wait: what nobody has promised to pay."""
        return tuple(tap for tap in self._forwarding.waiting if tap.order.stored)

    def choose(self, mode: OfflineMode) -> None:
        """Take another mode; back on line, the upload begins."""
        self._rules.choose(mode)
        self._forwarding.resume()

    def limit(self, limits: OfflineLimits) -> None:
        """Take other limits."""
        self._rules.limit(limits)
        self._changed()

    def seen(self) -> None:
        """Somebody has read how the last ones ended."""
        if self._kept is not None:
            self._kept.forget_ended()
        self._changed()

    def refusal(self, amount_minor: int, currency: str) -> Message | None:
        """Why this amount may not be kept now; None when it may."""
        return refusal(self.limits, self.stored, amount_minor, currency, self._clock.now_us())

    def refusal_of(self, order: NfcOrder) -> Message | None:
        """Why this tap may not be kept: a track has no signed day and no signed amount."""
        if order.track_2:
            return Message("pos.stored.no_track", "bad")
        return self.refusal(order.amount_minor, order.currency)

    def keep(self, order: NfcOrder, key: str) -> None:
        """Store a tap; on disk when this returns. It is uploaded as soon as that may be."""
        assert order.stored, "what is kept here is declared when it is uploaded"
        self._forwarding.keep(order, key)
        self._forwarding.resume()

    def state(self) -> OfflineState:
        """The desk as the till shows it."""
        stored = self.stored
        ended = () if self._kept is None else self._kept.ended
        lost = tuple(tap for tap in ended if tap.outcome != PAID)
        limits = self.limits
        return OfflineState(
            mode=self._rules.rules.mode.value,
            risk=_risk(stored),
            waiting=tuple(_line(tap, "stored offline") for tap in stored),
            sending=self._forwarding.is_sending and bool(stored),
            uploaded=sum(tap.outcome == PAID for tap in ended),
            lost=tuple(_ended_line(tap) for tap in lost),
            lost_reasons=tuple(tap.reason.replace("_", " ") or tap.outcome for tap in lost),
            limits=(limits.single_major, limits.total_major, limits.count, limits.expiry_h),
        )


def _risk(stored: tuple[KeptTap, ...]) -> Message | None:
    """What nobody has promised yet, by currency."""
    if not stored:
        return None
    totals: dict[str, int] = {}
    for tap in stored:
        totals[tap.order.currency] = totals.get(tap.order.currency, 0) + tap.order.amount_minor
    amounts = " + ".join(format_amount(total, code) for code, total in totals.items())
    key = "till.offline.risk_one" if len(stored) == 1 else "till.offline.risk"
    return message(key, "waiting", count=str(len(stored)), amount=amounts)


def _line(tap: KeptTap, state: str) -> RecentSale:
    order = tap.order
    amount = format_amount(order.amount_minor, order.currency)
    return RecentSale(order.tap_id, hour_and_minute(tap.at_us), amount, state)


def _ended_line(tap: EndedTap) -> RecentSale:
    amount = format_amount(tap.amount_minor, tap.currency)
    return RecentSale(tap.tap_id, hour_and_minute(tap.at_us), amount, tap.outcome)
