"""What a fault does to the bytes of one ISO 8583 message.

Every function takes a frame (without its length) and gives another; the lengths inside stay true,
so that what is wrong is wrong in one place only. Knows no condition and no connection.
"""

from __future__ import annotations

from backend.networks.chip.tlv import read_chip_data
from backend.networks.field_codec import place_of
from backend.networks.issuing import reason_of
from backend.networks.message import ANSWER_TO, Message, decode, encode, private_text
from backend.runtime.errors import MessageError

SPOILED_BYTES = 12  # message type and primary bitmap
CHIP_DATA = 55
TRACK_2 = 35
CODE_DIGIT_FROM_END = 2
CRYPTOGRAM_TAG = "9F26"
NOT_ASCII = 0xFF
ECHOED = frozenset(["2", "3", "4", "7", "11", "32", "37", "41", "42", "49"])


def spoiled(frame: bytes) -> bytes:
    """The frame with message type and bitmap inverted: no longer decodable, same length."""
    return _inverted(frame, slice(0, SPOILED_BYTES))


def with_wrong_cryptogram(frame: bytes) -> bytes:
    """An authorization whose cryptogram (9F26 in DE 55), or code in DE 35, is not the card's."""
    place = place_of(frame, CHIP_DATA)
    if place is None:
        return _with_wrong_code(frame)
    chip_data = frame[place]
    try:
        cryptogram = read_chip_data(chip_data).get(CRYPTOGRAM_TAG)
    except MessageError:  # what the host cannot read either needs no fault
        return frame
    if not cryptogram:
        return frame
    head = bytes.fromhex(CRYPTOGRAM_TAG) + bytes([len(cryptogram)])
    start = place.start + chip_data.index(head + cryptogram) + len(head)
    return _inverted(frame, slice(start, start + len(cryptogram)))


def _with_wrong_code(frame: bytes) -> bytes:
    """Mag-stripe mode: the digit before the track's last one belongs to the code or the number."""
    place = place_of(frame, TRACK_2)
    if place is None or place.stop - place.start < CODE_DIGIT_FROM_END:
        return frame
    at = place.stop - CODE_DIGIT_FROM_END
    digit = b"1" if frame[at : at + 1] == b"0" else b"0"
    return frame[:at] + digit + frame[at + 1 :]


def with_malformed_field(frame: bytes, number: int) -> bytes:
    """A message in which one data element is of a wrong alphabet."""
    place = place_of(frame, number)
    if place is None or place.start == place.stop:
        return frame
    return frame[: place.start] + bytes([NOT_ASCII]) + frame[place.start + 1 :]


def answer_with(frame: bytes, response_code: str) -> bytes:
    """The answer to a request that its network gives without asking anybody."""
    request = decode(frame)
    fields = {number: value for number, value in request.fields.items() if number in ECHOED}
    fields |= {"39": response_code, "48": private_text({"rs": reason_of(response_code)})}
    return encode(Message(ANSWER_TO[request.kind], fields))


def _inverted(frame: bytes, place: slice) -> bytes:
    turned = bytes(byte ^ 0xFF for byte in frame[place])
    return frame[: place.start] + turned + frame[place.stop :]
