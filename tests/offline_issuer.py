"""An issuer of the tests' own: certificates and records as Book 2, tables 1, 2 and 13 lay them out.

Shares no code with the network host nor with the card, and makes wrong ones too: every field can be
given. Keys are made once and kept here, since drawing primes takes longer than the tests.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from hardware.api import Authorities, AuthorityKey, build_tlv

RIDS = {"visa": "A000000003", "mastercard": "A000000004", "amex": "A000000025"}
PROFILES = {"visa": "3000", "mastercard": "1380", "amex": "11C0"}
NUMBERS = {
    "visa": "4242424242424242",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
}


@dataclass(frozen=True)
class Key:
    """Two primes with exponent 3."""

    p: int
    q: int

    @property
    def modulus(self) -> bytes:
        n = self.p * self.q
        return n.to_bytes((n.bit_length() + 7) // 8, "big")

    def sign(self, block: bytes) -> bytes:
        d = pow(3, -1, (self.p - 1) * (self.q - 1))
        return pow(int.from_bytes(block, "big"), d, self.p * self.q).to_bytes(len(block), "big")


AUTHORITY = Key(
    0xEAAB6FC98C8016A2CC2E1BA81670DF52EA66109AFE64C67FB2051266F7EDBE1D6F0CD2DB7AB5FC20DDECB193CC1B33BDB64142300BB75CE12C1380B9F40D24291F2066F3DDD3481BEA2C140C049AD430D322359371232DC7,
    0xDD0B0F25EAA74E8BB1C0AB20DE428569D703623DB61837D9BAA2D9EA20002EF2DAC19661B640BB706F49DE3320A860664B94DBA5273D703F2F3247E51DFC4AFA366E04246DFA8D11EA5AE7FE8DB3B43E57BA8383117F8C3B,
)
ISSUER = Key(
    0xF3E0B57357663490D2DD814E3AA73071122E7D4B5EB6ABDED4769B72FEBB847AD21E75329FF07F07CC61E7C5F1C309AD14ACFDF25E2C935047A045EAFB901359718E7ECE4E637DDF,
    0xCFDA330C2B500E926E063CFDBB898AFE2FA41F3AF4B3444FF29739E8BAA56C7C7CA69F3BD852B1E185B26AD0B52B408A47C0B4CD96914FECEFFDE738D9F0CE18DA932CD8C0B0B6D7,
)
CARD = Key(
    0xEC0F72B001B0AA81738914046CB6001C9617B4172AC69B2BCE09B671B0FADCF268F412DB05F872FF861CF41B5862E47B215D0AC11EA8D30011584F48F2AAD4C1,
    0xD1577BAE4E091CFE724BEC7F1D38CA9CECAFCB4529B06F773C93ED65D74EECA09AFB614B3CBB99CE87DF0CA60406F49B0C3E966E89A279B053C829B6892F663F,
)
STRANGER = Key(
    0xF0B93336D42880433402072B2F47F639B0622AA6DD46DC7BB49052E895960907D1C6C2E0C3B47033807F26DC361C026154F2F548424A4079F2D2CE0AE665C3C9,
    0xE6035557BE03CB768B443263721EE52B0D13CC8DEFD54013028C49188319525FFE0ABDC5D62C7B28843857D09DA647A72F9477539DB46ACB5512CE2235AD1A0D,
)


@dataclass(frozen=True)
class Certificate:
    """One certificate, right unless told otherwise."""

    header: int = 0x6A
    format: int = 0
    owner: str = ""
    expiry: str = "1249"
    serial: str = "000001"
    hash_algorithm: int = 1
    key_algorithm: int = 1
    exponent_length: int = 1
    digest: bytes | None = None
    trailer: int = 0xBC
    signer: Key | None = None

    def make(self, signer: Key, subject: Key, covered: bytes = b"") -> tuple[bytes, bytes]:
        """The certificate, and what of the key did not fit into it."""
        signer = self.signer or signer
        head = bytes([self.format]) + bytes.fromhex(self.owner + self.expiry + self.serial)
        head += bytes([self.hash_algorithm, self.key_algorithm])
        head += bytes([len(subject.modulus), self.exponent_length])
        room = len(signer.modulus) - 22 - len(head)
        body = head + subject.modulus[:room].ljust(room, b"\xbb")
        left = subject.modulus[room:]
        digest = (
            self.digest
            or hashlib.sha1(body + left + b"\x03" + covered, usedforsecurity=False).digest()
        )
        block = bytes([self.header]) + body + digest + bytes([self.trailer])
        return signer.sign(block), left


@dataclass(frozen=True)
class Made:
    """What an issuer gives one token. Everything that a test may want to be wrong has a field."""

    network: str
    issuer: Certificate = field(default_factory=Certificate)
    card: Certificate = field(default_factory=Certificate)
    index: str = "F1"
    tag_list: str | None = "82"
    signs_also: bytes = b""
    signing_key: Key = CARD
    drop: tuple[int, ...] = ()
    profile: str = ""

    @property
    def shown_profile(self) -> str:
        """Application interchange profile (82)."""
        return self.profile or PROFILES[self.network]

    def records(self) -> list[bytes]:
        """The signed data, the issuer's certificate and the card's."""
        number = NUMBERS[self.network]
        signed = build_tlv(0x5A, bytes.fromhex(number + "F" * (len(number) % 2)))
        signed += build_tlv(0x5F24, bytes.fromhex("291228")) + build_tlv(0x9F07, b"\xff\x00")
        issuer = self._with(self.issuer, 0x02, number[:6] + "FF")
        of_issuer, issuer_left = issuer.make(AUTHORITY, ISSUER)
        card = self._with(self.card, 0x04, number.ljust(20, "F"))
        covered = signed + bytes.fromhex(self.shown_profile) + self.signs_also
        of_card, card_left = card.make(ISSUER, CARD, covered)
        second = {
            0x8F: bytes.fromhex(self.index),
            0x90: of_issuer,
            0x92: issuer_left,
            0x9F32: b"\x03",
        }
        third = {0x9F46: of_card, 0x9F47: b"\x03", 0x9F48: card_left}
        if self.tag_list is not None:
            third[0x9F4A] = bytes.fromhex(self.tag_list)
        listed = [
            b"".join(build_tlv(tag, value) for tag, value in each.items() if tag not in self.drop)
            for each in (second, third)
        ]
        return [build_tlv(0x70, each) for each in (signed, *listed)]

    def document(self) -> dict[str, object]:
        """The part of a token's credentials."""
        return {
            "profile": self.shown_profile,
            "records": [record.hex() for record in self.records()],
            "signedRecords": 1,
            "key": {"p": f"{self.signing_key.p:X}", "q": f"{self.signing_key.q:X}"},
        }

    @staticmethod
    def _with(certificate: Certificate, kind: int, owner: str) -> Certificate:
        values = {name: getattr(certificate, name) for name in certificate.__dataclass_fields__}
        values["format"] = certificate.format or kind
        values["owner"] = certificate.owner or owner
        return Certificate(**values)


def authority_key(network: str, **changes: object) -> AuthorityKey:
    """The till's copy of the authority's key."""
    values: dict[str, object] = {
        "rid": bytes.fromhex(RIDS[network]),
        "index": b"\xf1",
        "modulus": AUTHORITY.modulus,
        "exponent": b"\x03",
        "expires": "1249",
    }
    return AuthorityKey(**(values | changes))  # type: ignore[arg-type]


def all_authorities() -> Authorities:
    """What a till believes that believes this issuer's authority."""
    return Authorities(tuple(authority_key(network) for network in RIDS))
