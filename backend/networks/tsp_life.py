"""What happens to a token after it was issued: suspend, resume, delete, refresh, a new card.

Theory of operation. Every change is one commit with a line in the token's story, and the wallet
reads that story by number: what an issuer does here reaches it even if it was away. A refresh
puts a new token with new keys in the place of the old one, in one commit, sealed for the device
that the old one was bound to and for no other; asked for again, by a wallet that lost the answer,
it answers with the same successor. Whatever is asked of a token that was replaced happens to its
successor: a suspension that was on its way cannot miss. A card that its issuer replaces gets a new
number behind the same tokens; the old number is worth nothing from then on.

Knows neither HTTP nor how cardholders are verified.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.networks import numbers
from backend.networks.access_log import Purpose
from backend.networks.life_ports import TokenEventRow
from backend.networks.number_access import Numbers
from backend.networks.ports import HostRows, HostStore, TokenRow
from backend.networks.token_life import REASONS, Suspender, advance_held
from backend.networks.tsp import TokenService
from backend.networks.tsp_payload import device_key_of
from backend.networks.tsp_terms import TokenEvent, TokenGrant, TokenState
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import BadRequest, Conflict, NotFound, StorageError

EVENTS_PAGE = 200
CHAIN_MAX = 1_000
ISSUER_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants a change, and why.

    Attributes:
        by: a `Suspender`'s word.
        reason: one of the operation's `REASONS`.
    """

    by: str
    reason: str


