"""How much a card may say in one tap before the till stops listening.

The books set no such limits; a till has them because its memory ends somewhere, and a hostile card
would find out where. One value for each combination. Knows no card and no kernel.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResponseLimits:
    """Limits of what SELECT, GPO, the records and GENERATE AC bring.

    Attributes:
        records: records of one tap.
        response_bytes: bytes of one answer, its status word left out.
        objects: data objects of one tap, templates left out.
        depth: templates inside templates.
    """

    records: int = 32
    response_bytes: int = 4096
    objects: int = 512
    depth: int = 8

    def __post_init__(self) -> None:
        assert min(self.records, self.response_bytes, self.objects, self.depth) > 0


DEFAULT_LIMITS = ResponseLimits()
