"""Who says which colour to a provisioning, and how a cardholder can be reached to make sure.

Test behaviour: the first three digits of the card's security code choose the colours, so that a
lesson can have each of them with any card; every other code is green all round. Knows no token, no
store and no clock. The methods' terms are those of Visa's and Mastercard's token services; Amex
publishes little, so its terms are Visa's here, and so is the length of its codes.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.networks.tsp_terms import Colour, combine

METHODS = ("sms", "email", "bank_app", "call")
STEP_UP_DIGITS = {"visa": 6, "mastercard": 8, "amex": 6}
RULE_DIGITS = 3
_VISA_TERMS = {
    "sms": "OTP_SMS",
    "email": "OTP_EMAIL",
    "bank_app": "APP_TO_APP",
    "call": "OUTBOUNDCALL",
}
TERMS = {
    "visa": _VISA_TERMS,
    "mastercard": {
        "sms": "TEXT_TO_CARDHOLDER_NUMBER",
        "email": "EMAIL_TO_CARDHOLDER_ADDRESS",
        "bank_app": "CARDHOLDER_TO_USE_MOBILE_APP",
        "call": "ISSUER_TO_CALL_CARDHOLDER_NUMBER",
    },
    "amex": _VISA_TERMS,
}


@dataclass(frozen=True, slots=True)
class Decisions:
    """What each party says, and which methods the issuer offers if somebody wants to be sure.

    Attributes:
        wallet, network, issuer: their colours.
        methods: the issuer's, in the order in which a phone offers them.
    """

    wallet: Colour = Colour.GREEN
    network: Colour = Colour.GREEN
    issuer: Colour = Colour.GREEN
    methods: tuple[str, ...] = METHODS

    @property
    def colour(self) -> Colour:
        """All three together."""
        return combine((self.wallet, self.network, self.issuer))

    def refused_by(self) -> str | None:
        """Who said red, the wallet first; None when nobody did."""
        said = {"wallet": self.wallet, "network": self.network, "issuer": self.issuer}
        return next((who for who, colour in said.items() if colour is Colour.RED), None)


ORDINARY = Decisions()
CODE_RULES = {
    "610": Decisions(issuer=Colour.YELLOW),
    "611": Decisions(issuer=Colour.YELLOW, methods=("sms",)),
    "612": Decisions(network=Colour.YELLOW, methods=("bank_app", "call")),
    "613": Decisions(wallet=Colour.YELLOW, methods=("sms", "email")),
    "620": Decisions(issuer=Colour.RED),
    "621": Decisions(network=Colour.RED),
    "622": Decisions(wallet=Colour.RED),
}


def decisions_of(code: str) -> Decisions:
    """What a card's security code makes the three parties say."""
    return CODE_RULES.get(code[:RULE_DIGITS], ORDINARY)
