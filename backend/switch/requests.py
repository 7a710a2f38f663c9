"""The messages that the switch writes for the payments engine.

Turns values into data elements and back; sends nothing. Alphabets: what a field cannot carry is
replaced by `?`, what is too long is cut, because a merchant's name must never stop a payment.
"""

from __future__ import annotations

from backend.networks.currencies import number_of
from backend.networks.message import (
    ACQUIRER,
    ADVICE,
    AUTHORIZATION,
    ECHO,
    INQUIRY,
    MANAGEMENT,
    PURCHASE,
    REFUND,
    REVERSAL,
    Message,
    original_elements,
    private_text,
    transmission_time,
)
from backend.runtime.errors import MessageError
from backend.switch.answers import (
    AdvisedMoney,
    Answered,
    AuthorizationRequest,
    NetworkReference,
    StatusKnown,
)

CONTACTLESS_CHIP = "071"
CONTACTLESS_STRIPE = "911"
ECOMMERCE = "810"
NORMAL_CONDITION, PREAUTHORIZED_CONDITION, REMOTE_CONDITION = "00", "06", "59"


def authorization(request: AuthorizationRequest) -> Message:
    """0100.

    Raises:
        MessageError: the currency has no number, or the amount does not fit DE 4.
    """
    sent = transmission_time(request.reference.sent_at_us)
    return Message(
        AUTHORIZATION,
        {
            **_card_data(request),
            "3": PURCHASE,
            "4": _amount(request.amount_minor),
            "7": sent,
            "11": request.reference.stan,
            "12": sent[4:],
            "13": sent[:4],
            "14": request.expiry,
            "18": request.merchant_category,
            "25": _condition(request),
            "32": ACQUIRER,
            "37": request.reference.rrn,
            "41": _text(request.terminal_id, 8),
            "42": _text(request.merchant_id, 15),
            "43": _text(request.merchant_name, 40, "latin-1"),
            "49": _currency(request.currency),
        },
    )


def _card_data(request: AuthorizationRequest) -> dict[str, str]:
    """Entry mode and what it brings: chip data, or a track and the counter that it shortens.

    Chip data also say whether the tap was stored (DE 48 `sf`); a track has no signed day to be
    stored with. An app's payment brings its electronic commerce indicator with chip data, or with
    a cryptogram block (DE 48 `cb`). A card that is not there brings its number sealed (DE 127), and
    no DE 2.
    """
    indicator = private_text({"ec": request.eci})
    if request.sealed_card:
        return {"22": ECOMMERCE, "48": indicator, "127": request.sealed_card}
    token = {"2": request.token, "23": request.psn.zfill(3)}
    if request.track_2:
        track = request.track_2.replace("D", "=")
        heard = private_text({"at": str(request.atc)})
        return {**token, "22": CONTACTLESS_STRIPE, "35": track, "48": heard}
    if request.cryptogram_block:
        block = private_text({"ec": request.eci, "cb": request.cryptogram_block.hex().upper()})
        return {**token, "22": ECOMMERCE, "48": block}
    chip_data = request.emv_data.hex().upper()
    if request.is_remote:
        return {**token, "22": ECOMMERCE, "48": indicator, "55": chip_data}
    chip = {**token, "22": CONTACTLESS_CHIP, "55": chip_data}
    return chip | {"48": private_text({"sf": "Y"})} if request.stored else chip


def _condition(request: AuthorizationRequest) -> str:
    """DE 25: asked as ever, told of, or asked for a card that is not there."""
    if request.approved_offline:
        return PREAUTHORIZED_CONDITION
    return REMOTE_CONDITION if request.sealed_card else NORMAL_CONDITION


def reversal(
    reference: NetworkReference, amount_minor: int, currency: str, sent_at_us: int
) -> Message:
    """0400 of the whole original amount.

    Raises:
        MessageError: the currency has no number, or the amount does not fit DE 4.
    """
    return Message(
        REVERSAL,
        {
            "4": _amount(amount_minor),
            "7": transmission_time(sent_at_us),
            "11": reference.stan,
            "32": ACQUIRER,
            "37": reference.rrn,
            "49": _currency(currency),
            "90": _original(reference),
        },
    )


def advice(original: NetworkReference, advised: AdvisedMoney, own: NetworkReference) -> Message:
    """0220 about an authorization: its completion, or a refund of what was completed.

    Raises:
        MessageError: the currency has no number, or the amount does not fit DE 4.
    """
    return Message(
        ADVICE,
        {
            "3": REFUND if advised.is_refund else PURCHASE,
            "4": _amount(advised.amount_minor),
            "7": transmission_time(own.sent_at_us),
            "11": own.stan,
            "32": ACQUIRER,
            "37": original.rrn,
            "49": _currency(advised.currency),
            "90": _original(original),
        },
    )


def inquiry(reference: NetworkReference, sent_at_us: int) -> Message:
    """0600 about an authorization."""
    return Message(
        INQUIRY,
        {
            "7": transmission_time(sent_at_us),
            "11": reference.stan,
            "32": ACQUIRER,
            "37": reference.rrn,
            "90": _original(reference),
        },
    )


def echo(stan: int, sent_at_us: int) -> Message:
    """0800 with DE 70 = 301."""
    sent = transmission_time(sent_at_us)
    return Message(MANAGEMENT, {"7": sent, "11": f"{stan:06d}", "70": ECHO})


def answered(answer: Message, round_trip_us: int) -> Answered:
    """What a 0110 says.

    Raises:
        MessageError: its private field is not of the dialect.
    """
    private = answer.private()
    issuer_us = _whole(private.get("iu", "0"))
    verdict, code = private.get("cv"), private.get("cc")
    return Answered(
        response_code=answer.fields["39"],
        auth_code=answer.fields.get("38"),
        token_ref=private.get("tr"),
        cryptogram_valid=None if verdict is None else verdict == "Y",
        reason=private.get("rs", ""),
        steered=private.get("st"),
        hops_us={"network": max(0, round_trip_us - issuer_us), "issuer": issuer_us},
        code_matches=None if code is None else code == "M",
        disputes_later=private.get("dl"),
    )


def status_known(answer: Message) -> StatusKnown:
    """What a 0610 says.

    Raises:
        MessageError: its private field is not of the dialect, or says nothing.
    """
    private = answer.private()
    if "fd" not in private:
        raise MessageError("0610 does not say whether it found the original")
    return StatusKnown(
        found=private["fd"] == "Y",
        response_code=private.get("oc"),
        auth_code=private.get("oa"),
        reversed=private.get("rv") == "Y",
    )


def _original(reference: NetworkReference) -> str:
    sent = transmission_time(reference.sent_at_us)
    return original_elements((reference.rrn, reference.stan, sent))


def _amount(amount_minor: int) -> str:
    digits = f"{amount_minor:012d}"
    if len(digits) > 12 or amount_minor < 0:
        raise MessageError(f"DE 4 cannot hold {amount_minor}")
    return digits


def _currency(letters: str) -> str:
    number = number_of(letters)
    if number is None:
        raise MessageError(f"currency {letters!r} has no ISO 4217 number")
    return number


def _text(value: str, length: int, encoding: str = "ascii") -> str:
    carried = value.encode(encoding, "replace").decode(encoding)
    shown = "".join(char if char.isprintable() else "?" for char in carried)
    return shown[:length].ljust(length)


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise MessageError("DE 48: issuer time is no number")
    return int(value)
