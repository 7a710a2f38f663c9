"""What the laboratory looks like at one moment of a scenario, and each subject's value in it.

Gathered once, then only read: the expectations of one moment are all judged on the same picture.
Counts concern this run's own payments, balances what has changed since it began.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab.engine_shapes import LabState, PaymentRecord
from lab.json_fields import Json, objects, text, whole
from lab.scenarios.model import Expectation, Tap, Want
from lab.scenarios.result import Check, TapTaken, Value
from lab.scenarios.subjects import NONE, TAP_BOUNDS, TAP_WORDS, title

Balances = Mapping[tuple[str, str], int]
OPEN = frozenset({"authorizing", "unknown", "reversing"})


@dataclass(frozen=True, slots=True)
class Observation:
    """One moment.

    Attributes:
        taps: by the name of their step.
        payments: this run's.
        balances: by (account, currency) since the run began, debit positive.
        cards: status by network, as the phone has them.
        fired: by fault.
    """

    taps: Mapping[str, TapTaken]
    payments: tuple[PaymentRecord, ...]
    lab: LabState
    balances: Balances
    cards: Mapping[str, str]
    fired: Callable[[str], int]

    def value(self, subject: str, tap: str = "") -> Value:
        """The value of a subject; None when there is none."""
        head, _, rest = subject.partition(".")
        if head in TAP_WORDS or head in TAP_BOUNDS:
            taken = self.taps.get(tap)
            if taken is None:
                return None
            return taken.latency_ms.get(rest) if rest else str(getattr(taken, head))
        return _VALUES[head](self, rest)

    def _ledger(self) -> str:
        sums: defaultdict[str, int] = defaultdict(int)
        for (_, currency), minor in self.balances.items():
            sums[currency] += minor
        off = [f"off by {minor} {currency}" for currency, minor in sorted(sums.items()) if minor]
        return ", ".join(off) or "balanced"

    def _balance(self, currency: str, kind: str) -> int:
        """Of all accounts of a kind, whoever owns them."""
        return sum(
            minor
            for (account, of_currency), minor in self.balances.items()
            if of_currency == currency and account.split(":")[1] == kind
        )


_VALUES: dict[str, Callable[[Observation, str], Value]] = {
    "ledger": lambda seen, _: seen._ledger(),  # noqa: SLF001 -- its own table
    "holds": lambda seen, _: sum(payment.bank == "held" for payment in seen.payments),
    "open_outcomes": lambda seen, _: sum(payment.state in OPEN for payment in seen.payments),
    "payments": lambda seen, state: sum(payment.state == state for payment in seen.payments),
    "breakers": lambda seen, name: next(
        (b.state for b in seen.lab.breakers if b.name == name), None
    ),
    "rejected": lambda seen, name: next(
        (b.rejected for b in seen.lab.breakers if b.name == name), None
    ),
    "cards": lambda seen, network: seen.cards.get(network, NONE),
    "fired": lambda seen, fault: seen.fired(fault),
    "balances": lambda seen, account: seen._balance(*account.split(".", 1)),  # noqa: SLF001 -- as above
}


def judge(expectation: Expectation, seen: Observation) -> list[Check]:
    """Each of an expectation's wants, against one moment."""
    return [_check(expectation, want, seen) for want in expectation.wants]


def _check(expectation: Expectation, want: Want, seen: Observation) -> Check:
    actual = seen.value(want.subject, expectation.tap)
    about = f"{expectation.tap}: " if expectation.tap else ""
    moment = (
        f", after {expectation.after}" if expectation.after not in {"", expectation.tap} else ""
    )
    at_end = ", at the end" if expectation.tap and not expectation.after else ""
    return Check(
        name=f"{about}{title(want.subject)}{moment}{at_end}",
        after=expectation.after,
        tap=expectation.tap,
        expected=str(want.accepted),
        actual=_said(actual),
        ok=want.accepted.admits(actual),
    )


def balances_of(ledger: Json) -> dict[tuple[str, str], int]:
    """The balances that `GET /lab/ledger` answers."""
    return {
        (text(row, "account"), text(row, "currency")): whole(row, "balance_minor")
        for row in objects(ledger, "balances")
    }


def untaken(step: Tap, outcome: str) -> TapTaken:
    """A tap that has led to nothing yet, or to nothing at all."""
    return TapTaken(
        step=step.name,
        tap_id="",
        payment_id="",
        amount_minor=step.amount_minor,
        currency=step.currency,
        network=step.card,
        outcome=outcome,
        response_code="",
        reason="",
        payment=NONE,
        phone=NONE,
        till=NONE,
        bank=NONE,
    )


def _said(value: Value) -> str:
    if value is None or value == "":
        return NONE
    return value if isinstance(value, str) else f"{value:g}"
