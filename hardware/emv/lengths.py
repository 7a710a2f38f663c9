"""How long a card's data objects may be, as strict terminals measure them.

Source: Book 3 annex A and Book 1 11.3 for the common ones, the kernel's book for the others (9F6C,
9F69 and 9F6E: C-3; 9F71: C-4). Objects whose length only a certificate or a list decides are not
here. Facts, retyped.
"""

from __future__ import annotations

_EXACT = {
    0x82: 2, 0x87: 1, 0x88: 1, 0x8F: 1, 0x5F24: 3, 0x5F25: 3, 0x5F28: 2, 0x5F30: 2, 0x5F34: 1,
    0x9F07: 2, 0x9F08: 2, 0x9F0D: 5, 0x9F0E: 5, 0x9F0F: 5, 0x9F19: 6, 0x9F24: 29, 0x9F26: 8,
    0x9F27: 1, 0x9F36: 2, 0x9F42: 2, 0x9F44: 1, 0x9F4A: 1, 0x9F6C: 2, 0x9F71: 3,
}  # fmt: skip
_BETWEEN = {
    0x42: (3, 3), 0x4F: (5, 16), 0x50: (1, 16), 0x57: (8, 19), 0x5A: (6, 10), 0x5F20: (2, 26),
    0x84: (5, 16), 0x8C: (1, 252), 0x8E: (10, 252), 0x90: (64, 248), 0x92: (1, 248),
    0x93: (64, 248), 0x94: (4, 252), 0x9F10: (1, 32), 0x9F2A: (1, 8), 0x9F32: (1, 3),
    0x9F38: (2, 252), 0x9F46: (64, 248), 0x9F47: (1, 3), 0x9F48: (1, 248), 0x9F49: (2, 252),
    0x9F4B: (64, 248), 0x9F51: (2, 252), 0x9F69: (5, 16), 0x9F6E: (4, 32), 0xBF0C: (0, 222),
}  # fmt: skip
LENGTHS = {tag: range(length, length + 1) for tag, length in _EXACT.items()} | {
    tag: range(low, high + 1) for tag, (low, high) in _BETWEEN.items()
}
"""Tag to the lengths, in bytes, that its value may have."""
