"""Cards that are not there: a number typed into a shop, which the acquirer's vault sealed for us.

Theory of operation. A 0100 for such a card has neither token nor chip data; DE 127 carries a JWE
(RFC 7516, ECDH-ES with A256GCM) for this network's key with the number, the retrieval reference
number of the very payment it was sealed for, and the security code where the merchant has one. A
block lifted into another message does not open the way. The code is looked at and forgotten.

Test behaviour: the published test numbers of `REMOTE_CARDS` do what they stand for here and only
here: at a till their tokens are ordinary. Refuses to know money, connections and waiting.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from joserfc import jwe
from joserfc.errors import JoseError

from backend.networks import numbers
from backend.networks.issuing import LEADING_DIGITS, Decision, IssuedCard
from backend.networks.keys import NetworkKeys
from backend.networks.message import SEALED_CARD, Message
from backend.networks.tsp_payload import JWE_ALGORITHMS

CODE_REFUSED = Decision("N7", "incorrect_cvc")
AUTHENTICATION_REQUIRED = Decision("1A", "authentication_required")
NOT_SEALED = Decision("30", "not_sealed")


@dataclass(frozen=True, slots=True)
class RemoteBehaviour:
    """What a test number does when it is typed into a shop.

    Attributes:
        refusal: what its issuer answers; None approves as ever.
        refuses_code: any security code is the wrong one.
        disputes_later: the reason for which its holder will dispute what was paid.
    """

    refusal: Decision | None = None
    refuses_code: bool = False
    disputes_later: str | None = None


ORDINARY = RemoteBehaviour()
REMOTE_CARDS = {
    "4000002500003155": RemoteBehaviour(refusal=AUTHENTICATION_REQUIRED),
    "4000000000000127": RemoteBehaviour(refuses_code=True),
    "4000000000000259": RemoteBehaviour(disputes_later="fraudulent"),
    "4000000000002685": RemoteBehaviour(disputes_later="product_not_received"),
}


@dataclass(frozen=True, slots=True)
class RemoteCard:
    """A card whose number was opened.

    Attributes:
        code_matches: what the issuer makes of the security code; None when none was sent.
    """

    network: str
    number: str = field(repr=False)
    behaviour: RemoteBehaviour
    code_matches: bool | None

    def issued(self, account_id: str) -> IssuedCard:
        """As its issuer knows it."""
        return IssuedCard(
            account_id,
            self.network,
            numbers.test_card(self.number),
            self.number[:LEADING_DIGITS],
        )

    @property
    def refusal(self) -> Decision | None:
        """Why its issuer says no before it looks at the money."""
        return CODE_REFUSED if self.code_matches is False else self.behaviour.refusal

    def told(self, response_code: str | None) -> dict[str, str | None]:
        """What an answer says of the card besides the decision (DE 48)."""
        verdict = None if self.code_matches is None else "NM"[self.code_matches]
        disputed = self.behaviour.disputes_later if response_code == "00" else None
        return {"cc": verdict, "dl": disputed}


def open_card(network: str, keys: NetworkKeys, request: Message) -> RemoteCard | Decision:
    """The card in a 0100 with DE 127, or why it is none of this network."""
    try:
        sealed = jwe.decrypt_compact(
            request.fields[SEALED_CARD], keys.sealing, algorithms=JWE_ALGORITHMS
        )
        body = json.loads(sealed.plaintext or b"")
        number, reference, code = body["pan"], body["rrn"], body.get("code")
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return NOT_SEALED
    if reference != request.fields["37"] or not isinstance(number, str):
        return NOT_SEALED
    known = numbers.is_luhn_valid(number) and numbers.network_of(number) == network
    if not known or len(number) not in numbers.PAN_LENGTHS[network] or numbers.is_token(number):
        return Decision("14", "invalid_card_number")
    behaviour = REMOTE_CARDS.get(number, ORDINARY)
    return RemoteCard(network, number, behaviour, _code_matches(network, code, behaviour))


def _code_matches(network: str, code: object, behaviour: RemoteBehaviour) -> bool | None:
    if code is None:
        return None
    good = isinstance(code, str) and code.isascii() and code.isdecimal()
    right_length = good and len(str(code)) == numbers.CODE_DIGITS[network]
    return right_length and not behaviour.refuses_code
