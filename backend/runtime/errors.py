"""The backend's error tree. Outcomes of a payment are values, never exceptions.

BackendError
├── UsageError            the caller asked for something that cannot be (settings, file, state)
│   └── FolderInUse       storage/data_folder: another engine has the data folder
├── BadRequest            input refused at a door; carries a stable code
│   ├── NotFound
│   ├── Conflict
│   │   └── KeyInFlight   payments/idempotency: the first request has no answer yet
│   ├── TokenRefused      paytoken/errors: a payment token that must not be used
│   ├── KeyMismatch       payments/idempotency: the key belongs to another payment
│   ├── KeyReused         wallet/provisioning: the key belongs to another card
│   ├── CardRefused       wallet/provisioning: the network refused the card
│   ├── StepRefused       wallet/verification: no code was sent, or it was not the right one
│   ├── NotSignedIn       wallet/accounts
│   ├── TooMany           wallet/limits: a person asked too often
│   └── TooManyCalls      gateway/rate_limits: a merchant did
├── WireError             http/stripe_wire/errors: a request under /v1 that is refused
├── StorageError          the database refused or broke
├── NetworkUnavailable    wallet/errors: a token service could not be asked
├── BackgroundFailed      process: a part of the engine broke, and the engine stops
├── TransportError        a link to a network host broke
│   ├── NotConnected      nothing left this process
│   └── LinkBroken        something may have left this process
└── MessageError          bytes that are not the message they should be

Crashed, a BaseException, is no error of this tree: it is how a dead simulated process stops.

A class that one package alone raises stands there, beside what raises it, and is drawn here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class BackendError(Exception):
    """Root of everything that the engine raises on purpose."""


class UsageError(BackendError):
    """A setting, file or command that cannot be carried out; the text says what to do."""


class BadRequest(BackendError):
    """Input refused at a door before anything was written.

    Attributes:
        code: stable snake_case word that a program may test.
        status: the HTTP status that this becomes.
        field: the offending field, where one is to blame.
        members: what else the problem document says (RFC 9457 section 3.2).
        headers: what else its answer says in its head.
        retry_after_s: when the same thing may be asked again; None when time cures nothing.
    """

    status = 400
    members: Mapping[str, object] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})
    retry_after_s: int | None = None

    def __init__(self, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field


class NotFound(BadRequest):
    """The thing named does not exist or is not the caller's."""

    status = 404


class Conflict(BadRequest):
    """The thing named is in a state that forbids this."""

    status = 409


class StorageError(BackendError):
    """The database refused or broke; nothing of the unit of work is stored."""


class TransportError(BackendError):
    """A link to a network host failed."""


class NotConnected(TransportError):
    """Nothing left this process: safe to answer "not sent"."""


class LinkBroken(TransportError):
    """Something may have left this process: the outcome is unknown."""


class MessageError(BackendError):
    """Bytes that are not the message they should be; the text says where."""


class Crashed(BaseException):
    """A simulated process is dead, and nothing of it may run on.

    No `except Exception` and no `except BackendError` takes it for a fault that it could answer.
    """
