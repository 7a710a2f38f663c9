"""The words of token provisioning: what a wallet asks of a network, and what it may hear.

Plain values, used on both sides of the wire. Terms as in EMVCo's Payment Tokenisation framework:
wallet, network and issuer each say a colour; any red means no token, all green an active one, and
anything else an inactive one that its cardholder has to verify with a code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


class Colour(Enum):
    """What one party says to a provisioning."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


def combine(colours: Iterable[Colour]) -> Colour:
    """Any red is red, all green is green, anything else is yellow (ask the cardholder)."""
    said = set(colours)
    if Colour.RED in said:
        return Colour.RED
    return Colour.GREEN if said <= {Colour.GREEN} else Colour.YELLOW


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A wallet asks for a token.

    Attributes:
        sealed_pan: JWE (ECDH-ES, A256GCM) for this network of `{"pan": …, "deviceKey": JWK}`.
        expiry: of the card: "MM/YY", or YYMM.
        cvv: card verification code; forgotten after the check.
        last4: of the card, as the wallet will show it.
        device_id: which device will hold the token.
        device_type: "phone" or "watch".
        wallet_id: which wallet account asks.
        wallet_decision: what the wallet says of it, a `Colour`'s word.
        source_token_ref: an active token of this wallet whose card is meant; `sealed_pan` then
            holds the device's key alone, and `expiry` and `cvv` may be empty. Empty: the number
            says which card.
        terms_version: of the product's terms that the holder accepted; empty when not said.
        design: the face that the holder chose; empty for the product's first one.
    """

    sealed_pan: str = field(repr=False)
    expiry: str
    cvv: str = field(repr=False)
    last4: str
    device_id: str
    device_type: str
    wallet_id: str
    wallet_decision: str = Colour.GREEN.value
    source_token_ref: str = ""
    terms_version: str = ""
    design: str = ""


@dataclass(frozen=True, slots=True)
class DesignOffer:
    """A face that a holder can choose."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CardOffer:
    """What a card is, before its holder says yes.

    Attributes:
        product: the issuer's name for the card.
        card_type: "credit" or "debit".
        terms_version, terms_text: what is to be accepted.
        designs: at least one, the first comes without asking.
    """

    product: str
    card_type: str
    terms_version: str
    terms_text: str
    designs: tuple[DesignOffer, ...]