class TokenLives:
    """The lives of one network's tokens."""

    def __init__(
        self,
        service: TokenService,
        store: HostStore,
        held: Numbers,
        clock: Clock,
        numbers_from: Stream,
        on_renumbered: Callable[[str], None],
    ) -> None:
        """Lives of the tokens that `service` issues.

        Args:
            service: issues and seals.
            store: the hosts' rows.
            held: opens and seals numbers.
            clock: lab time.
            numbers_from: where new card numbers come from.
            on_renumbered: told of an account whose card number is another one now.
        """
        self.network = service.network
        self._service = service
        self._store = store
        self._held = held
        self._clock = clock
        self._numbers = numbers_from
        self._on_renumbered = on_renumbered

    def look(self, token_ref: str) -> TokenState:
        """A token as its network sees it.

        Raises:
            NotFound: no such token.
        """
        return self._store.read(lambda rows: self._state(rows, self._token(rows, token_ref)))

    def events(self, after_id: int) -> list[TokenEvent]:
        """What happened to this network's tokens after that, the oldest first."""
        rows = self._store.read(lambda r: r.token_events(self.network, after_id, EVENTS_PAGE))
        return [_event(row) for row in rows]

    async def change(self, token_ref: str, operation: str, asked: Asked) -> TokenState:
        """Suspend, resume or delete a token; asked for again it changes nothing.

        Raises:
            NotFound: no such token, or its status does not allow this.
            BadRequest: nobody may ask for it like that.
        """
        _check(operation, asked)

        def unit(rows: HostRows) -> TokenState:
            token = self._living(rows, token_ref)
            held_by = rows.holders(token.token_ref)
            after = advance_held(token.status, held_by, operation, asked.by)
            if after is None:
                raise NotFound("not_possible", f"a token that is {token.status}: no {operation}")
            if after == (token.status, held_by):
                return self._state(rows, token)
            self._carry_out(rows, token, operation, asked)
            changed = replace(token, status=after[0])
            rows.set_token_status(token.token_ref, changed.status)
            return self._tell(rows, changed, operation, asked)

        return await self._store.write(unit)

    async def refresh(self, token_ref: str) -> TokenGrant:
        """A new token with new keys in the place of this one, for the same device.

        Raises:
            NotFound: no such token, or it cannot pay anyway.
            Conflict: it is older than the record of devices' keys.
        """

        def unit(rows: HostRows) -> TokenGrant:
            old = self._token(rows, token_ref)
            terms = rows.terms(old.token_ref)
            if terms is None:
                raise Conflict("device_key_unknown", "remove this card and add it again")
            if terms.replaced_by is not None:
                return self._granted(rows, self._token(rows, terms.replaced_by), old.token_ref)
            if old.status not in {"active", "suspended"}:
                raise NotFound("not_possible", f"a token that is {old.status}: no refresh")
            rows.set_token_status(old.token_ref, "deactivated")
            account = rows.account(old.account_id)
            assert account is not None, "a token has its account"
            held_by = rows.holders(old.token_ref)
            new = self._service.issue(
                rows,
                account,
                device_id=old.device_id,
                wallet_id=old.wallet_id,
                expiry=old.expiry,
                status=old.status,
            )
            now_us = self._clock.now_us()
            for holder in sorted(held_by):
                rows.let_go(old.token_ref, holder)
                rows.hold_token(new.token_ref, holder, "OTHER", now_us)
            rows.put_terms(
                replace(terms, token_ref=new.token_ref, replaces=old.token_ref, replaced_by=None)
            )
            rows.put_terms(replace(terms, replaced_by=new.token_ref))
            asked = Asked(Suspender.TOKEN_REQUESTOR.value, "OTHER")
            self._tell(rows, replace(old, status="deactivated"), "refresh", asked)
            return self._granted(rows, new, old.token_ref)

        return await self._store.write(unit)

    async def replace_card(self, token_ref: str, asked: Asked) -> TokenState:
        """The issuer sends a new card: another number behind all tokens of this account.

        Raises:
            NotFound: no such token.
            BadRequest: nobody may ask for it like that.
        """
        _check("replace-card", asked)
        if asked.by != Suspender.ISSUER.value:
            raise BadRequest("not_the_issuer", "only its issuer replaces a card")

        def unit(rows: HostRows) -> TokenState:
            token = self._living(rows, token_ref)
            account = rows.account(token.account_id)
            assert account is not None, "a token has its account"
            old = self._held.open_card(rows, account, token.token_ref, Purpose.REPLACE_CARD)
            number = self._fresh_number(rows, old)
            rows.retire_number(self.network, account.number_fingerprint, self._clock.now_us())
            rows.renumber_account(
                account.account_id,
                self._held.fingerprint(number),
                self._held.seal_card(number, account.account_id),
                number[-4:],
            )
            return self._tell(rows, token, "replace-card", asked)

        state = await self._store.write(unit)
        self._on_renumbered(self._store.read(lambda rows: self._token(rows, token_ref).account_id))
        return state

    def _carry_out(self, rows: HostRows, token: TokenRow, operation: str, asked: Asked) -> None:
        match operation:
            case "suspend":
                rows.hold_token(token.token_ref, asked.by, asked.reason, self._clock.now_us())
            case "resume":
                rows.let_go(token.token_ref, asked.by)
            case _:
                for holder in rows.holders(token.token_ref):
                    rows.let_go(token.token_ref, holder)

    def _fresh_number(self, rows: HostRows, old: str) -> str:
        """Another card number of the same issuer that nobody has."""
        while True:
            free = len(old) - ISSUER_DIGITS - 1
            body = old[:ISSUER_DIGITS] + "".join(
                str(self._numbers.randint(0, 9)) for _ in range(free)
            )
            number = body + numbers.check_digit(body)
            print_of = self._held.fingerprint(number)
            taken = (
                number == old
                or numbers.is_token(number)
                or number in numbers.TEST_CARDS
                or rows.is_retired(self.network, print_of)
                or rows.account_of_number(self.network, print_of) is not None
            )
            if not taken:
                return number

    def _token(self, rows: HostRows, token_ref: str) -> TokenRow:
        token = rows.token(token_ref)
        if token is None or token.network != self.network:
            raise NotFound("token_unknown", f"{self.network} has no token {token_ref}")
        return token

    def _living(self, rows: HostRows, token_ref: str) -> TokenRow:
        """The token, or whatever came in its place."""
        token = self._token(rows, token_ref)
        for _ in range(CHAIN_MAX):
            terms = rows.terms(token.token_ref)
            if terms is None or terms.replaced_by is None:
                return token
            token = self._token(rows, terms.replaced_by)
        raise StorageError(f"token {token_ref} is replaced by itself")

    def _granted(self, rows: HostRows, token: TokenRow, replaces: str) -> TokenGrant:
        account, terms = rows.account(token.account_id), rows.terms(token.token_ref)
        assert account is not None, "a token has its account"
        assert terms is not None, "a token that replaces another has terms"
        device_key = device_key_of(json.loads(terms.device_key))
        assert device_key is not None, "checked when the first token was asked for"
        return self._service.grant_again(rows, account, token, device_key, replaces=replaces)

    def _tell(self, rows: HostRows, token: TokenRow, operation: str, asked: Asked) -> TokenState:
        state = self._state(rows, token)
        rows.add_token_event(
            TokenEventRow(
                id=0,
                network=self.network,
                token_ref=token.token_ref,
                operation=operation,
                status=token.status,
                suspended_by=" ".join(state.suspended_by),
                actor=asked.by,
                reason=asked.reason,
                last4=state.card_last4,
                at_us=self._clock.now_us(),
            )
        )
        return self._state(rows, token)

    def _state(self, rows: HostRows, token: TokenRow) -> TokenState:
        account, terms = rows.account(token.account_id), rows.terms(token.token_ref)
        assert account is not None, "a token has its account"
        return TokenState(
            token_ref=token.token_ref,
            network=self.network,
            status=token.status,
            suspended_by=tuple(sorted(rows.holders(token.token_ref))),
            token_last4=token.token_last4,
            card_last4=account.last4,
            expiry=token.expiry,
            par=account.account_reference,
            requestor_id=numbers.TOKEN_REQUESTOR[self.network],
            assurance_method="00" if terms is None else terms.assurance_method,
            device_id=token.device_id,
            device_type="" if terms is None else terms.device_type,
            replaces=None if terms is None else terms.replaces,
            replaced_by=None if terms is None else terms.replaced_by,
            story=tuple(_event(row) for row in rows.story(token.token_ref)),
        )


def _check(operation: str, asked: Asked) -> None:
    reasons = REASONS.get(operation)
    if reasons is None:
        raise NotFound("operation_unknown", f"operations are {', '.join(REASONS)}")
    if asked.by not in {each.value for each in Suspender}:
        raise BadRequest("actor_unknown", f"by is {', '.join(s.value for s in Suspender)}")
    if asked.reason not in reasons:
        raise BadRequest("reason_unknown", f"reason of a {operation} is {', '.join(reasons)}")


def _event(row: TokenEventRow) -> TokenEvent:
    return TokenEvent(
        id=row.id,
        token_ref=row.token_ref,
        operation=row.operation,
        status=row.status,
        suspended_by=tuple(row.suspended_by.split()),
        actor=row.actor,
        reason=row.reason,
        last4=row.last4,
        at_us=row.at_us,
    )
