"""The rules of one network: what it answers to an authorization, a reversal, a status inquiry.

Theory of operation. A 0100 carries chip data (DE 22 07x, DE 55), from mag-stripe mode a track with
a dynamic code (DE 22 91x, DE 35), or in an app the block that stands for chip data (DE 22 81x, DE
48 `cb`). It is looked at twice. Before the database is asked to write
anything, the token is found, its data are read and cryptogram or code checked: slow arithmetic has
no place inside a unit of work. Then one unit of work decides: a reference seen before hears its
first answer again, a reference reversed before it arrived is declined, the transaction counter must
be new, and only then the issuer holds money. So a reference has at most one hold, whatever is
repeated, lost or reordered.

Refuses to know: connections, bytes, waiting. Response codes of its own making: 14 no such token, 30
message or chip data that do not agree, 05 refused by rule, 54 and 62 token expired or suspended, 64
reversal of another amount, 82 cryptogram wrong, 94 same reference for another payment, 25 nothing
to complete or refund, 13 more than that, 21 reversal of what is completed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from backend.networks.afterwards import (
    is_advice,
    is_stored,
    refusal_of_state,
    take_counter,
)
from backend.networks.chip import stripe
from backend.networks.chip.arqc import ChipData, Verdict, check_cryptogram
from backend.networks.chip.keys import master_key
from backend.networks.counters import is_too_old
from backend.networks.currencies import code_of
from backend.networks.issuing import APPROVED, LEADING_DIGITS, Decision, IssuedCard, Issuer
from backend.networks.keys import PROXIMITY_INDEX, REMOTE_INDEX, NetworkKeys
from backend.networks.message import CARD_DATA, REFUND, Message, reference_of_original
from backend.networks.message_chip import chip_data_of
from backend.networks.numbers import test_card
from backend.networks.ports import (
    AuthorizationRow,
    HostRows,
    HostStore,
    PresentmentRow,
    TokenRow,
)
from backend.networks.vault import NetworkVault
from backend.runtime.clock import Clock, to_datetime
from backend.runtime.errors import MessageError, StorageError

SEQUENCE_NUMBER = "01"
CARDS_REMEMBERED_MAX = 10_000
STRIPE_ENTRY_MODE = "91"  # DE 22 begins so for a track; every other way brings chip data
APP_ENTRY_MODE = "81"  # or, in an app, the block that stands for them


@dataclass(frozen=True, slots=True)
class Examined:
    """What the network found in a 0100 before anything is written.

    Attributes:
        token: the token's row, when the number is one.
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


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """One network's rules, with what they need."""

    network: str
    store: HostStore
    vault: NetworkVault
    keys: NetworkKeys
    issuer: Issuer
    clock: Clock
    cards: dict[str, IssuedCard] = field(default_factory=dict)

    def examine(self, request: Message) -> Examined:
        """Token, chip data and cryptogram of a 0100; reads, never writes."""
        currency = code_of(request.fields["49"])
        if currency is None:
            return Examined("XXX", refusal=Decision("30", "currency_unknown"))
        number = request.fields["2"]
        token = self.store.read(
            lambda rows: rows.token_of_number(self.network, self.vault.fingerprint(number))
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

    async def authorize(
        self, request: Message, examined: Examined, issuer_started_us: int
    ) -> AuthorizationRow:
        """Decide once for each reference; repeats get the first answer.

        Args:
            request: the 0100.
            examined: what `examine` found in it.
            issuer_started_us: monotonic time at which the issuer's share began.
        """
        amount_minor = int(request.fields["4"])

        def unit(rows: HostRows) -> AuthorizationRow:
            row = AuthorizationRow(
                network=self.network,
                reference=request.reference,
                token_ref=examined.token.token_ref if examined.token else None,
                amount_minor=amount_minor,
                currency=examined.currency,
                response_code=None,
                auth_code=None,
                reason="",
                steered=None,
                cryptogram_valid=examined.cryptogram_valid,
                issuer_us=0,
                at_us=self.clock.now_us(),
                reversed_at_us=None,
            )
            seen = rows.authorization(self.network, request.reference)
            if seen is not None:
                return _repeat(seen, row)
            decision = self._decide(rows, request, examined, amount_minor)
            row = replace(
                row,
                response_code=decision.response_code,
                auth_code=decision.auth_code,
                reason=decision.reason,
                steered=decision.steered,
                issuer_us=self.clock.monotonic_us() - issuer_started_us,
            )
            rows.add_authorization(row)
            return row

        return await self.store.write(unit)

    async def reverse(self, request: Message) -> Decision:
        """Release what the original holds; 00 also when there is nothing to release.

        Raises:
            MessageError: DE 90 names no authorization.
        """
        reference = reference_of_original(request)
        amount_minor = int(request.fields["4"])
        currency = code_of(request.fields["49"]) or "XXX"

        def unit(rows: HostRows) -> Decision:
            now_us = self.clock.now_us()
            seen = rows.authorization(self.network, reference)
            if seen is None:
                rows.add_authorization(
                    AuthorizationRow(
                        self.network, reference, None, amount_minor, currency, None, None,
                        "reversed_before_arrival", None, None, 0, now_us, now_us,
                    )
                )  # fmt: skip
                return Decision(APPROVED, "original_not_seen")
            if (seen.amount_minor, seen.currency) != (amount_minor, currency):
                return Decision("64", "original_amount_differs")
            if rows.presentments(self.network, reference):
                return Decision("21", "already_completed")
            if seen.reversed_at_us is None:
                rows.mark_reversed(self.network, reference, now_us)
            released = rows.release_hold(self.network, reference)
            return Decision(APPROVED, "released" if released else "nothing_held")

        return await self.store.write(unit)

    async def advise(self, request: Message) -> Decision:
        """Book a completion or a refund once; 00 again for a repeat.

        Raises:
            MessageError: DE 90 names no authorization.
        """
        original = reference_of_original(request)
        refund = request.fields["3"] == REFUND
        own = (request.fields["11"], request.fields["7"]) if refund else original[1:]
        wanted = PresentmentRow(
            network=self.network,
            kind="refund" if refund else "completion",
            original=original,
            stan=own[0],
            sent=own[1],
            amount_minor=int(request.fields["4"]),
            currency=code_of(request.fields["49"]) or "XXX",
            at_us=self.clock.now_us(),
        )
        return await self.store.write(lambda rows: _book(rows, wanted))

    def inquire(self, request: Message) -> AuthorizationRow | None:
        """What was answered to the original, or None when it was never seen.

        Raises:
            MessageError: DE 90 names no authorization.
        """
        reference = reference_of_original(request)
        return self.store.read(lambda rows: rows.authorization(self.network, reference))

    def _decide(
        self, rows: HostRows, request: Message, examined: Examined, amount_minor: int
    ) -> Decision:
        if examined.refusal is not None or examined.token is None:
            return examined.refusal or Decision("14", "token_unknown")
        advice = is_advice(request)
        refusal = take_counter(
            rows, examined.token, examined.atc, advice=advice, stored=examined.stored
        )
        if refusal is not None:
            return refusal
        card = self._card(rows, examined.token)
        act = self.issuer.book if advice else self.issuer.decide
        return act(rows, card, request.reference, amount_minor, examined.currency)

    def card_of(self, token: TokenRow) -> IssuedCard:
        """The card behind a token, outside a unit of work.

        Raises:
            StorageError: its account is missing.
        """
        return self.store.read(lambda rows: self._card(rows, token))

    def forget_card(self, account_id: str) -> None:
        """The account has another card number: it is opened again."""
        self.cards.pop(account_id, None)

    def _card(self, rows: HostRows, token: TokenRow) -> IssuedCard:
        """The card behind a token; an account's number hardly ever changes, so it is kept open."""
        known = self.cards.get(token.account_id)
        if known is not None:
            return known
        account = rows.account(token.account_id)
        if account is None:
            raise StorageError(f"token {token.token_ref} has no account")
        number = self.vault.unseal(
            account.sealed_number, self.network, account.account_id, "number"
        ).decode()
        card = IssuedCard(
            account.account_id,
            self.network,
            test_card(number),
            number[:LEADING_DIGITS],
        )
        if len(self.cards) < CARDS_REMEMBERED_MAX:
            self.cards[token.account_id] = card
        return card

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


def _repeat(seen: AuthorizationRow, now: AuthorizationRow) -> AuthorizationRow:
    if seen.response_code is None:  # its reversal overtook it: it must never hold anything
        return replace(now, response_code="05", reason="reversed_before_arrival")
    same = (seen.token_ref, seen.amount_minor, seen.currency) == (
        now.token_ref,
        now.amount_minor,
        now.currency,
    )
    return seen if same else replace(now, response_code="94", reason="reference_reused")


def _book(rows: HostRows, wanted: PresentmentRow) -> Decision:
    """Whether an advised amount can be booked, and book it."""
    booked = rows.presentment(wanted)
    if booked is not None:
        same = replace(wanted, at_us=booked.at_us) == booked
        return Decision(APPROVED, "repeated") if same else Decision("94", "reference_reused")
    seen = rows.authorization(wanted.network, wanted.original)
    if seen is None or seen.response_code != APPROVED or seen.reversed_at_us is not None:
        return Decision("25", "no_authorization")
    if seen.currency != wanted.currency:
        return Decision("30", "currency_differs")
    account_id = rows.account_of_hold(wanted.network, wanted.original)
    if account_id is None:
        return Decision("25", "no_authorization")
    earlier = rows.presentments(wanted.network, wanted.original)
    completed = sum(each.amount_minor for each in earlier if each.kind == "completion")
    returned = sum(each.amount_minor for each in earlier if each.kind == "refund")
    most = completed - returned if wanted.kind == "refund" else seen.amount_minor
    if not 0 < wanted.amount_minor <= most:
        return Decision("13", "amount_beyond_original")
    if wanted.kind == "completion":
        rows.release_hold(wanted.network, wanted.original)
    rows.book(wanted, account_id)
    return Decision(APPROVED, "booked")
