"""Which data elements the switch and the hosts speak, and how each is laid out in bytes.

ASCII with binary bitmaps and binary chip data (DE 55), ISO 8583:1987 numbering, in the form that
the `iso8583` library reads. Knows no message type.
"""

from __future__ import annotations

from typing import Any

ORIGINAL_DIGITS = 42


def _fixed(length: int) -> dict[str, Any]:
    return {"data_enc": "ascii", "len_enc": "ascii", "len_type": 0, "max_len": length}


def _variable(digits: int, length: int, encoding: str = "ascii") -> dict[str, Any]:
    return {"data_enc": encoding, "len_enc": "ascii", "len_type": digits, "max_len": length}


_BITMAP = {"data_enc": "b", "len_enc": "ascii", "len_type": 0, "max_len": 8}
DIALECT: dict[str, dict[str, Any]] = {
    "h": _fixed(0),
    "t": _fixed(4),
    "p": _BITMAP,
    "1": _BITMAP,
    "2": _variable(2, 19),
    "3": _fixed(6),
    "4": _fixed(12),
    "7": _fixed(10),
    "11": _fixed(6),
    "12": _fixed(6),
    "13": _fixed(4),
    "14": _fixed(4),
    "18": _fixed(4),
    "22": _fixed(3),
    "23": _fixed(3),
    "25": _fixed(2),
    "32": _variable(2, 11),
    "35": _variable(2, 37),
    "37": _fixed(12),
    "38": _fixed(6),
    "39": _fixed(2),
    "41": _fixed(8),
    "42": _fixed(15),
    "43": {**_fixed(40), "data_enc": "latin-1"},
    "48": _variable(3, 255),
    "49": _fixed(3),
    "55": _variable(3, 255, "b"),
    "70": _fixed(3),
    "90": _fixed(ORIGINAL_DIGITS),
    "127": _variable(3, 999),
}
