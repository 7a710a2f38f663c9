"""Checks this side's arithmetic against a vector document: one result a vector.

The document is data from outside: its shape is checked, its fields are read as hex or digits, and
an algorithm this side does not have is listed as unsupported, never passed. What is compared is
every field of `expected` that the algorithm produces; a field it does not produce fails it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from hardware.crypto import blocks, card_codes, cryptogram, keys, offline
from hardware.runtime.errors import VectorFormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Produced = dict[str, str]


class _Inputs:
    """A vector's inputs, read by name as the algorithm wants them."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw

    def text(self, name: str) -> str:
        value = self._raw.get(name)
        if not isinstance(value, str):
            raise VectorFormatError(f"input {name!r} is missing or no text")
        return value

    def hex(self, name: str) -> bytes:
        try:
            return bytes.fromhex(self.text(name))
        except ValueError:
            raise VectorFormatError(f"input {name!r} is not hex") from None

    def number(self, name: str) -> int:
        return int.from_bytes(self.hex(name), "big")

    def has(self, name: str) -> bool:
        return name in self._raw

    def flag(self, name: str) -> bool:
        return self._raw.get(name) is True

    def integer(self, name: str) -> int:
        value = self._raw.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise VectorFormatError(f"input {name!r} is missing or no number")
        return value

    def tags(self) -> dict[int, bytes]:
        return {int(name[4:], 16): self.hex(name) for name in self._raw if name.startswith("tag_")}

    def master_key(self) -> bytes:
        return keys.icc_master_key_b(self.hex("imk"), self.text("pan"), self.text("psn"))


def _hex(value: bytes) -> str:
    return value.hex().upper()


def _master_key_a(i: _Inputs) -> Produced:
    key = keys.icc_master_key_a(i.hex("imk"), i.text("pan"), i.text("psn"))
    return {"mk": _hex(key), "kcv": _hex(blocks.des_encrypt(key, bytes(8))[:3])}


def _master_key_b(i: _Inputs) -> Produced:
    key = keys.icc_master_key_b(i.hex("imk"), i.text("pan"), i.text("psn"))
    return {"mk": _hex(key), "sha1_digits": keys.option_b_digits(i.text("pan"), i.text("psn"))}


def _master_key_c(i: _Inputs) -> Produced:
    return {"mk": _hex(keys.icc_master_key_c(i.hex("imk"), i.text("pan"), i.text("psn")))}


def _session_common(i: _Inputs) -> Produced:
    return {"sk": _hex(keys.session_key_common(i.hex("mk"), i.number("atc")))}


def _session_mastercard(i: _Inputs) -> Produced:
    return {"sk": _hex(keys.session_key_mastercard(i.hex("mk"), i.number("atc"), i.hex("un")))}


def _session_aes(i: _Inputs) -> Produced:
    return {"sk": _hex(keys.session_key_common_aes(i.hex("mk"), i.number("atc")))}


def _retail_mac(i: _Inputs) -> Produced:
    key = i.hex("k1") + i.hex("k2")
    return {"mac": _hex(blocks.retail_mac(key, i.hex("data"), i.integer("padding")))}


def _cmac(i: _Inputs) -> Produced:
    return {"mac": _hex(blocks.aes_cmac(i.hex("key"), i.hex("data")))}


def _aes_cryptogram(i: _Inputs) -> Produced:
    return {"ac": _hex(cryptogram.aes_cryptogram(i.hex("sk"), i.hex("data")))}


def _with_arpc_1(i: _Inputs, key: bytes, arqc: bytes) -> Produced:
    produced = {"arqc": _hex(arqc)}
    if i.has("arpc_rc"):
        produced["arpc"] = _hex(cryptogram.arpc_method_1(key, arqc, i.hex("arpc_rc")))
    return produced


def _visa_10(i: _Inputs) -> Produced:
    key = i.master_key()
    return _with_arpc_1(i, key, cryptogram.visa_cvn10(key, i.tags(), i.hex("cvr")))


def _visa_17(i: _Inputs) -> Produced:
    return {"arqc": _hex(cryptogram.visa_cvn17(i.master_key(), i.tags()))}


def _visa_18(i: _Inputs) -> Produced:
    key, tags = i.master_key(), i.tags()
    arqc = cryptogram.visa_cvn18(key, tags)
    produced = {"arqc": _hex(arqc)}
    if i.has("csu"):
        session = keys.session_key_common(key, int.from_bytes(tags[0x9F36], "big"))
        produced["arpc"] = _hex(cryptogram.arpc_method_2(session, arqc, i.hex("csu")))
    return produced


def _counters(i: _Inputs) -> bytes:
    return i.hex("counters") if i.has("counters") else b""


def _mastercard_skd(i: _Inputs) -> Produced:
    key = i.master_key()
    return _with_arpc_1(
        i, key, cryptogram.mastercard_skd(key, i.tags(), i.hex("cvr"), _counters(i))
    )