@dataclass(frozen=True, slots=True)
class StepUpMethod:
    """One way in which a cardholder can be reached with a code.

    Attributes:
        method: "sms", "email", "bank_app" or "call".
        term: the network's own word for it.
        destination: masked, "•• 42"; empty for the bank's app.
        code_digits: how long its codes are.
        state: "ready", "sent" or "spent".
        tries_left: wrong codes that are still forgiven.
        sends_left: codes that can still be asked for.
        resend_in_ms: until another code may be asked for.
        expires_in_ms: how long the code that was sent last can still be used; 0 when none can.
    """

    method: str
    term: str
    destination: str
    code_digits: int
    state: str
    tries_left: int
    sends_left: int
    resend_in_ms: int
    expires_in_ms: int


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """A network issues a token.

    Attributes:
        token_ref: the network's reference of the token.
        token: device account number, digits; the wallet keeps a keyed hash of it at most.
        expiry: of the token, YYMM.
        par: payment account reference.
        card_type: "credit" or "debit".
        product: the issuer's name for the card.
        session_id: the provisioning at the network.
        device_payload: JWE for the device, with the token and its keys; empty while the token is
            inactive: no key leaves the network before the cardholder is verified.
        decision: "green": active at once; "yellow": to be verified.
        wallet_decision, network_decision, issuer_decision: what each of the three said.
        methods: how it can be verified; empty when it need not be.
        assurance_method: how the cardholder was identified, two digits (EMVCo's token assurance).
        requestor_id: token requestor identifier (TRID), 11 digits.
        design: the face that the card has; empty where it keeps the one it had.
    """

    token_ref: str
    token: str = field(repr=False)
    token_last4: str
    expiry: str
    par: str
    card_type: str
    product: str
    session_id: str
    device_payload: str = field(repr=False)
    decision: str = Colour.GREEN.value
    wallet_decision: str = Colour.GREEN.value
    network_decision: str = Colour.GREEN.value
    issuer_decision: str = Colour.GREEN.value
    assurance_method: str = "00"
    requestor_id: str = ""
    design: str = ""
    methods: tuple[StepUpMethod, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """One thing that happened to a token.

    Attributes:
        id: rises with time.
        operation: "suspend", "resume", "delete", "refresh" or "replace-card".
        status: afterwards: "active", "suspended" or "deactivated".
        suspended_by: who holds it afterwards: ISSUER, TOKEN_REQUESTOR, CARDHOLDER,
            MOBILE_PIN_LOCKED.
        actor: who asked for it, one of the same words.
        last4: of the card behind it afterwards.
        at_us: the network's time.
    """

    id: int
    token_ref: str
    operation: str
    status: str
    suspended_by: tuple[str, ...]
    actor: str
    reason: str
    last4: str
    at_us: int


@dataclass(frozen=True, slots=True)
class TokenState:
    """A token as its network sees it; no number in it.

    Attributes:
        status: "inactive", "active", "suspended" or "deactivated".
        suspended_by: everybody who holds it suspended.
        expiry: of the token, YYMM.
        par: payment account reference.
        requestor_id: token requestor identifier (TRID), 11 digits.
        assurance_method: two digits.
        device_id, device_type: where alone it may be.
        replaces, replaced_by: its neighbours in a chain of refreshed tokens.
        story: everything that happened to it.
    """

    token_ref: str
    network: str
    status: str
    suspended_by: tuple[str, ...]
    token_last4: str
    card_last4: str
    expiry: str
    par: str
    requestor_id: str
    assurance_method: str
    device_id: str
    device_type: str
    replaces: str | None
    replaced_by: str | None
    story: tuple[TokenEvent, ...]


@dataclass(frozen=True, slots=True)
class TokenRefused:
    """No token.

    Attributes:
        code: stable word: not_sealed, bad_number, wrong_network, number_is_token, last4_differs,
            bad_expiry, expired_card, bad_code, bad_device_key, wallet_declined,
            network_declined, issuer_declined, verification_failed, card_replaced,
            token_suspended.
        detail: one sentence for people; never the number.
    """

    code: str
    detail: str


class Verified(Enum):
    """What became of a step of a verification."""

    OPEN = "open"  # nothing was asked: this is how it stands
    CODE_SENT = "code_sent"
    TOO_EARLY = "too_early"
    SENDS_USED = "sends_used"
    CODE_WRONG = "code_wrong"
    CODE_EXPIRED = "code_expired"
    CODE_NOT_SENT = "code_not_sent"
    METHOD_SPENT = "method_spent"
    METHOD_UNKNOWN = "method_unknown"
    ACTIVE = "active"  # verified: the token can pay
    FAILED = "failed"  # every method is spent: the token is gone


@dataclass(frozen=True, slots=True)
class Verification:
    """A network's answer to a step of a verification.

    Attributes:
        outcome: what became of it.
        methods: how each method stands now.
        session_id: the provisioning at the network.
        device_payload: JWE for the device once the token is active, else empty.
    """

    outcome: Verified
    methods: tuple[StepUpMethod, ...] = ()
    session_id: str = ""
    device_payload: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a bank sent to a cardholder, past the wallet: a text, an e-mail, a call.

    Attributes:
        id: rises with time.
        destination: masked.
        last4: of the card.
        code: as it was sent; only the mailbox ever shows it.
        sent_at_us, expires_at_us: the network's time.
    """

    id: int
    network: str
    wallet_id: str
    device_id: str
    token_ref: str
    method: str
    destination: str
    last4: str
    code: str = field(repr=False)
    sent_at_us: int
    expires_at_us: int
