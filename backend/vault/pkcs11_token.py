"""Keys that live in a PKCS#11 token (SoftHSM2, a smart card, an HSM) and never leave it.

Theory of operation. Each key-encryption key is an AES-256 object of the token, made there,
sensitive and not extractable; wrapping is `C_Encrypt` with CKM_AES_GCM, so the token does the
arithmetic and this process sees a data key only while it is in use. Objects are found by label: the
lab's name, the data folder's own mark and the version. One login serves every session of a process
(PKCS#11 v2.40, 5.6.6), and one lock every call: modules need not be thread-safe.

The one module that imports `pkcs11`, and only when such a home is asked for. Knows no card.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from backend.runtime.entropy import Stream
from backend.runtime.errors import StorageError, UsageError

MODULE_VARIABLE = "TAPLAB_PKCS11_MODULE"
TOKEN_VARIABLE = "TAPLAB_PKCS11_TOKEN"  # noqa: S105 - a variable's name, not a password
PIN_VARIABLE = "TAPLAB_PKCS11_PIN"
HOME = "pkcs11"
KEY_BITS = 256
NONCE_BYTES = 12
TAG_BITS = 128
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"


@dataclass(frozen=True, slots=True)
class TokenAddress:
    """How to reach a token.

    Attributes:
        module: path of the PKCS#11 library.
        label: of the token.
    """

    module: str
    label: str
    pin: str

    def __repr__(self) -> str:
        return f"TokenAddress({self.module!r}, {self.label!r})"


def token_address(environment: Mapping[str, str]) -> TokenAddress:
    """The token that the environment names; its library is Debian's SoftHSM2 if nothing else is.

    Raises:
        UsageError: token or PIN are not named.
    """
    label, pin = environment.get(TOKEN_VARIABLE), environment.get(PIN_VARIABLE)
    if not label or not pin:
        raise UsageError(f"keys in a token: set {TOKEN_VARIABLE} (its label) and {PIN_VARIABLE}")
    return TokenAddress(environment.get(MODULE_VARIABLE, SOFTHSM), label, pin)


class TokenKey(Protocol):
    """A secret key of a token, as far as wrapping needs one."""

    def encrypt(self, data: bytes, *, mechanism: object, mechanism_param: object) -> bytes:
        """Ciphertext and tag."""

    def decrypt(self, data: bytes, *, mechanism: object, mechanism_param: object) -> bytes:
        """The plain text again."""


class TokenSession(Protocol):
    """A logged-in session of `pkcs11`, as far as wrapping needs one."""

    def get_objects(self, attrs: Mapping[object, object]) -> Iterable[TokenKey]:
        """Objects with these attributes."""

    def generate_key(self, key_type: object, key_length: int, **about: object) -> TokenKey:
        """A new key, made in the token."""


class TokenWrapper:
    """Wraps keys inside a token."""

    def __init__(self, session: TokenSession, mark: str, nonces: Stream) -> None:
        """An open session; `open_token` makes one."""
        self._session = session
        self._mark = mark
        self._nonces = nonces
        self._lock = threading.Lock()

    @property
    def home(self) -> str:
        """Where the keys live."""
        return HOME

    def wrap(self, kek: int, plain: bytes, place: bytes) -> bytes:
        """Nonce and ciphertext; the key is made in the token at its first use.

        Raises:
            StorageError: the token does not answer.
        """
        from pkcs11 import GCMParams, Mechanism
        from pkcs11.exceptions import PKCS11Error

        nonce = self._nonces.bytes(NONCE_BYTES)
        params = GCMParams(nonce, place, TAG_BITS)
        with self._lock:
            try:
                key = self._find(kek) or self._make(kek)
                return nonce + bytes(
                    key.encrypt(plain, mechanism=Mechanism.AES_GCM, mechanism_param=params)
                )
            except PKCS11Error as error:
                raise StorageError(_said(error)) from error

    def unwrap(self, kek: int, wrapped: bytes, place: bytes) -> bytes:
        """The key again.

        Raises:
            StorageError: the token does not answer, has no such key, or this is not its ciphertext.
        """
        from pkcs11 import GCMParams, Mechanism
        from pkcs11.exceptions import PKCS11Error

        params = GCMParams(wrapped[:NONCE_BYTES], place, TAG_BITS)
        with self._lock:
            try:
                key = self._find(kek)
                if key is None:
                    raise StorageError(f"the token has no key {self._label(kek)!r}")
                return bytes(
                    key.decrypt(
                        wrapped[NONCE_BYTES:], mechanism=Mechanism.AES_GCM, mechanism_param=params
                    )
                )
            except PKCS11Error as error:
                raise StorageError(_said(error)) from error

    def _label(self, kek: int) -> str:
        return f"tap-lab {self._mark} kek {kek}"

    def _find(self, kek: int) -> TokenKey | None:
        from pkcs11 import Attribute, ObjectClass

        wanted: dict[object, object] = {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.LABEL: self._label(kek),
        }
        found = list(self._session.get_objects(wanted))
        return found[0] if found else None

    def _make(self, kek: int) -> TokenKey:
        from pkcs11 import Attribute, KeyType

        return self._session.generate_key(
            KeyType.AES,
            KEY_BITS,
            label=self._label(kek),
            store=True,
            template={
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.ENCRYPT: True,
                Attribute.DECRYPT: True,
            },
        )


def open_token(address: TokenAddress, mark: str, nonces: Stream) -> TokenWrapper:
    """Log in to a token.

    Args:
        address: which.
        mark: the data folder's own, so that two folders may share a token.
        nonces: random.

    Raises:
        UsageError: no PKCS#11 support here, no such library or token, or another PIN.
    """
    try:
        import pkcs11
        from pkcs11 import exceptions
    except ImportError as error:
        raise UsageError("keys in a token need python-pkcs11: install tap-lab[hsm]") from error
    try:
        token = pkcs11.lib(address.module).get_token(token_label=address.label)
        try:
            session = token.open(rw=True, user_pin=address.pin)
        except exceptions.UserAlreadyLoggedIn:  # by another folder of this process
            session = token.open(rw=True)
    except exceptions.NoSuchToken as error:
        raise UsageError(f"{address.module} has no token {address.label!r}") from error
    except exceptions.PinIncorrect as error:
        raise UsageError(f"{PIN_VARIABLE} is not the PIN of {address.label!r}") from error
    except exceptions.PKCS11Error as error:
        raise UsageError(f"the token {address.label!r} cannot be opened: {_said(error)}") from error
    return TokenWrapper(cast("TokenSession", session), mark, nonces)


def _said(error: Exception) -> str:
    """PKCS#11 errors often have a name and no text."""
    return f"token: {type(error).__name__} {error}".strip()
