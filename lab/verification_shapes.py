"""What the engine says about verifying a card, and what banks sent, as frozen values.

Reads the JSON shapes of `/api/cards/{id}/verify` (camelCase) and `/lab/notices` (snake_case).
Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.json_fields import Json, objects, text, whole


@dataclass(frozen=True, slots=True)
class MethodRecord:
    """One way in which the bank can reach the cardholder.

    Attributes:
        destination: masked; empty for the bank's app.
        state: "ready", "sent" or "spent".
        resend_in_ms: until another code may be asked for.
        expires_in_ms: how long the last code can still be used.
    """

    method: str
    destination: str
    code_digits: int
    state: str
    tries_left: int
    sends_left: int
    resend_in_ms: int
    expires_in_ms: int

    @staticmethod
    def from_json(body: Json) -> MethodRecord:
        """Read one entry; raises ValueError when it is none."""
        return MethodRecord(
            method=text(body, "method"),
            destination=text(body, "destination", ""),
            code_digits=whole(body, "codeDigits"),
            state=text(body, "state"),
            tries_left=whole(body, "triesLeft"),
            sends_left=whole(body, "sendsLeft"),
            resend_in_ms=whole(body, "resendInMs", 0),
            expires_in_ms=whole(body, "expiresInMs", 0),
        )


def methods_of(body: Json) -> tuple[MethodRecord, ...]:
    """The methods in an answer or a problem; raises ValueError when one is none."""
    return tuple(MethodRecord.from_json(method) for method in objects(body, "methods"))


@dataclass(frozen=True, slots=True)
class VerificationRecord:
    """The answer to a step of a verification.

    Attributes:
        status: "verification_required" or "success".
    """

    status: str
    methods: tuple[MethodRecord, ...]

    @staticmethod
    def from_json(body: Json) -> VerificationRecord:
        """Read the answer; raises ValueError when it is none."""
        return VerificationRecord(text(body, "status"), methods_of(body))


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """What a bank sent to a cardholder past the wallet.

    Attributes:
        id: rises with time.
        device_id: whose card is to be verified.
        sent_at_us: lab time.
        expires_at_us: lab time at which its code ends.
    """

    id: int
    token_ref: str
    method: str
    destination: str
    last4: str
    code: str = field(repr=False)
    expires_at_us: int
    device_id: str = ""
    sent_at_us: int = 0

    @staticmethod
    def from_json(body: Json) -> NoticeRecord:
        """Read one entry; raises ValueError when it is none."""
        return NoticeRecord(
            id=whole(body, "id"),
            token_ref=text(body, "token_ref"),
            method=text(body, "method"),
            destination=text(body, "destination", ""),
            last4=text(body, "last4", ""),
            code=text(body, "code"),
            expires_at_us=whole(body, "expires_at_us"),
            device_id=text(body, "device_id", ""),
            sent_at_us=whole(body, "sent_at_us", 0),
        )
