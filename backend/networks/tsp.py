"""A network's token service: from a sealed card number to a token in a device.

Theory of operation. The wallet's server passes on what the device sealed for the network's key and
never sees the number. The service checks number, range, expiry and code, asks the issuer's records,
and issues a device account number from the token range with two card keys (proximity and remote).
Keys and token travel to the device sealed for the device's own key, so the server in between passes
them on unread. The same card in the same device again gets the same token, sealed anew (for the
device key of this request): a lost answer can be asked for again and never leaves two live tokens.
A card that has a token in one of a person's devices may get one in another without its number
being typed again (`tsp_cards`).
What becomes of tokens later is `tsp_life`'s.

Wallet, network and issuer each say a colour. Yellow makes the token inactive: its keys stay here
until the cardholder is verified (`tsp_verify`).

Test behaviour: 4000000000000069 is refused as expired whatever its date says; the card's security
code chooses the colours (`decisions`); everything else is granted (green).
"""

from __future__ import annotations

import json
from dataclasses import replace

from joserfc.jwk import ECKey

from backend.networks import numbers
from backend.networks.access_log import Purpose
from backend.networks.accounts import CardAccounts
from backend.networks.authority import CardAuthority
from backend.networks.decisions import ORDINARY, Decisions, decisions_of
from backend.networks.examining import is_past
from backend.networks.keys import NetworkKeys
from backend.networks.life_ports import TokenTermsRow
from backend.networks.number_access import Numbers
from backend.networks.ports import AccountRow, HostRows, HostStore, TokenRow, VerificationRow
from backend.networks.products import CardProduct, product_of
from backend.networks.step_up import LOCKED_US, Stage
from backend.networks.token_life import INACTIVE_LIFE_US, Suspender
from backend.networks.tsp_cards import SOURCE_GONE, MeantCard, MeantCards
from backend.networks.tsp_payload import DevicePayload
from backend.networks.tsp_terms import Colour, TokenGrant, TokenRefused, TokenRequest
from backend.networks.tsp_verify import method_list
from backend.runtime.clock import Clock
from backend.runtime.entropy import Entropy, identifier

NOT_VERIFIED, ACCOUNT_VERIFIED = "00", "10"  # EMVCo Payment Tokenisation, token assurance method


