"""ISO 8583 messages between the switch and a network host.

Theory of operation. A message is a type (MTI) and numbered data elements of plain text; `encode`
and `decode` turn it into bytes in the layout of `dialect`, field by field. The hosts, who are other
companies, read and write the same bytes with the `iso8583` library (see `host_codec`). Each message
on a connection has a two-byte length in front (`FrameBuffer` takes a byte stream apart again). What
the standard leaves to the two partners travels in DE 48 as `key=value` pairs joined by `;` with the
keys of `PRIVATE_KEYS`.

Types used: 0100/0110 authorization, 0220/0230 advice about the authorization in DE 90 (DE 3 says
what: 00 completion, 20 refund), 0400/0410 reversal (DE 90 names the original), 0600/0610 status
inquiry about the message in DE 90 (the 06xx class is administrative; asking for the outcome of one
authorization by it is a choice of this lab, real networks answer by reconciliation), 0800/0810
network management (DE 70: 001 sign-on, 002 sign-off, 301 echo).

Refuses to know what a field means for money. Every malformed input becomes a MessageError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from backend.networks import field_codec
from backend.runtime.clock import to_datetime
from backend.runtime.errors import MessageError

FRAME_BYTES_MAX = 2_048
LENGTH_BYTES = 2
AUTHORIZATION, AUTHORIZATION_ANSWER = "0100", "0110"
ADVICE, ADVICE_ANSWER = "0220", "0230"
REVERSAL, REVERSAL_ANSWER = "0400", "0410"
INQUIRY, INQUIRY_ANSWER = "0600", "0610"
MANAGEMENT, MANAGEMENT_ANSWER = "0800", "0810"
ANSWER_TO = {
    AUTHORIZATION: AUTHORIZATION_ANSWER,
    ADVICE: ADVICE_ANSWER,
    REVERSAL: REVERSAL_ANSWER,
    INQUIRY: INQUIRY_ANSWER,
    MANAGEMENT: MANAGEMENT_ANSWER,
}
SIGN_ON, SIGN_OFF, ECHO = "001", "002", "301"
PURCHASE, REFUND = "000000", "200000"  # DE 3
ACQUIRER = "990001"  # DE 32: the lab's own acquirer number

PRIVATE_KEYS = frozenset(
    {
        "tr",  # token reference
        "rs",  # reason behind DE 39
        "st",  # "amount ends .51"
        "iu",  # microseconds at the issuer
        "cv",  # cryptogram verdict: Y or N
        "at",  # mag-stripe mode: the whole transaction counter, as the till heard it
        "sf",  # stored and forwarded: Y, the counter may lie below later ones
        "ec",  # authorization: electronic commerce indicator, where nobody met
        "cb",  # authorization: cryptogram block of an app's payment that has no chip data, hex
        "cc",  # security code of a card that is not there: M matches, N does not
        "dl",  # test cards: the reason for which their holder will dispute the payment
        "fd",  # inquiry: authorization found: Y or N
        "oc",  # inquiry: the DE 39 that it got
        "oa",  # inquiry: the DE 38 that it got
        "rv",  # inquiry: already reversed: Y or N
    }
)


NUMERIC = frozenset(
    ["2", "3", "4", "7", "11", "12", "13", "14", "18", "22", "23", "25", "32", "49", "70", "90"]
)
PRINTABLE = frozenset(["35", "37", "38", "39", "41", "42", "48", "127"])
REQUIRED = {
    AUTHORIZATION: frozenset(["3", "4", "7", "11", "14", "22", "32", "37", "41", "42", "49"]),
    ADVICE: frozenset(["3", "4", "7", "11", "37", "49", "90"]),
    REVERSAL: frozenset(["4", "7", "11", "37", "49", "90"]),
    INQUIRY: frozenset(["7", "11", "37", "90"]),
    MANAGEMENT: frozenset(["7", "11", "70"]),
    AUTHORIZATION_ANSWER: frozenset(["7", "11", "37", "39"]),
    ADVICE_ANSWER: frozenset(["7", "11", "37", "39"]),
    REVERSAL_ANSWER: frozenset(["7", "11", "37", "39"]),
    INQUIRY_ANSWER: frozenset(["7", "11", "37", "39"]),
    MANAGEMENT_ANSWER: frozenset(["7", "11", "39", "70"]),
}
CARD_DATA = frozenset(["35", "55"])  # a tap's message has the track or the chip data
BLOCK_OF_CRYPTOGRAM = "cb="  # DE 48 of a message that has neither
WITH_TOKEN = frozenset(["2", "23"])
SEALED_CARD = "127"  # instead of all of these: a card's number, sealed for the network


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        kind: the MTI, four digits.
        fields: data element number to text (DE 55 in hex). Holds a token: never printed.
    """

    kind: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def exchange(self) -> tuple[str, str, str]:
        """What an answer is matched by: the request's type, STAN and RRN."""
        request = self.kind[:2] + {"1": "0", "3": "2"}.get(self.kind[2], self.kind[2]) + "0"
        return request, self.fields["11"], self.fields.get("37", "")

    @property
    def reference(self) -> tuple[str, str, str]:
        """RRN, STAN and transmission time: what names one authorization at its network."""
        return self.fields["37"], self.fields["11"], self.fields["7"]

    def private(self) -> dict[str, str]:
        """DE 48 taken apart.

        Raises:
            MessageError: not pairs, or a key that is not in the dialect.
        """
        pairs: dict[str, str] = {}
        for part in filter(None, self.fields.get("48", "").split(";")):
            key, sign, value = part.partition("=")
            if not sign or key not in PRIVATE_KEYS:
                raise MessageError("DE 48 is not made of known key=value pairs")
            pairs[key] = value
        return pairs


