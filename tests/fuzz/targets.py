"""Everything that takes bytes from outside, with how many cases it gets in which run."""

from __future__ import annotations

from tests.fuzz.machinery import Target

_CARD, _WIRE, _FILES = "tests.fuzz.card_cases", "tests.fuzz.wire_cases", "tests.fuzz.file_cases"
_HTTP = "tests.fuzz.http_cases"

TARGETS = (
    Target("tlv", _CARD, 12_000, 3_000_000, frozenset({"read", "refused"})),
    Target("decode", _CARD, 800, 200_000, frozenset({"read", "damaged", "with status"})),
    Target("values", _CARD, 3_000, 300_000, frozenset({"read", "refused"})),
    Target("apdu", _CARD, 4_000, 500_000, frozenset({"command", "response", "neither"})),
    Target("card", _CARD, 300, 50_000, frozenset({"9000", "6700", "6A82"}), remembers=True),
    Target(
        "tap",
        _CARD,
        400,
        200_000,
        frozenset({"online_request", "error", "use_another_card", "try_again", "recovered"}),
    ),
    Target("iso8583", _WIRE, 5_000, 450_000, frozenset({"read", "refused"})),
    Target(
        "host",
        _WIRE,
        150,
        50_000,
        frozenset({"approved", "declined", "refused"}),
        remembers=True,
    ),
    Target("frames", _WIRE, 1_000, 100_000, frozenset({"whole", "waiting", "refused"})),
    Target("chip", _WIRE, 4_000, 500_000, frozenset({"read", "refused"})),
    Target("plan", _FILES, 1_000, 100_000, frozenset({"read", "refused"})),
    Target("cardplan", _FILES, 1_000, 100_000, frozenset({"read", "refused"})),
    Target("scenario", _FILES, 60, 20_000, frozenset({"read", "refused"})),
    Target("trace", _FILES, 300, 50_000, frozenset({"read", "refused"})),
    Target("dialogues", _FILES, 300, 50_000, frozenset({"read", "refused"})),
    Target("vectors", _FILES, 250, 50_000, frozenset({"passed", "failed", "refused"})),
    Target("world", _FILES, 40, 5_000, frozenset({"read", "refused"})),
    Target("http", _HTTP, 60, 20_000, frozenset({"200", "400", "404"}), remembers=True),
)
