"""A payment token opens for its merchant, and for nobody else and in no other form."""

from __future__ import annotations

import base64
import copy
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from hypothesis import given
from hypothesis import strategies as st

from backend.paytoken import signature
from backend.paytoken.authority import (
    Identity,
    PrivateKey,
    TokenAuthority,
    ec_key,
    make_authority,
    make_merchant,
    rsa_key,
)
from backend.paytoken.content import ClearToken, read_content
from backend.paytoken.errors import TokenRefused
from backend.paytoken.token import EC_V1, VERSIONS, Merchant, merchant_of, seal, unseal
from backend.runtime.entropy import Entropy, Stream

NOW_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000
CONTENT = ClearToken(
    number="4999997386240701",
    expiry="301231",
    currency_numeric="840",
    amount_minor=1240,
    manufacturer="040010030273",
    cryptogram=bytes(range(20)),
    eci="7",
)


@dataclass(frozen=True)
class Shop:
    """A merchant under an authority of its own."""

    stream: Stream
    authority: TokenAuthority
    merchant: Merchant

    def sealed(self, content: ClearToken = CONTENT, at_us: int = NOW_US) -> dict[str, Any]:
        return seal(content, self.merchant, self.authority, self.stream, at_us)

    def refusal(self, token: object, at_us: int = NOW_US) -> str:
        with pytest.raises(TokenRefused) as refused:
            unseal(token, self.merchant, self.authority.root.certificate, at_us)
        return refused.value.code


def shop(version: str, seed: int = 1) -> Shop:
    stream = Entropy(seed, simulated=True).stream("shop")

    def draw() -> PrivateKey:
        return ec_key(stream) if version == EC_V1 else rsa_key()

    authority = make_authority(draw, stream, NOW_US)
    key = draw()
    identity = make_merchant(authority, "merchant.lab.shop", key, stream, NOW_US)
    return Shop(stream, authority, merchant_of(identity.certificate, key))


SHOPS = {version: shop(version) for version in VERSIONS}
OTHERS = {version: shop(version, seed=2) for version in VERSIONS}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.inv(95)
def test_the_merchant_reads_what_the_wallet_sealed(version: str) -> None:
    here = SHOPS[version]
    token = seal(CONTENT, here.merchant, here.authority, here.stream, NOW_US, b"order 7")
    opened = unseal(token, here.merchant, here.authority.root.certificate, NOW_US)
    assert opened.content == CONTENT
    assert opened.application_data is not None
    assert opened.transaction_id == token["header"]["transactionId"]  # type: ignore[index]


def test_chip_data_travels_too(version: str) -> None:
    content = ClearToken(
        "4999997386240701", "301231", "840", 0, "040010030273", b"\x9f\x26", kind="EMV"
    )
    here = SHOPS[version]
    root = here.authority.root.certificate
    assert unseal(here.sealed(content), here.merchant, root, NOW_US).content == content


def test_the_same_seed_seals_the_same_bytes() -> None:
    assert shop(EC_V1, seed=5).sealed() == shop(EC_V1, seed=5).sealed()


def test_another_merchants_token_is_refused(version: str) -> None:
    assert SHOPS[version].refusal(OTHERS[version].sealed()) == "token_other_merchant"


def test_a_token_under_another_root_is_refused(version: str) -> None:
    here, other = SHOPS[version], OTHERS[version]
    token = seal(CONTENT, here.merchant, other.authority, here.stream, NOW_US)
    assert here.refusal(token) == "token_chain"


