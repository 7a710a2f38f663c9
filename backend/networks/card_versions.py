"""Which cryptogram version a token is personalised with: decided here, by the card's product.

A network tells the device with the token's keys, the device obeys, and `chip.arqc` checks whatever
9F10 says. The ordinary cards of a network all speak one version; a few published test numbers stand
for products that speak the others, so that each can be tapped. Data; knows no token and no key.
"""

from __future__ import annotations

ORDINARY = {"visa": "12", "mastercard": "10", "amex": "01"}
"""Visa CVN 18, Mastercard '10', AEIPS 01, as the byte in 9F10 in hex."""
VERSION_OF_PRODUCT = {
    ("visa", "Version 10"): "0A",
    ("visa", "Version 17"): "11",
    ("visa", "Version 22"): "22",
    ("mastercard", "Version 11"): "11",
    ("mastercard", "Version 14"): "14",
    ("mastercard", "Version 15"): "15",
}
TEST_NUMBER_OF_VERSION = {
    ("visa", "10"): "4000001240000000",
    ("visa", "17"): "4000000760000002",
    ("visa", "18"): "4242424242424242",
    ("visa", "22"): "4000004840008001",
    ("mastercard", "10"): "5555555555554444",
    ("mastercard", "11"): "2223003122003222",
    ("mastercard", "14"): "5200828282828210",
    ("mastercard", "15"): "5105105105105100",
    ("amex", "01"): "378282246310005",
}
"""Network and version, as people of the field write it, to a published test number."""


def version_of(network: str, product: str) -> str:
    """The version byte, in hex, of a product's tokens."""
    return VERSION_OF_PRODUCT.get((network, product), ORDINARY[network])
