"""The issuer's arithmetic against published vectors; the card's own check stands apart from it.

Knows the algorithms that an issuer has: its keys, the cryptogram's check, the answer. What only a
card or a till computes is not here. The document's shape was checked by whoever hands it over; an
input that is missing or no hex fails its vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.networks.chip import arpc, keys
from backend.networks.chip.arqc import (
    CRYPTOGRAM_BYTES,
    MINIMUM_DATA,
    SessionKey,
    cryptogram,
    read_covered_data,
)
from backend.runtime.errors import MessageError

Inputs = Mapping[str, object]
Produced = dict[str, bytes]
Algorithm = Callable[[Inputs], Produced]
MARKED_PADDING = 2
KEYS = frozenset({"mk", "sk"})
AES_KEYS = frozenset({"icc_mk_option_c"})
TAG = "tag_"
WITHOUT_PARITY = 0xFE
ISSUER_DATA = {  # where a vector gives the card verification results alone
    "visa_cvn10": "06010A{cvr}",
    "amex_cvn01": "060101{cvr}",
    "mastercard_cvn10hex": "0110{cvr}",
    "mastercard_cvn11hex": "0111{cvr}0000{counters}",
    "mastercard_cvn14hex": "0114{cvr}",
    "mastercard_cvn15hex": "0115{cvr}0000{counters}",
}


def _hex(inputs: Inputs, name: str) -> bytes:
    return bytes.fromhex(str(inputs[name]))


def _card_key(inputs: Inputs, name: str = "imk") -> bytes:
    return keys.master_key(_hex(inputs, name), str(inputs["pan"]), str(inputs["psn"]))


def _cryptogram(name: str) -> Algorithm:
    """The check of one version, and the answer where the vector has one."""

    def work(inputs: Inputs) -> Produced:
        tags = {each[len(TAG) :]: _hex(inputs, each) for each in inputs if each.startswith(TAG)}
        for tag, length in MINIMUM_DATA.items():
            tags.setdefault(tag, bytes(length))  # what a short version does not cover
        if "9F10" not in tags:
            tags["9F10"] = bytes.fromhex(ISSUER_DATA[name].format(**inputs))
        chip = read_covered_data({**tags, "9F26": bytes(CRYPTOGRAM_BYTES)})
        if chip.recipe is None:
            raise MessageError("no version that this issuer knows")
        card_key = _card_key(inputs)
        made = cryptogram(chip, card_key)
        session = keys.common_session_key(card_key, tags["9F36"])
        produced = {"arqc": made}
        if "arpc_rc" in inputs:
            answering = session if chip.recipe.session is SessionKey.COMMON else card_key
            produced["arpc"] = arpc.method_1(answering, made, _hex(inputs, "arpc_rc"))
        if "csu" in inputs:
            produced["arpc"] = arpc.method_2(session, made, _hex(inputs, "csu"))
        return produced

    return work


def _master_key_a(inputs: Inputs) -> Produced:
    pan, psn = str(inputs["pan"]), str(inputs["psn"])
    key = keys.master_key_option_a(_hex(inputs, "imk"), pan, psn)
    return {"mk": key, "kcv": keys.encipher(key, bytes(keys.BLOCK))[:3]}


def _master_key_c(inputs: Inputs) -> Produced:
    pan, psn = str(inputs["pan"]), str(inputs["psn"])
    return {"mk": keys.master_key_option_c(_hex(inputs, "imk"), pan, psn)}


def _mac(inputs: Inputs) -> Produced:
    key, marked = _hex(inputs, "k1") + _hex(inputs, "k2"), inputs["padding"] == MARKED_PADDING
    return {"mac": keys.mac(key, _hex(inputs, "data"), bit_padding=marked)}


def _session_mastercard(inputs: Inputs) -> Produced:
    values = (_hex(inputs, name) for name in ("mk", "atc", "un"))
    return {"sk": keys.mastercard_session_key(*values)}


def _answer_1(inputs: Inputs) -> Produced:
    values = (_hex(inputs, name) for name in ("key", "arqc", "arc"))
    return {"arpc": arpc.method_1(*values)}


def _answer_2(session: bytes, inputs: Inputs) -> Produced:
    own = _hex(inputs, "prop") if "prop" in inputs else b""
    return {"arpc": arpc.method_2(session, _hex(inputs, "arqc"), _hex(inputs, "csu"), own)}


CRYPTOGRAMS = (
    *ISSUER_DATA, "visa_cvn17", "visa_cvn17_derived", "visa_cvn18", "visa_cvn22",
    "amex_cvn01_derived",
)  # fmt: skip
ALGORITHMS: Mapping[str, Algorithm] = {
    "icc_mk_option_a": _master_key_a,
    "icc_mk_option_b": lambda inputs: {"mk": _card_key(inputs)},
    "icc_mk_option_c": _master_key_c,
    "sk_emv_common": lambda i: {"sk": keys.common_session_key(_hex(i, "mk"), _hex(i, "atc"))},
    "sk_mastercard_skd": _session_mastercard,
    "mac_iso9797_alg3": _mac,
    "arpc_method1": _answer_1,
    "arpc_method2": lambda i: _answer_2(keys.session_key(_card_key(i, "key_imk"), _hex(i, "r")), i),
    "arpc_method2_full": lambda i: _answer_2(
        keys.common_session_key(_card_key(i), _hex(i, "atc")), i
    ),
    **{name: _cryptogram(name) for name in CRYPTOGRAMS},
}
"""What an issuer computes, by the names of the vectors' format."""


def check_vector(algorithm: str, inputs: Inputs, expected: Mapping[str, object]) -> str | None:
    """What is wrong with this side's result: "" where nothing is, None where it has no such part.

    Fields that only the card's side produces, such as intermediate digits, are left to it.
    """
    work = ALGORITHMS.get(algorithm)
    if work is None:
        return None
    try:
        produced = work(inputs)
    except (KeyError, ValueError, TypeError, MessageError) as wrong:
        return f"inputs not usable: {wrong}"
    compared = [name for name in expected if name in produced]
    if not compared:
        return "nothing of what is expected is produced"
    differing = [
        f"{name}: expected {expected[name]}, got {produced[name].hex().upper()}"
        for name in compared
        if not _same(name, produced[name], str(expected[name]), algorithm not in AES_KEYS)
    ]
    return "; ".join(differing)


def _same(name: str, made: bytes, wanted: str, has_parity: bool) -> bool:  # noqa: FBT001 - one of four plain values
    try:
        value = bytes.fromhex(wanted)
    except ValueError:
        return False
    if (
        has_parity and name in KEYS
    ):  # some sources show keys before their parity is set, which carries no key
        made, value = (bytes(byte & WITHOUT_PARITY for byte in each) for each in (made, value))
    return made == value
