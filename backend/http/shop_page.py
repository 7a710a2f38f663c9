"""`GET /shop/`: two small shops as one page, to be opened in any browser on this machine.

The page is a client like any other: it opens sessions and looks at them, and holds no secret. Its
policy lets it load its own two files and talk to this engine only. Knows no goods and no payment.
"""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = {
    "": ("index.html", "text/html"),
    "shop.css": ("shop.css", "text/css"),
    "shop.js": ("shop.js", "text/javascript"),
}


def page_headers() -> dict[str, str]:
    """What a page of ours may do in a browser: load its own files, talk to this engine."""
    return {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
    }


def shop_routes() -> APIRouter:
    """The page and its two files."""
    router = APIRouter(default_response_class=Response)
    for path, (name, kind) in _FILES.items():
        answer = _Served(name, kind)
        router.add_api_route(f"/shop/{path}", answer.serve, methods=["GET"], tags=["shop"])
    router.add_api_route("/shop", _into_the_folder, methods=["GET"], include_in_schema=False)
    return router


class _Served:
    """One file of the page, read once."""

    def __init__(self, name: str, kind: str) -> None:
        self._content = files("backend.http").joinpath("shop", name).read_bytes()
        self._kind = f"{kind}; charset=utf-8"

    async def serve(self) -> Response:
        """A file of the shops' page."""
        return Response(self._content, media_type=self._kind, headers=page_headers())


async def _into_the_folder() -> Response:
    return RedirectResponse("/shop/", status_code=308)