def _mastercard_csk(i: _Inputs) -> Produced:
    key, tags = i.master_key(), i.tags()
    session = keys.session_key_common(key, int.from_bytes(tags[0x9F36], "big"))
    return _with_arpc_1(
        i, session, cryptogram.mastercard_csk(key, tags, i.hex("cvr"), _counters(i))
    )


def _arpc_1(i: _Inputs) -> Produced:
    return {"arpc": _hex(cryptogram.arpc_method_1(i.hex("key"), i.hex("arqc"), i.hex("arc")))}


def _arpc_2(i: _Inputs) -> Produced:
    master = keys.icc_master_key_b(i.hex("key_imk"), i.text("pan"), i.text("psn"))
    session = keys.session_key(master, i.hex("r"))
    own = i.hex("prop") if i.has("prop") else b""
    return {"arpc": _hex(cryptogram.arpc_method_2(session, i.hex("arqc"), i.hex("csu"), own))}


def _arpc_2_full(i: _Inputs) -> Produced:
    session = keys.session_key_common(i.master_key(), i.number("atc"))
    return {"arpc": _hex(cryptogram.arpc_method_2(session, i.hex("arqc"), i.hex("csu")))}


def _cvv(i: _Inputs) -> Produced:
    code = card_codes.cvv(
        i.hex("cvka"), i.hex("cvkb"), i.text("pan"), i.text("expiry"), i.text("service_code")
    )
    return {"cvv": code}


def _dcvv(i: _Inputs) -> Produced:
    pan, psn = i.text("pan"), i.text("psn")
    if i.text("method") == "A":
        key = keys.icc_master_key_a(i.hex("imk"), pan, psn)
    else:
        key = keys.icc_master_key_b(i.hex("imk"), pan, psn, hash_always=i.flag("force_hash"))
    code = card_codes.dynamic_cvv(key, pan, i.text("expiry"), i.text("service_code"), i.text("atc"))
    return {"dcvv": code}


def _cvc3(i: _Inputs) -> Produced:
    key = i.master_key()
    initial = i.hex("ivcvc3") if i.has("ivcvc3") else card_codes.cvc3_initial(key, i.hex("track"))
    code = card_codes.cvc3(key, initial, i.hex("atc"), i.hex("un"))
    return {"cvc3": code, "cvc3_last3": code[-3:]}


def _token_key(i: _Inputs) -> Produced:
    identifier = hashlib.sha256(i.text("merchant_id").encode()).digest()
    other = b"\x0did-aes256-GCM" + b"Apple" + identifier
    derived = ConcatKDFHash(SHA256(), 32, other).derive(i.hex("shared_secret"))
    return {"key": _hex(derived)}


def _key_fields(key: offline.RecoveredKey | None, owner: str) -> Produced:
    if key is None:
        return {}
    return {
        owner: key.owner,
        "expiry": key.expiry_mmyy,
        "serial": key.serial,
        "mod": _hex(key.modulus),
        "hash_ok": str(key.hash_ok).lower(),
    }


def _issuer_certificate(i: _Inputs) -> Produced:
    key = offline.issuer_key(
        i.hex("ca_mod"), i.hex("ca_exp"), i.hex("cert"), i.hex("rem"), i.hex("exp")
    )
    return _key_fields(key, "issuer_id")


def _card_certificate(i: _Inputs) -> Produced:
    key = offline.card_key(
        i.hex("issuer_mod"), i.hex("issuer_exp"), i.hex("cert"), i.hex("rem"), i.hex("exp")
    )
    return _key_fields(key, "pan")


def _static_signature(i: _Inputs) -> Produced:
    exponent = i.hex("issuer_exp")
    code = offline.data_authentication_code(i.hex("issuer_mod"), exponent, i.hex("ssad"))
    return {} if code is None else {"dac": _hex(code)}


def _dynamic_signature(i: _Inputs) -> Produced:
    data = offline.dynamic_data(
        i.hex("icc_mod"), i.hex("icc_exp"), i.hex("sdad"), i.hex("terminal_data")
    )
    if data is None:
        return {}
    behind = data.behind_number
    return {
        "icc_dynamic_number": _hex(data.dynamic_number),
        "hash_ok": str(data.hash_ok).lower(),
        "cid": _hex(behind[:1]),
        "ac": _hex(behind[1:9]),
        "txn_data_hash": _hex(behind[9:29]),
    }


def _authority_hash(i: _Inputs) -> Produced:
    digest = offline.authority_key_hash(i.hex("rid"), i.hex("index"), i.hex("mod"), i.hex("exp"))
    return {"sha1": _hex(digest)}


