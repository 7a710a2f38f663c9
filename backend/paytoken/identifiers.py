"""The object identifiers of the payment token format.

They mark a certificate's part: the signing leaf, the intermediate that may issue such leaves, and
the merchant identifier inside a merchant's certificate. Public facts of the format; a laboratory's
certificates carry them so that other programs open what is made here.
"""

from __future__ import annotations

from typing import Final

from cryptography.x509 import ObjectIdentifier

LEAF_MARKER: Final = ObjectIdentifier("1.2.840.113635.100.6.29")
INTERMEDIATE_MARKER: Final = ObjectIdentifier("1.2.840.113635.100.6.2.14")
MERCHANT_IDENTIFIER: Final = ObjectIdentifier("1.2.840.113635.100.6.32")
MARKER_VALUE: Final = b"\x05\x00"
"""DER NULL."""
