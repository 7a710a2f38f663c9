"""List pages: `limit`, `starting_after`, `ending_before`, `created[…]`, newest first.

Identifiers sort by time, so a page is a range of identifiers. Knows no table: the resource fetches
one row more than the page holds, which tells whether there are more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from backend.gateway.pages import LIMIT_DEFAULT, LIMIT_MAX, Page
from backend.http.stripe_wire.call import Call, Json
from backend.http.stripe_wire.errors import bad_parameter
from backend.http.stripe_wire.params import Params

T = TypeVar("T")
SECONDS_MAX = 9_999_999_999


def read_page(params: Params) -> Page:
    """The page that the parameters of a list ask for.

    Raises:
        WireError: a limit out of range, or both ends given.
    """
    limit = params.whole("limit", at_least=1, at_most=LIMIT_MAX)
    older, newer = params.text("starting_after"), params.text("ending_before")
    if older is not None and newer is not None:
        raise bad_parameter(
            "parameter_invalid", "Give starting_after or ending_before, not both.", "ending_before"
        )
    from_us, to_us = _span(params)
    return Page(limit or LIMIT_DEFAULT, older, newer, from_us, to_us)


def _span(params: Params) -> tuple[int | None, int | None]:
    """`created=…` or `created[gte]=…&created[lt]=…`, Unix seconds."""
    if not params.has("created"):
        return None, None
    if params.is_group("created"):
        group = params.needed("created", params.group("created"))
        at_least, above = _second(group, "gte"), _second(group, "gt")
        at_most, below = _second(group, "lte"), _second(group, "lt")
        starts = [s for s in (at_least, None if above is None else above + 1) if s is not None]
        ends = [s for s in (below, None if at_most is None else at_most + 1) if s is not None]
        return (
            max(starts) * 1_000_000 if starts else None,
            min(ends) * 1_000_000 if ends else None,
        )
    exactly = _second(params, "created")
    assert exactly is not None, "it is there and is no group"
    return exactly * 1_000_000, (exactly + 1) * 1_000_000


def _second(params: Params, name: str) -> int | None:
    return params.whole(name, at_most=SECONDS_MAX)


def list_json(call: Call, page: Page, rows: Sequence[T], show: Callable[[T], Json]) -> Json:
    """The list object.

    Args:
        call: for its path.
        page: what was asked.
        rows: at most `page.rows`, newest first; oldest first where `page.is_backwards`.
        show: a row as its object.
    """
    shown = list(rows[: page.limit])
    if page.is_backwards:
        shown.reverse()
    return {
        "object": "list",
        "url": call.path,
        "has_more": len(rows) > page.limit,
        "data": [show(row) for row in shown],
    }
