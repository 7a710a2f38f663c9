"""The terms that a person accepts before a card comes into the wallet, and their version.

A card remembers the version and the moment. When the text changes, so does the version.
"""

from __future__ import annotations

TERMS_VERSION = "1"
TERMS_TEXT = (
    "Test numbers only. The card number is sealed for its network before it leaves the device; "
    "this laboratory keeps its last four digits. No money moves."
)
