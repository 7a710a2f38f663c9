"""A typed card as parameters: straight from the parser to the vault, and nowhere else.

What is wrong with a card is a card error (402) with the parameter, as the ordinary clients expect.
"""

from __future__ import annotations

from backend.http.stripe_wire.errors import CARD, WireError
from backend.http.stripe_wire.params import Params
from backend.runtime.errors import BadRequest
from backend.vault.card_entry import CardEntry

NUMBER_LENGTH_MAX = 40
_CARD_CODES = frozenset(
    {
        "incorrect_number", "invalid_number", "invalid_expiry_month", "invalid_expiry_year",
        "invalid_cvc", "expired_card",
    }
)  # fmt: skip


def read_card_or_token(params: Params) -> CardEntry | str | None:
    """A typed card, or the identifier of a token (`card[token]`); None where neither is given.

    Raises:
        WireError: a field is missing, or the card cannot be.
    """
    if not params.is_group("card"):
        return None
    group = params.needed("card", params.group("card"))
    return group.text("token") if group.has("token") else _entry(group, "card")


def read_card(params: Params, name: str = "card") -> CardEntry | None:
    """A typed card; None where none is given.

    Raises:
        WireError: a field is missing, or the card cannot be.
    """
    group = params.group(name)
    return None if group is None else _entry(group, name)


def _entry(group: Params, name: str) -> CardEntry:
    number = group.needed("number", group.text("number", length_max=NUMBER_LENGTH_MAX))
    month = group.needed("exp_month", group.whole("exp_month", at_most=9_999))
    year = group.needed("exp_year", group.whole("exp_year", at_most=9_999))
    cvc = group.text("cvc", length_max=NUMBER_LENGTH_MAX)
    try:
        return CardEntry(number, month, year, cvc)
    except BadRequest as error:
        raise card_error_of(error, name) from None


def card_error_of(error: BadRequest, name: str = "card") -> BadRequest | WireError:
    """A refusal of the vault as a card error; any other refusal as it is."""
    if error.code not in _CARD_CODES:
        return error
    return WireError(
        f"Your card cannot be used: {error.detail}.",
        status=402, kind=CARD, code=error.code,
        param=f"{name}[{error.field}]" if error.field else None,
    )  # fmt: skip
