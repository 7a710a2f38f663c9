"""Request bodies as types: what is not named here is refused, not ignored."""

from __future__ import annotations

from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError


class Body(BaseModel):
    """A JSON object with exactly these fields, and no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _can_be_written_down(cls, value: object) -> object:
        """Refuse what no document and no database of ours can hold, wherever in the value it is."""
        try:
            orjson.dumps(value)
        except TypeError as error:
            raise PydanticCustomError(
                "not_storable", "half a character, a number beyond 64 bits, or nested too deep"
            ) from error
        return value


class Credentials(Body):
    """Sign in or register: address and password, or `demo` with the local token."""

    email: str | None = Field(default=None, max_length=255)
    password: str | None = Field(default=None, max_length=256, repr=False)
    demo: bool = False


class Erasure(Body):
    """Proof that it is the person who wants to be forgotten: the password."""

    proof: str = Field(max_length=256, repr=False)


class NewCard(Body):
    """A card on its way to its network; names as in `/api`.

    With `fromCardId`, one of the person's cards on another device, `encryptedPan` seals the
    device's key alone and `expiry` and `cvv` are empty.
    """

    network: str
    encryptedPan: str = Field(repr=False)  # noqa: N815 - the wire's name
    expiry: str
    cvv: str = Field(repr=False)
    last4: str
    deviceId: str  # noqa: N815 - the wire's name
    termsVersion: str | None = Field(default=None, max_length=20)  # noqa: N815 - the wire's name
    fromCardId: str | None = Field(default=None, max_length=64)  # noqa: N815 - the wire's name
    design: str = Field(default="", max_length=40)


class SealedCard(Body):
    """A sealed card number whose product is asked for."""

    network: str
    encryptedPan: str = Field(repr=False)  # noqa: N815 - the wire's name


class VerificationStep(Body):
    """A step of a card's verification: `method` alone sends a code, with `code` checks it."""

    method: str = Field(max_length=40)
    code: str | None = Field(default=None, max_length=20, repr=False)


class SaleOrder(Body):
    """What a merchant wants done with a payment; all of it where no amount is named."""

    merchantId: str = Field(max_length=64)  # noqa: N815 - the wire's name
    amount: int | None = None
    reason: str | None = None


class MerchantOrder(Body):
    """Whose day is to be closed."""

    merchantId: str = Field(max_length=64)  # noqa: N815 - the wire's name


class Suspension(Body):
    """Why a card is stopped."""

    reason: str = "user_request"


class DeviceFound(Body):
    """What becomes of the cards of a device that is back."""

    reactivateCards: bool = False  # noqa: N815 - the wire's name


class TokenOperation(Body):
    """What an issuer, or the keeper of phones' passcodes, does to a token at its network."""

    by: Literal["ISSUER", "MOBILE_PIN_LOCKED"] = "ISSUER"
    reason: str = Field(default="OTHER", max_length=40)


class NewDevice(Body):
    """A phone or a watch."""

    kind: str
    name: str
    publicKey: dict[str, object] | None = None  # noqa: N815 - the wire's name


class DeviceProof(Body):
    """A challenge that a device signed: compact JWS."""

    proof: str = Field(max_length=2_000, repr=False)


class ClockOrder(Body):
    """Move lab time: exactly one of the three."""

    jump_s: float | None = None
    rate: float | None = None
    reset: Literal[True] | None = None


class BreakerOrder(Body):
    """Hold a breaker in a state, or let it decide again."""

    state: Literal["open", "closed", "auto"]


class RulesOrder(Body):
    """How a breaker judges: failures in a row, or a share of the last seconds' calls."""

    rules: Literal["consecutive", "rate"]


class SnapshotOrder(Body):
    """Where a copy of the world goes: a name under the data folder's `snapshots`."""

    directory: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")


class ObservedEvents(Body):
    """What a window or a command saw."""

    events: list[dict[str, object]] = Field(max_length=500)


class FaultOrder(Body):
    """A whole fault plan; each fault has the keys of the TOML file.

    What `GET /lab/faults` answered may be sent back as it is: `revision` and `applied_at_us` say
    nothing here.
    """

    faults: list[dict[str, object]] = Field(max_length=100)
    seed: int | None = None
    revision: int | None = None
    applied_at_us: int | None = None
