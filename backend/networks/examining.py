"""The first look at a 0100: who pays with it, and what speaks against it before money does.

A token's chip data with their cryptogram (or the block that stands for them), a track with its
dynamic code, or the sealed number of a card that is not there. Reads, never writes: slow arithmetic
has no place inside a unit of work. Which response codes these checks make is said in `authorizing`.
Refuses to know holds and amounts.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.networks.afterwards import is_advice, is_stored, refusal_of_state
from backend.networks.chip import stripe
from backend.networks.chip.arqc import ChipData, Verdict, check_cryptogram
from backend.networks.chip.keys import master_key
from backend.networks.counters import is_too_old
from backend.networks.currencies import code_of
from backend.networks.issuing import Decision
from backend.networks.keys import PROXIMITY_INDEX, REMOTE_INDEX, NetworkKeys
from backend.networks.message import CARD_DATA, SEALED_CARD, Message
from backend.networks.message_chip import chip_data_of
from backend.networks.number_access import Numbers
from backend.networks.numbers import SEQUENCE_NUMBER
from backend.networks.ports import HostStore, TokenRow
from backend.networks.remote_cards import RemoteCard, open_card
from backend.runtime.clock import Clock, to_datetime
from backend.runtime.errors import MessageError

STRIPE_ENTRY_MODE = "91"  # DE 22 begins so for a track; every other way brings chip data
APP_ENTRY_MODE = "81"  # or, in an app, the block that stands for them


@dataclass(frozen=True, slots=True)
class Examined:
    """What the network found in a 0100 before anything is written.

    Attributes:
        token: the token's row, when the number is one.
        remote: the card itself, where no token stands for it.
        refusal: why the issuer will not be asked, or None.
        cryptogram_valid: 1 or 0, or None when nobody looked; a track's code counts as one.
        atc: the card's transaction counter, when the chip data could be read.
        stored: the acquirer declares the tap as stored and forwarded.
    """

    currency: str
    token: TokenRow | None = None
    refusal: Decision | None = None
    cryptogram_valid: int | None = None
    atc: int = 0
    stored: bool = False
    remote: RemoteCard | None = None

    @property
    def goes_to_issuer(self) -> bool:
        """Whether the network has found a payer and nothing against it."""
        return self.refusal is None and (self.token is not None or self.remote is not None)


@dataclass(frozen=True, slots=True)
class Examiner:
    """Looks at one network's authorization requests."""

    network: str
    store: HostStore
    held: Numbers
    keys: NetworkKeys
    clock: Clock

    def examine(self, request: Message) -> Examined:
        """Token, chip data and cryptogram of a 0100; reads, never writes."""
        currency = code_of(request.fields["49"])
        if currency is None:
            return Examined("XXX", refusal=Decision("30", "currency_unknown"))
        if SEALED_CARD in request.fields:
            return self._examine_remote(request, currency)
        return self._examine_token(request, currency)

    def _examine_token(self, request: Message, currency: str) -> Examined:
        """A token that may pay, with the one kind of card data that its entry mode calls for."""
        number = request.fields["2"]
        token = self.store.read(
            lambda rows: rows.token_of_number(self.network, self.held.fingerprint(number))
        )
        if token is None:
            return Examined(currency, refusal=Decision("14", "token_unknown"))
        refusal = refusal_of_state(token) or self._refusal_of_expiry(token, request)
        if refusal is not None:
            return Examined(currency, token, refusal)
        brought, mode = CARD_DATA & request.fields.keys(), request.fields["22"]
        is_track = mode.startswith(STRIPE_ENTRY_MODE)
        is_block = mode.startswith(APP_ENTRY_MODE) and not brought
        if not is_block and brought != {"35" if is_track else "55"}:
            return Examined(currency, token, Decision("30", "entry_mode_disagrees"))
        if is_track:
            return self._examine_track(request, currency, token)
        return self._examine_chip(request, currency, token)

    def _examine_remote(self, request: Message, currency: str) -> Examined:
        """A card that is not there: its number opens, is not retired, and has not expired."""
        card = open_card(self.network, self.keys, request)
        if isinstance(card, Decision):
            return Examined(currency, refusal=card)
        fingerprint = self.held.fingerprint(card.number)
        refusal = card.refusal
        if self.store.read(lambda rows: rows.is_retired(self.network, fingerprint)):
            refusal = Decision("14", "card_replaced")
        elif is_past(request.fields["14"], self.clock.now_us()):
            refusal = Decision("54", "expired_card")
        return Examined(currency, refusal=refusal, remote=card)

    def _examine_chip(self, request: Message, currency: str, token: TokenRow) -> Examined:
        """The cryptogram of a chip, and what it vouches for.

        Where nobody met, only the device can have looked at its owner: its signed word is demanded.
        """
        number = request.fields["2"]
        try:
            chip = chip_data_of(request, token, self.store)
            stored = is_stored(request)
        except MessageError:
            return Examined(currency, token, Decision("30", "emv_data_malformed"))
        if not _agrees(chip, request):
            return Examined(currency, token, Decision("30", "emv_data_disagrees"), None, chip.atc)
        verdict = Verdict.OTHER_CHANNEL
        if self.keys.is_of_channel(chip.key_index, request.fields["22"]):
            verdict = check_cryptogram(
                chip, self.keys.issuer, number, SEQUENCE_NUMBER, approved=is_advice(request)
            )
        if verdict is not Verdict.VALID:
            return Examined(currency, token, Decision("82", verdict.value), 0, chip.atc)
        if chip.key_index == REMOTE_INDEX and not chip.is_holder_verified:
            unverified = Decision("05", "cardholder_not_verified")
            return Examined(currency, token, unverified, 1, chip.atc)
        today = to_datetime(self.clock.now_us()).date()
        too_old = stored and is_too_old(chip.objects["9A"], today)
        refusal = Decision("05", "stored_too_long") if too_old else None
        return Examined(currency, token, refusal, 1, chip.atc, stored=stored)

    def _examine_track(self, request: Message, currency: str, token: TokenRow) -> Examined:
        """The dynamic code of a track; the counter it stands for decides with the others.

        The till heard the whole counter and keeps it as used (DE 48 `at`): one that the track does
        not bear out is a forgery, even with a good code.
        """
        number = request.fields["2"]
        try:
            track = stripe.read_track(request.fields["35"])
            said = request.private().get("at")
        except MessageError:
            return Examined(currency, token, Decision("30", "track_2_malformed"))
        if (track.number, track.expiry) != (number, request.fields["14"]):
            return Examined(currency, token, Decision("30", "track_2_disagrees"))
        checked = self._checked(track, token)
        if said is not None and said != str(checked.atc) and checked.code_fits:
            seen = checked.verdict is stripe.StripeVerdict.SEEN_BEFORE
            refusal = ("05", checked.verdict.value) if seen else ("30", "atc_disagrees")
            return Examined(currency, token, Decision(*refusal), 0)
        match checked.verdict:
            case stripe.StripeVerdict.VALID | stripe.StripeVerdict.SEEN_BEFORE:
                return Examined(currency, token, None, 1, checked.atc)
            case stripe.StripeVerdict.NO_LAYOUT:
                return Examined(currency, token, Decision("30", checked.verdict.value))
            case stripe.StripeVerdict.INVALID:
                return Examined(currency, token, Decision("82", checked.verdict.value), 0)

    def _checked(self, track: stripe.Track, token: TokenRow) -> stripe.CheckedTrack:
        match self.network:
            case "mastercard":
                key = master_key(self.keys.track, track.number, SEQUENCE_NUMBER)
                return stripe.check_mastercard(track, key, token.atc_seen)
            case "amex":
                issuer_key = self.keys.issuer[PROXIMITY_INDEX]
                key = master_key(issuer_key, track.number, SEQUENCE_NUMBER)
                return stripe.check_amex(track, key, PROXIMITY_INDEX, token.atc_seen)
            case _:  # Visa has given mag-stripe mode up
                return stripe.CheckedTrack(stripe.StripeVerdict.NO_LAYOUT)

    def _refusal_of_expiry(self, token: TokenRow, request: Message) -> Decision | None:
        if request.fields["14"] != token.expiry:
            return Decision("54", "token_expiry_differs")
        if is_past(token.expiry, self.clock.now_us()):
            return Decision("54", "token_expired")
        return None


def is_past(expiry: str, now_us: int) -> bool:
    """Whether the last day of the month YYMM is over.

    Years are of this century.
    """
    today = to_datetime(now_us)
    return (2000 + int(expiry[:2]), int(expiry[2:])) < (today.year, today.month)


def _agrees(chip: ChipData, request: Message) -> bool:
    return (
        chip.amount_minor == int(request.fields["4"])
        and chip.currency_number == request.fields["49"]
    )
