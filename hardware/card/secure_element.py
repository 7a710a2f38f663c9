"""The secure element: holds tokens and keys, counts transactions, makes cryptograms when armed.

It refuses everything it can refuse: credentials not sealed for it, assertions its paired sensor
did not make, a second payment for one authentication, a counter past 65535. The counter is on disk
before a cryptogram exists. Knows no reader and no kernel; `payment_card` turns it into answers.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardware.card.allowance import Spent, after
from hardware.card.credentials import Credentials, open_envelope
from hardware.card.device_key import draw_device_key, public_jwk
from hardware.card.device_word import payment_word, presence_word
from hardware.card.face import PAIRING_KEY_LENGTH, FaceAssertion, FaceSensor, assertion_mac
from hardware.card.installed import InstalledToken, RecognisedBy, Recognition
from hardware.card.payment_card import PaymentCard
from hardware.card.recovery import KeptAnswer
from hardware.card.remote import RemoteCryptogram, RemoteRequest, sign_remote
from hardware.card.sealed_file import SealedFile, TokenRow
from hardware.card.stored_credentials import pack, unpack
from hardware.card.wrist import WristSensor
from hardware.runtime.errors import NotArmed, ProvisioningRefused, SecureElementDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hardware.runtime.ports import Clock, Stream

_OFFLINE = "offline "
"""Name under which a token's offline counters are kept, its reference behind it."""
_CHALLENGE_LENGTH = 16


