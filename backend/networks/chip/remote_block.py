"""The 20 bytes that stand for a chip's data where nobody has a terminal: `3DSecure` tokens.

A token of that kind carries a cryptogram and no chip data. What the device alone knows is packed
beside the eight bytes: its counter, the number that it was given, its results. Everything else that
a cryptogram covers is known to its network: amount and currency come with the message, the layout
of 9F10 and the version with the token, and there are no day, country and terminal, so zeros are
signed for them. The layout is a lab approximation; the networks' own are not public.

    cryptogram 8 | transaction counter 2 | unpredictable number 4 | results 6, zeros at their end

Refuses to know: keys, messages, tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.networks.chip.arqc import (
    MASTERCARD_RECIPES,
    VISA_IAD_FORMAT_2,
    VISA_IAD_LENGTH,
    ChipData,
    read_covered_data,
)
from backend.runtime.errors import MessageError

BLOCK_BYTES = 20
RESULTS_BYTES = {"visa": 4, "mastercard": 6, "amex": 4}
PROFILE = {"visa": "1000", "mastercard": "1280", "amex": "10C0"}
"""Tag 82 of each network's application without certificates: what devices sign in apps."""
FORMAT_2_VERSION, FORMAT_2_BYTES = "22", 32
COUNTED_REST = bytes(10)  # Mastercard: dynamic number and counters of a card that approves nothing
NOBODY = {"9F03": bytes(6), "9F1A": bytes(2), "95": bytes(5), "9A": bytes(3), "9C": bytes(1)}
"""What a terminal would have said: no other amount, country, result, day; a purchase."""


@dataclass(frozen=True, slots=True)
class RemoteBlock:
    """A block taken apart.

    Attributes:
        atc: the device's transaction counter.
        unpredictable_number: what it was given to sign.
        results: card verification results, with the zeros at their end.
    """

    cryptogram: bytes = field(repr=False)
    atc: int
    unpredictable_number: bytes
    results: bytes


def pack(chip: ChipData) -> bytes:
    """The block of chip data that were signed for nobody's terminal.

    Raises:
        MessageError: a terminal's data were signed, which a block has no place for.
    """
    if any(chip.objects[tag] != zeros for tag, zeros in NOBODY.items()):
        raise MessageError("a block stands for data with no day, country and terminal")
    issuer_data = chip.objects["9F10"]
    visa = issuer_data[:1] in (bytes([VISA_IAD_LENGTH]), bytes([VISA_IAD_FORMAT_2]))
    results = issuer_data[3:7] if visa else issuer_data[2:8]
    return b"".join(
        (
            chip.objects["9F26"],
            chip.objects["9F36"],
            chip.objects["9F37"],
            results.ljust(RESULTS_BYTES["mastercard"], b"\0"),
        )
    )


def read(block: bytes) -> RemoteBlock:
    """Take a block apart.

    Raises:
        MessageError: it has another length.
    """
    if len(block) != BLOCK_BYTES:
        raise MessageError(f"a cryptogram block has {BLOCK_BYTES} bytes, not {len(block)}")
    return RemoteBlock(block[:8], int.from_bytes(block[8:10]), block[10:14], block[14:])


def covered_data(
    block: RemoteBlock,
    *,
    network: str,
    version: str,
    key_index: str,
    amount_minor: int,
    currency_number: str,
) -> ChipData:
    """What the cryptogram in a block must cover.

    Args:
        block: what came.
        network: whose token.
        version: the cryptogram version that the token was personalised with, hex.
        key_index: of the key for this channel, hex.
        amount_minor: of the message.
        currency_number: of the message, three digits.

    Raises:
        MessageError: the amount does not fit its field.
    """
    objects: Mapping[str, bytes] = {
        **NOBODY,
        "9F02": bytes.fromhex(f"{amount_minor:012d}"),
        "5F2A": bytes.fromhex(f"0{currency_number}"),
        "9F37": block.unpredictable_number,
        "82": bytes.fromhex(PROFILE[network]),
        "9F36": block.atc.to_bytes(2, "big"),
        "9F10": _issuer_data(network, version, key_index, block.results),
        "9F26": block.cryptogram,
    }
    return read_covered_data(objects)


def _issuer_data(network: str, version: str, key_index: str, results: bytes) -> bytes:
    """Tag 9F10 as the device laid it out for its network and version."""
    own = results[: RESULTS_BYTES[network]]
    number, index = bytes.fromhex(version), bytes.fromhex(key_index)
    if network == "mastercard":
        assert number[0] in MASTERCARD_RECIPES, "the network chose it itself"
        return index + number + own + COUNTED_REST
    if network == "visa" and version == FORMAT_2_VERSION:
        return (bytes([VISA_IAD_FORMAT_2]) + number + index + own).ljust(FORMAT_2_BYTES, b"\0")
    return bytes([VISA_IAD_LENGTH]) + index + number + own