@pytest.mark.parametrize(("minutes", "code"), [(6, "token_stale"), (-6, "token_stale")])
def test_a_token_is_for_now(version: str, minutes: int, code: str) -> None:
    here = SHOPS[version]
    token = here.sealed()
    assert here.refusal(token, NOW_US + minutes * MINUTE_US) == code
    root = here.authority.root.certificate
    unseal(token, here.merchant, root, NOW_US + minutes // abs(minutes) * 4 * MINUTE_US)


def test_certificates_end() -> None:
    here = SHOPS[EC_V1]
    years_us = 6 * 365 * 24 * 60 * MINUTE_US
    assert here.refusal(here.sealed(at_us=NOW_US + years_us), NOW_US + years_us) == "token_chain"


def test_the_signature_covers_every_part(version: str) -> None:
    here = SHOPS[version]
    one, two = here.sealed(), here.sealed()
    key_field = "ephemeralPublicKey" if version == EC_V1 else "wrappedKey"
    for change in ("data", "transactionId", key_field, "applicationData"):
        mixed = copy.deepcopy(one)
        holder = mixed if change == "data" else mixed["header"]
        other = two if change == "data" else two["header"]
        holder[change] = other.get(change, "00" * 32)
        assert here.refusal(mixed) == "token_signature", change


def test_a_changed_box_under_a_new_signature_does_not_open(version: str) -> None:
    # Whoever could sign again still could not change the content: the tag says no.
    here = SHOPS[version]
    token = here.sealed()
    sealed = bytearray(base64.b64decode(token["data"]))
    sealed[0] ^= 1
    header = token["header"]
    opener = base64.b64decode(header.get("ephemeralPublicKey") or header["wrappedKey"])
    signed = opener + bytes(sealed) + bytes.fromhex(header["transactionId"])
    token["data"] = base64.b64encode(bytes(sealed)).decode()
    renewed = signature.sign(here.authority, signed, NOW_US)
    token["signature"] = base64.b64encode(renewed).decode()
    assert here.refusal(token) == "token_decryption"


@given(at=st.integers(0), bit=st.integers(0, 7), field=st.sampled_from(["data", "signature"]))
def test_any_flipped_bit_is_refused(at: int, bit: int, field: str) -> None:
    here = SHOPS[EC_V1]
    token = here.sealed()
    raw = bytearray(base64.b64decode(token[field]))
    raw[at % len(raw)] ^= 1 << bit
    token[field] = base64.b64encode(bytes(raw)).decode()
    try:
        opened = unseal(token, here.merchant, here.authority.root.certificate, NOW_US)
    except TokenRefused as refused:
        assert refused.code.startswith("token_")  # noqa: PT017 - either ending is right, see below
    else:
        # Only what is neither signed nor used may differ, such as an unused algorithm parameter.
        assert field == "signature"
        assert opened.content == CONTENT


@given(st.binary(max_size=300))
def test_no_signature_at_all_is_refused(raw: bytes) -> None:
    here = SHOPS[EC_V1]
    token = here.sealed()
    token["signature"] = base64.b64encode(raw).decode()
    assert here.refusal(token) in {"token_malformed", "token_chain", "token_signature"}


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    def change(token: dict[str, Any]) -> object:
        (token if name in token else token["header"]).pop(name)
        return token

    return change


def _with(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(token: dict[str, Any]) -> object:
        (token if name in token else token["header"])[name] = value
        return token

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        *((_without(name), "token_malformed") for name in ("data", "signature", "header")),
        *((_without(name), "token_malformed") for name in ("transactionId", "publicKeyHash")),
        (_without("ephemeralPublicKey"), "token_malformed"),
        (_without("version"), "token_version"),
        (_with("version", "EC_v2"), "token_version"),
        (_with("version", ["EC_v1"]), "token_version"),
        (_with("version", "RSA_v1"), "token_malformed"),
        (_with("data", 7), "token_malformed"),
        (_with("data", "not base64!"), "token_malformed"),
        (_with("data", "A" * 100_000), "token_malformed"),
        (_with("transactionId", "xyz"), "token_malformed"),
        (_with("header", []), "token_malformed"),
        (lambda _token: [], "token_malformed"),
        (lambda _token: None, "token_malformed"),
    ],
)
def test_a_malformed_token_is_named(change: Callable[[dict[str, Any]], object], code: str) -> None:
    here = SHOPS[EC_V1]
    assert here.refusal(change(here.sealed())) == code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("applicationPrimaryAccountNumber", "4999997386240702"),
        ("applicationPrimaryAccountNumber", 4999997386240701),
        ("applicationExpirationDate", "301301"),
        ("currencyCode", "USD"),
        ("transactionAmount", -1),
        ("transactionAmount", 12.5),
        ("transactionAmount", True),
        ("transactionAmount", 10**12),
        ("deviceManufacturerIdentifier", ""),
        ("paymentDataType", "Magic"),
        ("paymentData", {"eciIndicator": "7"}),
        ("paymentData", {"onlinePaymentCryptogram": "?"}),
        ("paymentData", {"onlinePaymentCryptogram": "AAAA", "eciIndicator": "seven"}),
        ("cardholderName", "x" * 101),
    ],
)
def test_content_that_is_no_payment_is_named(name: str, value: object) -> None:
    with pytest.raises(TokenRefused) as refused:
        read_content({**CONTENT.to_json(), name: value})
    assert refused.value.code == "token_content"
    assert name in refused.value.detail or "paymentData" in name