_ALGORITHMS: dict[str, Callable[[_Inputs], Produced]] = {
    "icc_mk_option_a": _master_key_a,
    "icc_mk_option_b": _master_key_b,
    "icc_mk_option_c": _master_key_c,
    "sk_emv_common": _session_common,
    "sk_mastercard_skd": _session_mastercard,
    "sk_emv_common_aes": _session_aes,
    "mac_iso9797_alg3": _retail_mac,
    "aes_cmac": _cmac,
    "ac_aes_cmac": _aes_cryptogram,
    "visa_cvn10": _visa_10,
    "visa_cvn17": _visa_17,
    "visa_cvn17_derived": _visa_17,
    "visa_cvn18": _visa_18,
    "visa_cvn22": _visa_18,
    "amex_cvn01": _visa_10,
    "amex_cvn01_derived": _visa_10,
    "mastercard_cvn10hex": _mastercard_skd,
    "mastercard_cvn11hex": _mastercard_skd,
    "mastercard_cvn14hex": _mastercard_csk,
    "mastercard_cvn15hex": _mastercard_csk,
    "arpc_method1": _arpc_1,
    "arpc_method2": _arpc_2,
    "arpc_method2_full": _arpc_2_full,
    "cvv": _cvv,
    "dcvv_visa": _dcvv,
    "cvc3": _cvc3,
    "cvc3_iv": _cvc3,
    "apple_ec_v1_kdf": _token_key,
    "oda_issuer_cert": _issuer_certificate,
    "oda_icc_cert": _card_certificate,
    "oda_ssad": _static_signature,
    "oda_sdad": _dynamic_signature,
    "oda_sdad_cda": _dynamic_signature,
    "capk_hash": _authority_hash,
}
SUPPORTED = frozenset(_ALGORITHMS)
"""Names of the algorithms this side can check."""
_KEY_FIELDS = frozenset({"mk", "sk"})
_WITHOUT_PARITY = frozenset({"icc_mk_option_c", "sk_emv_common_aes"})
"""Algorithms whose keys are AES keys: every bit counts."""


def check(document: Mapping[str, object]) -> dict[str, object]:
    """Check every vector of a document.

    Returns:
        {"passed": n, "failed": n, "unsupported": [ids], "results": [{id, algorithm, result,
        detail}]}, with `result` one of passed, failed, unsupported.

    Raises:
        VectorFormatError: no list of vectors, or an entry without id, algorithm and fields.
    """
    vectors = document.get("vectors")
    if not isinstance(vectors, list):
        raise VectorFormatError("a vector document has a list named 'vectors'")
    results = [_check_one(vector, position) for position, vector in enumerate(vectors)]
    counted = [result["result"] for result in results]
    return {
        "passed": counted.count("passed"),
        "failed": counted.count("failed"),
        "unsupported": [r["id"] for r in results if r["result"] == "unsupported"],
        "results": results,
    }


def _check_one(vector: object, position: int) -> dict[str, str]:
    if not isinstance(vector, dict):
        raise VectorFormatError(f"vector {position} is no object")
    identifier, name = vector.get("id"), vector.get("algorithm")
    inputs, expected = vector.get("inputs"), vector.get("expected")
    if not isinstance(identifier, str) or not isinstance(name, str):
        raise VectorFormatError(f"vector {position} lacks 'id' or 'algorithm'")
    if not isinstance(inputs, dict) or not isinstance(expected, dict) or not expected:
        raise VectorFormatError(f"vector {identifier} lacks 'inputs' or 'expected'")
    algorithm = _ALGORITHMS.get(name)
    if algorithm is None:
        return _result(identifier, name, "unsupported", "this side does not have the algorithm")
    try:
        produced = algorithm(_Inputs(inputs))
    except (VectorFormatError, ValueError, KeyError) as wrong:
        # Vectors come from outside: a length no key can have is the vector's failure, not ours.
        return _result(identifier, name, "failed", f"inputs not usable: {wrong}")
    differences = _differences(produced, expected, has_parity=name not in _WITHOUT_PARITY)
    return _result(identifier, name, "failed" if differences else "passed", differences)


def _result(identifier: str, algorithm: str, result: str, detail: str) -> dict[str, str]:
    return {"id": identifier, "algorithm": algorithm, "result": result, "detail": detail}


def _differences(produced: Produced, expected: Mapping[str, object], *, has_parity: bool) -> str:
    wrong = []
    for name, value in expected.items():
        wanted = str(value).lower()
        got = produced.get(name, "").lower()
        if has_parity and name in _KEY_FIELDS and got and wanted:
            # Some sources show keys before their parity is set; parity bits carry no key.
            got, wanted = _without_parity(got), _without_parity(wanted)
        if got != wanted:
            wrong.append(f"{name}: expected {value}, got {produced.get(name, 'nothing')}")
    return "; ".join(wrong)


def _without_parity(key: str) -> str:
    try:
        return bytes(byte & 0xFE for byte in bytes.fromhex(key)).hex()
    except ValueError:
        return key
