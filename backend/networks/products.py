"""What banks of the lab issue: card products by the first digits of their numbers. Data.

A product has a name, a kind, the designs that its holder can choose from (the first one comes
without asking) and terms of its own with a version: whoever changes the text raises the version,
and every card remembers which one its holder accepted. The longest matching range decides; what
no range names is the network's standard credit card. Knows no drawing and no person.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """What a holder accepts before a card comes into a wallet."""

    version: str
    text: str


@dataclass(frozen=True, slots=True)
class Design:
    """One face that a card can have.

    Attributes:
        id: names its drawing on both sides of the wire.
        name: as a holder reads it.
    """

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CardProduct:
    """One product.

    Attributes:
        name: on the card's face.
        card_type: "credit" or "debit".
        ranges: leading digits of its numbers.
        designs: at least one.
    """

    name: str
    card_type: str
    ranges: tuple[str, ...]
    designs: tuple[Design, ...]
    terms: Terms

    def design(self, design_id: str) -> str | None:
        """The design with that name, the first one for an empty name, or None."""
        if not design_id:
            return self.designs[0].id
        return next((each.id for each in self.designs if each.id == design_id), None)


PLAIN = Design("plain", "Slate")
STANDARD = CardProduct(
    "Standard",
    "credit",
    (),
    (PLAIN,),
    Terms(
        "standard-1",
        "A standard credit card for tests. Its number is sealed for its network before it leaves "
        "the device; this laboratory keeps the last four digits. No money moves.",
    ),
)
STANDARD_DEBIT = CardProduct(
    "Standard",
    "debit",
    ("400005", "520082", "555550"),
    (PLAIN,),
    Terms(
        "standard-debit-1",
        "A standard debit card for tests: it can spend what is there, and nothing is. Its number "
        "is sealed for its network; this laboratory keeps the last four digits.",
    ),
)
PRODUCTS = (
    STANDARD_DEBIT,
    CardProduct(
        "Everyday",
        "debit",
        ("424242",),
        (Design("everyday", "Ripples"), Design("everyday-tide", "Tide")),
        Terms(
            "everyday-2",
            "Everyday is a debit card: each payment is taken from your account at once. In this "
            "laboratory no account is behind it, and the last four digits are all it keeps.",
        ),
    ),
    CardProduct(
        "Travel",
        "credit",
        ("555555",),
        (Design("travel", "Sunset"), Design("travel-night", "Night train")),
        Terms(
            "travel-1",
            "Travel is a credit card without a fee abroad. In this laboratory abroad is a currency "
            "you choose at the till; the last four digits are all it keeps, and no money moves.",
        ),
    ),
    CardProduct(
        "Reserve",
        "credit",
        ("378282",),
        (Design("reserve", "Graphite"),),
        Terms(
            "reserve-1",
            "Reserve is a credit card that is paid in full each month. This laboratory sends no "
            "bill; the last four digits are all it keeps, and no money moves.",
        ),
    ),
)
DESIGNS = {
    each.id: (product, each) for product in (STANDARD, *PRODUCTS) for each in product.designs
}
"""Every design by its name, with a product that has it."""


def product_of(number: str) -> CardProduct:
    """The product that a card number belongs to."""
    found = (
        (len(prefix), product)
        for product in PRODUCTS
        for prefix in product.ranges
        if number.startswith(prefix)
    )
    return max(found, key=lambda each: each[0], default=(0, STANDARD))[1]
