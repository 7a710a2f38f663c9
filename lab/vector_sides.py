"""Both sides of the cryptography against one vector document: the card's and the issuer's.

The two share no code on purpose, so each is compared with what was published and never with the
other. A vector passes where the card's side has it right and the issuer's, where an issuer has such
an algorithm at all, has it right too.
"""

from __future__ import annotations

from collections.abc import Mapping

from backend.api import check_vector
from hardware.api import vectors
from lab.json_fields import Json, objects


def check_both(document: Json) -> dict[str, object]:
    """The card side's report, each result with `sides` and with what the issuer's side says.

    Raises:
        VectorFormatError: no list of vectors, or an entry without id, algorithm and fields.
    """
    report = vectors.check(document)
    results = report["results"]
    assert isinstance(results, list), "the card side's report has a list"
    told = [
        _with_issuer(result, vector)
        for result, vector in zip(results, objects(document, "vectors"), strict=True)
    ]
    counted = [result["result"] for result in told]
    return report | {
        "passed": counted.count("passed"),
        "failed": counted.count("failed"),
        "issuer_checked": sum("issuer" in str(result["sides"]) for result in told),
        "results": told,
    }


def _with_issuer(result: Mapping[str, str], vector: Json) -> dict[str, object]:
    inputs, expected = vector["inputs"], vector["expected"]
    assert isinstance(inputs, dict), "the card's side has looked"
    assert isinstance(expected, dict), "the card's side has looked"
    wrong = check_vector(result["algorithm"], inputs, expected)
    if wrong is None:
        return {**result, "sides": ["card"]}
    both: dict[str, object] = {**result, "sides": ["card", "issuer"]}
    if not wrong:
        return both
    detail = "; ".join(filter(None, (result["detail"], f"issuer: {wrong}")))
    return both | {"result": "failed", "detail": detail}
