"""The add-card form: what was typed so far, what is wrong with it, and sealing it.

Pure rules on an immutable draft. The number leaves this form only sealed for its network (JWE,
RFC 7516: ECDH-ES with A256GCM), so neither the wallet's server nor the log can
read it; the flow throws the draft away once it is sealed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import orjson
from joserfc import jwe
from joserfc.jwk import ECKey

from lab.json_fields import Json
from lab.wallet.card_number import (
    NUMBER_DIGITS_MAX,
    cvv_length,
    digits_of,
    grouped,
    is_complete,
    network_of,
    passes_luhn,
)
from lab.wallet.state import AddCardForm
from lab.words import Message, message

_MONTHS = 12
_EXPIRY_DIGITS = 4


@dataclass(frozen=True, slots=True)
class CardDraft:
    """What a person typed: digits only. Never leaves the wallet's flow."""

    number: str = field(default="", repr=False)
    expiry: str = ""  # MMYY as typed
    cvv: str = field(default="", repr=False)
    terms: bool = False
    design: str = ""  # the chosen face; "" for the product's first one

    @property
    def network(self) -> str:
        """Recognised from the number, or ""."""
        return network_of(self.number)

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]

    @property
    def expiry_yymm(self) -> str:
        """The expiry as EMV writes it (5F24 without the day)."""
        return self.expiry[2:] + self.expiry[:2]

    @property
    def expiry_text(self) -> str:
        """The expiry as a card shows it: "12/29"."""
        return f"{self.expiry[:2]}/{self.expiry[2:]}" if len(self.expiry) > 2 else self.expiry


def edit(draft: CardDraft, name: str, typed: str) -> CardDraft:
    """The draft with one field replaced by what now stands in it.

    Raises:
        KeyError: the form has no such field.
    """
    match name:
        case "number":
            digits = digits_of(typed, NUMBER_DIGITS_MAX)
            if digits == draft.number:
                return draft
            # another card: other terms, other faces
            return replace(draft, number=digits, terms=False, design="")
        case "expiry":
            return replace(draft, expiry=digits_of(typed, _EXPIRY_DIGITS))
        case "cvv":
            return replace(draft, cvv=digits_of(typed, cvv_length(draft.network)))
        case "terms":
            return replace(draft, terms=typed == "1")
        case "design":
            return replace(draft, design=typed)
        case _:
            raise KeyError(name)


def is_whole(draft: CardDraft) -> bool:
    """Whether the number is all there and adds up: its network can be asked about it."""
    return bool(draft.network) and is_complete(draft.number) and passes_luhn(draft.number)


def problems(draft: CardDraft, today_yymm: str, *, final: bool) -> dict[str, Message]:
    """What is wrong, by field; while typing only what more typing cannot cure.

    Args:
        draft: the form.
        today_yymm: the lab's month, "2609".
        final: whether the person thinks it is finished.
    """
    found = {
        "number": _number_problem(draft, final=final),
        "expiry": _expiry_problem(draft, today_yymm, final=final),
        "cvv": _cvv_problem(draft, final=final),
        "terms": None if draft.terms or not final else message("wallet.add.terms", "bad"),
    }
    return {name: problem for name, problem in found.items() if problem is not None}


def form_of(draft: CardDraft, shown: dict[str, Message], *, complete: bool) -> AddCardForm:
    """What the view draws."""
    return AddCardForm(
        number_text=grouped(draft.number),
        expiry_text=draft.expiry_text,
        cvv_text=draft.cvv,
        network=draft.network,
        errors=tuple(shown.items()),
        terms_accepted=draft.terms,
        can_submit=complete,
    )


def seal(draft: CardDraft, network_key: Json, device_key: Json) -> str:
    """The number and the device's public key, readable by the network alone (JWE compact).

    Args:
        draft: a form without problems.
        network_key: the network's public JWK.
        device_key: the secure element's public JWK, for which the network seals its answer.

    Raises:
        ValueError: the network's key is of a kind this wallet does not know.
    """
    return _sealed({"pan": draft.number, "deviceKey": dict(device_key)}, network_key)


def seal_for_device(network_key: Json, device_key: Json) -> str:
    """Another device's public key alone, where a known card says which one is meant.

    Raises:
        ValueError: the network's key is of a kind this wallet does not know.
    """
    return _sealed({"deviceKey": dict(device_key)}, network_key)


def _sealed(what: Json, network_key: Json) -> str:
    jwk = {name: value for name, value in network_key.items() if isinstance(value, str)}
    plain = orjson.dumps(what)
    if jwk.get("kty") != "EC":
        raise ValueError(f"a network key of kind {jwk.get('kty')!r} cannot seal a card")
    header = {"alg": "ECDH-ES", "enc": "A256GCM"}
    if "kid" in jwk:
        header["kid"] = jwk["kid"]
    return jwe.encrypt_compact(header, plain, ECKey.import_key(dict(jwk)))


def _number_problem(draft: CardDraft, *, final: bool) -> Message | None:
    if not draft.number:
        return message("wallet.add.number_missing", "bad") if final else None
    if not draft.network:
        unknown = final or len(draft.number) >= 4
        return message("wallet.add.network_unknown", "bad") if unknown else None
    if is_complete(draft.number):
        if passes_luhn(draft.number):
            return None
        return message("wallet.add.number_mistyped", "bad")
    return message("wallet.add.number_short", "bad") if final else None


def _expiry_problem(draft: CardDraft, today_yymm: str, *, final: bool) -> Message | None:
    if len(draft.expiry) < _EXPIRY_DIGITS:
        return message("wallet.add.expiry_missing", "bad") if final else None
    if not 1 <= int(draft.expiry[:2]) <= _MONTHS:
        return message("wallet.add.expiry_month", "bad")
    if draft.expiry_yymm < today_yymm:
        return message("wallet.add.expiry_past", "bad")
    return None


def _cvv_problem(draft: CardDraft, *, final: bool) -> Message | None:
    wanted = cvv_length(draft.network)
    if final and len(draft.cvv) != wanted:
        return message("wallet.add.cvv_length", "bad", digits=wanted)
    return None
