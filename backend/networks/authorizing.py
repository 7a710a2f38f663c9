"""The rules of one network: what it answers to an authorization, a reversal, a status inquiry.

Theory of operation. A 0100 carries chip data (DE 22 07x, DE 55) or, from mag-stripe mode, a track
with a dynamic code (DE 22 91x, DE 35), or the sealed number of a card that is not there (DE 22 81x,
DE 127). It is looked at twice. Before the database is asked to write anything, the token is found,
its data are read and cryptogram or code checked (`examining`): slow arithmetic has no place inside
a unit of work. Then one unit of work decides: a reference seen before hears its first answer again,
a reference reversed before it arrived is declined, the transaction counter must be new, and only
then the issuer holds money. So a reference has at most one hold, whatever is repeated, lost or
reordered.

Refuses to know: connections, bytes, waiting. Response codes of its own making: 14 no such token, 30
message or chip data that do not agree, 05 refused by rule, 54 and 62 token expired or suspended, 64
reversal of another amount, 82 cryptogram wrong, 94 same reference for another payment, 25 nothing
to complete or refund, 13 more than that, 21 reversal of what is completed; for cards that are not
there N7 wrong security code, 1A authentication wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from backend.networks.access_log import Purpose
from backend.networks.accounts import CardAccounts
from backend.networks.afterwards import is_advice, take_counter
from backend.networks.currencies import code_of
from backend.networks.examining import Examined, Examiner
from backend.networks.issuing import APPROVED, LEADING_DIGITS, Decision, IssuedCard, Issuer
from backend.networks.message import REFUND, Message, reference_of_original
from backend.networks.number_access import Numbers
from backend.networks.numbers import test_card
from backend.networks.ports import (
    AuthorizationRow,
    HostRows,
    HostStore,
    PresentmentRow,
    Reference,
    TokenRow,
)
from backend.runtime.clock import Clock
from backend.runtime.errors import StorageError

CARDS_REMEMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Payer:
    """A token that nothing speaks against, and the card behind it."""

    token: TokenRow
    card: IssuedCard


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """One network's rules, with what they need."""

    network: str
    store: HostStore
    numbers: Numbers
    examiner: Examiner
    issuer: Issuer
    accounts: CardAccounts
    clock: Clock
    cards: dict[str, IssuedCard] = field(default_factory=dict)

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
        payer = None
        if examined.refusal is None and examined.token is not None:
            payer = Payer(examined.token, await self.card_of(examined))

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
                other = not self._is_of_same_card(rows, request.reference, examined)
                return _repeat(seen, row, other_card=other)
            decision = self._decide(rows, request, examined, payer)
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
        self, rows: HostRows, request: Message, examined: Examined, payer: Payer | None
    ) -> Decision:
        if examined.refusal is not None:
            return examined.refusal
        if examined.remote is not None:
            account = self.accounts.of_number(rows, examined.remote.number)
            card = examined.remote.issued(account.account_id)
            return self.issuer.decide(
                rows, card, request.reference, int(request.fields["4"]), examined.currency
            )
        if payer is None:
            return Decision("14", "token_unknown")
        advice = is_advice(request)
        refusal = take_counter(
            rows, payer.token, examined.atc, advice=advice, stored=examined.stored
        )
        if refusal is not None:
            return refusal
        act = self.issuer.book if advice else self.issuer.decide
        amount_minor = int(request.fields["4"])
        return act(rows, payer.card, request.reference, amount_minor, examined.currency)

    def _is_of_same_card(self, rows: HostRows, reference: Reference, examined: Examined) -> bool:
        """Whether a sealed card is the one that the reference holds money of, if it holds any."""
        if examined.remote is None:
            return True
        held_of = rows.account_of_hold(self.network, reference)
        number = self.numbers.fingerprint(examined.remote.number)
        own = rows.account_of_number(self.network, number)
        return held_of is None or (own is not None and own.account_id == held_of)

    async def card_of(self, examined: Examined) -> IssuedCard:
        """The card that pays, outside a unit of work; of one never seen, without its account.

        An account's number hardly ever changes, so it is kept open.

        Raises:
            StorageError: its account is missing.
        """
        if examined.remote is not None:
            return examined.remote.issued("")
        token = examined.token
        assert token is not None, "somebody pays"
        card = self.cards.get(token.account_id)
        if card is None:
            card = await self.store.write(lambda rows: self._opened(rows, token))
            if len(self.cards) < CARDS_REMEMBERED_MAX:  # now that its opening is on record
                self.cards[token.account_id] = card
        return card

    def forget_card(self, account_id: str) -> None:
        """The account has another card number: it is opened again."""
        self.cards.pop(account_id, None)

    def _opened(self, rows: HostRows, token: TokenRow) -> IssuedCard:
        account = rows.account(token.account_id)
        if account is None:
            raise StorageError(f"token {token.token_ref} has no account")
        number = self.numbers.open_card(rows, account, token.token_ref, Purpose.AUTHORIZE)
        return IssuedCard(
            account.account_id,
            self.network,
            test_card(number),
            number[:LEADING_DIGITS],
        )


def _repeat(seen: AuthorizationRow, now: AuthorizationRow, *, other_card: bool) -> AuthorizationRow:
    if seen.response_code is None:  # its reversal overtook it: it must never hold anything
        return replace(now, response_code="05", reason="reversed_before_arrival")
    same = (seen.token_ref, seen.amount_minor, seen.currency) == (
        now.token_ref,
        now.amount_minor,
        now.currency,
    )
    if same and not other_card:
        return seen
    return replace(now, response_code="94", reason="reference_reused")


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