def test_a_certificate_without_a_merchant_is_refused() -> None:
    here = SHOPS[EC_V1]
    with pytest.raises(TokenRefused, match="names no merchant"):
        merchant_of(here.authority.leaf.certificate)
    with pytest.raises(TokenRefused, match="not the certificate's"):
        merchant_of(here.merchant.certificate, OTHERS[EC_V1].merchant.key)


def test_a_leaf_without_its_mark_signs_nothing() -> None:
    # A merchant's certificate hangs from the same intermediate; it must not pass for the leaf.
    here = SHOPS[EC_V1]
    key = here.merchant.key
    assert key is not None
    forged = TokenAuthority(
        here.authority.root, here.authority.intermediate, Identity(here.merchant.certificate, key)
    )
    token = seal(CONTENT, here.merchant, forged, here.stream, NOW_US)
    assert here.refusal(token) == "token_chain"


def test_a_signature_of_indefinite_lengths_is_read() -> None:
    # Other signers stream: ContentInfo, its content and SignedData end with two zero bytes each.
    here = SHOPS[EC_V1]
    token = here.sealed()
    info = cms.ContentInfo.load(base64.b64decode(token["signature"]))
    signed = b"\x30\x80" + info["content"].contents + b"\x00\x00"
    content = b"\xa0\x80" + signed + b"\x00\x00"
    streamed = b"\x30\x80" + info["content_type"].dump() + content + b"\x00\x00"
    token["signature"] = base64.b64encode(streamed).decode()
    root = here.authority.root.certificate
    assert unseal(token, here.merchant, root, NOW_US).content == CONTENT


def test_openssl_agrees_about_the_signature(tmp_path: Path) -> None:
    here = SHOPS[EC_V1]
    token = here.sealed()
    header = token["header"]
    signed = (
        base64.b64decode(header["ephemeralPublicKey"])
        + base64.b64decode(token["data"])
        + bytes.fromhex(header["transactionId"])
    )
    (tmp_path / "content").write_bytes(signed)
    (tmp_path / "signature").write_bytes(base64.b64decode(token["signature"]))
    (tmp_path / "root.pem").write_bytes(here.authority.root.certificate_pem())
    verify = [
        "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature",
        "-content", "content", "-CAfile", "root.pem", "-purpose", "any",
        "-attime", str(NOW_US // 1_000_000), "-out", "opened",
    ]  # fmt: skip
    subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 - openssl
    (tmp_path / "content").write_bytes(signed[:-1] + bytes([signed[-1] ^ 1]))
    done = subprocess.run(verify, cwd=tmp_path, check=False, capture_output=True)  # noqa: S603 - openssl
    assert done.returncode != 0
