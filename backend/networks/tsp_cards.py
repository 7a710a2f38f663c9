"""Which card a request for a token means: the one whose number is sealed in it, or a known one.

A device seals number and key for its network. A person's second device need not: the wallet names
a token that it holds already (in the field: a card on file, VTS's PAN enrolment), and the network
knows which card stands behind it. Only an active token of the same wallet account counts, so a
reference that somebody read elsewhere opens nothing. Decides no colour and issues nothing.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from backend.networks import numbers
from backend.networks.access_log import Purpose
from backend.networks.keys import NetworkKeys
from backend.networks.number_access import Numbers
from backend.networks.ports import HostRows, HostStore, TokenRow
from backend.networks.tsp_payload import JWE_ALGORITHMS, device_key_of
from backend.networks.tsp_terms import TokenRefused, TokenRequest

EXPIRY = re.compile(r"(?P<month>0[1-9]|1[0-2])/(?:20)?(?P<year>\d\d)")
EXPIRY_ISO = re.compile(r"(?P<year>\d\d)(?P<month>0[1-9]|1[0-2])")
SOURCE_GONE = TokenRefused("source_unknown", "this wallet has no such active token here")


@dataclass(frozen=True, slots=True)
class MeantCard:
    """The card, and the device that shall have a token of it.

    Attributes:
        expiry: YYMM.
        device_key: what the device's payload is sealed for.
    """

    number: str = field(repr=False)
    expiry: str
    device_key: ECKey


class MeantCards:
    """Reads requests of one network."""

    def __init__(self, network: str, store: HostStore, held: Numbers, keys: NetworkKeys) -> None:
        self._network = network
        self._store = store
        self._held = held
        self._keys = keys

    async def meant(self, request: TokenRequest) -> MeantCard | TokenRefused:
        """The card that a request means, or why none can be told."""
        sealed = self._unsealed(request.sealed_pan)
        if sealed is None:
            return self._not_sealed()
        device_key = device_key_of(sealed.get("deviceKey"))
        if device_key is None:
            return TokenRefused("bad_device_key", "the device's key is no P-256 key")
        if request.source_token_ref:
            return await self._store.write(lambda rows: self._known_card(rows, request, device_key))
        return self._named_card(request, sealed.get("pan"), device_key)

    def number_in(self, sealed: str) -> str | TokenRefused:
        """The card number that was sealed, or why it is none of this network's."""
        opened = self._unsealed(sealed)
        if opened is None or opened.get("pan") is None:
            return self._not_sealed()
        return self._number(opened["pan"])

    def source(self, rows: HostRows, request: TokenRequest) -> TokenRow | None:
        """The active token of the same wallet that a request goes by; None where there is none."""
        token = rows.token(request.source_token_ref)
        if token is None or token.network != self._network or token.status != "active":
            return None
        same = hmac.compare_digest(token.wallet_id.encode(), request.wallet_id.encode())
        return token if same and not rows.holders(token.token_ref) else None

    def _known_card(
        self, rows: HostRows, request: TokenRequest, device_key: ECKey
    ) -> MeantCard | TokenRefused:
        token = self.source(rows, request)
        account = None if token is None else rows.account(token.account_id)
        if token is None or account is None or account.last4 != request.last4:
            return SOURCE_GONE
        number = self._held.open_card(rows, account, token.token_ref, Purpose.SECOND_DEVICE)
        return MeantCard(number, token.expiry, device_key)

    def _named_card(
        self, request: TokenRequest, number: object, device_key: ECKey
    ) -> MeantCard | TokenRefused:
        if number is None:
            return self._not_sealed()
        read = self._number(number)
        if isinstance(read, TokenRefused):
            return read
        if not hmac.compare_digest(read[-4:].encode(), request.last4.encode()):
            return TokenRefused("last4_differs", "the last four digits are another card's")
        expiry = EXPIRY.fullmatch(request.expiry) or EXPIRY_ISO.fullmatch(request.expiry)
        if expiry is None:
            return TokenRefused("bad_expiry", "an expiry date is written MM/YY")
        return MeantCard(read, expiry["year"] + expiry["month"], device_key)

    def _unsealed(self, sealed: str) -> Mapping[str, object] | None:
        """What the device sealed for this network; None where that is nothing of the kind."""
        try:
            plain = jwe.decrypt_compact(
                sealed, self._keys.sealing, algorithms=JWE_ALGORITHMS
            ).plaintext
            body = json.loads(plain or b"")
        except (JoseError, ValueError):
            return None  # whatever was sent, it is an outcome
        return body if isinstance(body, dict) and "deviceKey" in body else None

    def _not_sealed(self) -> TokenRefused:
        return TokenRefused("not_sealed", f"this is no card number sealed for {self._network}")

    def _number(self, number: object) -> str | TokenRefused:
        """A number that may be a card of this network, whoever asks."""
        if not isinstance(number, str) or not numbers.is_luhn_valid(number):
            return TokenRefused("bad_number", "the card number does not pass its own check digit")
        if numbers.is_token(number):
            return TokenRefused("number_is_token", "a token cannot stand for a token")
        if numbers.network_of(number) != self._network:
            return TokenRefused("wrong_network", f"this is no {self._network} card")
        if len(number) not in numbers.PAN_LENGTHS[self._network]:
            return TokenRefused("bad_number", f"{self._network} numbers have another length")
        return number