class TokenService:
    """The token service of one network."""

    def __init__(
        self,
        network: str,
        store: HostStore,
        held: Numbers,
        keys: NetworkKeys,
        authority: CardAuthority,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self.network = network
        self._store = store
        self._held = held
        self._keys = keys
        self.authority = authority
        self._payload = DevicePayload(network, keys, authority)
        self._cards = MeantCards(network, store, held, keys)
        self._clock = clock
        self._secrets = entropy.secret(f"network.{network}.tokens")
        self._accounts = CardAccounts(network, held, clock, self._secrets)

    def public_key(self) -> dict[str, str]:
        """The key that seals card numbers for this network, as a JWK."""
        shown = self._keys.sealing.as_dict(private=False)
        parts = {name: str(shown[name]) for name in ("kty", "crv", "x", "y")}
        return {**parts, "use": "enc", "alg": "ECDH-ES", "kid": self._keys.sealing.thumbprint()}

    async def request(self, request: TokenRequest) -> TokenGrant | TokenRefused:
        """Issue a token for the device, or say why not."""
        judged = await self._judge(request)
        if isinstance(judged, TokenRefused):
            return judged
        card, decided, design = judged

        def unit(rows: HostRows) -> TokenGrant | TokenRefused:
            barred = self._barred(rows, card, request)
            if barred is not None:
                return barred
            account = self._accounts.of_number(rows, card.number)
            now_us = self._clock.now_us()
            is_yellow = decided.colour is Colour.YELLOW
            if is_yellow and rows.failed_since(account.account_id, now_us - LOCKED_US):
                return TokenRefused(
                    "verification_failed",
                    "this card could not be verified: its bank has to be called first",
                )
            token = rows.token_of_device(account.account_id, request.device_id)
            if token is not None and Suspender.ISSUER.value in rows.holders(token.token_ref):
                return TokenRefused("token_suspended", "its bank stopped this card on this device")
            if token is not None and _is_forgotten(token, now_us, is_yellow=is_yellow):
                rows.set_token_status(token.token_ref, "deactivated")
                token = None
            if token is None:
                token = self.issue(
                    rows,
                    account,
                    device_id=request.device_id,
                    wallet_id=request.wallet_id,
                    expiry=card.expiry,
                    status="inactive" if is_yellow else "active",
                )
            self._bind(rows, token, card, request)
            if token.status == "inactive":
                self._verify(rows, token, card, decided)
            grant = self._granted(rows, decided, account, token, Purpose.PROVISION)
            return self._with_keys(rows, account, token, grant, card.device_key)

        granted = await self._store.write(unit)
        return replace(granted, design=design) if isinstance(granted, TokenGrant) else granted

    def product_of(self, sealed_pan: str) -> CardProduct | TokenRefused:
        """The product of a sealed card number, or why it is none of this network's."""
        number = self._cards.number_in(sealed_pan)
        return number if isinstance(number, TokenRefused) else product_of(number)

    async def _judge(
        self, request: TokenRequest
    ) -> tuple[MeantCard, Decisions, str] | TokenRefused:
        """Card, decisions and design: everything that nothing has to be stored for."""
        card = await self._cards.meant(request)
        if isinstance(card, TokenRefused):
            return card
        decided = self._decide(card, request)
        if isinstance(decided, TokenRefused):
            return decided
        design = _chosen(product_of(card.number), request)
        return design if isinstance(design, TokenRefused) else (card, decided, design)

    def _barred(
        self, rows: HostRows, card: MeantCard, request: TokenRequest
    ) -> TokenRefused | None:
        """What may have changed since the card was read, judged in the unit of work."""
        if rows.is_retired(self.network, self._held.fingerprint(card.number)):
            return TokenRefused("card_replaced", "this card was replaced: take the new one")
        if request.source_token_ref and self._cards.source(rows, request) is None:
            return SOURCE_GONE
        return None

    def _decide(self, card: MeantCard, request: TokenRequest) -> Decisions | TokenRefused:
        digits = numbers.CODE_DIGITS[self.network]
        known = bool(request.source_token_ref)  # its code was checked when the first token came
        coded = request.cvv.isascii() and request.cvv.isdecimal() and len(request.cvv) == digits
        if not coded and not (known and not request.cvv):
            return TokenRefused("bad_code", f"{self.network} cards have a code of {digits} digits")
        if is_past(card.expiry, self._clock.now_us()):
            return TokenRefused("expired_card", "this card has expired")
        refusal = numbers.test_card(card.number).refusal
        if refusal is not None:
            return TokenRefused(refusal, "the issuer refuses this card")
        said = decisions_of(request.cvv) if request.cvv else ORDINARY
        decided = replace(said, wallet=Colour(request.wallet_decision))
        who = decided.refused_by()
        if who is not None:
            return TokenRefused(f"{who}_declined", f"the {who} does not want this card in a wallet")
        return decided

    def _granted(
        self,
        rows: HostRows,
        decided: Decisions,
        account: AccountRow,
        token: TokenRow,
        purpose: Purpose,
    ) -> TokenGrant:
        """What the wallet hears; the keys are added for an active token only."""
        verification = rows.verification(token.token_ref) if token.status == "inactive" else None
        methods = (
            ()
            if verification is None
            else method_list(rows, self.network, verification, account, self._clock.now_us())
        )
        return TokenGrant(
            token_ref=token.token_ref,
            token=self._held.open_token(rows, token, purpose),
            token_last4=token.token_last4,
            expiry=token.expiry,
            par=account.account_reference,
            card_type=account.card_type,
            product=account.product,
            session_id=token.session_id,
            device_payload="",
            decision=(Colour.YELLOW if verification is not None else Colour.GREEN).value,
            wallet_decision=decided.wallet.value,
            network_decision=decided.network.value,
            issuer_decision=decided.issuer.value,
            assurance_method=self._assurance(rows, token),
            requestor_id=numbers.TOKEN_REQUESTOR[self.network],
            methods=methods,
        )

    def grant_again(
        self,
        rows: HostRows,
        account: AccountRow,
        token: TokenRow,
        device_key: ECKey,
        *,
        replaces: str,
    ) -> TokenGrant:
        """A token in another one's place, sealed for the device that had that one."""
        grant = self._granted(rows, ORDINARY, account, token, Purpose.REFRESH)
        return self._with_keys(rows, account, token, grant, device_key, replaces)

    def _with_keys(
        self,
        rows: HostRows,
        account: AccountRow,
        token: TokenRow,
        grant: TokenGrant,
        device_key: ECKey,
        replaces: str | None = None,
    ) -> TokenGrant:
        """The grant with what only the device can read; the keys of an inactive token stay here."""
        if token.status == "inactive":
            return grant
        payload = self._payload.sealed(rows, account, token, grant.token, device_key, replaces)
        return replace(grant, device_payload=payload)

    def _bind(
        self, rows: HostRows, token: TokenRow, card: MeantCard, request: TokenRequest
    ) -> None:
        """The token belongs to this device, and its keys are for this device's key alone."""
        known = rows.terms(token.token_ref)
        device_key = json.dumps(card.device_key.as_dict(private=False))
        assurance = NOT_VERIFIED if token.status == "inactive" else ACCOUNT_VERIFIED
        fresh = TokenTermsRow(
            token.token_ref, request.device_type, device_key, assurance, None, None
        )
        rows.put_terms(fresh if known is None else replace(known, device_key=device_key))

    def _assurance(self, rows: HostRows, token: TokenRow) -> str:
        terms = rows.terms(token.token_ref)
        return NOT_VERIFIED if terms is None else terms.assurance_method

    def _verify(self, rows: HostRows, token: TokenRow, card: MeantCard, decided: Decisions) -> None:
        """Open the token's verification; asked for again it goes on, for the device's new key."""
        known = rows.verification(token.token_ref)
        fresh = VerificationRow(
            token_ref=token.token_ref,
            account_id=token.account_id,
            device_key=json.dumps(card.device_key.as_dict(private=False)),
            methods=" ".join(decided.methods),
            stage=Stage.OPEN.value,
            started_at_us=self._clock.now_us(),
            ended_at_us=None,
        )
        rows.put_verification(
            fresh if known is None else replace(known, device_key=fresh.device_key)
        )

    def issue(
        self,
        rows: HostRows,
        account: AccountRow,
        *,
        device_id: str,
        wallet_id: str,
        expiry: str,
        status: str,
    ) -> TokenRow:
        """A new token of the network's range for an account, in one device.

        Args:
            rows: the unit of work.
            account: what it stands for.
            device_id: where alone it may be.
            wallet_id: whose wallet asked.
            expiry: YYMM.
            status: "inactive", "active" or "suspended".
        """
        number = numbers.draw_token(self.network, self._secrets)
        while rows.token_of_number(self.network, self._held.fingerprint(number)) is not None:
            number = numbers.draw_token(self.network, self._secrets)
        token_ref = identifier(self._secrets, "tok")
        token = TokenRow(
            token_ref=token_ref,
            network=self.network,
            account_id=account.account_id,
            device_id=device_id,
            wallet_id=wallet_id,
            session_id=identifier(self._secrets, "prv"),
            token_fingerprint=self._held.fingerprint(number),
            sealed_token=self._held.seal_token(number, token_ref),
            token_last4=number[-4:],
            expiry=expiry,
            status=status,
            atc_seen=0,
            created_at_us=self._clock.now_us(),
        )
        rows.add_token(token)
        return token


def _chosen(product: CardProduct, request: TokenRequest) -> str | TokenRefused:
    """The card's design, if its holder accepted the terms in force and chose one that there is."""
    if request.terms_version not in {"", product.terms.version}:
        accept = f"version {product.terms.version} of this card's terms is to be accepted"
        return TokenRefused("terms_changed", accept)
    design = product.design(request.design)
    if design is None:
        return TokenRefused("design_unknown", f"{product.name} has no such design")
    return design


def _is_forgotten(token: TokenRow, now_us: int, *, is_yellow: bool) -> bool:
    """Whether a wallet that asks anew cannot mean this token any more.

    One that waits to be verified goes on waiting, for thirty days; an active one is asked for again
    by a wallet that lost the answer. A suspended one belongs to a card that was taken away.
    """
    if token.status == "inactive":
        return now_us - token.created_at_us > INACTIVE_LIFE_US
    return is_yellow or token.status == "suspended"