def private_text(pairs: Mapping[str, str | None]) -> str:
    """DE 48 put together; pairs without a value are left out."""
    return ";".join(f"{key}={value}" for key, value in pairs.items() if value is not None)


def encode(message: Message) -> bytes:
    """The message as bytes, without its length.

    Raises:
        MessageError: a field is too long, of the wrong alphabet, or missing.
    """
    check(message.kind, message.fields)
    return field_codec.write(message.kind, message.fields)


def decode(raw: bytes) -> Message:
    """The message in these bytes.

    Raises:
        MessageError: anything else than one whole message of the dialect; the text says where.
    """
    refuse_too_long(raw)
    kind, fields = field_codec.read(raw)
    check(kind, fields)
    return Message(kind, fields)


def refuse_too_long(raw: bytes) -> None:
    """Look at the length before anything else.

    Raises:
        MessageError: longer than a frame may be.
    """
    if len(raw) > FRAME_BYTES_MAX:
        raise MessageError(f"message of {len(raw)} bytes, at most {FRAME_BYTES_MAX}")


def check(kind: str, fields: Mapping[str, str]) -> None:
    """Everything that is there is of its alphabet, and nothing is missing.

    Raises:
        MessageError: names the field, never its content: DE 2 is a device account number.
    """
    required = REQUIRED.get(kind)
    if required is None:
        raise MessageError(f"message type {kind!r} is not spoken here")
    if not required <= fields.keys():
        raise MessageError(f"{kind} without DE {min(required - fields.keys(), key=int)}")
    if kind == AUTHORIZATION:
        _check_payer(fields)
    for number, value in fields.items():
        if number in NUMERIC:
            if not (value.isascii() and value.isdecimal()):
                raise MessageError(f"DE {number} is not numeric")
        elif number in PRINTABLE and not (value.isascii() and value.isprintable()):
            raise MessageError(f"DE {number} is not printable text")


def _check_payer(fields: Mapping[str, str]) -> None:
    """Either a token with what its card said, or a sealed card; never both."""
    if SEALED_CARD in fields:
        if also := (WITH_TOKEN | CARD_DATA) & fields.keys():
            raise MessageError(f"{AUTHORIZATION} with DE 127 and DE {min(also, key=int)}")
    elif missing := WITH_TOKEN - fields.keys():
        raise MessageError(f"{AUTHORIZATION} without DE {min(missing, key=int)}")
    elif not CARD_DATA & fields.keys() and BLOCK_OF_CRYPTOGRAM not in fields.get("48", ""):
        without = "without DE 55, DE 35 of mag-stripe mode, or a cryptogram block"
        raise MessageError(f"{AUTHORIZATION} {without}")


def transmission_time(at_us: int) -> str:
    """DE 7, `MMDDhhmmss` UTC, of a lab time in microseconds."""
    return _second(at_us // 1_000_000)


@lru_cache(maxsize=64)
def _second(since_epoch_s: int) -> str:
    return to_datetime(since_epoch_s * 1_000_000).strftime("%m%d%H%M%S")


def original_elements(rrn_stan_time: tuple[str, str, str]) -> str:
    """DE 90 of the authorization with this reference."""
    _, stan, sent = rrn_stan_time
    return f"{AUTHORIZATION}{stan}{sent}{ACQUIRER.zfill(11)}{'0' * 11}"


def reference_of_original(message: Message) -> tuple[str, str, str]:
    """The reference of the authorization that DE 90 (with DE 37) names.

    Raises:
        MessageError: DE 90 names no authorization.
    """
    original = message.fields["90"]
    if not original.startswith(AUTHORIZATION):
        raise MessageError("DE 90 does not name an authorization")
    return message.fields["37"], original[4:10], original[10:20]


def frame(raw: bytes) -> bytes:
    """The bytes with their two-byte length in front."""
    if len(raw) > FRAME_BYTES_MAX:
        raise MessageError(f"message of {len(raw)} bytes, at most {FRAME_BYTES_MAX}")
    return len(raw).to_bytes(LENGTH_BYTES, "big") + raw


class FrameBuffer:
    """Takes a byte stream apart into frames; holds at most one unfinished frame."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are complete now, without their lengths.

        Raises:
            MessageError: a length of zero or beyond the limit: the stream cannot be trusted.
        """
        held = self._held
        held += data
        frames: list[bytes] = []
        start = 0
        while len(held) - start >= LENGTH_BYTES:
            length = int.from_bytes(held[start : start + LENGTH_BYTES], "big")
            if not 0 < length <= FRAME_BYTES_MAX:
                raise MessageError(f"frame length {length} at byte {start}")
            end = start + LENGTH_BYTES + length
            if len(held) < end:
                break
            frames.append(bytes(held[start + LENGTH_BYTES : end]))
            start = end
        del held[:start]
        return frames
