"""Disputes at their networks over HTTP, on loopback.

    POST /{network}/disputes                         → 200 case | 404 | 409 {"code", "detail"}
    POST /{network}/disputes/{case_id}/evidence      → 200 verdict

Knows no rule of a dispute.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.networks.dispute_terms import CaseOrder, Submission
from backend.networks.disputes import DisputeDesk
from backend.networks.tsp_wire import body_of, json_answer
from backend.runtime.errors import BadRequest, NotFound

EVIDENCE_BYTES_MAX = 1 << 20


def dispute_routes(desks: Mapping[str, DisputeDesk]) -> list[Route]:
    """Raising cases and judging evidence, by network."""

    def of(request: Request) -> DisputeDesk:
        network = request.path_params["network"]
        if network not in desks:
            raise NotFound("network_unknown", f"there is no network {network}")
        return desks[network]

    async def raise_case(request: Request) -> Response:
        body = _object(await body_of(request))
        case = of(request).raise_case(
            CaseOrder(
                rrn=_text(body, "rrn"),
                stan=_text(body, "stan"),
                sent=_text(body, "sent"),
                amount_minor=_whole(body, "amount_minor"),
                currency=_text(body, "currency"),
                reason=_text(body, "reason"),
            )
        )
        return json_answer(
            {
                "case_id": case.case_id,
                "amount_minor": case.amount_minor,
                "currency": case.currency,
                "reason": case.reason,
            }
        )

    async def judge(request: Request) -> Response:
        body = _object(await body_of(request, EVIDENCE_BYTES_MAX))
        evidence = body.get("evidence")
        if not isinstance(evidence, dict) or not all(
            isinstance(text, str) for text in evidence.values()
        ):
            raise BadRequest("bad_fields", "evidence is an object of texts")
        submission = Submission(
            _text(body, "reason"), _whole(body, "submitted_at_us"), dict(evidence)
        )
        verdict = of(request).judge(request.path_params["case_id"], submission)
        return json_answer({"outcome": verdict.outcome.value, "again_at_us": verdict.again_at_us})

    return [
        Route("/{network}/disputes", raise_case, methods=["POST"]),
        Route("/{network}/disputes/{case_id}/evidence", judge, methods=["POST"]),
    ]


def _object(body: bytes) -> dict[str, object]:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("not_json", "the body is no JSON") from error
    if not isinstance(values, dict):
        raise BadRequest("not_json", "the body is no JSON object")
    return values


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise BadRequest("bad_fields", f"{name} is text")
    return value


def _whole(body: Mapping[str, object], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest("bad_fields", f"{name} is a whole number")
    return value
