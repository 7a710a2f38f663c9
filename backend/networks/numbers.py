"""Card numbers as the networks see them: whose they are, whether they add up, what they stand for.

Knows nothing of storage or messages. Sources: ISO/IEC 7812-1 (Luhn check digit, prefixes); the test
numbers are published ones of payment sandboxes. The token ranges are the lab's own choice, taken
from the end of each network's space, and a card number inside them is refused: the two never meet.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.networks.products import product_of
from backend.runtime.entropy import Stream

NETWORKS = ("visa", "mastercard", "amex")
PAN_LENGTHS = {"visa": (13, 16, 19), "mastercard": (16,), "amex": (15,)}
SEQUENCE_NUMBER = "01"  # of every token: DE 23, tag 5F34
CODE_DIGITS = {"visa": 3, "mastercard": 3, "amex": 4}
TOKEN_PREFIX = {"visa": "499999", "mastercard": "272099", "amex": "379999"}
TOKEN_DIGITS = {"visa": 16, "mastercard": 16, "amex": 15}
TOKEN_REQUESTOR = {"visa": "40010030273", "mastercard": "50110030273", "amex": "37010030273"}
PAR_ISSUER = {"visa": "V001", "mastercard": "5001", "amex": "A001"}
PAR_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PAR_FREE_CHARACTERS = 25
MASTERCARD_FIVE_SERIES = range(51, 56)
MASTERCARD_TWO_SERIES = range(2221, 2721)
LUHN_DOUBLED_MAX = 9


@dataclass(frozen=True, slots=True)
class TestCard:
    """What a test number stands for.

    Attributes:
        product: the issuer's name for the card.
        card_type: "credit" or "debit".
        response_code: DE 39 of every authorization, or None for an ordinary card.
        reason: the stable word behind that code.
        refusal: code under which the network refuses a token, or None.
        unlimited: whether the issuer never runs out of money for it (load tests).
    """

    product: str
    card_type: str
    response_code: str | None = None
    reason: str | None = None
    refusal: str | None = None
    unlimited: bool = False


POCKET_PRODUCT = "Pocket"  # its tokens may approve small payments without the issuer
# Its tokens sign nothing: the issuer has signed their data once (kernel 4 checks it).
STATIC_CARD = TestCard("Static", "credit")
TEST_CARDS = {
    "4917610000000000": TestCard(POCKET_PRODUCT, "debit"),
    "5454545454545454": TestCard(POCKET_PRODUCT, "debit"),
    "378734493671000": TestCard(POCKET_PRODUCT, "credit"),
    "371449635398431": STATIC_CARD,
    "4000000000000002": TestCard("Declined", "credit", "05", "do_not_honor"),
    "4000000000009995": TestCard("Overdrawn", "debit", "51", "insufficient_funds"),
    "4000000000000341": TestCard("Closed", "credit", "14", "invalid_card_number"),
    "4000000000009979": TestCard("Stolen", "credit", "43", "stolen_card"),
    "4000000000000069": TestCard("Expired", "credit", "54", "expired_card", "expired_card"),
    "4000000000000119": TestCard("Faulty", "credit", "96", "processing_error"),
    # products whose tokens speak another cryptogram version (`card_versions`)
    "4000001240000000": TestCard("Version 10", "credit"),
    "4000000760000002": TestCard("Version 17", "credit"),
    "4000004840008001": TestCard("Version 22", "credit"),
    "2223003122003222": TestCard("Version 11", "credit"),
    "5200828282828210": TestCard("Version 14", "debit"),
    "5105105105105100": TestCard("Version 15", "credit"),
}
LOAD_PREFIXES = ("400099", "55555599", "37828299")
LOAD_CARD = TestCard("Load", "credit", unlimited=True)


def network_of(number: str) -> str | None:
    """The network whose prefix this number carries, or None."""
    if number.startswith("4"):
        return "visa"
    if number[:2] in ("34", "37"):
        return "amex"
    if number[:2].isdecimal() and int(number[:2]) in MASTERCARD_FIVE_SERIES:
        return "mastercard"
    if number[:4].isdecimal() and int(number[:4]) in MASTERCARD_TWO_SERIES:
        return "mastercard"
    return None


def is_luhn_valid(number: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1 Annex B)."""
    return number.isascii() and number.isdecimal() and _luhn_sum(number) % 10 == 0


def check_digit(digits: str) -> str:
    """The digit that makes `digits` plus itself pass the Luhn check."""
    return str(-_luhn_sum(f"{digits}0") % 10)


def is_token(number: str) -> bool:
    """Whether the number lies in a range from which tokens are issued."""
    return number.startswith(tuple(TOKEN_PREFIX.values()))


def draw_token(network: str, stream: Stream) -> str:
    """A device account number of the network's token range."""
    free = TOKEN_DIGITS[network] - len(TOKEN_PREFIX[network]) - 1
    body = TOKEN_PREFIX[network] + "".join(str(stream.randint(0, 9)) for _ in range(free))
    return body + check_digit(body)


def draw_account_reference(network: str, stream: Stream) -> str:
    """A payment account reference: 29 characters, one for each card number (EMVCo PAR)."""
    free = "".join(stream.choice(PAR_ALPHABET) for _ in range(PAR_FREE_CHARACTERS))
    return PAR_ISSUER[network] + free


def test_card(number: str) -> TestCard:
    """What the number stands for; an unknown one is an ordinary card of its range's product."""
    if number.startswith(LOAD_PREFIXES):
        return LOAD_CARD
    if (known := TEST_CARDS.get(number)) is not None:
        return known
    product = product_of(number)
    return TestCard(product.name, product.card_type)


def _luhn_sum(number: str) -> int:
    total = 0
    for index, char in enumerate(reversed(number)):
        digit = int(char) * (1 + index % 2)
        total += digit - LUHN_DOUBLED_MAX if digit > LUHN_DOUBLED_MAX else digit
    return total
