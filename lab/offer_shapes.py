"""What a card is before it is added, as `POST /api/card-offers` tells it. Knows no flow."""

from __future__ import annotations

from dataclasses import dataclass

from lab.engine_shapes import TermsRecord
from lab.json_fields import Json, objects, section, text


@dataclass(frozen=True, slots=True)
class DesignRecord:
    """A face that the person can choose."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """Product, terms of its own, and designs; the first design comes without asking.

    Attributes:
        card_type: "credit" or "debit".
    """

    product: str
    card_type: str
    terms: TermsRecord
    designs: tuple[DesignRecord, ...]

    @staticmethod
    def from_json(body: Json) -> OfferRecord:
        """Read the answer; raises ValueError when it is none."""
        designs = tuple(
            DesignRecord(text(each, "id"), text(each, "name")) for each in objects(body, "designs")
        )
        if not designs:
            raise ValueError("an offer names no design")
        return OfferRecord(
            product=text(body, "product"),
            card_type=text(body, "cardType"),
            terms=TermsRecord.from_json(section(body, "terms")),
            designs=designs,
        )
