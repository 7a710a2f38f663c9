"""What a payment token says, on both of its sides: put in for the merchant, read by the merchant.

Two kinds. `EMV` carries the chip data that the device signed; `3DSecure`, for a shop that takes no
chip data, carries a block with the cryptogram and its electronic commerce indicator, and the device
signs neither day nor country for it. Knows no database, no key and no envelope.
"""

from __future__ import annotations

from backend.domain import chip_data
from backend.domain.money import numeric_code
from backend.domain.pan import mask, network_of
from backend.gateway.in_app_orders import MerchantOrder
from backend.gateway.in_app_records import TakenToken
from backend.networks.chip import remote_block
from backend.networks.chip.arqc import ChipData, read_covered_data
from backend.networks.chip.tlv import read_chip_data
from backend.networks.numbers import TOKEN_REQUESTOR
from backend.payments.order import NfcOrder
from backend.payments.records import Channel, Merchant
from backend.paytoken.content import KIND_CRYPTOGRAM, KIND_EMV, ClearToken
from backend.paytoken.errors import TokenRefused
from backend.paytoken.token import Opened
from backend.runtime.errors import BadRequest, MessageError
from backend.switch.answers import NO_AUTHENTICATION

LAST_DAY = "28"  # the token's format wants a day, the card has none
TAG_RANDOM = 0x9F37
ECI_DIGITS = 2


class NotVerified(BadRequest):
    """The device did not vouch for its owner in what it signed."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "device_verification_required",
            "the cryptogram does not say that the device verified its owner for this payment",
            field="deviceVerification",
        )


def content_for(order: NfcOrder, data_type: str) -> ClearToken:
    """What is sealed for the merchant.

    That the device vouches for its owner is demanded here; whether its signature is good is the
    network's to say.

    Args:
        order: as the device signed it; its network is known.
        data_type: "EMV" or "3DSecure": what the shop takes.

    Raises:
        NotVerified: the device does not say that it verified its owner for this very payment.
        BadRequest: `emv_data_malformed`; `emv_data_disagrees` when a day or a country was signed
            that a `3DSecure` token has no place for.
    """
    network = network_of(order.token)
    assert network is not None, "its network was compared with the session's"
    chip = _covered(order.emv_data)
    if not chip.is_holder_verified:
        raise NotVerified
    is_emv = data_type == KIND_EMV
    return ClearToken(
        number=order.token,
        expiry=order.expiry + LAST_DAY,
        currency_numeric=numeric_code(order.currency),
        amount_minor=order.amount_minor,
        manufacturer="0" + TOKEN_REQUESTOR[network],
        cryptogram=order.emv_data if is_emv else _block(chip),
        eci=None if is_emv else NO_AUTHENTICATION,
        kind=data_type,
    )


def order_of_token(content: ClearToken, asked: MerchantOrder, merchant: Merchant) -> NfcOrder:
    """What an opened token says is to be authorized; nothing of it comes from its sender.

    Raises:
        TokenRefused: `token_content`: a cryptogram that is no block.
        BadRequest: chip data without counter or cryptogram, or all of `NfcOrder`.
    """
    is_emv = content.kind == KIND_EMV
    if is_emv:
        chip = chip_data.read_chip_data(content.cryptogram)
        cryptogram = chip.get(chip_data.TAG_CRYPTOGRAM, b"")
        atc = int.from_bytes(chip.get(chip_data.TAG_ATC, b""))
        psn = chip.get(chip_data.TAG_PSN, b"\0").hex()
    else:
        block = _read(content.cryptogram)
        cryptogram, atc, psn = block.cryptogram, block.atc, "00"
    return NfcOrder(
        token=content.number,
        cryptogram=cryptogram,
        atc=atc,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        merchant_id=merchant.id,
        terminal_id=merchant.terminal_id,
        emv_data=content.cryptogram if is_emv else b"",
        expiry=content.expiry[:4],
        psn=psn,
        tap_id=asked.session_id,
        channel=Channel.IN_APP,
        cryptogram_block=b"" if is_emv else content.cryptogram,
        eci=(content.eci or NO_AUTHENTICATION).zfill(ECI_DIGITS),
    )


def random_of_token(content: ClearToken) -> bytes:
    """The number that the device signed, out of an opened token.

    Raises:
        TokenRefused: `token_content`.
        BadRequest: `emv_data_malformed`.
    """
    if content.kind == KIND_CRYPTOGRAM:
        return _read(content.cryptogram).unpredictable_number
    return random_of_chip(content.cryptogram)


def random_of_chip(emv_data: bytes) -> bytes:
    """The unpredictable number in chip data (9F37); empty where there is none.

    Raises:
        BadRequest: `emv_data_malformed`.
    """
    return chip_data.read_chip_data(emv_data).get(TAG_RANDOM, b"")


def seen_by_merchant(opened: Opened, order: NfcOrder, taken: TakenToken) -> dict[str, object]:
    """Everything that the merchant learnt from a token, fit for an event.

    No card number is in a token; of the device account number the last digits are shown, and of
    the cryptogram, which is good once and for this payment only, all of it.
    """
    content = opened.content
    return {
        "merchant_id": taken.merchant_id,
        "object": "payment_token",
        "object_id": taken.transaction_id,
        "version": taken.version,
        "data_type": content.kind,
        "device_account_number": mask(content.number),
        "expires": f"{content.expiry[2:4]}/{content.expiry[:2]}",
        "amount_minor": content.amount_minor,
        "currency": order.currency,
        "cryptogram": order.cryptogram.hex().upper(),
        "eci": order.eci,
        "atc": order.atc,
        "holder_name": content.name,
        "signed_at": opened.signed_at.isoformat(),
        "card_number": None,
    }


def _covered(emv_data: bytes) -> ChipData:
    try:
        return read_covered_data(read_chip_data(emv_data))
    except MessageError as wrong:
        raise BadRequest("emv_data_malformed", str(wrong), field="emvData") from wrong


def _block(chip: ChipData) -> bytes:
    try:
        return remote_block.pack(chip)
    except MessageError as wrong:
        raise BadRequest("emv_data_disagrees", str(wrong), field="emvData") from wrong


def _read(block: bytes) -> remote_block.RemoteBlock:
    try:
        return remote_block.read(block)
    except MessageError as wrong:
        raise TokenRefused("token_content", str(wrong), field="onlinePaymentCryptogram") from wrong
