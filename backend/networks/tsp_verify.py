"""Verification of cardholders by code: the issuer's side of a yellow provisioning.

Theory of operation. A code is drawn here, goes into the mailbox of what banks sent (as ciphertext)
and is kept as a keyed hash only. The wallet passes on what a person typed and hears how it went;
the right code makes the inactive token active, and only then are its keys sealed for the device. A
step that the wallet repeats under the same request name is not done twice, and a token that is
active already says so again, keys included: no answer that was lost on the way costs a try or
leaves a device without its keys. Everything of one step is one commit.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from backend.networks.access_log import Purpose
from backend.networks.authority import CardAuthority
from backend.networks.decisions import STEP_UP_DIGITS, TERMS
from backend.networks.keys import NetworkKeys
from backend.networks.number_access import Numbers
from backend.networks.ports import (
    AccountRow,
    CodeRow,
    HostRows,
    HostStore,
    NoticeRow,
    TokenRow,
    VerificationRow,
)
from backend.networks.step_up import SENDS_MAX, TRIES_MAX, Progress, Stage, advance
from backend.networks.token_life import INACTIVE_LIFE_US
from backend.networks.token_life import advance as advance_token
from backend.networks.tsp_payload import DevicePayload, device_key_of
from backend.networks.tsp_terms import StepUpMethod, Verification, Verified
from backend.networks.vault import NetworkVault
from backend.runtime.clock import Clock
from backend.runtime.entropy import Entropy
from backend.runtime.errors import NotFound, StorageError

# EMVCo Payment Tokenisation, token assurance method: 11 interactive with one factor, 12 with two
ASSURANCE = {"sms": "11", "email": "11", "call": "11", "bank_app": "12"}


@dataclass(frozen=True, slots=True)
class _Case:
    """One verification with everything that its steps look at."""

    rows: HostRows
    token: TokenRow
    account: AccountRow
    verification: VerificationRow
    now_us: int

    def code(self, method: str) -> CodeRow:
        known = self.rows.code(self.token.token_ref, method)
        return known or CodeRow(self.token.token_ref, method, b"", 0, 0, 0, 0, "", "")


class Verifications:
    """The verifications of one network's tokens."""

    def __init__(
        self,
        network: str,
        store: HostStore,
        vault: NetworkVault,
        keys: NetworkKeys,
        authority: CardAuthority,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._network = network
        self._store = store
        self._vault = vault
        self._held = Numbers(network, vault, clock)
        self._payload = DevicePayload(network, keys, authority)
        self._clock = clock
        self._codes = entropy.secret(f"network.{network}.codes")

    async def look(self, token_ref: str) -> Verification:
        """How the verification stands.

        Raises:
            NotFound: no such token, or it never needed one.
        """
        return await self._step(token_ref, lambda _case: Verified.OPEN)

    async def send(self, token_ref: str, method: str, request_id: str) -> Verification:
        """Send a code to the cardholder.

        Args:
            token_ref: the token to verify.
            method: one of the offered ones.
            request_id: the wallet's name for this step; repeated, it is not done twice.

        Raises:
            NotFound: no such token, or it never needed a verification.
        """

        def step(case: _Case) -> Verified:
            code = case.code(method)
            if code.last_request == request_id:
                return Verified(code.last_outcome)
            outcome = _progress(code).may_send(case.now_us)
            if outcome is Verified.CODE_SENT:
                self._send(case, code, request_id)
            return outcome

        return await self._step(token_ref, step, method)

    async def check(self, token_ref: str, method: str, typed: str, request_id: str) -> Verification:
        """Check a code; the right one makes the token active.

        Args:
            token_ref: the token to verify.
            method: where the code came from.
            typed: the digits that the person typed.
            request_id: the wallet's name for this step; repeated, it costs no other try.

        Raises:
            NotFound: no such token, or it never needed a verification.
        """

        def step(case: _Case) -> Verified:
            code = case.code(method)
            if code.last_request == request_id:
                return Verified(code.last_outcome)
            right = hmac.compare_digest(code.code_fingerprint, self._fingerprint(code, typed))
            outcome = _progress(code).judge(case.now_us, is_right=right)
            match outcome:
                case Verified.ACTIVE:
                    self._activate(case, method)
                case Verified.CODE_WRONG:
                    missed = _with(code, _progress(code).missed())
                    case.rows.put_code(
                        replace(missed, last_request=request_id, last_outcome=outcome.value)
                    )
                case _:
                    pass  # nothing was looked at, so nothing changed
            return outcome

        return await self._step(token_ref, step, method)

    async def _step(
        self, token_ref: str, step: Callable[[_Case], Verified], method: str | None = None
    ) -> Verification:
        def unit(rows: HostRows) -> Verification:
            case = self._case(rows, token_ref)
            stage = Stage(case.verification.stage)
            if stage is Stage.OPEN and _waited_too_long(case):
                self._discard(case)
                stage = self._end(case, Verified.FAILED)
            if stage is Stage.OPEN and case.token.status == "deactivated":
                stage = self._end(case, Verified.FAILED)  # its wallet took the card away
            if stage is Stage.OPEN:
                outcome = Verified.METHOD_UNKNOWN
                if method is None or method in case.verification.methods.split():
                    outcome = step(case)
                if outcome is not Verified.ACTIVE and _all_spent(case):
                    outcome = Verified.FAILED
                    self._discard(case)
                stage = self._end(case, outcome)
                if stage is Stage.OPEN:
                    return Verification(outcome, self._methods(case))
            if stage is Stage.FAILED:
                return Verification(Verified.FAILED, self._methods(case))
            return self._passed(self._case(rows, token_ref))

        return await self._store.write(unit)

    def _case(self, rows: HostRows, token_ref: str) -> _Case:
        token = rows.token(token_ref)
        verification = rows.verification(token_ref)
        if token is None or token.network != self._network or verification is None:
            raise NotFound("token_unknown", f"{self._network} verifies no token {token_ref}")
        account = rows.account(token.account_id)
        if account is None:
            raise StorageError(f"token {token_ref} has no account")
        return _Case(rows, token, account, verification, self._clock.now_us())

    def _methods(self, case: _Case) -> tuple[StepUpMethod, ...]:
        return method_list(case.rows, self._network, case.verification, case.account, case.now_us)

    def _end(self, case: _Case, outcome: Verified) -> Stage:
        before = Stage(case.verification.stage)
        stage = advance(before, outcome)
        if stage is not before:
            case.rows.put_verification(
                replace(case.verification, stage=stage.value, ended_at_us=case.now_us)
            )
        return stage

    def _send(self, case: _Case, code: CodeRow, request_id: str) -> None:
        digits = "".join(
            str(self._codes.randint(0, 9)) for _ in range(STEP_UP_DIGITS[self._network])
        )
        sent = replace(
            _with(code, _progress(code).sent(case.now_us)),
            code_fingerprint=self._fingerprint(code, digits),
            last_request=request_id,
            last_outcome=Verified.CODE_SENT.value,
        )
        case.rows.put_code(sent)
        record = f"{code.token_ref}|{code.method}"
        case.rows.add_notice(
            NoticeRow(
                id=0,
                network=self._network,
                wallet_id=case.token.wallet_id,
                device_id=case.token.device_id,
                token_ref=code.token_ref,
                method=code.method,
                destination=destination_of(case.account, code.method),
                last4=case.account.last4,
                sealed_code=self._vault.seal(digits.encode(), self._network, record, "code"),
                sent_at_us=sent.sent_at_us,
                expires_at_us=sent.expires_at_us,
            )
        )

    def _fingerprint(self, code: CodeRow, digits: str) -> bytes:
        return self._vault.fingerprint(f"code|{code.token_ref}|{code.method}|{digits}")

    def _activate(self, case: _Case, method: str) -> None:
        status = advance_token(case.token.status, "activate")
        assert status is not None, "an open verification belongs to an inactive token"
        case.rows.set_token_status(case.token.token_ref, status)
        terms = case.rows.terms(case.token.token_ref)
        if terms is not None:  # else the token is older than that record
            case.rows.put_terms(replace(terms, assurance_method=ASSURANCE[method]))

    def _discard(self, case: _Case) -> None:
        status = advance_token(case.token.status, "delete")
        assert status is not None, "any token can be deleted"
        case.rows.set_token_status(case.token.token_ref, status)

    def _passed(self, case: _Case) -> Verification:
        """Verified: the keys, for the device that asked for them; none for a token that is gone."""
        token = case.token
        if token.status == "deactivated":
            return Verification(Verified.FAILED)
        device_key = device_key_of(json.loads(case.verification.device_key))
        assert device_key is not None, "checked when the token was asked for"
        number = self._held.open_token(case.rows, token, Purpose.VERIFY)
        return Verification(
            Verified.ACTIVE,
            session_id=token.session_id,
            device_payload=self._payload.sealed(case.rows, case.account, token, number, device_key),
        )


def method_list(
    rows: HostRows,
    network: str,
    verification: VerificationRow,
    account: AccountRow,
    now_us: int,
) -> tuple[StepUpMethod, ...]:
    """The offered methods as they stand."""
    listed = []
    for method in verification.methods.split():
        code = rows.code(verification.token_ref, method)
        progress = Progress() if code is None else _progress(code)
        listed.append(_method(network, method, account, progress, now_us))
    return tuple(listed)


def destination_of(account: AccountRow, method: str) -> str:
    """Where the issuer reaches the cardholder, masked; the same for ever for one account."""
    drawn = account.number_fingerprint
    match method:
        case "sms" | "call":
            return f"•• {drawn[0] % 100:02d}"
        case "email":
            return f"{chr(ord('a') + drawn[1] % 26)}•••@mail.test"
        case _:
            return ""


def _method(
    network: str, method: str, account: AccountRow, progress: Progress, now_us: int
) -> StepUpMethod:
    spent = progress.is_spent(now_us)
    expires_in_us = 0 if spent else max(0, progress.expires_at_us - now_us)
    state = "spent" if spent else ("sent" if expires_in_us else "ready")
    return StepUpMethod(
        method=method,
        term=TERMS[network][method],
        destination=destination_of(account, method),
        code_digits=STEP_UP_DIGITS[network],
        state=state,
        tries_left=0 if spent else TRIES_MAX - progress.wrong_tries,
        sends_left=0 if spent else SENDS_MAX - progress.sends,
        resend_in_ms=0 if spent else progress.resend_in_us(now_us) // 1_000,
        expires_in_ms=expires_in_us // 1_000,
    )


def _progress(code: CodeRow) -> Progress:
    return Progress(code.sends, code.sent_at_us, code.expires_at_us, code.wrong_tries)


def _with(code: CodeRow, progress: Progress) -> CodeRow:
    return replace(
        code,
        sends=progress.sends,
        sent_at_us=progress.sent_at_us,
        expires_at_us=progress.expires_at_us,
        wrong_tries=progress.wrong_tries,
    )


def _waited_too_long(case: _Case) -> bool:
    return case.now_us - case.token.created_at_us > INACTIVE_LIFE_US


def _all_spent(case: _Case) -> bool:
    return all(
        _progress(case.code(method)).is_spent(case.now_us)
        for method in case.verification.methods.split()
    )
