"""The chip data of a 0100: DE 55, or what the cryptogram block in its place stands for.

Knows no key and decides nothing; see `chip.remote_block` for the block.
"""

from __future__ import annotations

from backend.networks.card_versions import version_of
from backend.networks.chip import remote_block
from backend.networks.chip.arqc import ChipData, read_covered_data
from backend.networks.chip.tlv import read_chip_data
from backend.networks.keys import REMOTE_INDEX
from backend.networks.message import Message
from backend.networks.ports import HostStore, TokenRow
from backend.runtime.errors import MessageError


def chip_data_of(request: Message, token: TokenRow, store: HostStore) -> ChipData:
    """What the cryptogram of this message covers.

    Args:
        request: the 0100.
        token: whose; the card's product chose its cryptogram version.
        store: where the product stands.

    Raises:
        MessageError: chip data or block are missing or malformed.
    """
    if "55" in request.fields:
        return read_covered_data(read_chip_data(bytes.fromhex(request.fields["55"])))
    try:
        block = bytes.fromhex(request.private()["cb"])
    except (KeyError, ValueError) as wrong:
        raise MessageError("DE 48 has no cryptogram block") from wrong
    account = store.read(lambda rows: rows.account(token.account_id))
    return remote_block.covered_data(
        remote_block.read(block),
        network=token.network,
        version=version_of(token.network, "" if account is None else account.product),
        key_index=REMOTE_INDEX,
        amount_minor=int(request.fields["4"]),
        currency_number=request.fields["49"],
    )