class SecureElement:
    """One device's secure element in one exclusively locked file."""

    def __init__(self, file: SealedFile, clock: Clock, stream: Stream) -> None:
        """Use `open`; this takes a file that is already open."""
        self._file = file
        self._clock = clock
        self._stream = stream
        self._challenge: bytes | None = None
        self._arming: Recognition | None = None
        self._private_key_pem = file.secret("device_key") or self._make_device_key()
        self._pairing_key = file.secret("pairing_key") or self._make_pairing_key()

    @classmethod
    def open(
        cls, path: Path | str, *, seal_key: bytes, clock: Clock, stream: Stream
    ) -> SecureElement:
        """Open the element's file, or create it with a fresh device key.

        Raises:
            SecureElementBusy: another process holds it.
            SecureElementDamaged: wrong seal key, or no secure element.
        """
        file = SealedFile(Path(path), seal_key, stream)
        try:
            return cls(file, clock, stream)
        except SecureElementDamaged:
            file.close()
            raise

    def close(self) -> None:
        """Disarm and let the file go."""
        self.disarm()
        self._file.close()

    def backup(self, path: Path | str) -> None:
        """A consistent sealed copy of the file.

        Raises:
            SecureElementError: the copy cannot be written.
        """
        self._file.backup(Path(path))

    # Device key and provisioning -------------------------------------------------------------

    def _make_device_key(self) -> bytes:
        pem = draw_device_key(self._stream)
        with self._file.writing():
            self._file.set_secret("device_key", pem)
        return pem

    def _make_pairing_key(self) -> bytes:
        key = self._stream.bytes(PAIRING_KEY_LENGTH)
        with self._file.writing():
            self._file.set_secret("pairing_key", key)
        return key

    def public_key(self) -> dict[str, str]:
        """The device's public key as a JWK (RFC 7517): what credentials are sealed for."""
        return public_jwk(self._private_key_pem)

    def _word_key(self) -> bytes:
        """The key behind the device's word; drawn when it is wanted first, and not the other one.

        What is sealed for a device and what it signs have keys of their own (NIST SP 800-57, 5.2).
        """
        known = self._file.secret("word_key")
        if known is not None:
            return known
        pem = draw_device_key(self._stream)
        with self._file.writing():
            self._file.set_secret("word_key", pem)
        return pem

    def word_key(self) -> dict[str, str]:
        """The public key (JWK) by which others know this device's word."""
        return public_jwk(self._word_key())

    def prove(self, challenge: str, device_id: str, *, face_enrolled: bool) -> str:
        """Answer a challenge in the name of this device (compact JWS, RFC 7515)."""
        return presence_word(self._word_key(), challenge, device_id, face_enrolled=face_enrolled)

    def install(self, jwe: str) -> InstalledToken:
        """Install credentials; the same session again changes nothing.

        Raises:
            ProvisioningRefused: not for this device, malformed, or in conflict with what is
                installed. Nothing was written.
        """
        credentials = open_envelope(jwe, self._private_key_pem)
        known = self._file.session_token(credentials.session_id)
        if known is not None:
            installed = self._find(known)
            if installed is None:
                raise ProvisioningRefused("this session's token was removed: provision again")
            return installed
        existing = self._find(credentials.token_ref)
        if existing is not None and credentials.replaces != credentials.token_ref:
            raise ProvisioningRefused("this token is installed already")
        # New keys under the same reference: the counter goes on, a network has seen its values.
        atc = existing.atc if existing is not None else 0
        self._write(credentials, atc)
        installed = self._find(credentials.token_ref)
        assert installed is not None
        return installed

    def _write(self, credentials: Credentials, atc: int) -> None:
        row: TokenRow = (
            credentials.token_ref,
            credentials.network.value,
            credentials.dpan[-4:],
            credentials.label,
            credentials.expiry,
            atc,
        )
        with self._file.writing():
            position = None
            default = self._file.text("default")
            if credentials.replaces is not None:
                position = self._file.delete_token(credentials.replaces)
                if default == credentials.replaces:
                    default = None
                if self.express == credentials.replaces:
                    self._file.set_text("express", credentials.token_ref)
            self._file.put_token(row, pack(credentials), position=position)
            for gone in (credentials.token_ref, credentials.replaces or credentials.token_ref):
                self._file.set_text(_OFFLINE + gone, None)
            self._file.put_session(credentials.session_id, credentials.token_ref)
            self._file.set_text("default", default or credentials.token_ref)
        if self._arming is not None and self._arming.token_ref == credentials.replaces:
            self.disarm()

    def tokens(self) -> tuple[InstalledToken, ...]:
        """Every installed token in order."""
        return tuple(InstalledToken(*row) for row in self._file.tokens())

    def _find(self, token_ref: str) -> InstalledToken | None:
        row = self._file.token(token_ref)
        return None if row is None else InstalledToken(*row)

    def remove(self, token_ref: str) -> bool:
        """Erase a token with its keys; False where there was none."""
        if self._arming is not None and self._arming.token_ref == token_ref:
            self.disarm()
        with self._file.writing():
            gone = self._file.delete_token(token_ref) is not None
            self._file.set_text(_OFFLINE + token_ref, None)
            if self._file.text("default") == token_ref:
                rest = self._file.tokens()
                self._file.set_text("default", rest[0][0] if rest else None)
            if self.express == token_ref:
                self._file.set_text("express", None)
        return gone

    @property
    def default(self) -> str | None:
        """The token shown when nothing is armed."""
        return self._file.text("default")

    def set_default(self, token_ref: str) -> None:
        """Choose it.

        Raises:
            NotArmed: no such token.
        """
        if self._find(token_ref) is None:
            raise NotArmed("no such token on this device")
        with self._file.writing():
            self._file.set_text("default", token_ref)

    @property
    def express(self) -> str | None:
        """The token that pays at a transit gate without being armed, if its owner chose one."""
        return self._file.text("express")

    def set_express(self, token_ref: str | None) -> None:
        """Choose it, or choose none.

        Raises:
            NotArmed: no such token.
        """
        if token_ref is not None and self._find(token_ref) is None:
            raise NotArmed("no such token on this device")
        with self._file.writing():
            self._file.set_text("express", token_ref)

    # Arming ----------------------------------------------------------------------------------

    def face_sensor(self, *, passcode: str = "000000") -> FaceSensor:
        """A sensor paired with this element."""
        return FaceSensor(self._pairing_key, passcode=passcode)

    def wrist_sensor(self, *, passcode: str = "000000") -> WristSensor:
        """A watch's sensor paired with this element."""
        return WristSensor(self._pairing_key, passcode=passcode)

    def challenge(self) -> bytes:
        """A fresh challenge for the sensor; it replaces one that was not used."""
        self._challenge = self._stream.bytes(_CHALLENGE_LENGTH)
        return self._challenge

    def arm(self, assertion: FaceAssertion, token_ref: str, armed_for_s: float = 60) -> None:
        """Allow one payment with one token for a while.

        Raises:
            NotArmed: the assertion is forged, stale or used, or there is no such token.
        """
        challenge, self._challenge = self._challenge, None
        if challenge is None or not hmac.compare_digest(challenge, assertion.challenge):
            raise NotArmed("the assertion answers no open challenge")
        expected = assertion_mac(self._pairing_key, challenge, assertion.method)
        if not hmac.compare_digest(expected, assertion.mac):
            raise NotArmed("the assertion was not made by the paired sensor")
        if self._find(token_ref) is None:
            raise NotArmed("no such token on this device")
        until_us = self._clock.monotonic_us() + int(armed_for_s * 1_000_000)
        self._arming = Recognition(token_ref, RecognisedBy(assertion.method), until_us)

    def disarm(self) -> None:
        """Forget the authentication."""
        self._arming = None
        self._challenge = None

    @property
    def armed(self) -> str | None:
        """The armed token, or None; arming ends by itself when its time is over."""
        recognised = self.recognised
        return None if recognised is None else recognised.token_ref

    @property
    def recognised(self) -> Recognition | None:
        """For which token the owner was recognised, how, and until when; None after that."""
        if self._arming is not None and self._clock.monotonic_us() >= self._arming.until_us:
            self._arming = None
        return self._arming

    # What the payment card needs -------------------------------------------------------------

    def card(
        self,
        *,
        token_ref: str | None = None,
        with_records: bool = False,
        with_pse: bool = False,
        on_cryptogram: Callable[[str, int], None] | None = None,
    ) -> PaymentCard:
        """The card this element shows to a reader: the armed token, else the default one.

        Args:
            token_ref: show this token, whichever is the default one.
            with_records: put the token's static data into a record instead of the GPO answer.
            with_pse: list the application for contact readers too.
            on_cryptogram: told (token_ref, atc) just before an answer with a cryptogram leaves.
        """
        return PaymentCard(
            self,
            token_ref=token_ref,
            with_records=with_records,
            with_pse=with_pse,
            on_cryptogram=on_cryptogram,
        )

    def offered(self, token_ref: str | None, *, at_gate: bool) -> tuple[InstalledToken, ...]:
        """What a card shows: that token, else the armed one, else at a gate the express one alone.

        Where nobody was recognised for anything, every token, the default one first.
        """
        alone = token_ref or self.armed or (self.express if at_gate else None)
        if alone is not None:
            found = self._find(alone)
            return () if found is None else (found,)
        default = self.default
        return tuple(sorted(self.tokens(), key=lambda token: token.token_ref != default))

    def credentials(self, token_ref: str) -> Credentials | None:
        """A token's credentials; None where it is gone."""
        secret = self._file.token_secret(token_ref)
        return None if secret is None else unpack(secret)

    def spend(self, token_ref: str) -> int:
        """Turn the authentication into one transaction counter, on disk when this returns.

        Raises:
            NotArmed: this token is not armed.
            AtcExhausted: its counter stands at 65535.
        """
        if self.armed != token_ref:
            raise NotArmed("no valid authentication for this token")
        self.disarm()
        return self._file.advance_atc(token_ref)

    def spend_express(self, token_ref: str) -> int:
        """One transaction counter without an authentication, at a transit gate.

        Raises:
            NotArmed: this is not the express token.
            AtcExhausted: its counter stands at 65535.
        """
        if self.express != token_ref:
            raise NotArmed("this token pays only for somebody who was recognised")
        return self._file.advance_atc(token_ref)

    def draw(self, count: int) -> bytes:
        """Unpredictable bytes for a card's signature."""
        return self._stream.bytes(count)

    def offline_spent(self, token_ref: str) -> Spent:
        """What a token has approved without its issuer since its keys came."""
        kept = self._file.secret(_OFFLINE + token_ref)
        return Spent() if kept is None else Spent(*json.loads(kept))

    def count_offline(self, token_ref: str, values: Mapping[int, bytes]) -> None:
        """Count one such approval; on disk when this returns."""
        spent = after(self.offline_spent(token_ref), values)
        kept = json.dumps([spent.total_minor, spent.payments]).encode()
        with self._file.writing():
            self._file.set_secret(_OFFLINE + token_ref, kept)

    def keep_answer(self, token_ref: str, kept: KeptAnswer) -> None:
        """Keep a token's last answer to GENERATE AC, sealed and on disk when this returns."""
        self._file.put_answer(token_ref, kept.to_bytes())

    def recall_answer(self, token_ref: str, asked: bytes) -> KeptAnswer | None:
        """The token's last answer, to whoever repeats its values; ends the authentication.

        It counts nothing: the counter inside the answer was spent when it was made. None where
        there is no answer, or it had other values.
        """
        value = self._file.answer(token_ref)
        if value is None:
            return None
        kept = KeptAnswer.from_bytes(value)
        if not hmac.compare_digest(kept.asked, asked):
            return None
        self.disarm()
        return kept

    def sign_remote(self, token_ref: str, request: RemoteRequest) -> RemoteCryptogram:
        """Make an in-app payment's cryptogram; it ends the authentication as a tap does.

        Raises:
            NotArmed: this token is not armed.
            AtcExhausted: its counter stands at 65535.
        """
        recognised = self.recognised
        atc = self.spend(token_ref)
        credentials = self.credentials(token_ref)
        assert credentials is not None
        assert recognised is not None, "nothing is spent without a recognition"
        made = sign_remote(credentials, atc, request)
        word = payment_word(self._word_key(), made.emv_data, request.reference, recognised.method)
        return replace(made, word=word)
