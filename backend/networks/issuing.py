"""The issuer behind a network: one account a card number, with a limit and holds.

Decides about money only: token, cryptogram and message are the network's business. Knows no SQL: it
is called inside a unit of work. Test cards and steered amounts are documented test behaviour: the
last two digits of an amount choose the answer where they are one of `STEERED` (one switch turns it
off). The limit applies to open holds and what is booked and not paid back, in one currency.
Authorization codes come from a stored count of approvals, so that a restart repeats none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from backend.networks.currencies import EXPONENT_BY_CODE, minor_units
from backend.networks.numbers import TestCard
from backend.networks.ports import HostRows, Reference

LIMIT_MAJOR = 50_000
APPROVED = "00"
ISSUER_PATIENCE_S = 10.0
"""How long a network waits for an issuer before it declines with 91 itself."""
LEADING_DIGITS = 8
CODE_COUNT = 1_000_000
CODE_STEP = 618_033  # shares no divisor with the count: every code comes once in a round
DECLINED = "declined"
STEERED = {
    51: "insufficient_funds",
    54: "expired_card",
    61: "exceeds_limit",
    62: "restricted_card",
    91: "issuer_unavailable",
    96: "system_malfunction",
}


def reason_of(response_code: str) -> str:
    """The stable word behind a declining DE 39 that nobody explained."""
    return STEERED.get(int(response_code), DECLINED) if response_code.isdecimal() else DECLINED


@dataclass(frozen=True, slots=True)
class Decision:
    """What the issuer says.

    Attributes:
        response_code: DE 39.
        auth_code: DE 38 when approved.
        reason: the stable word behind the code.
        steered: "amount ends .51" when the amount chose the code.
    """

    response_code: str
    reason: str
    auth_code: str | None = None
    steered: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedCard:
    """A card account without its number.

    Attributes:
        behaviour: what this number does on purpose, if it is a test card.
        leading_digits: the first eight of its number: who issued it.
    """

    account_id: str
    network: str
    behaviour: TestCard
    leading_digits: str


class IssuerWay(Protocol):
    """The way from a network to a card's issuer, who may be slow or out of reach."""

    async def ask(
        self, network: str, card: Callable[[], Awaitable[IssuedCard]], amount_minor: int
    ) -> Decision | None:
        """Wait as long as the way takes; None when the issuer is there and decides.

        Args:
            network: who asks.
            card: tells whose money it is about.
            amount_minor: DE 4.
        """


class OpenWay:
    """The issuer is always there."""

    async def ask(
        self,
        network: str,  # noqa: ARG002 - the port's
        card: Callable[[], Awaitable[IssuedCard]],  # noqa: ARG002
        amount_minor: int,  # noqa: ARG002
    ) -> Decision | None:
        """Nothing stands in the way."""
        return None


@dataclass(slots=True)
class Issuer:
    """The issuer of one network's cards.

    Attributes:
        limit_major: open holds allowed for one card and currency, in major units.
        steering: whether amounts choose answers.
    """

    limit_major: int = LIMIT_MAJOR
    steering: bool = True

    def decide(
        self,
        rows: HostRows,
        card: IssuedCard,
        reference: Reference,
        amount_minor: int,
        currency: str,
    ) -> Decision:
        """Approve and hold the money, or decline.

        Args:
            rows: the unit of work to decide in.
            card: whose money.
            reference: names the hold.
            amount_minor: in minor units of `currency`.
            currency: ISO 4217 letters.
        """
        behaviour = card.behaviour
        if behaviour.response_code is not None:
            return Decision(behaviour.response_code, behaviour.reason or DECLINED)
        ending = amount_minor % 100
        if self.steering and ending in STEERED:
            point = "." if EXPONENT_BY_CODE[currency] else ""
            return Decision(
                f"{ending:02d}", STEERED[ending], steered=f"amount ends {point}{ending:02d}"
            )
        if not behaviour.unlimited:
            held = rows.held_minor(card.account_id, currency)
            owed = rows.posted_minor(card.account_id, currency)
            if held + owed + amount_minor > minor_units(self.limit_major, currency):
                return Decision("51", "insufficient_funds")
        return self.book(rows, card, reference, amount_minor, currency)

    def book(
        self,
        rows: HostRows,
        card: IssuedCard,
        reference: Reference,
        amount_minor: int,
        currency: str,
    ) -> Decision:
        """Hold the money whatever there is: its card has promised it.

        Args: as for `decide`.
        """
        rows.add_hold(card.network, reference, card.account_id, amount_minor, currency)
        code = authorization_code(card.network, rows.next_approval(card.network))
        return Decision(APPROVED, "approved", auth_code=code)


def authorization_code(network: str, approval: int) -> str:
    """DE 38 of a network's n-th approval: six digits, no two alike in a million approvals."""
    first = int.from_bytes(network.encode(), "big")  # so that networks do not count alike
    return f"{(first + approval * CODE_STEP) % CODE_COUNT:06d}"
